//! What is known of members: ZSCORE, ZMSCORE, ZRANK, ZREVRANK.

use vk_data::zset::ZSetRef;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::number;
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const ZSCORE: Command = Command {
    spec: CommandSpec {
        name: "zscore",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Tells the score of a member.",
        complexity: "O(1)",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member")],
        ..CommandSpec::NEW
    },
    run: Run::Read(zscore),
};

pub(super) const ZMSCORE: Command = Command {
    spec: CommandSpec {
        name: "zmscore",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Tells the scores of several members.",
        complexity: "O(N) for N members asked for",
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("member").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(zmscore),
};

pub(super) const ZRANK: Command = Command {
    spec: CommandSpec {
        name: "zrank",
        group: Group::SortedSet,
        since: "2.0.0",
        summary: "Tells the rank of a member, counted from the lowest score.",
        complexity: "O(log(N))",
        history: &[History {
            version: "7.2.0",
            change: "The option `WITHSCORE` came.",
        }],
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member"),
            ArgSpec::pure_token("withscore", "WITHSCORE").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrank),
};

pub(super) const ZREVRANK: Command = Command {
    spec: CommandSpec {
        name: "zrevrank",
        group: Group::SortedSet,
        since: "2.0.0",
        summary: "Tells the rank of a member, counted from the highest score.",
        complexity: "O(log(N))",
        history: &[History {
            version: "7.2.0",
            change: "The option `WITHSCORE` came.",
        }],
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member"),
            ArgSpec::pure_token("withscore", "WITHSCORE").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrevrank),
};

fn zscore(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    reply_score(reply, zset, request.arg(2).unwrap_or_default());
    Ok(())
}

fn zmscore(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    let members = request.skip(2);
    reply.array(members.len());
    for member in members {
        reply_score(reply, zset, member);
    }
    Ok(())
}

fn reply_score(reply: &mut ReplyBuf, zset: Option<ZSetRef<'_>>, member: &[u8]) {
    match zset.and_then(|zset| zset.score(member)) {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

fn zrank(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    rank(ctx, request, false, reply)
}

fn zrevrank(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    rank(ctx, request, true, reply)
}

fn rank(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reverse: bool,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let with_score = match (request.len(), request.arg(3)) {
        (3, _) => false,
        (4, Some(word)) if word.eq_ignore_ascii_case(b"WITHSCORE") => true,
        (4, _) => return Err(Error::SYNTAX),
        _ => {
            let name = if reverse { "zrevrank" } else { "zrank" };
            return Err(Error::told(format_args!(
                "ERR wrong number of arguments for '{name}' command"
            )));
        }
    };
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    let member = request.arg(2).unwrap_or_default();
    match zset.and_then(|zset| zset.rank(member, reverse)) {
        Some((rank, score)) if with_score => {
            reply.array(2);
            reply.int(number(rank));
            reply.double(score);
        }
        Some((rank, _)) => reply.int(number(rank)),
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn tells_scores_and_ranks() {
        let mut kit = Kit::new();
        for entries in [128, 0] {
            kit.run("FLUSHALL");
            kit.run(&alloc::format!(
                "CONFIG SET zset-max-listpack-entries {entries}"
            ));
            kit.run("ZADD z 0.1 a 1e20 b -inf 7");
            for (line, expected) in [
                ("ZSCORE z a", "\"0.1\""),
                ("ZSCORE z 7", "\"-inf\""),
                ("ZSCORE z x", "(nil)"),
                ("ZSCORE none x", "(nil)"),
                ("ZMSCORE z b x", "[\"1e+20\", (nil)]"),
                ("ZMSCORE none x", "[(nil)]"),
                ("ZRANK z 7", "(integer) 0"),
                ("ZREVRANK z 7", "(integer) 2"),
                ("ZRANK z x", "(nil)"),
                ("ZRANK none x WITHSCORE", "(nil)"),
                ("ZRANK z a WITHSCORE", "[(integer) 1, \"0.1\"]"),
                ("ZREVRANK z b withscore", "[(integer) 0, \"1e+20\"]"),
                ("ZRANK z a FOO", "(error) ERR syntax error"),
                (
                    "ZRANK z a WITHSCORE x",
                    "(error) ERR wrong number of arguments for 'zrank' command",
                ),
            ] {
                assert_eq!(kit.run(line), expected, "{line}");
            }
        }
        kit.run("SET s 1");
        assert!(kit.run("ZMSCORE s a").starts_with("(error) WRONGTYPE"));
    }
}
