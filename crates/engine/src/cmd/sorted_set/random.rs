//! Members chosen at random: ZRANDMEMBER.

use alloc::collections::BTreeSet;

use vk_data::{num::parse_i64, zset::ZSetRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use super::{Elements, reply_member};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
    random::Random,
};

pub(super) const ZRANDMEMBER: Command = Command {
    spec: CommandSpec {
        name: "zrandmember",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Tells members chosen at random.",
        complexity: "O(N) for N members told",
        arity: -2,
        categories: Categories::SORTEDSET,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::block(
                "options",
                &[
                    ArgSpec::integer("count"),
                    ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrandmember),
};

/// More members than this are not told in one reply, which would be larger than memory.
const REPEATS_MAX: u64 = 1 << 31;
/// From this share of all members on they are walked through, instead of drawn one by one.
const WALK_SHARE: usize = 3;

fn zrandmember(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let choice = request.arg(2).map(|_| Choice::parse(request)).transpose()?;
    let seed = core::array::from_fn(|_| ctx.engine.random.next());
    let mut random = Random::new(seed);
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    match (choice, zset) {
        (None, None) => reply.null(),
        (None, Some(zset)) => match zset.random(random.next()) {
            Some((member, _)) => reply_member(reply, member),
            None => reply.null(),
        },
        (Some(_), None) => reply.array(0),
        (Some(choice), Some(zset)) => choice.tell(zset, &mut random, reply),
    }
    Ok(())
}

/// What is asked for.
struct Choice {
    count: usize,
    /// The same member may be told several times.
    repeats: bool,
    scores: bool,
}

impl Choice {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let count = request.arg(2).and_then(parse_i64);
        let count = count.ok_or(Error::NOT_AN_INTEGER)?;
        if count == i64::MIN {
            let (least, most) = (-i64::MAX, i64::MAX);
            return Err(Error::told(format_args!(
                "ERR value is out of range, value must between {least} and {most}"
            )));
        }
        let scores = match request.arg(3) {
            None => false,
            Some(word) if word.eq_ignore_ascii_case(b"WITHSCORES") => true,
            Some(_) => return Err(Error::SYNTAX),
        };
        if request.len() > 4 {
            return Err(Error::SYNTAX);
        }
        let magnitude = count.unsigned_abs();
        let no_reply = count < 0 && magnitude > REPEATS_MAX;
        if no_reply || (scores && magnitude > i64::MAX.unsigned_abs() / 2) {
            return Err(Error::OUT_OF_RANGE);
        }
        Ok(Self {
            count: usize::try_from(magnitude).unwrap_or(usize::MAX),
            repeats: count < 0,
            scores,
        })
    }

    fn tell(&self, zset: ZSetRef<'_>, random: &mut Random, reply: &mut ReplyBuf) {
        let elements = Elements::new(reply, self.scores);
        let len = zset.len();
        let count = if self.repeats && len > 0 {
            self.count
        } else {
            self.count.min(len)
        };
        elements.begin(reply, count);
        if self.repeats || count == 1 {
            for _ in 0..count {
                if reply.is_full() {
                    break;
                }
                if let Some((member, score)) = zset.random(random.next()) {
                    elements.put(reply, member, score);
                }
            }
        } else if count.saturating_mul(WALK_SHARE) >= len {
            // Each of those to come is taken with the share that is still wanted of them.
            let mut wanted = count;
            for (passed, (member, score)) in zset.iter().enumerate() {
                if below(random, len - passed) < wanted {
                    wanted -= 1;
                    elements.put(reply, member, score);
                }
            }
        } else {
            for rank in distinct_ranks(random, len, count) {
                if let Some((member, score)) = zset.at(rank) {
                    elements.put(reply, member, score);
                }
            }
        }
    }
}

/// `count` different numbers below `len`, every set of them with the same probability. Source:
/// Bentley and Floyd, "A sample of brilliance" (1987).
fn distinct_ranks(random: &mut Random, len: usize, count: usize) -> BTreeSet<usize> {
    let mut ranks = BTreeSet::new();
    for end in len - count..len {
        let rank = below(random, end + 1);
        if !ranks.insert(rank) {
            ranks.insert(end);
        }
    }
    ranks
}

/// A number below `end`.
fn below(random: &mut Random, end: usize) -> usize {
    let product = u128::from(random.next()) * end as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{below, distinct_ranks};
    use crate::{random::Random, testkit::Kit};
    use alloc::{collections::BTreeSet, format, string::String};

    fn members(reply: &str) -> BTreeSet<String> {
        let words = reply.split('"').skip(1).step_by(2);
        words.map(String::from).collect()
    }

    #[test]
    fn chooses_different_members_or_not() {
        let mut kit = Kit::new();
        for entries in [128, 0] {
            kit.run(&format!("CONFIG SET zset-max-listpack-entries {entries}"));
            kit.run("DEL z");
            for i in 0..100 {
                kit.run(&format!("ZADD z {i} m{i}"));
            }
            for count in [2, 10, 33, 34, 50, 99, 100, 1000] {
                let reply = kit.run(&format!("ZRANDMEMBER z {count}"));
                assert_eq!(members(&reply).len(), count.min(100), "{count}");
            }
            let reply = kit.run("ZRANDMEMBER z -300");
            assert_eq!(reply.matches('"').count(), 600);
            assert!(members(&reply).len() > 80);
            let reply = kit.run("ZRANDMEMBER z 3 WITHSCORES");
            for (member, score) in reply.trim_matches(['[', ']']).split(", ").step_by(2).zip(
                reply
                    .trim_matches(['[', ']'])
                    .split(", ")
                    .skip(1)
                    .step_by(2),
            ) {
                assert_eq!(member.replace('m', ""), score);
            }
        }
        assert_eq!(kit.run("ZRANDMEMBER z 0"), "[]");
        assert_eq!(kit.run("ZRANDMEMBER none"), "(nil)");
        assert_eq!(kit.run("ZRANDMEMBER none -5"), "[]");
    }

    #[test]
    fn refuses_what_is_no_count() {
        let mut kit = Kit::new();
        for (line, text) in [
            ("ZRANDMEMBER z x", "value is not an integer or out of range"),
            ("ZRANDMEMBER z 1 FOO", "syntax error"),
            ("ZRANDMEMBER z 1 WITHSCORES x", "syntax error"),
            (
                "ZRANDMEMBER z -9223372036854775808",
                "value is out of range, value must between \
                 -9223372036854775807 and 9223372036854775807",
            ),
            (
                "ZRANDMEMBER z -9223372036854775807 WITHSCORES",
                "value is out of range",
            ),
        ] {
            assert_eq!(kit.run(line), format!("(error) ERR {text}"), "{line}");
        }
    }

    #[test]
    fn every_rank_has_its_chance() {
        let mut random = Random::new([5, 6, 7, 8]);
        let mut times = [0_u32; 20];
        for _ in 0..20_000 {
            for rank in distinct_ranks(&mut random, 20, 5) {
                if let Some(times) = times.get_mut(rank) {
                    *times += 1;
                }
            }
        }
        assert!(
            times.iter().all(|times| (4600..5400).contains(times)),
            "{times:?}"
        );
        assert_eq!(below(&mut random, 0), 0);
    }
}
