//! Histories of large values under a snapshot: each is read in pieces while it is changed, renamed,
//! moved, replaced and removed. The limits of the small encodings are so low that a dozen elements
//! make a value large.

use alloc::{collections::VecDeque, format, string::String, vec::Vec};

use super::{Rig, check_accounts, copying::Copying};
use crate::{Output, SaveFault, SessionId, SnapshotForm};

/// The most steps of a history; longer inputs are cut.
const STEPS_MAX: usize = 400;
/// Elements that a value may have.
const ELEMENTS: usize = 96;
/// Elements that one request may add.
const ADDED: usize = 48;
/// A string of so many bytes is long.
const LONG_BYTES: usize = 1 << 20;
/// Databases in use.
const DATABASES: usize = 3;
/// Keys of a type.
const KEYS: usize = 3;

const LIMITS: &[&str] = &[
    "CONFIG SET hash-max-listpack-entries 4",
    "CONFIG SET set-max-listpack-entries 4",
    "CONFIG SET set-max-intset-entries 4",
    "CONFIG SET zset-max-listpack-entries 4",
    "CONFIG SET list-max-listpack-size 3",
    "CONFIG SET stream-node-max-entries 4",
];

/// Snapshots of large values are the state at their beginning, and what is held for them is
/// accounted for.
///
/// # Panics
/// When one of the two does not hold.
#[expect(clippy::panic, reason = "a check reports by panicking")]
pub fn check_large_values(data: &[u8]) {
    let mut history = Large::new();
    let mut source = data.iter().copied();
    let as_commands = source.next().is_some_and(|byte| byte & 1 == 1);
    for _ in 0..STEPS_MAX {
        if source.len() == 0 {
            break;
        }
        let mut next = || source.next().map_or(0, usize::from);
        let line = line(&mut next).filter(|line| {
            // A pending entry of an entry that is gone cannot be told by commands.
            !as_commands || !line.starts_with('X')
        });
        let line = match line.as_deref() {
            Some("BGSAVE") if as_commands => {
                history.begin_commands();
                None
            }
            _ => line,
        };
        let slices = next() % 3;
        if let Err(why) = history.step(line, slices) {
            panic!("{why}\nafter:\n{}", history.done.join("\n"));
        }
    }
    if let Err(why) = history.end() {
        panic!("{why}\nafter:\n{}", history.done.join("\n"));
    }
}

/// A request; nothing where time goes by instead.
fn line(next: &mut impl FnMut() -> usize) -> Option<String> {
    let (op, which, at) = (next(), next(), next() % ELEMENTS);
    let key = which / 16 % KEYS;
    let count = 1 + which % ADDED;
    let any = |number: usize| {
        let types = ["h", "s", "z", "l", "x", "t"];
        format!("{}{}", types[number % types.len()], number % KEYS)
    };
    Some(match op % 64 {
        0..8 => {
            let fields = (at..at + count).map(|at| format!(" f{} v{which}", at % ELEMENTS));
            format!("HSET h{key}{}", fields.collect::<String>())
        }
        8 | 9 => format!("HDEL h{key} f{at} f{}", at / 2),
        10 => format!("HPEXPIRE h{key} {} FIELDS 1 f{at}", which * 8),
        11..16 => format!("SADD s{key}{}", elements("m", at, count)),
        16 => format!("SREM s{key} m{at}"),
        17 => format!("SPOP s{key} {count}"),
        18..24 => {
            let members = (at..at + count).map(|at| format!(" {} m{}", which % 7, at % ELEMENTS));
            format!("ZADD z{key}{}", members.collect::<String>())
        }
        24 => format!("ZINCRBY z{key} {} m{at}", which as i64 - 128),
        25 => format!("ZREM z{key} m{at}"),
        26 => format!("ZREMRANGEBYRANK z{key} {at} {}", at + which % 8),
        27 => format!("ZPOPMAX z{key} {}", which % 8),
        28..31 => format!("RPUSH l{key}{}", elements("e", at, count)),
        31..33 => format!("LPUSH l{key}{}", elements("e", at, count)),
        33 => format!("LSET l{key} {at} n{which}"),
        34 => format!("LINSERT l{key} BEFORE e{at} n{which}"),
        35 => format!("LREM l{key} {} e{at}", which as i64 % 5 - 2),
        36 => format!("LTRIM l{key} {} -{}", which % 9, at % 9),
        37 => format!("LPOP l{key} {}", which % 9),
        38 => format!("RPOPLPUSH l{key} l{}", at % KEYS),
        39 => stream_entries(key, count),
        40 => stream_entries(key, 2),
        41 => format!("XTRIM x{key} MAXLEN {at}"),
        42 => format!("XDEL x{key} {at}-1"),
        43 => format!("XGROUP CREATE x{key} g{} 0", which % 2),
        44 => format!(
            "XREADGROUP GROUP g{} c{} COUNT {count} STREAMS x{key} >",
            which % 2,
            at % 3
        ),
        45 => format!("XACK x{key} g{} {at}-1 {}-1", which % 2, at / 2),
        46 | 47 => format!("RENAME {} {}", any(which), any(at)),
        48 => format!("COPY {} {} REPLACE", any(which), any(at)),
        49 => format!("MOVE {} {}", any(which), at % DATABASES),
        50 => format!("SWAPDB {} {}", which % DATABASES, at % DATABASES),
        51 | 52 => format!("SELECT {}", which % DATABASES),
        53 => format!("DEL {}", any(which)),
        54 if at < 24 => format!("SETRANGE {} {} text{at}", any(which), 70_000 + which),
        54 => format!("SET {} text{at}", any(which)),
        55 => format!("PEXPIRE {} {}", any(which), at * 16),
        56 if which < 96 => "FLUSHDB".into(),
        56 if which < 112 => "FLUSHALL".into(),
        57 if which < 32 => "BGSAVE CANCEL".into(),
        58 => format!("SINTERSTORE s{key} s0 s1"),
        59 => format!("ZUNIONSTORE z{key} 2 z0 z1"),
        60 => return None,
        op @ 61..64 => string_line(op, key, at, which),
        _ => "BGSAVE".into(),
    })
}

/// A change of a long string.
fn string_line(op: usize, key: usize, at: usize, which: usize) -> String {
    let place = which * 4200 + at;
    match op {
        61 => format!("SETRANGE t{key} {} text{at}", LONG_BYTES + which * at),
        62 if which < 128 => format!("SETRANGE t{key} {place} {}", "y".repeat(which * at)),
        62 => format!("SETBIT t{key} {} 1", place * 8),
        _ if which < 64 => format!("APPEND t{key} {}", "z".repeat(which * at)),
        _ => {
            let (first, second) = (place * 8, at * 70_001);
            format!("BITFIELD t{key} SET u8 {first} 7 INCRBY u16 {second} 1")
        }
    }
}

fn elements(name: &str, at: usize, count: usize) -> String {
    let names = (at..at + count).map(|at| format!(" {name}{}", at % ELEMENTS));
    names.collect()
}

/// Several requests at once, as a script would send them.
fn stream_entries(key: usize, count: usize) -> String {
    let entries = (0..count).map(|_| format!("XADD x{key} * f v"));
    entries.collect::<Vec<_>>().join("\n")
}

struct Large {
    rig: Rig,
    session: Option<SessionId>,
    copying: Option<Copying>,
    outputs: VecDeque<Output>,
    done: Vec<String>,
}

impl Large {
    fn new() -> Self {
        let mut rig = Rig::new();
        let session = rig.connect();
        let mut large = Self {
            rig,
            session,
            copying: None,
            outputs: VecDeque::new(),
            done: Vec::new(),
        };
        LIMITS.iter().for_each(|line| large.request(line));
        large
    }

    fn request(&mut self, line: &str) {
        if let Some(session) = self.session {
            let words = line.split(' ').map(str::as_bytes);
            self.rig.request(session, words, false);
        }
    }

    fn step(&mut self, line: Option<String>, slices: usize) -> Result<(), String> {
        match line {
            Some(lines) => {
                lines.lines().for_each(|line| self.request(line));
                self.done.push(lines);
            }
            None => {
                self.rig.sleep(100_000);
                self.rig.tick(4);
                self.done.push("100 ms".into());
            }
        }
        self.settle();
        check_accounts(&self.rig.engine)?;
        for _ in 0..slices {
            if let Some(mut copying) = self.copying.take() {
                if copying.go_on(&mut self.rig)? {
                    copying.end(&mut self.rig)?;
                } else {
                    self.copying = Some(copying);
                }
            }
        }
        check_accounts(&self.rig.engine)
    }

    /// Begins a snapshot of commands, unless there is one.
    fn begin_commands(&mut self) {
        if let Ok(id) = self.rig.engine.snapshot_begin(SnapshotForm::Commands) {
            self.copying = Some(Copying::of_commands(&self.rig, id));
            self.done.push("(a snapshot of commands begins)".into());
        }
    }

    /// Does what the machine has asked for.
    fn settle(&mut self) {
        self.rig.engine.handle_turn_end();
        self.outputs
            .extend(core::iter::from_fn(|| self.rig.engine.poll_output()));
        while let Some(output) = self.outputs.pop_front() {
            match output {
                Output::BackgroundSave(save) => {
                    self.copying = Some(Copying::begin(&self.rig, &save));
                    self.done.push("(a snapshot begins)".into());
                }
                Output::CancelSave(id) => {
                    self.copying.take_if(|copying| copying.id() == id);
                    let fault = Err(SaveFault::Cancelled);
                    self.rig
                        .with_env(|engine, env| engine.handle_saved(env, id, fault));
                }
                Output::SaveAll => {
                    self.rig
                        .with_env(|engine, env| engine.handle_saved_all(env, true));
                }
                _ => {}
            }
        }
    }

    /// Ends the snapshot in progress; then nothing is held for one any more.
    fn end(&mut self) -> Result<(), String> {
        if let Some(copying) = self.copying.take() {
            copying.end(&mut self.rig)?;
        }
        while self.rig.engine.dbs.is_freeing() {
            self.rig.engine.dbs.free_slice(16);
        }
        check_accounts(&self.rig.engine)?;
        match self.rig.engine.dbs.pending_bytes() {
            0 => Ok(()),
            bytes => Err(format!("{bytes} bytes are held for nobody")),
        }
    }
}
