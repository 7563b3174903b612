//! Members in and out: SADD, SREM, SMOVE.

use vk_data::set::{SetMut, SetRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::limits;
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{WriteCtx, Writer},
};

pub(super) const SADD: Command = Command {
    spec: CommandSpec {
        name: "sadd",
        group: Group::Set,
        since: "1.0.0",
        summary: "Adds members to a set.",
        complexity: "O(N) where N is the number of members to add",
        history: &[History {
            version: "2.4.0",
            change: "Several members can be added at once.",
        }],
        arity: -3,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::SET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(sadd),
};

pub(super) const SREM: Command = Command {
    spec: CommandSpec {
        name: "srem",
        group: Group::Set,
        since: "1.0.0",
        summary: "Removes members from a set.",
        complexity: "O(N) where N is the number of members to remove",
        history: &[History {
            version: "2.4.0",
            change: "Several members can be removed at once.",
        }],
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::SET,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(srem),
};

pub(super) const SMOVE: Command = Command {
    spec: CommandSpec {
        name: "smove",
        group: Group::Set,
        since: "1.0.0",
        summary: "Moves a member from one set to another.",
        complexity: "O(1)",
        arity: 4,
        flags: Flags::FAST,
        categories: Categories::SET,
        keys: &[
            KeySpec::one(
                1,
                KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
            ),
            KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
        ],
        args: &[
            ArgSpec::key("source", 0),
            ArgSpec::key("destination", 1),
            ArgSpec::string("member"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(smove),
};

fn sadd(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let added = add_members(ctx, ctx.key(0)?, request.skip(2))?;
    reply.int(added);
    Ok(())
}

/// Adds members to the set of a key, which is made if it is not there; tells how many are new.
fn add_members(
    ctx: &mut WriteCtx<'_>,
    key: KeyRef<'_>,
    members: Request<'_>,
) -> Result<i64, Error> {
    let limits = limits(ctx);
    let mut writer = ctx.write(key);
    writer.view::<SetRef<'_>>()?;
    let first = SetMut::begin(members.arg(0).unwrap_or_default(), members.len(), &limits);
    let mut entry = writer.modify_or_put(first);
    let body = entry.as_mut().and_then(|entry| entry.body_mut());
    let mut added = 0;
    if let Some(mut set) = body.and_then(SetMut::of) {
        set.expect(members.len(), &limits);
        for member in members {
            added += i64::from(set.add(member, &limits));
        }
    }
    drop(entry);
    if added == 0 {
        writer.unchanged();
    } else {
        writer.commit(&[(EventFlags::SET, "sadd")]);
    }
    Ok(added)
}

fn srem(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let mut writer = ctx.write(ctx.key(0)?);
    writer.view::<SetRef<'_>>()?;
    let mut removed = 0;
    if let Some(mut entry) = writer.modify()
        && let Some(mut set) = entry.body_mut().and_then(SetMut::of)
    {
        for member in request.skip(2) {
            removed += i64::from(set.remove(member));
        }
    }
    if removed == 0 {
        writer.unchanged();
    } else {
        commit_removal(writer, "srem");
    }
    reply.int(removed);
    Ok(())
}

/// Commits a removal of members; a set without members goes.
pub(super) fn commit_removal(mut writer: Writer<'_>, event: &'static str) {
    let removed = (EventFlags::SET, event);
    if writer.remove_if_empty() {
        writer.commit(&[removed, (EventFlags::GENERIC, "del")]);
    } else {
        writer.commit(&[removed]);
    }
}

fn smove(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let (from, to) = (ctx.key(0)?, ctx.key(1)?);
    let moved = move_member(ctx, from, to, request.skip(3))?;
    reply.int(moved.into());
    Ok(())
}

/// Moves the first word of `member`; tells whether it was in the source.
fn move_member(
    ctx: &mut WriteCtx<'_>,
    from: KeyRef<'_>,
    to: KeyRef<'_>,
    member: Request<'_>,
) -> Result<bool, Error> {
    let name = member.arg(0).unwrap_or_default();
    let has = match ctx.write(from).view::<SetRef<'_>>()? {
        // Without a source, the destination may be of any type.
        None => return Ok(false),
        Some(set) => set.contains(name),
    };
    ctx.write(to).view::<SetRef<'_>>()?;
    if !has || from.bytes() == to.bytes() {
        return Ok(has);
    }
    let mut source = ctx.write(from);
    if let Some(mut entry) = source.modify()
        && let Some(mut set) = entry.body_mut().and_then(SetMut::of)
    {
        set.remove(name);
    }
    commit_removal(source, "srem");
    add_members(ctx, to, member)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use crate::testkit::Kit;

    fn encoding(kit: &mut Kit, key: &str) -> String {
        kit.run(&format!("OBJECT ENCODING {key}"))
    }

    #[test]
    fn members_come_and_go_and_the_key_goes_with_the_last() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SADD s a b a"), "(integer) 2");
        assert_eq!(kit.run("SADD s b c"), "(integer) 1");
        assert_eq!(kit.run("SREM s x a b"), "(integer) 2");
        assert_eq!(kit.run("SREM s x"), "(integer) 0");
        assert_eq!(kit.run("SREM s c"), "(integer) 1");
        assert_eq!(kit.run("EXISTS s"), "(integer) 0");
        assert_eq!(kit.run("SREM s c"), "(integer) 0");
        kit.run("SET x 1");
        assert!(kit.run("SADD x a").starts_with("(error) WRONGTYPE"));
        assert!(kit.run("SREM x a").starts_with("(error) WRONGTYPE"));
    }

    #[test]
    fn encodings_follow_the_limits() {
        let mut kit = Kit::new();
        for i in 0..512 {
            kit.run(&format!("SADD ints {i}"));
        }
        assert_eq!(encoding(&mut kit, "ints"), "\"intset\"");
        kit.run("SADD ints 512");
        assert_eq!(encoding(&mut kit, "ints"), "\"hashtable\"");
        kit.run("SADD few 1 2");
        kit.run("SADD few x");
        assert_eq!(encoding(&mut kit, "few"), "\"listpack\"");
        for i in 0..128 {
            kit.run(&format!("SADD pack m{i}"));
        }
        assert_eq!(encoding(&mut kit, "pack"), "\"listpack\"");
        kit.run("SADD pack m128");
        assert_eq!(encoding(&mut kit, "pack"), "\"hashtable\"");
        kit.run(&format!("SADD long {}", "x".repeat(64)));
        assert_eq!(encoding(&mut kit, "long"), "\"listpack\"");
        kit.run(&format!("SADD long {}", "x".repeat(65)));
        assert_eq!(encoding(&mut kit, "long"), "\"hashtable\"");
        let many: String = (0..129).map(|i| format!(" m{i}")).collect();
        kit.run("SADD hint a");
        kit.run(&format!("SADD hint{many}"));
        assert_eq!(encoding(&mut kit, "hint"), "\"hashtable\"");
        assert_eq!(kit.run("SCARD hint"), "(integer) 130");
    }

    #[test]
    fn a_member_moves() {
        let mut kit = Kit::new();
        kit.run("SADD a 1 x");
        kit.run("SADD b 2");
        assert_eq!(kit.run("SMOVE a b nope"), "(integer) 0");
        assert_eq!(kit.run("SMOVE a b x"), "(integer) 1");
        assert_eq!(kit.run("SMEMBERS b"), "[\"2\", \"x\"]");
        assert_eq!(kit.run("SMOVE a a 1"), "(integer) 1");
        assert_eq!(kit.run("SMOVE a a 9"), "(integer) 0");
        assert_eq!(kit.run("SMOVE a new 1"), "(integer) 1");
        assert_eq!(kit.run("EXISTS a new"), "(integer) 1");
        assert_eq!(encoding(&mut kit, "new"), "\"intset\"");
        kit.run("SET str 1");
        assert_eq!(kit.run("SMOVE gone str 1"), "(integer) 0");
        assert!(kit.run("SMOVE b str nope").starts_with("(error) WRONGTYPE"));
        assert!(kit.run("SMOVE str b x").starts_with("(error) WRONGTYPE"));
    }

    #[test]
    fn a_member_that_is_there_changes_nothing() {
        let mut kit = Kit::new();
        kit.run("SADD s a");
        let dirty = kit.engine.dirty;
        assert_eq!(kit.run("SADD s a"), "(integer) 0");
        assert_eq!(kit.run("SREM s b"), "(integer) 0");
        assert_eq!(kit.engine.dirty, dirty);
    }
}
