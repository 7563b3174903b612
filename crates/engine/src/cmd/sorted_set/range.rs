//! A range of ranks, scores or names: ZRANGE with its older forms, and ZRANGESTORE.

use core::ops::Range;

use vk_data::{
    num::{INT_TEXT_MAX, parse_i64},
    zset::{LexRange, Member, ScoreRange, ZSetBuilder, ZSetRef},
};
use vk_resp::{ReplyBuf, Request};

use super::{
    Elements,
    bounds::{RankRange, lex_range, rank_range, score_range},
    limits, number, store,
};
use crate::{
    Error,
    ctx::{ReadCtx, WriteCtx},
};

/// What the ends of a range are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Rank,
    Score,
    Lex,
}

/// What the name of a command says already, so that its options cannot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults {
    order: Option<Order>,
    reverse: Option<bool>,
}

impl Defaults {
    /// The options say it.
    pub(super) const NONE: Self = Self {
        order: None,
        reverse: None,
    };

    pub(super) const fn new(order: Order, reverse: bool) -> Self {
        Self {
            order: Some(order),
            reverse: Some(reverse),
        }
    }
}

/// What is asked for.
struct Selection<'r> {
    bounds: Bounds<'r>,
    reverse: bool,
    scores: bool,
    offset: i64,
    /// Negative for all.
    count: i64,
}

enum Bounds<'r> {
    Rank(RankRange),
    Score(ScoreRange),
    Lex(LexRange<'r>),
}

impl<'r> Selection<'r> {
    /// Reads the two ends from the word `first` on, and the options behind them.
    fn parse(
        request: Request<'r>,
        first: usize,
        defaults: Defaults,
        stores: bool,
    ) -> Result<Self, Error> {
        let Defaults {
            mut order,
            mut reverse,
        } = defaults;
        let (mut scores, mut offset, mut count) = (false, 0, -1);
        let mut at = first + 2;
        while let Some(word) = request.arg(at) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let number = |at| {
                let word = request.arg(at).ok_or(Error::SYNTAX)?;
                parse_i64(word).ok_or(Error::NOT_AN_INTEGER)
            };
            if !stores && is("WITHSCORES") {
                scores = true;
            } else if is("LIMIT") && request.len() - at > 2 {
                (offset, count) = (number(at + 1)?, number(at + 2)?);
                at += 2;
            } else if reverse.is_none() && is("REV") {
                reverse = Some(true);
            } else if order.is_none() && is("BYLEX") {
                order = Some(Order::Lex);
            } else if order.is_none() && is("BYSCORE") {
                order = Some(Order::Score);
            } else {
                return Err(Error::SYNTAX);
            }
            at += 1;
        }
        let (order, reverse) = (order.unwrap_or(Order::Rank), reverse.unwrap_or(false));
        if count != -1 && order == Order::Rank {
            return Err(Error::ZRANGE_LIMIT);
        }
        if scores && order == Order::Lex {
            return Err(Error::ZRANGE_SCORES);
        }
        // Backwards the higher end comes first, but for ranks.
        let (min, max) = match order {
            Order::Score | Order::Lex if reverse => (first + 1, first),
            _ => (first, first + 1),
        };
        let bounds = match order {
            Order::Rank => Bounds::Rank(rank_range(request, min, max)?),
            Order::Score => Bounds::Score(score_range(request, min, max)?),
            Order::Lex => Bounds::Lex(lex_range(request, min, max)?),
        };
        Ok(Self {
            bounds,
            reverse,
            scores,
            offset,
            count,
        })
    }

    /// The ranks to tell, counted from the end where the telling begins.
    fn ranks(&self, zset: ZSetRef<'_>) -> Range<usize> {
        let len = zset.len();
        let ranks = match &self.bounds {
            Bounds::Rank(range) => return range.of(len),
            Bounds::Score(range) => zset.score_ranks(range),
            Bounds::Lex(range) => zset.lex_ranks(range),
        };
        let ranks = if self.reverse {
            len.saturating_sub(ranks.end)..len.saturating_sub(ranks.start)
        } else {
            ranks
        };
        // A negative offset is beyond everything.
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let start = ranks.start.saturating_add(offset).min(ranks.end);
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        start..start.saturating_add(count).min(ranks.end)
    }
}

/// ZRANGE and its older forms.
pub(super) fn tell_range(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    defaults: Defaults,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let selection = Selection::parse(request, 2, defaults, false)?;
    let Some(zset) = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)? else {
        reply.array(0);
        return Ok(());
    };
    let ranks = selection.ranks(zset);
    let elements = Elements::new(reply, selection.scores);
    elements.begin(reply, ranks.len());
    let walk = zset.iter_from_rank(ranks.start, selection.reverse);
    if elements.scores {
        let put = |member, score| elements.put(reply, member, score);
        walk.visit(ranks.len(), put);
    } else {
        // A loop of its own, without a look at the scores.
        walk.visit(ranks.len(), |member, _| match member {
            Member::Bytes(bytes) => reply.bulk_in_loop(bytes),
            Member::Int(number) => reply.bulk_int(number),
        });
    }
    Ok(())
}

pub(super) fn zrangestore(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let selection = Selection::parse(request, 3, Defaults::NONE, true)?;
    let limits = limits(ctx);
    let (to, from) = (ctx.key(0)?, ctx.key(1)?);
    let mut result = ZSetBuilder::new(limits.seed);
    if let Some(zset) = ctx.view::<ZSetRef<'_>>(from)? {
        let ranks = selection.ranks(zset);
        let walk = zset.iter_from_rank(ranks.start, selection.reverse);
        let mut text = [0; INT_TEXT_MAX];
        walk.visit(ranks.len(), |member, score| {
            result.insert(member.bytes(&mut text), score);
        });
    }
    reply.int(number(result.len()));
    store(ctx, to, result.finish(&limits), "zrangestore");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};
    use alloc::format;

    fn kit() -> Kit {
        let mut kit = Kit::new();
        kit.run("ZADD z 1 a 2 b 3 c 4 d");
        kit.run("ZADD l 0 a 0 b 0 c 0 d");
        kit
    }

    /// Both encodings answer alike.
    fn check(line: &str, expected: &str) {
        let mut kit = kit();
        assert_eq!(kit.run(line), expected, "{line}");
        kit.run("FLUSHALL");
        kit.run("CONFIG SET zset-max-listpack-entries 0");
        kit.run("ZADD z 1 a 2 b 3 c 4 d");
        kit.run("ZADD l 0 a 0 b 0 c 0 d");
        assert_eq!(kit.run("OBJECT ENCODING z"), "\"skiplist\"");
        assert_eq!(kit.run(line), expected, "{line}");
    }

    #[test]
    fn tells_ranges() {
        for (line, expected) in [
            ("ZRANGE z 1 2", "bc"),
            ("ZRANGE z -2 -1 REV", "ba"),
            ("ZREVRANGE z 0 1", "dc"),
            ("ZRANGE z 5 9", ""),
            ("ZRANGE none 0 -1", ""),
            ("ZRANGE z (1 3 BYSCORE", "bc"),
            ("ZRANGE z 3 (1 BYSCORE REV", "cb"),
            ("ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2", "cb"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 1 -1", "bcd"),
            ("ZRANGEBYSCORE z -inf +inf LIMIT -1 2", ""),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 4 2", ""),
            ("ZRANGEBYSCORE z -inf +inf LIMIT 0 0", ""),
            ("ZREVRANGEBYSCORE z 4 2", "dcb"),
            ("ZRANGEBYSCORE z 3 2", ""),
            ("ZRANGE l [b + BYLEX", "bcd"),
            ("ZRANGE l (d - BYLEX REV LIMIT 0 2", "cb"),
            ("ZRANGEBYLEX l - (c", "ab"),
            ("ZREVRANGEBYLEX l + [c", "dc"),
            ("ZRANGEBYLEX l + -", ""),
            ("ZRANGE z 0 0 LIMIT 0 -1", "a"),
        ] {
            let words: alloc::vec::Vec<_> = expected.chars().map(|c| format!("\"{c}\"")).collect();
            check(line, &format!("[{}]", words.join(", ")));
        }
        check("ZRANGE z 0 1 WITHSCORES", "[\"a\", \"1\", \"b\", \"2\"]");
        check(
            "ZREVRANGEBYSCORE z (4 3 WITHSCORES LIMIT 0 5",
            "[\"c\", \"3\"]",
        );
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        for (line, text) in [
            ("ZRANGE z 0 x", "value is not an integer or out of range"),
            (
                "ZRANGE z 0 1 LIMIT 0 x",
                "value is not an integer or out of range",
            ),
            ("ZRANGE z a 1 BYSCORE", "min or max is not a float"),
            ("ZRANGEBYSCORE z ( 1", "min or max is not a float"),
            (
                "ZRANGE z a b BYLEX",
                "min or max not valid string range item",
            ),
            ("ZRANGE z 0 1 BYLEX BYSCORE", "syntax error"),
            ("ZRANGE z 0 1 REV REV", "syntax error"),
            ("ZREVRANGE z 0 1 REV", "syntax error"),
            ("ZRANGE z 0 1 LIMIT 0", "syntax error"),
            ("ZRANGESTORE y z 0 1 WITHSCORES", "syntax error"),
            (
                "ZRANGE z 0 1 LIMIT 0 1",
                "syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
            ),
            (
                "ZRANGE l - + BYLEX WITHSCORES",
                "syntax error, WITHSCORES not supported in combination with BYLEX",
            ),
        ] {
            check(line, &format!("(error) ERR {text}"));
        }
    }

    #[test]
    fn nests_scores_in_resp3() {
        let mut kit = kit();
        kit.run("HELLO 3");
        assert_eq!(
            kit.run("ZRANGE z 0 1 WITHSCORES"),
            "[[\"a\", Double(1.0)], [\"b\", Double(2.0)]]"
        );
    }

    #[test]
    fn stores_a_range() {
        let mut kit = kit();
        kit.run("SET y 1 EX 100");
        let line = "ZRANGESTORE y z (1 +inf BYSCORE LIMIT 0 2";
        assert_eq!(effects_of(&mut kit, line), line);
        assert_eq!(kit.run("ZRANGE y 0 -1"), "[\"b\", \"c\"]");
        assert_eq!(kit.run("TTL y"), "(integer) -1");
        assert_eq!(kit.run("ZRANGESTORE z z 0 -1 REV"), "(integer) 4");
        assert_eq!(kit.run("ZRANGESTORE y none 0 -1"), "(integer) 0");
        assert_eq!(kit.run("EXISTS y"), "(integer) 0");
        assert_eq!(effects_of(&mut kit, "ZRANGESTORE y z 9 10"), "");
        kit.run("SET s 1");
        assert!(
            kit.run("ZRANGESTORE y s 0 1")
                .starts_with("(error) WRONGTYPE")
        );
    }
}
