//! Removing keys: DEL, UNLINK.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::WriteCtx,
};

pub(super) const DEL: Command = Command {
    spec: CommandSpec {
        name: "del",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Removes keys.",
        complexity: "O(N) where N is the number of keys",
        arity: -2,
        categories: Categories::KEYSPACE,
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(
            1,
            -1,
            1,
            KeyFlags::RM.union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(del),
};

pub(super) const UNLINK: Command = Command {
    spec: CommandSpec {
        name: "unlink",
        group: Group::Generic,
        since: "4.0.0",
        summary: "Removes keys; their memory is freed later.",
        complexity: "O(N) where N is the number of keys",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(
            1,
            -1,
            1,
            KeyFlags::RM.union(KeyFlags::DELETE),
        )],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(unlink),
};

fn del(ctx: &mut WriteCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let mut removed = 0;
    for key in ctx.keys() {
        let mut writer = ctx.write(*key);
        if writer.remove() {
            writer.commit(&[(EventFlags::GENERIC, "del")]);
            removed += 1;
        }
    }
    reply.int(removed);
    Ok(())
}

fn unlink(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    del(ctx, request, reply)
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn counts_what_was_there() {
        let mut kit = Kit::new();
        kit.run("MSET a 1 b 2 c 3");
        assert_eq!(kit.run("DEL a a missing"), "(integer) 1");
        kit.run("PEXPIRE b 10");
        kit.sleep_ms(11);
        assert_eq!(kit.run("UNLINK b c"), "(integer) 1");
        assert_eq!(kit.run("DBSIZE"), "(integer) 0");
    }
}
