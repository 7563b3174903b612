//! Values and expiry of fields in one step: HSETEX, HGETEX, HGETDEL.

use alloc::vec::Vec;

use vk_data::hash::{Expiring, FieldExpire, HashMut, HashRef, Persisted};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{
    EXPIRED, GONE, commit_removal, count_expired, edit, effect, effect_fields,
    expire::hand_on_expiry,
    fields::{FIELDS, TIMES, fields_behind, fields_word, fixed_fields},
    limits, now_ms,
    options::Options,
    set_pairs, tell_or_null,
};
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run, generic::times::has_passed},
    config::EventFlags,
    ctx::{WriteCtx, Writer},
};

pub(super) const HGETDEL: Command = Command {
    spec: CommandSpec {
        name: "hgetdel",
        group: Group::Hash,
        since: "9.1.0",
        summary: "Tells the values of fields and removes the fields.",
        complexity: "O(N) where N is the number of fields named",
        arity: -5,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0), FIELDS],
        ..CommandSpec::NEW
    },
    run: Run::Write(hgetdel),
};

pub(super) const HGETEX: Command = Command {
    spec: CommandSpec {
        name: "hgetex",
        group: Group::Hash,
        since: "9.0.0",
        summary: "Tells the values of fields and changes their expiry.",
        complexity: "O(N) where N is the number of fields named",
        arity: -5,
        flags: Flags::FAST,
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "expiration",
                &[
                    TIMES[0],
                    TIMES[1],
                    TIMES[2],
                    TIMES[3],
                    ArgSpec::pure_token("persist", "PERSIST"),
                ],
            )
            .optional(),
            FIELDS,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(hgetex),
};

pub(super) const HSETEX: Command = Command {
    spec: CommandSpec {
        name: "hsetex",
        group: Group::Hash,
        since: "9.0.0",
        summary: "Sets the values of fields, with conditions and an expiry.",
        complexity: "O(N) where N is the number of fields to set",
        history: &[History {
            version: "9.1.0",
            change: "The options `NX` and `XX` came.",
        }],
        arity: -6,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HASH,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "key-condition",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("xx", "XX"),
                ],
            )
            .since("9.1.0")
            .optional(),
            ArgSpec::one_of(
                "fields-condition",
                &[
                    ArgSpec::pure_token("fnx", "FNX"),
                    ArgSpec::pure_token("fxx", "FXX"),
                ],
            )
            .optional(),
            ArgSpec::one_of(
                "expiration",
                &[
                    TIMES[0],
                    TIMES[1],
                    TIMES[2],
                    TIMES[3],
                    ArgSpec::pure_token("keepttl", "KEEPTTL"),
                ],
            )
            .optional(),
            ArgSpec::block(
                "fields",
                &[
                    ArgSpec::integer("numfields"),
                    ArgSpec::block(
                        "data",
                        &[ArgSpec::string("field"), ArgSpec::string("value")],
                    )
                    .multiple(),
                ],
            )
            .token("FIELDS"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(hsetex),
};

/// The event of fields that were set.
const SET: (EventFlags, &str) = (EventFlags::HASH, "hset");
/// The event of fields that have another expiry.
const EXPIRY_SET: (EventFlags, &str) = (EventFlags::HASH, "hexpire");

fn hsetex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let word = fields_word(request, 2)?;
    let options = Options::parse(request, 2, word, true)?;
    let fields = fields_behind(request, word, 2)?;
    // The type of the key and the conditions on it are told before a time that is wrong.
    let time = options.time(ctx);
    let (limits, now, key) = (limits(ctx), now_ms(ctx), ctx.key(0)?);
    let passes = |at| has_passed(ctx, at);
    let passed = matches!(time, Ok(Some(at)) if passes(at));
    let mut writer = ctx.write(key);
    let hash = writer.view::<HashRef<'_>>()?;
    if !options.key_condition.is_met(hash.is_some()) {
        reply.int(0);
        return Ok(());
    }
    let time = time?;
    if !options.fields_are_as_wanted(hash, fields, now) {
        reply.int(0);
        return Ok(());
    }
    reply.int(1);
    if passed {
        drop(writer);
        remove_passed(ctx, key, fields);
        return Ok(());
    }
    let expire = match time {
        Some(at) => FieldExpire::At(at),
        None if options.keeps => FieldExpire::Keep,
        None => FieldExpire::Never,
    };
    let pairs = (request, word.saturating_add(2));
    let (_, over_expired) = set_pairs(&mut writer, pairs, expire, now, &limits)?;
    let events = [EXPIRED, SET, EXPIRY_SET];
    let from = usize::from(over_expired.is_empty());
    let to = if time.is_some() { 3 } else { 2 };
    writer.commit(events.get(from..to).unwrap_or_default());
    count_expired(ctx, over_expired.len());
    if ctx.wants_effects() {
        hand_on_set(ctx, key.bytes(), expire, fields, &over_expired);
    }
    Ok(())
}

/// Removes fields that were to be set with a time that has passed.
fn remove_passed(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>, fields: Request<'_>) {
    let mut writer = ctx.write(key);
    let mut removed: Vec<&[u8]> = Vec::new();
    let was_there = edit(&mut writer, |hash| {
        let names = fields.iter().step_by(2);
        removed.extend(names.filter(|name| hash.purge(name)));
    });
    let events = [SET, EXPIRY_SET, EXPIRED, GONE];
    if removed.is_empty() {
        writer.unchanged();
        // Nothing has changed, and all of it is announced.
        let told = if was_there.is_some() { 3 } else { 4 };
        for (class, event) in events.into_iter().take(told) {
            ctx.notify(key, class, event);
        }
        return;
    }
    if writer.remove_if_empty() {
        writer.commit(&events);
    } else {
        writer.commit(&[SET, EXPIRY_SET, EXPIRED]);
    }
    count_expired(ctx, removed.len());
    if ctx.wants_effects() {
        effect(ctx, &[b"HDEL", key.bytes()], &removed);
    }
}

/// Hands on that fields were set: without conditions, and with an absolute time.
fn hand_on_set(
    ctx: &mut WriteCtx<'_>,
    key: &[u8],
    expire: FieldExpire,
    fields: Request<'_>,
    over_expired: &[&[u8]],
) {
    // An expired field would pass its old expiry on where nobody has removed it yet.
    if expire == FieldExpire::Keep && !over_expired.is_empty() {
        effect(ctx, &[b"HDEL", key], over_expired);
    }
    let (mut at_digits, mut count_digits) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut head: Vec<&[u8]> = [b"HSETEX".as_slice(), key].into();
    match expire {
        FieldExpire::Never => {}
        FieldExpire::Keep => head.push(b"KEEPTTL"),
        FieldExpire::At(at) => head.extend([b"PXAT".as_slice(), at_digits.format(at).as_bytes()]),
    }
    let count = count_digits.format(fields.len() / 2).as_bytes();
    head.extend([b"FIELDS".as_slice(), count]);
    let words: Vec<&[u8]> = fields.iter().collect();
    effect(ctx, &head, &words);
}

fn hgetex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let word = fields_word(request, 2)?;
    let options = Options::parse(request, 2, word, false)?;
    let names = fields_behind(request, word, 1)?;
    // The type of the key is told before a time that is wrong.
    let time = options.time(ctx);
    let (limits, now, key) = (limits(ctx), now_ms(ctx), ctx.key(0)?);
    let hash = ctx.view::<HashRef<'_>>(key)?;
    let time = time?;
    if hash.is_none() || !options.changes() {
        reply.array(names.len());
        for name in names {
            tell_or_null(reply, hash.and_then(|hash| hash.get(name, now)));
        }
        return Ok(());
    }
    let passed = time.is_some_and(|at| has_passed(ctx, at));
    reply.array(names.len());
    let mut writer = ctx.write(key);
    let changed = told_and_changed(&mut writer, names, now, reply, |hash, name| match time {
        Some(at) => {
            let result = hash.expire(name, (at, passed), now, &limits, |_| true);
            matches!(result, Expiring::Set | Expiring::Removed)
        }
        None => hash.persist(name, now) == Persisted::Done,
    });
    if changed.is_empty() {
        writer.unchanged();
        return Ok(());
    }
    match time {
        Some(_) if passed => {
            commit_removal(writer, EXPIRED);
            count_expired(ctx, changed.len());
        }
        Some(_) => writer.commit(&[EXPIRY_SET]),
        None => writer.commit(&[(EventFlags::HASH, "hpersist")]),
    }
    if ctx.wants_effects() {
        match time {
            Some(at) => hand_on_expiry(ctx, key.bytes(), (at, passed), &changed),
            None => effect_fields(ctx, &[b"HPERSIST", key.bytes()], &changed),
        }
    }
    Ok(())
}

fn hgetdel(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let names = fixed_fields(request)?;
    let (now, key) = (now_ms(ctx), ctx.key(0)?);
    let mut writer = ctx.write(key);
    let hash = writer.view::<HashRef<'_>>()?;
    reply.array(names.len());
    if hash.is_none() {
        names.iter().for_each(|_| reply.null());
        return Ok(());
    }
    let removed = told_and_changed(&mut writer, names, now, reply, |hash, name| {
        hash.remove(name, now)
    });
    if removed.is_empty() {
        writer.unchanged();
        return Ok(());
    }
    commit_removal(writer, (EventFlags::HASH, "hdel"));
    if ctx.wants_effects() {
        effect(ctx, &[b"HDEL", key.bytes()], &removed);
    }
    Ok(())
}

/// Tells each field before `change` changes it; the fields that were changed.
fn told_and_changed<'r>(
    writer: &mut Writer<'_>,
    names: Request<'r>,
    now_ms: i64,
    reply: &mut ReplyBuf,
    mut change: impl FnMut(&mut HashMut<'_>, &[u8]) -> bool,
) -> Vec<&'r [u8]> {
    let mut changed = Vec::new();
    edit(writer, |hash| {
        for name in names {
            tell_or_null(reply, hash.view().get(name, now_ms));
            if change(hash, name) {
                changed.push(name);
            }
        }
    });
    changed
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{
        cmd::string::effects_of,
        testkit::{Kit, START_MS},
    };

    #[test]
    fn sets_under_conditions() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HSETEX h XX FIELDS 1 a 1"), "(integer) 0");
        assert_eq!(kit.run("HSETEX h FXX FIELDS 1 a 1"), "(integer) 0");
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
        assert_eq!(kit.run("HSETEX h NX FNX FIELDS 2 a 1 b 2"), "(integer) 1");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"listpack\"");
        assert_eq!(kit.run("HSETEX h NX FIELDS 1 a 1"), "(integer) 0");
        assert_eq!(kit.run("HSETEX h FNX FIELDS 2 c 3 b 3"), "(integer) 0");
        assert_eq!(kit.run("HSETEX h FXX FIELDS 2 a 3 c 3"), "(integer) 0");
        assert_eq!(kit.run("HSETEX h xx fxx FIELDS 2 a 3 b 4"), "(integer) 1");
        assert_eq!(kit.run("HGETALL h"), "[\"a\", \"3\", \"b\", \"4\"]");
    }

    #[test]
    fn sets_keeps_and_drops_the_expiry() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HSETEX h EX 100 FIELDS 2 a 1 b 2"), "(integer) 1");
        assert_eq!(
            kit.run("HPTTL h FIELDS 2 a b"),
            "[(integer) 100000, (integer) 100000]"
        );
        kit.run("HSETEX h KEEPTTL FIELDS 2 a 2 c 3");
        assert_eq!(
            kit.run("HPTTL h FIELDS 2 a c"),
            "[(integer) 100000, (integer) -1]"
        );
        kit.run("HSETEX h FIELDS 1 a 3");
        assert_eq!(kit.run("HPTTL h FIELDS 1 a"), "[(integer) -1]");
        let at = START_MS + 7000;
        kit.run(&format!("HSETEX h PXAT {at} FIELDS 1 a 3"));
        assert_eq!(
            kit.run("HPEXPIRETIME h FIELDS 1 a"),
            format!("[(integer) {at}]")
        );
        assert_eq!(kit.run("HSETEX h EX 0 FIELDS 2 a 9 none 9"), "(integer) 1");
        assert_eq!(kit.run("HSETEX h PXAT 1 FIELDS 2 b 9 c 9"), "(integer) 1");
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
        assert_eq!(kit.run("HSETEX h PX 0 FIELDS 1 b 9"), "(integer) 1");
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
    }

    #[test]
    fn tells_and_changes_the_expiry() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1 b 2 c 3");
        assert_eq!(kit.run("HGETEX h FIELDS 2 a none"), "[\"1\", (nil)]");
        assert_eq!(kit.run("OBJECT ENCODING h"), "\"listpack\"");
        assert_eq!(
            kit.run("HGETEX h EX 10 FIELDS 3 a none b"),
            "[\"1\", (nil), \"2\"]"
        );
        assert_eq!(
            kit.run("HTTL h FIELDS 3 a b c"),
            "[(integer) 10, (integer) 10, (integer) -1]"
        );
        assert_eq!(kit.run("HGETEX h PERSIST FIELDS 2 a c"), "[\"1\", \"3\"]");
        assert_eq!(kit.run("HTTL h FIELDS 1 a"), "[(integer) -1]");
        assert_eq!(kit.run("HGETEX h PX 0 FIELDS 2 a a"), "[\"1\", (nil)]");
        assert_eq!(kit.run("HGETEX none EX 10 FIELDS 1 a"), "[(nil)]");
        assert_eq!(kit.run("HGETEX h EXAT 1 FIELDS 2 b c"), "[\"2\", \"3\"]");
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
    }

    #[test]
    fn tells_and_removes() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HGETDEL h FIELDS 2 a b"), "[(nil), (nil)]");
        kit.run("HSET h a 1 b 2");
        assert_eq!(kit.run("HGETDEL h FIELDS 3 a a c"), "[\"1\", (nil), (nil)]");
        assert_eq!(kit.run("HGETDEL h FIELDS 1 b"), "[\"2\"]");
        assert_eq!(kit.run("EXISTS h"), "(integer) 0");
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1");
        for options in [
            "NX XX",
            "FNX FXX",
            "EX 1 PX 1",
            "EX 1 KEEPTTL",
            "KEEPTTL PXAT 1",
            "EX",
            "PERSIST",
            "FOO",
        ] {
            let reply = kit.run(&format!("HSETEX h {options} FIELDS 1 a 2"));
            assert_eq!(reply, "(error) ERR syntax error", "{options}");
        }
        for options in ["NX", "FNX", "EX 1 PX 1", "PERSIST EX 1", "EX", "KEEPTTL"] {
            let reply = kit.run(&format!("HGETEX h {options} FIELDS 1 a"));
            assert_eq!(reply, "(error) ERR syntax error", "{options}");
        }
        let count = "(error) ERR numfields should be greater than 0 and match the provided \
                     number of fields";
        for line in [
            "HSETEX h FIELDS 1 a 1 b",
            "HSETEX h FIELDS 2 a 1",
            "HSETEX h FIELDS 0 a 1",
            "HSETEX h a 1 b 1",
            "HGETEX h FIELDS 2 a",
            "HGETEX h EX 1 a 1",
            "HGETDEL h FIELDS 2 a",
        ] {
            assert_eq!(kit.run(line), count, "{line}");
        }
        let invalid = |name| format!("(error) ERR invalid expire time in '{name}' command");
        assert_eq!(kit.run("HSETEX h EX -1 FIELDS 1 a 2"), invalid("hsetex"));
        assert_eq!(kit.run("HSETEX h NX EX -1 FIELDS 1 a 2"), "(integer) 0");
        assert_eq!(kit.run("HGETEX h PX -1 FIELDS 1 a"), invalid("hgetex"));
        assert_eq!(kit.run("HGETEX none PX -1 FIELDS 1 a"), invalid("hgetex"));
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("HSETEX h EX x FIELDS 1 a 2"), no_int);
        assert_eq!(kit.run("HSETEX h FIELDS x a 2"), no_int);
        assert_eq!(kit.run("HGETALL h"), "[\"a\", \"1\"]");
    }

    #[test]
    fn hands_on_what_was_decided() {
        let mut kit = Kit::new();
        let at = START_MS + 10_000;
        assert_eq!(
            effects_of(&mut kit, "HSETEX h NX FNX EX 10 FIELDS 1 a 1"),
            format!("HSETEX h PXAT {at} FIELDS 1 a 1")
        );
        assert_eq!(
            effects_of(&mut kit, "HSETEX h KEEPTTL FIELDS 1 a 2"),
            "HSETEX h KEEPTTL FIELDS 1 a 2"
        );
        assert_eq!(
            effects_of(&mut kit, "HSETEX h FIELDS 2 b 2 c 3"),
            "HSETEX h FIELDS 2 b 2 c 3"
        );
        assert_eq!(effects_of(&mut kit, "HGETEX h FIELDS 1 a"), "");
        assert_eq!(
            effects_of(&mut kit, "HGETEX h PX 10000 FIELDS 2 none b"),
            format!("HPEXPIREAT h {at} FIELDS 1 b")
        );
        assert_eq!(
            effects_of(&mut kit, "HGETEX h PERSIST FIELDS 2 b c"),
            "HPERSIST h FIELDS 1 b"
        );
        kit.sleep_ms(10_001);
        assert_eq!(
            effects_of(&mut kit, "HSETEX h KEEPTTL FIELDS 2 a 2 b 2"),
            "HDEL h a; HSETEX h KEEPTTL FIELDS 2 a 2 b 2"
        );
        assert_eq!(kit.run("HTTL h FIELDS 1 a"), "[(integer) -1]");
        assert_eq!(effects_of(&mut kit, "HGETDEL h FIELDS 2 a x"), "HDEL h a");
        assert_eq!(
            effects_of(&mut kit, "HSETEX h EX 0 FIELDS 2 b 1 x 1"),
            "HDEL h b"
        );
        assert_eq!(effects_of(&mut kit, "HSETEX h EX 0 FIELDS 1 b 1"), "");
        assert_eq!(effects_of(&mut kit, "HGETEX h EX 0 FIELDS 1 c"), "HDEL h c");
    }
}
