//! Prints what a sorted set costs in time and memory, with the allocator that the server uses. A
//! tool for the hand, not a test: it asserts nothing.
//!
//! `cargo run --profile quick -p vk-data --example zset_cost -- 1000000 [equal|rising]`

use std::hint::black_box;
use std::time::Instant;

use vk_data::entry::DbEntry;
use vk_data::keyspace::Keyspace;
use vk_data::listpack;
use vk_data::pack::PackKind;
use vk_data::table::HashSeed;
use vk_data::value::{NewValue, View};
use vk_data::zset::{ScoreRange, ZSetBuilder, ZSetLimits, ZSetMut, ZSetRef};
use vk_mem::{Access, PaddedAlloc};

#[global_allocator]
static ALLOC: PaddedAlloc<tikv_jemallocator::Jemalloc> =
    PaddedAlloc::new(tikv_jemallocator::Jemalloc);

const LIMITS: ZSetLimits = ZSetLimits {
    entries: 128,
    value_bytes: 64,
    seed: HashSeed { k0: 11, k1: 13 },
};

fn main() {
    let count = std::env::args()
        .nth(1)
        .and_then(|arg| arg.parse().ok())
        .unwrap_or(1_000_000);
    let kind = std::env::args().nth(2).unwrap_or_default();
    let score = move |at: u64| match kind.as_str() {
        "equal" => 0.0,
        "rising" => at as f64,
        _ => (mixed(at) % count) as f64,
    };
    let before_kib = resident_kib();
    let mut keyspace = Keyspace::new(LIMITS.seed);
    let hash = keyspace.hash(b"zset");
    let value = NewValue::Pack(PackKind::ZSet, &listpack::EMPTY);
    keyspace.put(hash, b"zset", value, None, |_| Access::default());
    let mut slowest_ns = 0;
    time("add", count, |at| {
        let start = Instant::now();
        edit(&mut keyspace, |zset| {
            zset.insert(&member(order(at, count)), score(at), &LIMITS);
        });
        slowest_ns = slowest_ns.max(start.elapsed().as_nanos());
    });
    println!("slowest add: {slowest_ns} ns");
    if let Some(entry) = keyspace.find(hash, b"zset") {
        let (bytes, kib) = (entry.allocated_bytes(), resident_kib() - before_kib);
        println!(
            "{:.1} bytes per element accounted, {:.1} resident",
            bytes as f64 / count as f64,
            kib as f64 * 1024.0 / count as f64
        );
        read(entry, count);
    }
    change(&mut keyspace, count, &score);
    time("build", 1, |_| {
        let mut builder = ZSetBuilder::new(LIMITS.seed);
        for at in 0..count {
            builder.insert(&member(order(at, count)), score(at));
        }
        black_box(builder.finish(&LIMITS).is_some());
    });
}

fn change(keyspace: &mut Keyspace, count: u64, score: &impl Fn(u64) -> f64) {
    time("same score", count, |at| {
        edit(keyspace, |zset| {
            zset.insert(&member(order(at, count)), score(at), &LIMITS);
        });
    });
    time("other score", count, |at| {
        edit(keyspace, |zset| {
            zset.insert(&member(mixed(at) % count), score(at + 7), &LIMITS);
        });
    });
    time("score + 3", count, |at| {
        edit(keyspace, |zset| {
            let name = member(mixed(at) % count);
            zset.update(&name, &LIMITS, |score| score.map(|score| score + 3.0));
        });
    });
    time("remove half", count / 2, |at| {
        edit(keyspace, |zset| {
            black_box(zset.remove(&member(order(2 * at, count))));
        });
    });
    if let Some(entry) = keyspace.find(keyspace.hash(b"zset"), b"zset") {
        let bytes = entry.allocated_bytes() as f64;
        println!("{:.1} bytes per element left", bytes * 2.0 / count as f64);
    }
    time("pop min", count / 2, |_| {
        edit(keyspace, |zset| {
            zset.pop_min(1, &mut |_, _| {});
        });
    });
}

fn read(entry: &DbEntry, count: u64) {
    let Some(zset) = ZSetRef::of(entry) else {
        return;
    };
    time("score", count, |at| {
        black_box(zset.score(&member(mixed(at) % count)));
    });
    time("rank", count, |at| {
        black_box(zset.rank(&member(mixed(at) % count), false));
    });
    time("count in range", count, |at| {
        let range = ScoreRange {
            min: (mixed(at) % count) as f64,
            ..ScoreRange::ALL
        };
        black_box(zset.score_ranks(&range).len());
    });
    time("600 from a rank", 20_000, |at| {
        let rank = (mixed(at) % count) as usize;
        for element in zset.iter_from_rank(rank, false).take(600) {
            black_box(element);
        }
    });
    time("600 down from a rank", 20_000, |at| {
        let rank = (mixed(at) % count) as usize;
        for element in zset.iter_from_rank(rank, true).take(600) {
            black_box(element);
        }
    });
    time("copy", 3, |_| {
        black_box(entry.duplicate(b"copy"));
    });
}

fn edit(keyspace: &mut Keyspace, change: impl FnOnce(&mut ZSetMut<'_>)) {
    let hash = keyspace.hash(b"zset");
    let Some(mut entry) = keyspace.entry_mut(hash, b"zset") else {
        return;
    };
    if let Some(mut zset) = entry.body_mut().and_then(ZSetMut::of) {
        change(&mut zset);
    }
}

/// All numbers below `count`, in an order that no structure likes.
fn order(at: u64, count: u64) -> u64 {
    at.wrapping_mul(2_654_435_761) % count
}

fn mixed(at: u64) -> u64 {
    let mixed = (at ^ (at >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// 17 bytes.
fn member(number: u64) -> [u8; 17] {
    let mut member = *b"elem:000000000000";
    let mut left = number;
    for digit in member.iter_mut().skip(5).rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    member
}

fn time(what: &str, count: u64, mut step: impl FnMut(u64)) {
    let start = cpu_ns();
    for at in 0..count {
        step(at);
    }
    let ns = (cpu_ns() - start) as f64 / count as f64;
    println!("{what:>24}: {ns:.1} ns");
}

/// Time on a processor: other load on the machine counts less than in elapsed time.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let ns = stat.split(' ').next().and_then(|field| field.parse().ok());
    ns.unwrap_or(0)
}

fn resident_kib() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}
