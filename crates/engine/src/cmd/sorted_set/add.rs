//! Setting scores: ZADD and ZINCRBY.

use vk_data::{
    listpack,
    num::parse_f64,
    pack::PackKind,
    value::NewValue,
    zset::{Change, ZSetLimits, ZSetMut, ZSetRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{limits, number};
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const ZADD: Command = Command {
    spec: CommandSpec {
        name: "zadd",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Adds members to a sorted set, or changes their scores.",
        complexity: "O(log(N)) for each member, N elements being there",
        history: &[
            History {
                version: "2.4.0",
                change: "Several members can be added at once.",
            },
            History {
                version: "3.0.2",
                change: "The options `XX`, `NX`, `CH` and `INCR` came.",
            },
            History {
                version: "6.2.0",
                change: "The options `GT` and `LT` came.",
            },
        ],
        arity: -4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "condition",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("xx", "XX"),
                ],
            )
            .since("3.0.2")
            .optional(),
            ArgSpec::one_of(
                "comparison",
                &[
                    ArgSpec::pure_token("gt", "GT"),
                    ArgSpec::pure_token("lt", "LT"),
                ],
            )
            .since("6.2.0")
            .optional(),
            ArgSpec::pure_token("change", "CH")
                .since("3.0.2")
                .optional(),
            ArgSpec::pure_token("increment", "INCR")
                .since("3.0.2")
                .optional(),
            ArgSpec::block(
                "data",
                &[ArgSpec::double("score"), ArgSpec::string("member")],
            )
            .multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zadd),
};

pub(super) const ZINCRBY: Command = Command {
    spec: CommandSpec {
        name: "zincrby",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Adds to the score of a member.",
        complexity: "O(log(N)) for N elements",
        arity: 4,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("increment"),
            ArgSpec::string("member"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zincrby),
};

/// When a score is set.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cmd) struct Condition {
    /// The member must be new.
    pub(in crate::cmd) absent: bool,
    /// The member must be there.
    pub(in crate::cmd) present: bool,
    /// A score that is there must become higher.
    greater: bool,
    /// A score that is there must become lower.
    less: bool,
}

impl Condition {
    fn is_met(self, before: Option<f64>, score: f64) -> bool {
        match before {
            None => !self.present,
            Some(before) => {
                let falls = self.greater && score <= before;
                let rises = self.less && score >= before;
                !self.absent && !falls && !rises
            }
        }
    }
}

/// Scores and members to set.
pub(in crate::cmd) struct Addition<'r, I: Iterator<Item = (f64, &'r [u8])> + Clone> {
    pub(in crate::cmd) elements: I,
    pub(in crate::cmd) condition: Condition,
    /// Scores are added to what is there.
    pub(in crate::cmd) increases: bool,
}

/// What an addition did.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cmd) struct Outcome {
    pub(in crate::cmd) added: usize,
    pub(in crate::cmd) updated: usize,
    /// The last score that was set or was there already; `None` if no condition was met.
    score: Option<f64>,
}

impl<'r, I: Iterator<Item = (f64, &'r [u8])> + Clone> Addition<'r, I> {
    /// Sets the scores under a key, which is made if it is not there.
    pub(in crate::cmd) fn run(
        &self,
        ctx: &mut WriteCtx<'_>,
        key: KeyRef<'_>,
    ) -> Result<Outcome, Error> {
        let limits = limits(ctx);
        let mut writer = ctx.write(key);
        if writer.view::<ZSetRef<'_>>()?.is_none() && self.condition.present {
            return Ok(Outcome::default());
        }
        let empty = NewValue::Pack(PackKind::ZSet, &listpack::EMPTY);
        let mut entry = writer.modify_or_put(empty);
        let body = entry.as_mut().and_then(|entry| entry.body_mut());
        let outcome = match body.and_then(ZSetMut::of) {
            Some(mut zset) => self.apply(&mut zset, &limits),
            None => Ok(Outcome::default()),
        };
        drop(entry);
        match &outcome {
            Ok(outcome) if outcome.added + outcome.updated > 0 => {
                let event = if self.increases { "zincr" } else { "zadd" };
                writer.commit(&[(EventFlags::ZSET, event)]);
            }
            _ => writer.unchanged(),
        }
        outcome
    }

    fn apply(&self, zset: &mut ZSetMut<'_>, limits: &ZSetLimits) -> Result<Outcome, Error> {
        let (mut count, mut longest_bytes) = (0, 0);
        for (_, member) in self.elements.clone() {
            count += 1;
            longest_bytes = member.len().max(longest_bytes);
        }
        zset.expect(count, longest_bytes, limits);
        let mut outcome = Outcome::default();
        for (score, member) in self.elements.clone() {
            let mut is_number = true;
            let change = zset.update(member, limits, |before| {
                let score = match before {
                    Some(before) if self.increases => before + score,
                    _ => score,
                };
                is_number = !score.is_nan();
                let set = is_number && self.condition.is_met(before, score);
                set.then(|| {
                    outcome.score = Some(score);
                    score
                })
            });
            // Only a single increment can come to no number: nothing was set before it.
            if !is_number {
                return Err(Error::SCORE_NAN);
            }
            outcome.added += usize::from(change == Change::Added);
            outcome.updated += usize::from(change == Change::Updated);
        }
        Ok(outcome)
    }
}

fn zadd(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let options = Options::parse(request, false)?;
    let outcome = set_scores(ctx, request.skip(options.first), &options)?;
    if options.increases {
        reply_score(reply, outcome.score);
    } else if options.counts_updates {
        reply.int(number(outcome.added + outcome.updated));
    } else {
        reply.int(number(outcome.added));
    }
    Ok(())
}

fn zincrby(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    // It is ZADD with INCR: a word that is an option there is no increment here.
    let options = Options::parse(request, true)?;
    let outcome = set_scores(ctx, request.skip(options.first), &options)?;
    reply_score(reply, outcome.score);
    Ok(())
}

fn reply_score(reply: &mut ReplyBuf, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// Sets the scores of a list of words: score, member, score, member.
fn set_scores(
    ctx: &mut WriteCtx<'_>,
    words: Request<'_>,
    options: &Options,
) -> Result<Outcome, Error> {
    let key = ctx.key(0)?;
    if let (2, Some(score), Some(member)) = (words.len(), words.arg(0), words.arg(1)) {
        let score = parse_f64(score).ok_or(Error::NOT_A_FLOAT)?;
        return options.add(ctx, key, core::iter::once((score, member)));
    }
    let mut scores = smallvec::SmallVec::<[f64; 16]>::new();
    for word in words.iter().step_by(2) {
        scores.push(parse_f64(word).ok_or(Error::NOT_A_FLOAT)?);
    }
    let members = words.iter().skip(1).step_by(2);
    options.add(ctx, key, scores.iter().copied().zip(members))
}

/// What ZADD is asked for.
#[derive(Default)]
struct Options {
    condition: Condition,
    counts_updates: bool,
    increases: bool,
    /// Number of the word that holds the first score.
    first: usize,
}

impl Options {
    fn parse(request: Request<'_>, increases: bool) -> Result<Self, Error> {
        let mut options = Self {
            increases,
            first: 2,
            ..Self::default()
        };
        let condition = &mut options.condition;
        for word in request.iter().skip(2) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let option = match word.len() {
                2 if is("NX") => &mut condition.absent,
                2 if is("XX") => &mut condition.present,
                2 if is("GT") => &mut condition.greater,
                2 if is("LT") => &mut condition.less,
                2 if is("CH") => &mut options.counts_updates,
                4 if is("INCR") => &mut options.increases,
                _ => break,
            };
            *option = true;
            options.first += 1;
        }
        let words = request.len().saturating_sub(options.first);
        if words == 0 || !words.is_multiple_of(2) {
            return Err(Error::SYNTAX);
        }
        let Condition {
            absent,
            present,
            greater,
            less,
        } = *condition;
        if absent && present {
            return Err(Error::ZADD_NX_AND_XX);
        }
        if (absent && (greater || less)) || (greater && less) {
            return Err(Error::ZADD_GT_LT_NX);
        }
        if options.increases && words > 2 {
            return Err(Error::ZADD_INCR_SINGLE);
        }
        Ok(options)
    }

    fn add<'r>(
        &self,
        ctx: &mut WriteCtx<'_>,
        key: KeyRef<'_>,
        elements: impl Iterator<Item = (f64, &'r [u8])> + Clone,
    ) -> Result<Outcome, Error> {
        let addition = Addition {
            elements,
            condition: self.condition,
            increases: self.increases,
        };
        addition.run(ctx, key)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn adds_and_updates_under_conditions() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("ZADD z 1 a 2 b 1.5 a"), "(integer) 2");
        assert_eq!(kit.run("ZADD z CH 1.5 a 3 b 4 c"), "(integer) 2");
        assert_eq!(kit.run("ZADD z NX 9 a 9 d"), "(integer) 1");
        assert_eq!(kit.run("ZADD z XX 8 a 8 e"), "(integer) 0");
        assert_eq!(kit.run("ZADD z GT CH 7 a 9 b"), "(integer) 1");
        assert_eq!(kit.run("ZADD z LT CH 7 a 9 b 0 f"), "(integer) 2");
        assert_eq!(kit.run("ZADD z XX GT INCR 1 a"), "\"8\"");
        assert_eq!(kit.run("ZADD z NX INCR 1 a"), "(nil)");
        assert_eq!(kit.run("ZADD z GT INCR -1 a"), "(nil)");
        assert_eq!(kit.run("ZADD none XX 1 a"), "(integer) 0");
        assert_eq!(kit.run("ZADD none XX INCR 1 a"), "(nil)");
        assert_eq!(kit.run("EXISTS none"), "(integer) 0");
        assert_eq!(
            kit.run("ZRANGE z 0 -1 WITHSCORES"),
            "[\"f\", \"0\", \"c\", \"4\", \"a\", \"8\", \"b\", \"9\", \"d\", \"9\"]"
        );
    }

    #[test]
    fn refuses_before_it_changes_anything() {
        let mut kit = Kit::new();
        for (line, text) in [
            ("ZADD z 1 a x b", "value is not a valid float"),
            ("ZADD z nan a", "value is not a valid float"),
            ("ZADD z 1 a 2", "syntax error"),
            ("ZADD z NX CH", "syntax error"),
            (
                "ZADD z NX XX 1 a",
                "XX and NX options at the same time are not compatible",
            ),
            (
                "ZADD z NX GT 1 a",
                "GT, LT, and/or NX options at the same time are not compatible",
            ),
            (
                "ZADD z GT LT 1 a",
                "GT, LT, and/or NX options at the same time are not compatible",
            ),
            (
                "ZADD z INCR 1 a 2 b",
                "INCR option supports a single increment-element pair",
            ),
            ("ZINCRBY z x a", "value is not a valid float"),
            ("ZINCRBY z XX a", "syntax error"),
        ] {
            assert_eq!(kit.run(line), format!("(error) ERR {text}"), "{line}");
        }
        assert_eq!(kit.run("EXISTS z"), "(integer) 0");
        kit.run("SET s 1");
        assert!(kit.run("ZADD s 1 a").starts_with("(error) WRONGTYPE"));
        kit.run("ZADD z inf a");
        let nan = "(error) ERR resulting score is not a number (NaN)";
        assert_eq!(kit.run("ZINCRBY z -inf a"), nan);
        assert_eq!(kit.run("ZSCORE z a"), "\"inf\"");
    }

    #[test]
    fn increments_and_hands_the_request_on() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("ZINCRBY z 1.5 a"), "\"1.5\"");
        assert_eq!(kit.run("ZINCRBY z -3 a"), "\"-1.5\"");
        assert_eq!(kit.run("ZINCRBY z 0 a"), "\"-1.5\"");
        assert_eq!(effects_of(&mut kit, "ZINCRBY z 2 a"), "ZINCRBY z 2 a");
        assert_eq!(effects_of(&mut kit, "ZINCRBY z 0 a"), "");
        assert_eq!(effects_of(&mut kit, "ZADD z 0.5 a"), "");
        let line = "ZADD z GT CH 1 a 2 b";
        assert_eq!(effects_of(&mut kit, line), line);
    }

    #[test]
    fn takes_the_encoding_that_fits() {
        let mut kit = Kit::new();
        for i in 0..128 {
            kit.run(&format!("ZADD z {i} m{i}"));
        }
        assert_eq!(kit.run("OBJECT ENCODING z"), "\"listpack\"");
        kit.run("ZADD z 1 m129");
        assert_eq!(kit.run("OBJECT ENCODING z"), "\"skiplist\"");
        kit.run(&format!("ZADD l 1 {}", "x".repeat(64)));
        assert_eq!(kit.run("OBJECT ENCODING l"), "\"listpack\"");
        kit.run(&format!("ZADD l 1 {}", "x".repeat(65)));
        assert_eq!(kit.run("OBJECT ENCODING l"), "\"skiplist\"");
    }
}
