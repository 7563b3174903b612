//! Looking at one set: SCARD, SISMEMBER, SMISMEMBER, SMEMBERS.

use vk_data::set::SetRef;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::put_member;
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const SCARD: Command = Command {
    spec: CommandSpec {
        name: "scard",
        group: Group::Set,
        since: "1.0.0",
        summary: "Counts the members of a set.",
        complexity: "O(1)",
        arity: 2,
        flags: Flags::FAST,
        categories: Categories::SET,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(scard),
};

pub(super) const SISMEMBER: Command = Command {
    spec: CommandSpec {
        name: "sismember",
        group: Group::Set,
        since: "1.0.0",
        summary: "Tells whether a set has a member.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::SET,
        keys: &[KeySpec::one(1, KeyFlags::RO)],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member")],
        ..CommandSpec::NEW
    },
    run: Run::Read(sismember),
};

pub(super) const SMEMBERS: Command = Command {
    spec: CommandSpec {
        name: "smembers",
        group: Group::Set,
        since: "1.0.0",
        summary: "Tells all members of a set.",
        complexity: "O(N) where N is the number of members",
        arity: 2,
        categories: Categories::SET,
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(smembers),
};

pub(super) const SMISMEMBER: Command = Command {
    spec: CommandSpec {
        name: "smismember",
        group: Group::Set,
        since: "6.2.0",
        summary: "Tells for each of several values whether a set has it as a member.",
        complexity: "O(N) where N is the number of values",
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::SET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(smismember),
};

fn scard(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let len = ctx.view::<SetRef<'_>>(key)?.map_or(0, SetRef::len);
    reply.int(i64::try_from(len).unwrap_or(i64::MAX));
    Ok(())
}

fn sismember(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let member = request.arg(2).unwrap_or_default();
    let set = ctx.view::<SetRef<'_>>(key)?;
    reply.int(set.is_some_and(|set| set.contains(member)).into());
    Ok(())
}

fn smismember(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let members = request.skip(2);
    let set = ctx.view::<SetRef<'_>>(key)?;
    reply.array(members.len());
    for member in members {
        reply.int(set.is_some_and(|set| set.contains(member)).into());
    }
    Ok(())
}

fn smembers(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    match ctx.view::<SetRef<'_>>(key)? {
        None => reply.set(0),
        Some(set) => {
            reply.set(set.len());
            set.iter().for_each(|member| put_member(reply, member));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn a_set_is_told_in_every_encoding() {
        let mut kit = Kit::new();
        let cases = [
            ("1 2 -3", "[\"-3\", \"1\", \"2\"]", "intset"),
            ("a 1 b", "[\"a\", \"1\", \"b\"]", "listpack"),
        ];
        for (members, told, encoding) in cases {
            kit.run("DEL s");
            kit.run(&alloc::format!("SADD s {members}"));
            assert_eq!(kit.run("SMEMBERS s"), told);
            let reported = alloc::format!("\"{encoding}\"");
            assert_eq!(kit.run("OBJECT ENCODING s"), reported);
            assert_eq!(kit.run("SCARD s"), "(integer) 3");
            assert_eq!(kit.run("SISMEMBER s 1"), "(integer) 1");
            assert_eq!(
                kit.run("SMISMEMBER s 01 1 x"),
                "[(integer) 0, (integer) 1, (integer) 0]"
            );
        }
        kit.run("CONFIG SET set-max-listpack-entries 0");
        kit.run("SADD t a");
        assert_eq!(kit.run("OBJECT ENCODING t"), "\"hashtable\"");
        assert_eq!(kit.run("SMEMBERS t"), "[\"a\"]");
        assert_eq!(kit.run("SISMEMBER t a"), "(integer) 1");
    }

    #[test]
    fn what_is_not_there_is_empty_and_other_types_are_refused() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SMEMBERS x"), "[]");
        assert_eq!(kit.run("SCARD x"), "(integer) 0");
        assert_eq!(kit.run("SISMEMBER x a"), "(integer) 0");
        assert_eq!(kit.run("SMISMEMBER x a"), "[(integer) 0]");
        kit.run("SET x 1");
        for line in ["SMEMBERS x", "SCARD x", "SISMEMBER x a", "SMISMEMBER x a"] {
            assert!(kit.run(line).starts_with("(error) WRONGTYPE"), "{line}");
        }
        kit.run("HELLO 3");
        assert_eq!(kit.run("SMEMBERS y"), "~[]");
    }
}
