//! Prints what a keyspace costs in time and memory, with the allocator that the server uses. A
//! tool for the hand, not a test: it asserts nothing.
//!
//! `cargo run --profile quick -p vk-data --example keyspace_cost -- 1000000`

use std::hint::black_box;
use std::time::Instant;

use vk_data::keyspace::Keyspace;
use vk_data::table::{HashSeed, KeyHash};
use vk_data::value::NewValue;
use vk_mem::{Access, PaddedAlloc};

#[global_allocator]
static ALLOC: PaddedAlloc<tikv_jemallocator::Jemalloc> =
    PaddedAlloc::new(tikv_jemallocator::Jemalloc);

const GROUP: usize = 16;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Expiring,
    Int,
}

fn main() {
    let keys = std::env::args()
        .nth(1)
        .and_then(|arg| arg.parse().ok())
        .unwrap_or(1_000_000);
    let kind = match std::env::args().nth(2).as_deref() {
        Some("ttl") => Kind::Expiring,
        Some("int") => Kind::Int,
        _ => Kind::Plain,
    };
    let before_kib = resident_kib();
    let mut keyspace = Keyspace::new(HashSeed { k0: 11, k1: 13 });
    let mut slowest_ns = 0;
    time("fill", keys, |at| {
        let start = Instant::now();
        put(&mut keyspace, &key(at), at, kind);
        slowest_ns = slowest_ns.max(start.elapsed().as_nanos());
    });
    report(&keyspace, keys, before_kib, slowest_ns);
    let order = |at: u64| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % keys;
    time("hash of a key", keys, |at| {
        black_box(keyspace.hash(&key(at)));
    });
    time("get, hit", keys, |at| {
        let key = key(order(at));
        black_box(
            keyspace
                .find(keyspace.hash(&key), &key)
                .and_then(|entry| entry.str()),
        );
    });
    time("get, miss", keys, |at| {
        let key = key(order(at) + keys);
        black_box(keyspace.find(keyspace.hash(&key), &key).is_some());
    });
    time("set, same size", keys, |at| {
        let at = order(at);
        put(&mut keyspace, &key(at), at ^ 1, kind);
    });
    time_groups(&keyspace, keys, order);
    let mut cursor = 0;
    let start = cpu_ns();
    loop {
        cursor = keyspace.scan(cursor, 10, &mut |entry| {
            black_box(entry.key());
        });
        if cursor == 0 {
            break;
        }
    }
    println!(
        "scan, count 10: {:.1} ns/key",
        (cpu_ns() - start) as f64 / keys as f64
    );
    time("del", keys, |at| {
        let key = key(order(at));
        black_box(keyspace.remove(keyspace.hash(&key), &key));
    });
    println!(
        "{} keys, {} segments left",
        keyspace.len(),
        keyspace.segments()
    );
}

fn put(keyspace: &mut Keyspace, key: &[u8], value: u64, kind: Kind) {
    let hash = keyspace.hash(key);
    let text = self::key(value);
    let value = if kind == Kind::Int {
        NewValue::Int(value as i64)
    } else {
        NewValue::Bytes(&text)
    };
    let expire_ms = (kind == Kind::Expiring).then_some(1_800_000_000_000);
    black_box(keyspace.put(hash, key, value, expire_ms, |_| Access::default()));
}

/// 16 bytes.
fn key(at: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = at;
    for digit in key.iter_mut().rev().take(12) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

fn time(what: &str, count: u64, mut run: impl FnMut(u64)) {
    let start = Instant::now();
    (0..count).for_each(&mut run);
    println!(
        "{what}: {:.1} ns",
        start.elapsed().as_nanos() as f64 / count as f64
    );
}

/// GET in groups, as the server runs pipelined commands.
fn time_groups(keyspace: &Keyspace, keys: u64, order: impl Fn(u64) -> u64) {
    let start = cpu_ns();
    let mut group = [([0; 16], KeyHash(0)); GROUP];
    for base in (0..keys).step_by(GROUP) {
        for (at, slot) in (base..).zip(&mut group) {
            let key = key(order(at));
            *slot = (key, keyspace.hash(&key));
            keyspace.prefetch_bucket(slot.1);
        }
        group
            .iter()
            .for_each(|(_, hash)| keyspace.prefetch_entry(*hash));
        for (key, hash) in &group {
            black_box(keyspace.find(*hash, key).and_then(|entry| entry.str()));
        }
    }
    let ns = (cpu_ns() - start) as f64 / keys as f64;
    println!("get, hit, groups of {GROUP}: {ns:.1} ns");
}

fn report(keyspace: &Keyspace, keys: u64, before_kib: u64, slowest_ns: u128) {
    let stats = keyspace.stats();
    let resident = (resident_kib() - before_kib) as f64 * 1024.0 / keys as f64;
    println!("slowest insert: {:.1} us", slowest_ns as f64 / 1000.0);
    println!("resident: {resident:.1} B/key");
    println!(
        "accounted: {:.1} B/key",
        keyspace.memory_bytes() as f64 / keys as f64
    );
    println!(
        "fill at split: {:.1}",
        stats.split_entries as f64 / stats.splits as f64
    );
    println!("{} segments, {stats:?}", keyspace.segments());
}

/// Time on a processor: other load on the machine counts less than in elapsed time.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ')
        .next()
        .and_then(|field| field.parse().ok())
        .unwrap_or(0)
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok())
        .unwrap_or(0)
}
