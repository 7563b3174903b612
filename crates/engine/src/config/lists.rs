//! The values with a grammar of their own: save points, output limits, event classes, percentiles.
//!
//! Reading and writing them; not what they bring about.

use super::words::lenient_int;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// After `seconds` a snapshot is due if at least `changes` were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// At least 1.
    pub seconds: i64,
    /// How many changes; 0 counts as "any time has passed".
    pub changes: i32,
}

/// The classes of clients that output limits tell apart, by index.
pub const OUTPUT_CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// What may wait to be read by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which the client is closed at once; 0 for no limit.
    pub hard_bytes: u64,
    /// Bytes at which the client is closed after `soft_seconds`; 0 for no limit.
    pub soft_bytes: u64,
    /// How long the soft limit may be exceeded.
    pub soft_seconds: i32,
}

/// Output limits by class: normal, replica, pubsub.
pub type OutputLimits = [OutputLimit; 3];

/// Classes of keyspace events, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventFlags(u32);

impl EventFlags {
    /// No events.
    pub const NONE: Self = Self(0);
    /// `K`: events are published under the key's name.
    pub const KEYSPACE: Self = Self(1 << 0);
    /// `E`: events are published under the event's name.
    pub const KEYEVENT: Self = Self(1 << 1);
    /// `g`: commands of any type.
    pub const GENERIC: Self = Self(1 << 2);
    /// `$`: strings.
    pub const STRING: Self = Self(1 << 3);
    /// `l`: lists.
    pub const LIST: Self = Self(1 << 4);
    /// `s`: sets.
    pub const SET: Self = Self(1 << 5);
    /// `h`: hashes.
    pub const HASH: Self = Self(1 << 6);
    /// `z`: sorted sets.
    pub const ZSET: Self = Self(1 << 7);
    /// `x`: a key expired.
    pub const EXPIRED: Self = Self(1 << 8);
    /// `e`: a key was evicted.
    pub const EVICTED: Self = Self(1 << 9);
    /// `t`: streams.
    pub const STREAM: Self = Self(1 << 10);
    /// `d`: types of modules.
    pub const MODULE: Self = Self(1 << 11);
    /// `n`: a key was made; not part of `A`.
    pub const NEW: Self = Self(1 << 12);
    /// `m`: a key was looked for in vain; not part of `A`.
    pub const KEY_MISS: Self = Self(1 << 13);
    /// `A`: every class but `n` and `m`.
    pub const ALL: Self = Self(0b1111_1111_1100);

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads letters; `None` for one that is no class.
    #[must_use]
    pub fn parse(letters: &[u8]) -> Option<Self> {
        letters.iter().try_fold(Self::NONE, |flags, letter| {
            let (_, flag) = EVENT_LETTERS.iter().find(|(known, _)| known == letter)?;
            Some(Self(flags.0 | flag.0))
        })
    }

    /// Writes the letters; `A` where all of its classes are there.
    #[must_use]
    pub fn render(self) -> Vec<u8> {
        let mut out = Vec::new();
        let all = self.contains(Self::ALL);
        for (letter, flag) in EVENT_LETTERS {
            // Upstream leaves out `n` too when it writes `A`; the class would be lost on rewrite.
            let part_of_all = Self::ALL.contains(*flag) && *flag != Self::ALL;
            if self.contains(*flag) && !(all && part_of_all) {
                out.push(*letter);
            }
        }
        out
    }
}

/// In the order in which they are written.
const EVENT_LETTERS: &[(u8, EventFlags)] = &[
    (b'A', EventFlags::ALL),
    (b'g', EventFlags::GENERIC),
    (b'$', EventFlags::STRING),
    (b'l', EventFlags::LIST),
    (b's', EventFlags::SET),
    (b'h', EventFlags::HASH),
    (b'z', EventFlags::ZSET),
    (b'x', EventFlags::EXPIRED),
    (b'e', EventFlags::EVICTED),
    (b't', EventFlags::STREAM),
    (b'd', EventFlags::MODULE),
    (b'n', EventFlags::NEW),
    (b'K', EventFlags::KEYSPACE),
    (b'E', EventFlags::KEYEVENT),
    (b'm', EventFlags::KEY_MISS),
];

/// Reads pairs of seconds and changes.
///
/// # Errors
/// The wire text, when a pair is not complete or a number out of range.
pub(super) fn parse_save(words: &[Vec<u8>]) -> Result<Vec<SavePoint>, String> {
    const INVALID: &str = "Invalid save parameters";
    if matches!(words, [only] if only.is_empty()) {
        return Ok(Vec::new());
    }
    let pairs = words.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(INVALID.into());
    }
    pairs
        .map(|pair| {
            let [seconds, changes] = pair else {
                return None;
            };
            let seconds = lenient_int(seconds).filter(|value| *value >= 1)?;
            let changes = i32::try_from(lenient_int(changes)?)
                .ok()
                .filter(|value| *value >= 0)?;
            Some(SavePoint { seconds, changes })
        })
        .collect::<Option<_>>()
        .ok_or_else(|| INVALID.into())
}

pub(super) fn render_save(points: &[SavePoint]) -> String {
    let mut out = String::new();
    for point in points {
        let gap = if out.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = write!(out, "{gap}{} {}", point.seconds, point.changes);
    }
    out
}

/// Reads groups of class, hard limit, soft limit, seconds into a copy of `current`.
///
/// # Errors
/// The wire text; nothing of the list counts then.
pub(super) fn parse_output_limits(
    words: &[Vec<u8>],
    current: OutputLimits,
) -> Result<OutputLimits, String> {
    let groups = words.chunks_exact(4);
    if !groups.remainder().is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut limits = current;
    for group in groups {
        let [class, hard, soft, seconds] = group else {
            continue;
        };
        let slot = output_class(class)
            .and_then(|at| limits.get_mut(at))
            .ok_or("Invalid client class specified in buffer limit configuration.")?;
        let seconds = lenient_int(seconds)
            .and_then(|value| i32::try_from(value).ok())
            .filter(|value| *value >= 0);
        let (Some(hard_bytes), Some(soft_bytes), Some(soft_seconds)) =
            (parse_memory(hard), parse_memory(soft), seconds)
        else {
            return Err(
                "Error in hard, soft or soft_seconds setting in buffer limit configuration.".into(),
            );
        };
        *slot = OutputLimit {
            hard_bytes,
            soft_bytes,
            soft_seconds,
        };
    }
    Ok(limits)
}

fn output_class(word: &[u8]) -> Option<usize> {
    let known = if word.eq_ignore_ascii_case(b"replica") {
        b"slave"
    } else {
        word
    };
    OUTPUT_CLASSES
        .iter()
        .position(|class| class.as_bytes().eq_ignore_ascii_case(known))
}

pub(super) fn render_output_limits(limits: &OutputLimits) -> String {
    let mut out = String::new();
    for (class, limit) in OUTPUT_CLASSES.iter().zip(limits) {
        let gap = if out.is_empty() { "" } else { " " };
        let _ = write!(
            out,
            "{gap}{class} {} {} {}",
            limit.hard_bytes, limit.soft_bytes, limit.soft_seconds
        );
    }
    out
}

/// Reads the three scores.
///
/// # Errors
/// The wire text.
pub(super) fn parse_scores(words: &[Vec<u8>]) -> Result<[i64; 3], String> {
    const RANGE: &str = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
    let [primary, replica, child] = words else {
        return Err("wrong number of arguments".into());
    };
    let score = |word: &Vec<u8>| {
        lenient_int(word)
            .filter(|value| (-2000..=2000).contains(value))
            .ok_or(RANGE)
    };
    Ok([score(primary)?, score(replica)?, score(child)?])
}

/// Reads percentiles of 0 to 100.
///
/// # Errors
/// The wire text.
pub(super) fn parse_percentiles(words: &[Vec<u8>]) -> Result<Vec<f64>, String> {
    if matches!(words, [only] if only.is_empty()) {
        return Ok(Vec::new());
    }
    words
        .iter()
        .map(|word| {
            let value = core::str::from_utf8(word)
                .ok()
                .and_then(|text| text.parse::<f64>().ok());
            match value {
                Some(value) if (0.0..=100.0).contains(&value) => Ok(value.abs()),
                Some(value) if !value.is_nan() => Err(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"
                        .into(),
                ),
                _ => Err("Invalid latency-tracking-info-percentiles parameters".into()),
            }
        })
        .collect()
}

pub(super) fn render_percentiles(values: &[f64]) -> String {
    let mut out = String::new();
    for value in values {
        if !out.is_empty() {
            out.push(' ');
        }
        let digits = alloc::format!("{value:.6}");
        out.push_str(digits.trim_end_matches('0').trim_end_matches('.'));
    }
    out
}

/// Reads bytes with an optional unit: `k`, `m`, `g` count in thousands, `kb`, `mb`, `gb` in 1024s.
/// No digits count as 0.
#[must_use]
pub fn parse_memory(word: &[u8]) -> Option<u64> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = word.split_at_checked(digits)?;
    let factor: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let number = match number {
        [] => 0,
        _ => core::str::from_utf8(number).ok()?.parse::<u64>().ok()?,
    };
    number.checked_mul(factor)
}

/// Writes bytes in the largest unit that divides them.
#[must_use]
pub(super) fn render_memory(bytes: i128) -> String {
    let units = [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")];
    for (size, unit) in units {
        if bytes > 0 && bytes % size == 0 {
            return alloc::format!("{}{unit}", bytes / size);
        }
    }
    alloc::format!("{bytes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_units() {
        for (word, bytes) in [
            ("100", Some(100)),
            ("2k", Some(2000)),
            ("2KB", Some(2048)),
            ("3mb", Some(3 << 20)),
            ("1g", Some(1_000_000_000)),
            ("1GB", Some(1 << 30)),
            ("7b", Some(7)),
            ("", Some(0)),
            ("-1", None),
            ("1tb", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551615kb", None),
            ("1.5mb", None),
        ] {
            assert_eq!(parse_memory(word.as_bytes()), bytes, "{word}");
        }
        assert_eq!(render_memory(0), "0");
        assert_eq!(render_memory(3 << 20), "3mb");
        assert_eq!(render_memory(1025), "1025");
    }

    #[test]
    fn event_letters() {
        let all = EventFlags::parse(b"KEA").map(EventFlags::render);
        assert_eq!(all, Some(b"AKE".to_vec()));
        assert_eq!(EventFlags::parse(b"g$lshzxetd"), Some(EventFlags::ALL));
        assert_eq!(
            EventFlags::parse(b"AnmE").map(EventFlags::render),
            Some(b"AnEm".to_vec())
        );
        assert_eq!(
            EventFlags::parse(b"xKg").map(EventFlags::render),
            Some(b"gxK".to_vec())
        );
        assert_eq!(EventFlags::parse(b"q"), None);
    }

    #[test]
    fn percentiles_keep_six_decimals() {
        let words: Vec<Vec<u8>> = ["50", "99.999999", ".5", "1e1"]
            .iter()
            .map(|w| w.as_bytes().to_vec())
            .collect();
        let text = parse_percentiles(&words).map(|list| render_percentiles(&list));
        assert_eq!(text.as_deref(), Ok("50 99.999999 0.5 10"));
        assert!(parse_percentiles(&[b"nan".to_vec()]).is_err());
        assert!(parse_percentiles(&[b"100.1".to_vec()]).is_err());
    }
}
