//! Random fields: HRANDFIELD.

use alloc::collections::BTreeSet;

use vk_data::{hash::HashRef, num::parse_i64, value::StrRef};
use vk_resp::{Protocol, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use super::{now_ms, tell, tell_or_null};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
    random::Random,
};

pub(super) const HRANDFIELD: Command = Command {
    spec: CommandSpec {
        name: "hrandfield",
        group: Group::Hash,
        since: "6.2.0",
        summary: "Tells fields that are chosen at random.",
        complexity: "O(N) where N is the number of fields told",
        arity: -2,
        categories: Categories::HASH,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::block(
                "options",
                &[
                    ArgSpec::integer("count"),
                    ArgSpec::pure_token("withvalues", "WITHVALUES").optional(),
                ],
            )
            .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(hrandfield),
};

/// Where fewer than one of so many fields are wanted, they are drawn one by one.
const FEW_OF: usize = 3;
/// Fields that are told before it is asked whether the reply will be sent at all.
const REPEATED_AT_ONCE: u64 = 4096;
/// Draws per wanted field before drawing one by one is given up: most fields have expired then.
const DRAWS_PER_FIELD: usize = 10;

fn hrandfield(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let choice = Choice::parse(request)?;
    let (key, now) = (ctx.key(0)?, now_ms(ctx));
    let generator = &mut ctx.engine.random;
    let mut random = Random::new([
        generator.next(),
        generator.next(),
        generator.next(),
        generator.next(),
    ]);
    let mut draw = || random.next();
    let hash = ctx.view::<HashRef<'_>>(key)?;
    let Some(choice) = choice else {
        let field = hash.and_then(|hash| hash.random(now, &mut draw));
        tell_or_null(reply, field.map(|(name, _)| name));
        return Ok(());
    };
    match hash {
        Some(hash) if choice.count > 0 => choice.tell(hash, now, &mut draw, reply),
        _ => reply.array(0),
    }
    Ok(())
}

/// The arguments behind the key.
struct Choice {
    count: u64,
    /// A field may be told more than once.
    repeats: bool,
    with_values: bool,
}

impl Choice {
    fn parse(request: Request<'_>) -> Result<Option<Self>, Error> {
        let Some(word) = request.arg(2) else {
            return Ok(None);
        };
        let count = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
        if count == i64::MIN {
            let max = i64::MAX;
            return Err(Error::told(format_args!(
                "ERR value is out of range, value must between -{max} and {max}"
            )));
        }
        let option = request.arg(3);
        let with_values = option.is_some_and(|word| word.eq_ignore_ascii_case(b"WITHVALUES"));
        if request.len() > 4 || option.is_some() != with_values {
            return Err(Error::SYNTAX);
        }
        if with_values && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
            return Err(Error::OUT_OF_RANGE);
        }
        Ok(Some(Self {
            count: count.unsigned_abs(),
            repeats: count < 0,
            with_values,
        }))
    }

    fn tell(
        &self,
        hash: HashRef<'_>,
        now_ms: i64,
        draw: &mut impl FnMut() -> u64,
        reply: &mut ReplyBuf,
    ) {
        let header = reply.deferred_array();
        let mut told = 0_usize;
        if self.repeats {
            let mut left = self.count;
            while left > 0 && !reply.is_full() {
                let next = left.min(REPEATED_AT_ONCE);
                hash.random_any(next, now_ms, draw, &mut |name, value| {
                    self.tell_field(name, value, reply);
                    told = told.wrapping_add(1);
                });
                left = left.saturating_sub(next);
            }
        } else {
            let count = usize::try_from(self.count).unwrap_or(usize::MAX);
            told = self.tell_different(count, hash, now_ms, draw, reply);
        }
        let flat = self.with_values && reply.protocol() == Protocol::Resp2;
        let items = if flat { told.saturating_mul(2) } else { told };
        reply.finish(header, items);
    }

    /// Tells `count` different fields or all, and how many they are.
    fn tell_different(
        &self,
        count: usize,
        hash: HashRef<'_>,
        now_ms: i64,
        draw: &mut impl FnMut() -> u64,
        reply: &mut ReplyBuf,
    ) -> usize {
        let is_large = matches!(hash, HashRef::Large(_));
        if is_large && count.saturating_mul(FEW_OF) <= hash.len() {
            let mark = reply.mark();
            let mut names = BTreeSet::new();
            for _ in 0..count.saturating_mul(DRAWS_PER_FIELD) {
                if let Some((name, value)) = hash.random(now_ms, draw)
                    && let StrRef::Bytes(bytes) = name
                    && names.insert(bytes)
                {
                    self.tell_field(name, value, reply);
                }
                if names.len() == count {
                    return count;
                }
            }
            reply.rollback(mark);
        }
        let mut told = 0_usize;
        hash.sample(count, now_ms, draw, &mut |name, value| {
            self.tell_field(name, value, reply);
            told = told.wrapping_add(1);
        });
        told
    }

    fn tell_field(&self, name: StrRef<'_>, value: StrRef<'_>, reply: &mut ReplyBuf) {
        if self.with_values && reply.protocol() == Protocol::Resp3 {
            reply.array(2);
        }
        tell(reply, name);
        if self.with_values {
            tell(reply, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String};

    use crate::testkit::Kit;

    fn words(reply: &str) -> BTreeSet<String> {
        reply
            .split('"')
            .skip(1)
            .step_by(2)
            .map(Into::into)
            .collect()
    }

    #[test]
    fn chooses_among_the_fields() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HRANDFIELD h"), "(nil)");
        assert_eq!(kit.run("HRANDFIELD h 3"), "[]");
        for entries in [512, 0] {
            kit.run(&format!("CONFIG SET hash-max-listpack-entries {entries}"));
            kit.run("DEL h");
            kit.run("HSET h a 1 b 2 c 3 d 4");
            assert!("\"a\"\"b\"\"c\"\"d\"".contains(&kit.run("HRANDFIELD h")));
            assert_eq!(kit.run("HRANDFIELD h 0"), "[]");
            for count in 1..6 {
                let told = kit.run(&format!("HRANDFIELD h {count}"));
                assert_eq!(words(&told).len(), count.min(4), "{told}");
                assert_eq!(told.matches('"').count(), 2 * count.min(4), "{told}");
            }
            let many = kit.run("HRANDFIELD h -200");
            assert_eq!(many.matches('"').count(), 400);
            assert_eq!(words(&many).len(), 4);
            let pairs = kit.run("HRANDFIELD h 2 withvalues");
            assert_eq!(pairs.matches('"').count(), 8);
        }
        kit.run("HELLO 3");
        let pairs = kit.run("HRANDFIELD h 2 WITHVALUES");
        assert_eq!(pairs.matches('[').count(), 3, "{pairs}");
    }

    #[test]
    fn a_few_of_many_are_different() {
        let mut kit = Kit::new();
        for at in 0..1000 {
            kit.run(&format!("HSET h f{at} {at}"));
        }
        for count in [1, 100, 300, 333, 334, 600, 999, 1000, 2000] {
            let told = kit.run(&format!("HRANDFIELD h {count}"));
            assert_eq!(words(&told).len(), count.min(1000));
            assert_eq!(told.matches('"').count(), 2 * count.min(1000));
        }
    }

    #[test]
    fn expired_fields_are_not_chosen() {
        let mut kit = Kit::new();
        for at in 0..1000 {
            kit.run(&format!("HSETEX h PX 10 FIELDS 1 f{at} {at}"));
        }
        kit.run("HSET h x 1 y 2 z 3");
        kit.sleep_ms(11);
        for count in [2, 3, 4, 900] {
            let told = kit.run(&format!("HRANDFIELD h {count}"));
            assert_eq!(words(&told).len(), count.min(3), "{told}");
            assert!(!told.contains('f'));
        }
        kit.run("HDEL h x y z");
        assert_eq!(kit.run("HRANDFIELD h"), "(nil)");
        assert_eq!(kit.run("HRANDFIELD h 2"), "[]");
        assert_eq!(kit.run("HRANDFIELD h -2"), "[]");
    }

    #[test]
    fn refuses_what_it_cannot_count() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1");
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("HRANDFIELD h x"), no_int);
        assert_eq!(
            kit.run("HRANDFIELD h -9223372036854775808"),
            "(error) ERR value is out of range, value must between \
             -9223372036854775807 and 9223372036854775807"
        );
        let range = "(error) ERR value is out of range";
        assert_eq!(
            kit.run("HRANDFIELD h -9223372036854775807 withvalues"),
            range
        );
        let syntax = "(error) ERR syntax error";
        assert_eq!(kit.run("HRANDFIELD h 1 values"), syntax);
        assert_eq!(kit.run("HRANDFIELD h 1 withvalues x"), syntax);
    }

    #[test]
    fn a_reply_that_nobody_gets_ends_early() {
        let mut kit = Kit::new();
        let limits = b"normal 100000 0 0";
        let set = [
            b"CONFIG".as_slice(),
            b"SET",
            b"client-output-buffer-limit",
            limits,
        ];
        assert_eq!(kit.run_words(kit.session, &set), "OK");
        for fill in ["HSET h a b", "SADD s a", "ZADD z 1 a"] {
            kit.run(fill);
        }
        // To their ends they would take many seconds and gigabytes.
        for request in [
            "HRANDFIELD h -100000000",
            "SRANDMEMBER s -16000000",
            "ZRANDMEMBER z -100000000",
        ] {
            assert!(kit.run(request).len() < 1_000_000, "{request}");
        }
        assert_eq!(kit.run("HRANDFIELD h -3"), "[\"a\", \"a\", \"a\"]");
    }
}
