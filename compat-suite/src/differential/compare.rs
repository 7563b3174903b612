//! When two replies say the same: order counts where the command promises one, times may differ by
//! the time between two servers, and random picks by everything but their form.

use super::{Words, known::Known, session::Answer};
use vk_resp::Reply;

/// What of a reply counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Exact,
    /// The elements in any order.
    Unordered,
    /// Elements in twos, in any order of these.
    UnorderedPairs,
    /// A cursor, and elements in any order.
    Scan,
    /// A cursor, and pairs in any order.
    ScanPairs,
    /// Type and count of elements.
    Form,
    /// A number, with a tolerance.
    Near(i64),
    /// The name of an encoding; later versions have more of them.
    Encoding,
    /// Idle times among the fields are left out.
    Pending,
    /// Fields that tell times or memory layout are left out.
    Info,
}

/// How far two servers' times in seconds and milliseconds may be apart.
const NEAR_S: i64 = 30;
const NEAR_MS: i64 = 30_000;

/// Judges replies one after the other; knows what a transaction has queued.
#[derive(Debug)]
pub(super) struct Judge {
    queued: Vec<Words>,
}

impl Judge {
    pub(super) const fn new() -> Self {
        Self { queued: Vec::new() }
    }

    /// Whether both servers answered the same.
    pub(super) fn same(
        &mut self,
        known: &mut Known,
        words: &Words,
        ours: &Answer,
        peer: &Answer,
    ) -> bool {
        let (Answer::Reply(ours), Answer::Reply(peer)) = (ours, peer) else {
            return false;
        };
        if *ours == Reply::Simple(b"QUEUED".to_vec()) && ours == peer {
            self.queued.push(words.clone());
            return true;
        }
        let same = match name(words).as_str() {
            "exec" => match (ours, peer) {
                (Reply::Array(ours), Reply::Array(peer)) => self.same_all(known, ours, peer),
                _ => ours == peer,
            },
            name if name.starts_with('z') && scores_agree(ours, peer) => true,
            _ => same(rule(words), ours, peer) || known.covers(words, ours, peer),
        };
        if matches!(name(words).as_str(), "exec" | "discard") {
            self.queued.clear();
        }
        same
    }

    fn same_all(&self, known: &mut Known, ours: &[Reply], peer: &[Reply]) -> bool {
        ours.len() == peer.len()
            && peer.len() == self.queued.len()
            && self
                .queued
                .iter()
                .zip(ours.iter().zip(peer))
                .all(|(words, (ours, peer))| {
                    same(rule(words), ours, peer)
                        || scores_agree(ours, peer)
                        || known.covers(words, ours, peer)
                })
    }
}

/// The name of the command in lower case, of `xinfo` and `object` with their subcommand.
pub(super) fn name(words: &Words) -> String {
    let word = |at: usize| {
        let word = words.get(at).map(Vec::as_slice).unwrap_or_default();
        String::from_utf8_lossy(word).to_lowercase()
    };
    match word(0) {
        container if matches!(container.as_str(), "object" | "xinfo" | "xgroup") => {
            format!("{container}|{}", word(1))
        }
        name => name,
    }
}

/// Whether one of the words behind the first is this one.
pub(super) fn has(words: &Words, word: &str) -> bool {
    words
        .iter()
        .skip(1)
        .any(|known| known.eq_ignore_ascii_case(word.as_bytes()))
}

fn rule(words: &Words) -> Rule {
    match name(words).as_str() {
        "smembers" | "sinter" | "sunion" | "sdiff" | "keys" | "hkeys" | "hvals" | "spop" => {
            Rule::Unordered
        }
        "hgetall" => Rule::UnorderedPairs,
        "scan" | "sscan" => Rule::Scan,
        "hscan" | "zscan" => Rule::ScanPairs,
        "srandmember" | "hrandfield" | "zrandmember" | "dump" | "object|idletime" => Rule::Form,
        "sort" | "sort_ro" if has(words, "BY") => Rule::Unordered,
        "ttl" | "expiretime" => Rule::Near(NEAR_S),
        "pttl" | "pexpiretime" => Rule::Near(NEAR_MS),
        "object|encoding" => Rule::Encoding,
        "xpending" => Rule::Pending,
        "xinfo|stream" | "xinfo|consumers" | "xinfo|groups" => Rule::Info,
        name if name.starts_with("geo") && !name.contains("store") => geo_rule(words),
        _ => Rule::Exact,
    }
}

/// Searches promise an order only with ASC or DESC, or where COUNT needs one.
fn geo_rule(words: &Words) -> Rule {
    if has(words, "ANY") {
        Rule::Form
    } else if has(words, "ASC") || has(words, "DESC") || has(words, "COUNT") {
        Rule::Exact
    } else if name(words).starts_with("georadius") || name(words) == "geosearch" {
        Rule::Unordered
    } else {
        Rule::Exact
    }
}

/// Compares by a rule.
fn same(rule: Rule, ours: &Reply, peer: &Reply) -> bool {
    if ours == peer {
        return true;
    }
    if ours.is_error() || peer.is_error() {
        return false;
    }
    match rule {
        Rule::Exact => canonical(ours) == canonical(peer),
        Rule::Unordered => unordered(ours, 1) == unordered(peer, 1),
        Rule::UnorderedPairs => unordered(ours, 2) == unordered(peer, 2),
        Rule::Scan => scan(ours, 1) == scan(peer, 1),
        Rule::ScanPairs => scan(ours, 2) == scan(peer, 2),
        Rule::Form => form(ours) == form(peer),
        Rule::Near(tolerance) => match (ours, peer) {
            // The negative answers have a meaning of their own.
            (Reply::Int(ours), Reply::Int(peer)) if *ours >= 0 && *peer >= 0 => {
                ours.abs_diff(*peer) <= tolerance.unsigned_abs()
            }
            _ => false,
        },
        Rule::Encoding => match (ours, peer) {
            (Reply::Bulk(ours), Reply::Bulk(peer)) => encoding_fits(ours, peer),
            _ => false,
        },
        Rule::Pending => pending(ours) == pending(peer),
        Rule::Info => canonical(&info(ours)) == canonical(&info(peer)),
    }
}

/// Whether only the texts of doubles differ that need many digits (later versions show the
/// shortest)
/// or are zero (a listpack knows no -0, and 7.0's SORT converts listpacks).
fn scores_agree(ours: &Reply, peer: &Reply) -> bool {
    const DIGITS: usize = 16;
    match (ours, peer) {
        (Reply::Array(ours), Reply::Array(peer)) => {
            ours.len() == peer.len()
                && ours
                    .iter()
                    .zip(peer)
                    .all(|(ours, peer)| scores_agree(ours, peer))
        }
        (Reply::Bulk(here), Reply::Bulk(there)) if here != there => {
            let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
            let is_zero = |text: &[u8]| text == b"0" || text == b"-0";
            (here.len().max(there.len()) > DIGITS || (is_zero(here) && is_zero(there)))
                && number(here).is_some_and(|here| Some(here) == number(there))
        }
        _ => ours == peer,
    }
}

/// Since 7.2 small lists and small sets of words are listpacks.
fn encoding_fits(ours: &[u8], peer: &[u8]) -> bool {
    ours == b"listpack" && (peer == b"quicklist" || peer == b"hashtable")
}

/// Maps and sets in one order.
fn canonical(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(items) => Reply::Array(items.iter().map(canonical).collect()),
        Reply::Set(items) => Reply::Set(sorted(items.iter().map(canonical).collect())),
        Reply::Map(pairs) => {
            let pairs = pairs
                .iter()
                .map(|(key, value)| (canonical(key), canonical(value)));
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort_by_cached_key(|pair| format!("{pair:?}"));
            Reply::Map(pairs)
        }
        other => other.clone(),
    }
}

fn sorted(mut items: Vec<Reply>) -> Vec<Reply> {
    items.sort_by_cached_key(|item| format!("{item:?}"));
    items
}

/// The elements, taken `together` at a time, in one order.
fn unordered(reply: &Reply, together: usize) -> Reply {
    match canonical(reply) {
        Reply::Array(items) => {
            let parts = items
                .chunks(together)
                .map(|part| Reply::Array(part.to_vec()));
            Reply::Array(sorted(parts.collect()))
        }
        other => other,
    }
}

fn scan(reply: &Reply, together: usize) -> Reply {
    match reply {
        Reply::Array(items) => Reply::Array(
            items
                .iter()
                .map(|item| match item {
                    // RESP3 has no pairs of its own here.
                    Reply::Array(_) => unordered(item, together),
                    other => other.clone(),
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The type, and of a collection the count.
const fn form(reply: &Reply) -> (u8, usize) {
    match reply {
        Reply::Array(items) => (1, items.len()),
        Reply::Set(items) => (2, items.len()),
        Reply::Map(pairs) => (3, pairs.len()),
        Reply::Null | Reply::NullArray => (4, 0),
        Reply::Bulk(_) => (5, 0),
        Reply::Int(_) => (6, 0),
        Reply::Simple(_) => (7, 0),
        _ => (8, 0),
    }
}

/// Entries of XPENDING are `[id, consumer, idle, deliveries]`.
fn pending(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(items) => match items.as_slice() {
            [id, consumer, Reply::Int(_), count @ Reply::Int(_)] => Reply::Array(vec![
                id.clone(),
                consumer.clone(),
                Reply::Int(0),
                count.clone(),
            ]),
            items => Reply::Array(items.iter().map(pending).collect()),
        },
        other => other.clone(),
    }
}

/// Fields of XINFO that tell of times and memory; some are newer than 7.0.
const LEFT_OUT: [&[u8]; 7] = [
    b"radix-tree-keys",
    b"radix-tree-nodes",
    b"idle",
    b"inactive",
    b"seen-time",
    b"active-time",
    b"pel-count",
];

/// XINFO without what cannot be equal: fields that tell of times, and times of delivery.
fn info(reply: &Reply) -> Reply {
    let left_out =
        |name: &Reply| matches!(name, Reply::Bulk(name) if LEFT_OUT.contains(&name.as_slice()));
    match reply {
        Reply::Map(pairs) => Reply::Map(
            pairs
                .iter()
                .filter(|(name, _)| !left_out(name))
                .map(|(name, value)| (name.clone(), info(value)))
                .collect(),
        ),
        Reply::Array(items) => match items.as_slice() {
            [
                id,
                consumer @ Reply::Bulk(_),
                Reply::Int(_),
                count @ Reply::Int(_),
            ] => Reply::Array(vec![id.clone(), consumer.clone(), count.clone()]),
            [id @ Reply::Bulk(_), Reply::Int(_), count @ Reply::Int(_)] => {
                Reply::Array(vec![id.clone(), count.clone()])
            }
            items => {
                let mut kept = Vec::new();
                let mut rest = items.iter();
                while let Some(item) = rest.next() {
                    if left_out(item) {
                        rest.next();
                    } else {
                        kept.push(info(item));
                    }
                }
                Reply::Array(kept)
            }
        },
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    }

    fn bulks(items: &[&str]) -> Reply {
        Reply::Array(
            items
                .iter()
                .map(|item| Reply::Bulk(item.as_bytes().to_vec()))
                .collect(),
        )
    }

    fn judge(line: &str, ours: &Reply, peer: &Reply) -> bool {
        let answer = |reply: &Reply| Answer::Reply(reply.clone());
        let known = &mut Known::default();
        Judge::new().same(known, &words(line), &answer(ours), &answer(peer))
    }

    #[test]
    fn order_counts_where_it_is_promised() {
        let (here, there) = (bulks(&["a", "b", "c", "d"]), bulks(&["c", "d", "a", "b"]));
        assert!(judge("SMEMBERS k", &here, &there));
        assert!(judge("HGETALL k", &here, &there));
        assert!(!judge("HGETALL k", &here, &bulks(&["a", "c", "b", "d"])));
        assert!(!judge("LRANGE k 0 -1", &here, &there));
        assert!(judge(
            "SRANDMEMBER k 4",
            &here,
            &bulks(&["a", "a", "a", "a"])
        ));
        assert!(!judge("SRANDMEMBER k 4", &here, &bulks(&["a"])));
        assert!(!judge("SMEMBERS k", &here, &Reply::Error(b"ERR".to_vec())));
    }

    #[test]
    fn times_and_encodings_have_tolerances() {
        let encoding = |name: &str| Reply::Bulk(name.as_bytes().to_vec());
        assert!(judge("TTL k", &Reply::Int(100), &Reply::Int(99)));
        assert!(!judge("TTL k", &Reply::Int(0), &Reply::Int(-1)));
        assert!(judge(
            "OBJECT ENCODING k",
            &encoding("listpack"),
            &encoding("quicklist")
        ));
        assert!(!judge(
            "OBJECT ENCODING k",
            &encoding("quicklist"),
            &encoding("listpack")
        ));
    }

    #[test]
    fn a_transaction_is_judged_command_by_command() {
        let (mut judge, known) = (Judge::new(), &mut Known::default());
        let queued = Answer::Reply(Reply::Simple(b"QUEUED".to_vec()));
        assert!(judge.same(known, &words("SMEMBERS k"), &queued, &queued));
        let exec = |items: &[&str]| Answer::Reply(Reply::Array(vec![bulks(items)]));
        assert!(judge.same(
            known,
            &words("EXEC"),
            &exec(&["a", "b"]),
            &exec(&["b", "a"])
        ));
        assert!(judge.same(known, &words("LRANGE k 0 1"), &queued, &queued));
        assert!(!judge.same(
            known,
            &words("EXEC"),
            &exec(&["a", "b"]),
            &exec(&["b", "a"])
        ));
    }
}
