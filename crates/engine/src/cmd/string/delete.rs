//! Removing a key if its string is as expected: DELIFEQ, DELEX.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::options::equals;
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const DELEX: Command = Command {
    spec: CommandSpec {
        name: "delex",
        group: Group::String,
        since: "9.2.0",
        summary: "Removes a key if its string equals, or does not equal, another one.",
        complexity: "O(N) where N is the length of the string",
        arity: 4,
        flags: Flags::FAST,
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RM.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::block(
                "condition",
                &[
                    ArgSpec::one_of(
                        "predicate",
                        &[
                            ArgSpec::pure_token("ifeq", "IFEQ"),
                            ArgSpec::pure_token("ifne", "IFNE"),
                        ],
                    ),
                    ArgSpec::string("value"),
                ],
            ),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(delex),
};

pub(super) const DELIFEQ: Command = Command {
    spec: CommandSpec {
        name: "delifeq",
        group: Group::String,
        since: "9.0.0",
        summary: "Removes a key if its string equals another one.",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::STRING,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RM.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("value")],
        ..CommandSpec::NEW
    },
    run: Run::Write(delifeq),
};

fn delex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let predicate = request.arg(2).unwrap_or_default();
    let equal = predicate.eq_ignore_ascii_case(b"IFEQ");
    if !equal && !predicate.eq_ignore_ascii_case(b"IFNE") {
        return Err(Error::SYNTAX);
    }
    remove_if(ctx, request.arg(3).unwrap_or_default(), equal, reply)
}

fn delifeq(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    remove_if(ctx, request.arg(2).unwrap_or_default(), true, reply)
}

/// Removes the key if its string equals `value` (or does not, as `equal` says).
fn remove_if(
    ctx: &mut WriteCtx<'_>,
    value: &[u8],
    equal: bool,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let met = writer
        .string()?
        .is_some_and(|stored| equals(stored, value) == equal);
    let removed = met && writer.remove();
    if removed {
        writer.commit(&[(EventFlags::GENERIC, "del")]);
        if ctx.wants_effects() {
            ctx.effect([b"DEL", key.bytes()]);
        }
    }
    reply.int(removed.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn removes_what_is_as_expected() {
        let mut kit = Kit::new();
        kit.run("MSET a 1 b two");
        assert_eq!(kit.run("DELIFEQ a 2"), "(integer) 0");
        assert_eq!(kit.run("DELIFEQ a 1"), "(integer) 1");
        assert_eq!(kit.run("DELIFEQ a 1"), "(integer) 0");
        assert_eq!(kit.run("DELEX b IFNE two"), "(integer) 0");
        assert_eq!(kit.run("DELEX b IFXX two"), "(error) ERR syntax error");
        assert_eq!(kit.run("DELEX b ifne three"), "(integer) 1");
        assert_eq!(kit.run("DELEX b IFNE three"), "(integer) 0");
        assert_eq!(kit.run("EXISTS a b"), "(integer) 0");
    }
}
