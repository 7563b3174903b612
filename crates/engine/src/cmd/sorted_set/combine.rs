//! Union, intersection and difference of sorted sets and sets, told, counted or stored.

use alloc::vec::Vec;

use vk_data::{
    combine::{Aggregate, Input, Source, difference, intersection, sort, union},
    num::{parse_f64, parse_i64},
    value::View,
    zset::{NewZSet, ZSetBuilder, ZSetLimits, ZSetRef},
};
use vk_resp::{ReplyBuf, Request};

use super::{Elements, limits, number, store};
use crate::{
    Error,
    access::KeyRef,
    ctx::{Ctx, ReadCtx, WriteCtx},
};

/// What is done to the operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What a command of this kind is asked for, with operands that were looked up.
struct Combination<'k> {
    operation: Operation,
    /// A key that is not there is `None`.
    keys: Vec<Option<KeyRef<'k>>>,
    /// One per key, or none.
    weights: Vec<f64>,
    aggregate: Aggregate,
    scores: bool,
    /// Members to count at most.
    limit: usize,
}

/// Which options a command knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Tell,
    Store,
    Count,
}

impl<'k> Combination<'k> {
    /// Looks the operands up, whose number stands in the word `at`, and reads what follows them.
    fn prepare(
        ctx: &mut ReadCtx<'k>,
        request: Request<'_>,
        at: usize,
        operation: Operation,
        form: Form,
    ) -> Result<Self, Error> {
        let count = request.arg(at).and_then(parse_i64);
        let count = count.ok_or(Error::NOT_AN_INTEGER)?;
        if count < 1 {
            let name = ctx.engine.commands.command(ctx.command).spec.name;
            return Err(Error::told(format_args!(
                "ERR at least 1 input key is needed for '{name}' command"
            )));
        }
        let words = request.len().saturating_sub(at + 1);
        let count = usize::try_from(count).ok().filter(|count| *count <= words);
        let count = count.ok_or(Error::SYNTAX)?;
        let first = usize::from(form == Form::Store);
        let all: &'k [KeyRef<'k>] = ctx.keys();
        let mut keys = Vec::with_capacity(count);
        for key in all.iter().skip(first) {
            keys.push(ctx.view::<Source<'_>>(*key)?.map(|_| *key));
        }
        let mut combination = Self {
            operation,
            keys,
            weights: Vec::new(),
            aggregate: Aggregate::Sum,
            scores: false,
            limit: usize::MAX,
        };
        combination.read_options(request.skip(at + 1 + count), count, form)?;
        Ok(combination)
    }

    fn read_options(
        &mut self,
        mut rest: Request<'_>,
        keys: usize,
        form: Form,
    ) -> Result<(), Error> {
        let weighs = self.operation != Operation::Difference && form != Form::Count;
        while let Some(word) = rest.arg(0) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let value = rest.arg(1);
            let used = if weighs && rest.len() > keys && is("WEIGHTS") {
                let weight = |word| parse_f64(word).ok_or(Error::WEIGHT_NOT_A_FLOAT);
                let weights = rest.iter().skip(1).take(keys).map(weight);
                self.weights = weights.collect::<Result<_, _>>()?;
                1 + keys
            } else if let (true, true, Some(value)) = (weighs, is("AGGREGATE"), value) {
                self.aggregate = aggregate(value)?;
                2
            } else if form == Form::Tell && is("WITHSCORES") {
                self.scores = true;
                1
            } else if let (Form::Count, true, Some(value)) = (form, is("LIMIT"), value) {
                let limit = parse_i64(value).and_then(|limit| usize::try_from(limit).ok());
                let limit = limit.ok_or(Error::LIMIT_NEGATIVE)?;
                self.limit = if limit == 0 { usize::MAX } else { limit };
                2
            } else {
                return Err(Error::SYNTAX);
            };
            rest = rest.skip(used);
        }
        Ok(())
    }

    fn inputs<'v>(&self, ctx: &'v Ctx<'_>) -> Vec<Input<'v>> {
        let source = |key: &KeyRef<'_>| Source::of(ctx.engine.dbs.find(key)?);
        let keys = self.keys.iter().enumerate();
        keys.map(|(at, key)| Input {
            source: key.as_ref().and_then(source),
            weight: self.weights.get(at).copied().unwrap_or(1.0),
        })
        .collect()
    }

    /// The result as a sorted set.
    fn build(&self, inputs: &mut [Input<'_>], limits: &ZSetLimits) -> ZSetBuilder {
        let mut result = ZSetBuilder::new(limits.seed);
        match self.operation {
            Operation::Union => return union(inputs, self.aggregate, limits.seed),
            Operation::Intersection => {
                intersection(inputs, self.aggregate, limits.seed, &mut |element| {
                    result.insert_element(element);
                    true
                });
            }
            Operation::Difference => {
                difference(inputs, limits.seed, &mut |element| {
                    result.insert_element(element);
                });
            }
        }
        result
    }
}

fn aggregate(word: &[u8]) -> Result<Aggregate, Error> {
    let names: [(&[u8], Aggregate); 3] = [
        (b"SUM", Aggregate::Sum),
        (b"MIN", Aggregate::Min),
        (b"MAX", Aggregate::Max),
    ];
    let named = names
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name));
    named.map(|(_, aggregate)| *aggregate).ok_or(Error::SYNTAX)
}

/// ZUNION, ZINTER, ZDIFF.
pub(super) fn tell_result(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    operation: Operation,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let combination = Combination::prepare(ctx, request, 1, operation, Form::Tell)?;
    let mut inputs = combination.inputs(ctx);
    let elements = Elements::new(reply, combination.scores);
    let mut found = Vec::new();
    match operation {
        Operation::Union => {
            // A listpack would tell -0 as 0, which is right for what is stored alone.
            let limits = ZSetLimits {
                entries: 0,
                ..limits(ctx)
            };
            let result = combination.build(&mut inputs, &limits).finish(&limits);
            tell_all(result.as_ref(), elements, reply);
            return Ok(());
        }
        Operation::Intersection => {
            let seed = ctx.engine.dbs.seed();
            intersection(&mut inputs, combination.aggregate, seed, &mut |element| {
                found.push((element.member, element.score));
                true
            });
        }
        Operation::Difference => {
            let seed = ctx.engine.dbs.seed();
            difference(&inputs, seed, &mut |element| {
                found.push((element.member, element.score));
            });
        }
    }
    sort(&mut found);
    elements.begin(reply, found.len());
    for (member, score) in found {
        elements.put(reply, member, score);
    }
    Ok(())
}

fn tell_all(result: Option<&NewZSet>, elements: Elements, reply: &mut ReplyBuf) {
    let zset = match result {
        Some(NewZSet::Pack(bytes)) => ZSetRef::of_pack(bytes),
        Some(NewZSet::Structure(zset)) => ZSetRef::of_structure(zset),
        None => {
            elements.begin(reply, 0);
            return;
        }
    };
    elements.begin(reply, zset.len());
    for (member, score) in zset.iter() {
        elements.put(reply, member, score);
    }
}

/// ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE.
pub(super) fn store_result(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    operation: Operation,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let combination = Combination::prepare(ctx, request, 2, operation, Form::Store)?;
    let limits = limits(ctx);
    let mut inputs = combination.inputs(ctx);
    let result = combination.build(&mut inputs, &limits);
    reply.int(number(result.len()));
    let event = match operation {
        Operation::Union => "zunionstore",
        Operation::Intersection => "zinterstore",
        Operation::Difference => "zdiffstore",
    };
    store(ctx, ctx.key(0)?, result.finish(&limits), event);
    Ok(())
}

pub(super) fn zintercard(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let operation = Operation::Intersection;
    let combination = Combination::prepare(ctx, request, 1, operation, Form::Count)?;
    let mut count = 0;
    let (mut inputs, seed) = (combination.inputs(ctx), ctx.engine.dbs.seed());
    intersection(&mut inputs, Aggregate::Sum, seed, &mut |_| {
        count += 1;
        count < combination.limit
    });
    reply.int(number(count));
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{cmd::string::effects_of, testkit::Kit};

    fn kit(entries: usize) -> Kit {
        let mut kit = Kit::new();
        kit.run(&format!("CONFIG SET zset-max-listpack-entries {entries}"));
        kit.run("ZADD a 1 x 2 y 3 7");
        kit.run("ZADD b 10 y 20 7 30 z");
        kit.run("SADD s 7 y");
        kit
    }

    #[test]
    fn tells_results() {
        for entries in [128, 0] {
            let mut kit = kit(entries);
            for (line, expected) in [
                ("ZUNION 2 a b", "x y 7 z"),
                ("ZUNION 2 a b WITHSCORES", "x 1 y 12 7 23 z 30"),
                ("ZUNION 2 a b WEIGHTS 2 0.5 WITHSCORES", "x 2 y 9 z 15 7 16"),
                ("ZUNION 2 a b AGGREGATE MIN WITHSCORES", "x 1 y 2 7 3 z 30"),
                ("ZUNION 3 a none s withscores aggregate max", "x 1 y 2 7 3"),
                ("ZUNION 1 none", ""),
                ("ZINTER 2 a b WITHSCORES", "y 12 7 23"),
                ("ZINTER 2 a s WITHSCORES", "y 3 7 4"),
                ("ZINTER 2 a a WITHSCORES WEIGHTS 1 -3", "7 -6 y -4 x -2"),
                ("ZINTER 2 a none", ""),
                ("ZINTER 1 s WITHSCORES", "7 1 y 1"),
                ("ZDIFF 2 a b WITHSCORES", "x 1"),
                ("ZDIFF 2 b s", "z"),
                ("ZDIFF 2 a a", ""),
                ("ZDIFF 2 a none", "x y 7"),
                ("ZDIFF 2 none a", ""),
            ] {
                let words: alloc::vec::Vec<_> = expected
                    .split_whitespace()
                    .map(|word| format!("\"{word}\""))
                    .collect();
                assert_eq!(kit.run(line), format!("[{}]", words.join(", ")), "{line}");
            }
            assert_eq!(kit.run("ZINTERCARD 2 a b"), "(integer) 2");
            assert_eq!(kit.run("ZINTERCARD 2 a b LIMIT 1"), "(integer) 1");
            assert_eq!(kit.run("ZINTERCARD 2 a b LIMIT 0"), "(integer) 2");
            assert_eq!(kit.run("ZINTERCARD 2 a none"), "(integer) 0");
        }
    }

    #[test]
    fn infinities_come_to_zero() {
        let mut kit = Kit::new();
        kit.run("ZADD a inf x");
        kit.run("ZADD b -inf x");
        assert_eq!(kit.run("ZUNION 2 a b WITHSCORES"), "[\"x\", \"0\"]");
        assert_eq!(kit.run("ZINTER 2 a b WITHSCORES"), "[\"x\", \"0\"]");
        kit.run("ZADD c -2 x");
        let below = "ZUNION 1 c WEIGHTS 0 WITHSCORES";
        assert_eq!(kit.run(below), "[\"x\", \"-0\"]");
        let zero = "ZUNION 1 a WEIGHTS 0 WITHSCORES";
        assert_eq!(kit.run(zero), "[\"x\", \"0\"]");
    }

    #[test]
    fn stores_results() {
        let mut kit = kit(128);
        kit.run("SET d 1 EX 10");
        let line = "ZUNIONSTORE d 2 a b WEIGHTS 1 2";
        assert_eq!(effects_of(&mut kit, line), line);
        assert_eq!(kit.run("TYPE d"), "zset");
        assert_eq!(kit.run("TTL d"), "(integer) -1");
        assert_eq!(kit.run("ZINTERSTORE a 2 a b"), "(integer) 2");
        assert_eq!(
            kit.run("ZRANGE a 0 -1 WITHSCORES"),
            "[\"y\", \"12\", \"7\", \"23\"]"
        );
        assert_eq!(kit.run("ZDIFFSTORE d 2 a b"), "(integer) 0");
        assert_eq!(kit.run("EXISTS d"), "(integer) 0");
        assert_eq!(effects_of(&mut kit, "ZDIFFSTORE d 2 a b"), "");
        kit.run("SET t 1");
        assert!(
            kit.run("ZUNIONSTORE d 2 a t")
                .starts_with("(error) WRONGTYPE")
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let mut kit = kit(128);
        let no_int = "value is not an integer or out of range";
        for (line, text) in [
            ("ZUNION x a", no_int),
            (
                "ZUNION 0 a",
                "at least 1 input key is needed for 'zunion' command",
            ),
            (
                "ZINTERSTORE d -1 a",
                "at least 1 input key is needed for 'zinterstore' command",
            ),
            ("ZUNION 3 a b", "syntax error"),
            ("ZUNION 2 a b WEIGHTS 1", "syntax error"),
            ("ZUNION 2 a b WEIGHTS 1 x", "weight value is not a float"),
            ("ZUNION 2 a b AGGREGATE FOO", "syntax error"),
            ("ZUNION 2 a b AGGREGATE", "syntax error"),
            ("ZUNIONSTORE d 2 a b WITHSCORES", "syntax error"),
            ("ZDIFF 2 a b WEIGHTS 1 2", "syntax error"),
            ("ZINTERCARD 2 a b LIMIT -1", "LIMIT can't be negative"),
            ("ZINTERCARD 2 a b LIMIT x", "LIMIT can't be negative"),
            ("ZINTERCARD 2 a b WITHSCORES", "syntax error"),
        ] {
            assert_eq!(kit.run(line), format!("(error) ERR {text}"), "{line}");
        }
    }
}
