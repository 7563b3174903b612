//! What is known about keys: EXISTS, TYPE, TOUCH.

use vk_data::entry::DbEntry;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Origin, ReadCtx},
    session::SessionFlags,
};

pub(super) const EXISTS: Command = Command {
    spec: CommandSpec {
        name: "exists",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Counts which of the keys are there.",
        complexity: "O(N) where N is the number of keys",
        history: &[History {
            version: "3.0.3",
            change: "Several keys may be given.",
        }],
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(exists),
};

pub(super) const TOUCH: Command = Command {
    spec: CommandSpec {
        name: "touch",
        group: Group::Generic,
        since: "3.2.1",
        summary: "Counts which of the keys are there, and notes that they were used.",
        complexity: "O(N) where N is the number of keys",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(touch),
};

pub(super) const TYPE: Command = Command {
    spec: CommandSpec {
        name: "type",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Tells the type of the value of a key.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(type_of),
};

/// The entry of a key, for what is known about it: counts as a hit or a miss, but not as a use.
pub(super) fn inspect<'e>(ctx: &'e mut ReadCtx<'_>, key: KeyRef<'_>) -> Option<&'e DbEntry> {
    if look(ctx, key) {
        return ctx.engine.dbs.find(&key);
    }
    ctx.engine
        .notify(key.db(), EventFlags::KEY_MISS, "keymiss", key.bytes());
    None
}

/// As [`inspect`], without telling anybody about a miss.
pub(super) fn inspect_quietly<'e>(
    ctx: &'e mut ReadCtx<'_>,
    key: KeyRef<'_>,
) -> Option<&'e DbEntry> {
    look(ctx, key).then(|| ctx.engine.dbs.find(&key)).flatten()
}

fn look(ctx: &mut ReadCtx<'_>, key: KeyRef<'_>) -> bool {
    let found = ctx.peek(key).is_some();
    if ctx.origin != Origin::Replay {
        let stats = &mut ctx.engine.stats;
        let count = if found {
            &mut stats.keyspace_hits
        } else {
            &mut stats.keyspace_misses
        };
        *count += 1;
    }
    found
}

fn exists(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let mut found = 0;
    for key in ctx.keys() {
        found += i64::from(inspect(ctx, *key).is_some());
    }
    reply.int(found);
    Ok(())
}

fn touch(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    // CLIENT NO-TOUCH is for the uses that nobody asked to be noted.
    let id = ctx.session;
    let session = ctx.engine.sessions.find_mut(id);
    let kept = session.map(|session| {
        let kept = session.flags.contains(SessionFlags::NO_TOUCH);
        session.flags.remove(SessionFlags::NO_TOUCH);
        kept
    });
    let mut found = 0;
    for key in ctx.keys() {
        found += i64::from(ctx.lookup(*key).is_some());
    }
    if let Some(session) = ctx.engine.sessions.find_mut(id) {
        session
            .flags
            .set(SessionFlags::NO_TOUCH, kept.unwrap_or(false));
    }
    reply.int(found);
    Ok(())
}

fn type_of(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let entry = inspect(ctx, key);
    reply.simple(entry.map_or("none", |entry| entry.value_type().name()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn tells_what_is_there() {
        let mut kit = Kit::new();
        kit.run("SET a 1");
        assert_eq!(kit.run("EXISTS a a b"), "(integer) 2");
        assert_eq!(kit.run("TYPE a"), "string");
        assert_eq!(kit.run("TYPE b"), "none");
        let stats = &kit.engine.stats;
        assert_eq!((stats.keyspace_hits, stats.keyspace_misses), (3, 2));
    }

    #[test]
    fn only_touch_counts_as_a_use() {
        let mut kit = Kit::new();
        kit.run("SET a 1");
        kit.sleep_ms(5000);
        kit.run("EXISTS a");
        kit.run("TYPE a");
        kit.run("TTL a");
        assert_eq!(kit.run("OBJECT IDLETIME a"), "(integer) 5");
        kit.run("CLIENT NO-TOUCH ON");
        kit.run("GET a");
        assert_eq!(kit.run("OBJECT IDLETIME a"), "(integer) 5");
        assert_eq!(kit.run("TOUCH a b"), "(integer) 1");
        assert_eq!(kit.run("OBJECT IDLETIME a"), "(integer) 0");
    }
}
