//! Finding the keys of a request by the key specs of its command.
//!
//! Used for authorisation, for fetching ahead and by COMMAND GETKEYS.

use smallvec::SmallVec;
use vk_data::num::parse_i64;
use vk_resp::Request;
use vk_spec::{Begin, CommandSpec, Find, KeyFlags, KeySpec};

/// A key among the words of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FoundKey {
    /// Number of the word, command name = 0.
    pub(crate) word: usize,
    /// What is done to it.
    pub(crate) flags: KeyFlags,
}

/// The keys of one request; most have one.
pub(crate) type FoundKeys = SmallVec<[FoundKey; 2]>;

/// Keys in the order of the specs; `None` if the arguments are not what a spec expects.
pub(crate) fn find_keys(spec: &CommandSpec, request: Request<'_>) -> Option<FoundKeys> {
    let mut found = SmallVec::new();
    for key_spec in spec.keys {
        find_by_spec(key_spec, request, &mut found)?;
    }
    Some(found)
}

fn find_by_spec(spec: &KeySpec, request: Request<'_>, found: &mut FoundKeys) -> Option<()> {
    let words = request.len();
    let is_written = spec.flags.intersects(KeyFlags::OW.union(KeyFlags::RW));
    if matches!(spec.begin, Begin::Unknown) && is_written {
        found.extend(sort_store(request).map(|word| FoundKey {
            word,
            flags: spec.flags,
        }));
        return Some(());
    }
    let Some(begin) = begin(spec.begin, request) else {
        return Some(());
    };
    let (first, last, step) = match spec.find {
        Find::Range { last, step, limit } => (
            begin,
            range_end(begin, last, limit, words)?,
            usize::try_from(step).ok()?,
        ),
        Find::KeyNum { index, first, step } => {
            let count = parse_i64(request.arg(begin.checked_add_signed(index as isize)?)?)?;
            let count = usize::try_from(count).ok()?;
            let first = begin.checked_add_signed(first as isize)?;
            let step = usize::try_from(step).ok()?;
            if count == 0 {
                return Some(());
            }
            (
                first,
                first.checked_add(count.checked_sub(1)?.checked_mul(step)?)?,
                step,
            )
        }
        Find::Unknown => return Some(()),
    };
    if first == words && last + 1 == first && !found.is_empty() {
        // A range to the end that begins there: no keys behind those that were found.
        return Some(());
    }
    if last >= words || first > last || step == 0 {
        return None;
    }
    found.extend((first..=last).step_by(step).map(|word| FoundKey {
        word,
        flags: spec.flags,
    }));
    Some(())
}

fn begin(begin: Begin, request: Request<'_>) -> Option<usize> {
    match begin {
        Begin::Index(index) => usize::try_from(index).ok(),
        Begin::Keyword(keyword, from) => {
            let words = request.len();
            let is_it = |at: &usize| {
                request
                    .arg(*at)
                    .is_some_and(|w| w.eq_ignore_ascii_case(keyword.as_bytes()))
            };
            let at = if from >= 0 {
                (usize::try_from(from).ok()?..words).find(is_it)?
            } else {
                let last = words.checked_add_signed(from as isize)?;
                (1..=last).rev().find(is_it)?
            };
            Some(at + 1)
        }
        Begin::Unknown => None,
    }
}

/// The destination of SORT, which no key spec can describe: what follows the last STORE that is an
/// option and not the argument of one.
fn sort_store(request: Request<'_>) -> Option<usize> {
    let mut found = None;
    let mut at = 2;
    while let Some(word) = request.arg(at) {
        if word.eq_ignore_ascii_case(b"limit") {
            at += 2;
        } else if word.eq_ignore_ascii_case(b"get") || word.eq_ignore_ascii_case(b"by") {
            at += 1;
        } else if word.eq_ignore_ascii_case(b"store") {
            at += 1;
            found = Some(at).filter(|at| *at < request.len()).or(found);
        }
        at += 1;
    }
    found
}

fn range_end(begin: usize, last: i32, limit: i32, words: usize) -> Option<usize> {
    if last >= 0 {
        return begin.checked_add(usize::try_from(last).ok()?);
    }
    let back = usize::try_from(last.unsigned_abs()).ok()?;
    if last == -1 && limit >= 2 {
        let rest = words.checked_sub(begin)? / usize::try_from(limit).ok()?;
        return (begin + rest).checked_sub(1);
    }
    words.checked_sub(back)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use vk_resp::OwnedRequest;
    use vk_spec::{Begin, CommandSpec, Find, KeyFlags, KeySpec};

    use super::find_keys;

    fn words(keys: &'static [KeySpec], line: &str) -> Option<Vec<usize>> {
        let request = OwnedRequest::from_args(line.split(' ').map(str::as_bytes));
        let spec = CommandSpec {
            keys,
            ..CommandSpec::NEW
        };
        find_keys(&spec, request.view()).map(|found| found.iter().map(|key| key.word).collect())
    }

    #[test]
    fn finds_keys_by_every_kind_of_spec() {
        const ONE: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RO)];
        const PAIRS: &[KeySpec] = &[KeySpec::range(1, -1, 2, KeyFlags::OW)];
        const COUNTED: &[KeySpec] = &[KeySpec::counted(1, 2, KeyFlags::OW)];
        const STREAMS: &[KeySpec] = &[KeySpec {
            begin: Begin::Keyword("STREAMS", 1),
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            },
            flags: KeyFlags::RO,
            notes: "",
        }];
        assert_eq!(words(ONE, "get k"), Some(alloc::vec![1]));
        assert_eq!(words(ONE, "get"), None);
        assert_eq!(words(PAIRS, "mset a 1 b 2"), Some(alloc::vec![1, 3]));
        assert_eq!(
            words(COUNTED, "msetex 2 a 1 b 2 NX"),
            Some(alloc::vec![2, 4])
        );
        assert_eq!(words(COUNTED, "msetex 9 a 1 b 2"), None);
        assert_eq!(words(COUNTED, "msetex x a 1"), None);
        const SORT: &[KeySpec] = &[
            KeySpec::one(1, KeyFlags::RO),
            KeySpec {
                begin: Begin::Unknown,
                find: Find::Unknown,
                flags: KeyFlags::OW,
                notes: "",
            },
        ];
        let stores = "sort l BY STORE LIMIT 0 1 GET STORE STORE a STORE b";
        assert_eq!(words(SORT, stores), Some(alloc::vec![1, 12]));
        assert_eq!(words(SORT, "sort l GET STORE"), Some(alloc::vec![1]));
        assert_eq!(words(SORT, "sort l STORE"), Some(alloc::vec![1]));
        assert_eq!(
            words(STREAMS, "xread STREAMS a b 0 0"),
            Some(alloc::vec![2, 3])
        );
    }
}
