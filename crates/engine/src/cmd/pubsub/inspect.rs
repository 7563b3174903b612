//! PUBSUB: who listens to what.

use vk_data::glob::{Case, Glob};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group};

use crate::{
    Error,
    cmd::{
        Command, Run,
        help::{help, wrong_subcommand},
    },
    ctx::SessionCtx,
    pubsub::{PubSub, Topics},
};

pub(super) const PUBSUB: Command = Command {
    spec: CommandSpec {
        name: "pubsub",
        summary: "Commands about publish and subscribe.",
        complexity: "That of the subcommand",
        flags: Flags::empty(),
        ..BASE
    },
    run: Run::Container(&[CHANNELS, HELP, NUMPAT, NUMSUB, SHARDCHANNELS, SHARDNUMSUB]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::PubSub,
    since: "2.8.0",
    arity: -2,
    flags: Flags::PUBSUB.union(Flags::LOADING).union(Flags::STALE),
    ..CommandSpec::NEW
};

const CHANNELS: Command = Command {
    spec: CommandSpec {
        name: "channels",
        summary: "Lists the channels that somebody listens to.",
        complexity: "O(N), N being the number of such channels",
        args: &[ArgSpec::pattern("pattern").optional()],
        ..BASE
    },
    run: Run::Session(channels),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        since: "6.2.0",
        summary: "Prints the subcommands.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const NUMPAT: Command = Command {
    spec: CommandSpec {
        name: "numpat",
        summary: "Counts the different patterns that somebody listens to.",
        arity: 2,
        ..BASE
    },
    run: Run::Session(numpat),
};

const NUMSUB: Command = Command {
    spec: CommandSpec {
        name: "numsub",
        summary: "Counts who listens to each of these channels.",
        complexity: "O(N), N being the number of channels",
        args: &[ArgSpec::string("channel").optional().multiple()],
        ..BASE
    },
    run: Run::Session(numsub),
};

const SHARDCHANNELS: Command = Command {
    spec: CommandSpec {
        name: "shardchannels",
        since: "7.0.0",
        summary: "Lists the shard channels that somebody listens to.",
        complexity: "O(N), N being the number of such channels",
        args: &[ArgSpec::pattern("pattern").optional()],
        ..BASE
    },
    run: Run::Session(shardchannels),
};

const SHARDNUMSUB: Command = Command {
    spec: CommandSpec {
        name: "shardnumsub",
        since: "7.0.0",
        summary: "Counts who listens to each of these shard channels.",
        complexity: "O(N), N being the number of channels",
        args: &[ArgSpec::string("shardchannel").optional().multiple()],
        ..BASE
    },
    run: Run::Session(shardnumsub),
};

fn channels(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    list(ctx, request, reply, |pubsub| &pubsub.channels)
}

fn shardchannels(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    list(ctx, request, reply, |pubsub| &pubsub.shards)
}

fn numsub(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    count(&ctx.engine().pubsub.channels, request, reply);
    Ok(())
}

fn shardnumsub(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    count(&ctx.engine().pubsub.shards, request, reply);
    Ok(())
}

fn numpat(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let patterns = ctx.engine().pubsub.patterns.len();
    reply.int(i64::try_from(patterns).unwrap_or(i64::MAX));
    Ok(())
}

fn list(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
    kind: fn(&PubSub) -> &Topics,
) -> Result<(), Error> {
    if request.len() > 3 {
        return Err(wrong_subcommand(request));
    }
    let topics = kind(&ctx.engine().pubsub);
    let pattern = request
        .arg(2)
        .map(|pattern| Glob::new(pattern, Case::Sensitive));
    let header = reply.deferred_array();
    let mut count = 0;
    for topic in topics.iter() {
        if pattern.is_none_or(|pattern| pattern.is_match(topic.name())) {
            reply.bulk(topic.name());
            count += 1;
        }
    }
    reply.finish(header, count);
    Ok(())
}

fn count(topics: &Topics, request: Request<'_>, reply: &mut ReplyBuf) {
    reply.array(request.len().saturating_sub(2) * 2);
    for name in request.iter().skip(2) {
        reply.bulk(name);
        reply.int(i64::try_from(topics.subscribers(name)).unwrap_or(i64::MAX));
    }
}
