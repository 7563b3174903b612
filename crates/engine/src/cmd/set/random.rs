//! Members chosen at random: SPOP takes them out, SRANDMEMBER shows them.

use alloc::vec::Vec;

use vk_data::{
    listpack::Item,
    num::{INT_TEXT_MAX, parse_i64},
    set::{SetMut, SetRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{change::commit_removal, limits, put_member};
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::{EventFlags, id},
    ctx::{ReadCtx, WriteCtx},
};

pub(super) const SPOP: Command = Command {
    spec: CommandSpec {
        name: "spop",
        group: Group::Set,
        since: "1.0.0",
        summary: "Removes members that are chosen at random, and tells them.",
        complexity: "O(1) for one member, O(N) where N is the count",
        history: &[History {
            version: "3.2.0",
            change: "A `count` can be given.",
        }],
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::SET,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("count").since("3.2.0").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(spop),
};

pub(super) const SRANDMEMBER: Command = Command {
    spec: CommandSpec {
        name: "srandmember",
        group: Group::Set,
        since: "1.0.0",
        summary: "Tells members that are chosen at random.",
        complexity: "O(1) for one member, O(N) where N is the absolute value of the count",
        history: &[History {
            version: "2.6.0",
            change: "A `count` can be given.",
        }],
        arity: -2,
        categories: Categories::SET,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("count").since("2.6.0").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(srandmember),
};

/// The members that one effect removes at most.
const MEMBERS_PER_EFFECT: usize = 1024;
/// Members that SRANDMEMBER tells at most if it may tell one repeatedly: the reply does not end
/// with the set, and one request must not exhaust the memory.
const REPEATED_MEMBERS_MAX: i64 = 1 << 24;

/// Members that are told before it is asked whether the reply will be sent at all.
const REPEATED_AT_ONCE: usize = 4096;

fn spop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    match (request.arg(2), request.len()) {
        (None, _) => pop_one(ctx, key, reply),
        (Some(count), 3) => {
            let count = parse_i64(count).and_then(|count| usize::try_from(count).ok());
            pop_many(ctx, key, count.ok_or(Error::NOT_POSITIVE)?, reply)
        }
        _ => Err(Error::SYNTAX),
    }
}

fn pop_one(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (seed, limits, wants_effects) =
        (ctx.engine.random.next(), limits(ctx), ctx.wants_effects());
    let mut writer = ctx.write(key);
    if writer.view::<SetRef<'_>>()?.is_none() {
        reply.null();
        return Ok(());
    }
    let mut effect = Vec::new();
    if let Some(mut entry) = writer.modify()
        && let Some(mut set) = entry.body_mut().and_then(SetMut::of)
    {
        set.pop(1, seed, &limits, &mut |member| {
            put_member(reply, member);
            if wants_effects {
                effect.extend_from_slice(member.bytes(&mut [0; INT_TEXT_MAX]));
            }
        });
    }
    commit_removal(writer, "spop");
    if wants_effects {
        ctx.effect([b"SREM", key.bytes(), &effect]);
    }
    Ok(())
}

fn pop_many(
    ctx: &mut WriteCtx<'_>,
    key: KeyRef<'_>,
    count: usize,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (seed, limits, wants_effects) =
        (ctx.engine.random.next(), limits(ctx), ctx.wants_effects());
    let mut writer = ctx.write(key);
    let set = writer.view::<SetRef<'_>>()?;
    let len = set.map_or(0, SetRef::len);
    if count == 0 || len == 0 {
        reply.set(0);
        return Ok(());
    }
    reply.set(count.min(len));
    if let Some(set) = set
        && count >= len
    {
        set.iter().for_each(|member| put_member(reply, member));
        writer.remove();
        writer.commit(&[(EventFlags::SET, "spop"), (EventFlags::GENERIC, "del")]);
        let is_lazy = ctx.config().bool(id::LAZYFREE_LAZY_SERVER_DEL);
        let word: &[u8] = if is_lazy { b"UNLINK" } else { b"DEL" };
        ctx.effect([word, key.bytes()]);
        return Ok(());
    }
    let mut popped = Popped::default();
    if let Some(mut entry) = writer.modify()
        && let Some(mut set) = entry.body_mut().and_then(SetMut::of)
    {
        set.pop(count, seed, &limits, &mut |member| {
            put_member(reply, member);
            if wants_effects {
                popped.push(member);
            }
        });
    }
    commit_removal(writer, "spop");
    popped.tell(ctx, key);
    Ok(())
}

/// Members that were popped, for the effects.
#[derive(Default)]
struct Popped {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Popped {
    fn push(&mut self, member: Item<'_>) {
        let mut text = [0; INT_TEXT_MAX];
        self.bytes.extend_from_slice(member.bytes(&mut text));
        self.ends.push(self.bytes.len());
    }

    fn tell(&self, ctx: &mut WriteCtx<'_>, key: KeyRef<'_>) {
        let mut start = 0;
        for ends in self.ends.chunks(MEMBERS_PER_EFFECT) {
            let mut words: Vec<&[u8]> = Vec::with_capacity(ends.len() + 2);
            words.extend([b"SREM".as_slice(), key.bytes()]);
            for end in ends {
                words.push(self.bytes.get(start..*end).unwrap_or_default());
                start = *end;
            }
            ctx.effect_words(words.into_iter());
        }
    }
}

fn srandmember(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let Some(count) = request.arg(2) else {
        let seed = ctx.engine.random.next();
        match ctx
            .view::<SetRef<'_>>(key)?
            .and_then(|set| set.random(seed))
        {
            Some(member) => put_member(reply, member),
            None => reply.null(),
        }
        return Ok(());
    };
    if request.len() > 3 {
        return Err(Error::SYNTAX);
    }
    let count = Count::parse(count)?;
    let seed = ctx.engine.random.next();
    let Some(set) = ctx.view::<SetRef<'_>>(key)? else {
        reply.array(0);
        return Ok(());
    };
    match count {
        Count::Distinct(count) => {
            reply.array(count.min(set.len()));
            set.sample(count, seed, &mut |member| put_member(reply, member));
        }
        Count::Repeated(count) => {
            reply.array(count);
            let (mut left, mut seed) = (count, seed);
            while left > 0 && !reply.is_full() {
                let next = left.min(REPEATED_AT_ONCE);
                set.draw(next, seed, &mut |member| put_member(reply, member));
                left -= next;
                seed = seed.wrapping_add(1);
            }
        }
    }
    Ok(())
}

/// How many members SRANDMEMBER tells.
enum Count {
    /// Different ones; fewer if there are fewer.
    Distinct(usize),
    /// So many, whatever there is.
    Repeated(usize),
}

impl Count {
    fn parse(word: &[u8]) -> Result<Self, Error> {
        let count = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
        if let Ok(count) = usize::try_from(count) {
            return Ok(Self::Distinct(count));
        }
        let least = match count {
            // No magnitude: the bound that Valkey names.
            i64::MIN => -i64::MAX,
            _ => -REPEATED_MEMBERS_MAX,
        };
        if count < least {
            let most = i64::MAX;
            return Err(Error::told(format_args!(
                "ERR value is out of range, value must between {least} and {most}"
            )));
        }
        let count = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(Self::Repeated(count))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

    use crate::{effects::EffectBuf, testkit::Kit};

    fn members(reply: &str) -> BTreeSet<String> {
        let words = reply.split('"').skip(1).step_by(2);
        words.map(String::from).collect()
    }

    fn filled(kit: &mut Kit, key: &str, prefix: &str, len: usize) {
        for i in 0..len {
            kit.run(&format!("SADD {key} {prefix}{i}"));
        }
    }

    #[test]
    fn popping_takes_members_out_one_by_one() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SPOP s"), "(nil)");
        assert_eq!(kit.run("SPOP s 3"), "[]");
        for (prefix, len) in [("", 5), ("m", 5), ("m", 300)] {
            filled(&mut kit, "s", prefix, len);
            let mut all = BTreeSet::new();
            for _ in 0..len {
                all.extend(members(&kit.run("SPOP s")));
            }
            assert_eq!(all.len(), len);
            assert_eq!(kit.run("EXISTS s"), "(integer) 0");
        }
    }

    #[test]
    fn popping_many_takes_different_members() {
        let mut kit = Kit::new();
        for (prefix, len) in [("", 100), ("m", 100), ("m", 1000)] {
            for count in [0, 1, len / 50, len / 3, len - 1, len, len + 1] {
                kit.run("DEL s");
                filled(&mut kit, "s", prefix, len);
                let before = members(&kit.run("SMEMBERS s"));
                let popped = members(&kit.run(&format!("SPOP s {count}")));
                let after = members(&kit.run("SMEMBERS s"));
                assert_eq!(popped.len(), count.min(len));
                assert_eq!(after.len(), len - popped.len());
                assert!(popped.is_disjoint(&after));
                assert_eq!(before, &popped | &after);
            }
        }
    }

    #[test]
    fn random_members_are_members() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SRANDMEMBER s"), "(nil)");
        assert_eq!(kit.run("SRANDMEMBER s 2"), "[]");
        for (prefix, len) in [("", 100), ("m", 100), ("m", 1000)] {
            kit.run("DEL s");
            filled(&mut kit, "s", prefix, len);
            let all = members(&kit.run("SMEMBERS s"));
            assert!(members(&kit.run("SRANDMEMBER s")).is_subset(&all));
            for count in [1, 5, len / 2, len - 1, len, 2 * len] {
                let some = members(&kit.run(&format!("SRANDMEMBER s {count}")));
                assert_eq!(some.len(), count.min(len));
                assert!(some.is_subset(&all));
            }
            let reply = kit.run(&format!("SRANDMEMBER s -{}", 3 * len));
            assert_eq!(reply.matches('"').count(), 6 * len);
            assert!(members(&reply).is_subset(&all));
            assert_eq!(kit.run("SRANDMEMBER s 0"), "[]");
        }
    }

    #[test]
    fn counts_are_checked_first() {
        let mut kit = Kit::new();
        let positive = "(error) ERR value is out of range, must be positive";
        assert_eq!(kit.run("SPOP s -1"), positive);
        assert_eq!(kit.run("SPOP s x"), positive);
        assert_eq!(kit.run("SPOP s 1 2"), "(error) ERR syntax error");
        assert_eq!(kit.run("SRANDMEMBER s 1 2"), "(error) ERR syntax error");
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("SRANDMEMBER s x"), no_int);
        let range = "(error) ERR value is out of range, value must between";
        let line = format!("SRANDMEMBER s {}", i64::MIN);
        let said = kit.run(&line);
        assert_eq!(
            said,
            format!("{range} -9223372036854775807 and 9223372036854775807")
        );
        let said = kit.run(&format!("SRANDMEMBER s {}", -i64::MAX));
        assert_eq!(said, format!("{range} -16777216 and 9223372036854775807"));
    }

    #[test]
    fn effects_name_the_members() {
        let mut kit = Kit::new();
        filled(&mut kit, "s", "m", 4);
        kit.engine.effects.set_wanted(true);
        let one = members(&kit.run("SPOP s"));
        let two = members(&kit.run("SPOP s 2"));
        kit.run("SPOP s 5");
        let mut log = EffectBuf::default();
        kit.engine.effects.take(&mut log);
        let text = String::from_utf8_lossy(&log.bytes).into_owned();
        let words: Vec<&str> = text
            .split("\r\n")
            .filter(|w| !w.starts_with(['*', '$']))
            .collect();
        let one: Vec<_> = one.iter().map(String::as_str).collect();
        assert_eq!(words[..3], ["SREM", "s", one[0]]);
        assert_eq!(words[3..5], ["SREM", "s"]);
        assert!(two.contains(words[5]) && two.contains(words[6]));
        assert_eq!(words[7..9], ["UNLINK", "s"]);
    }
}
