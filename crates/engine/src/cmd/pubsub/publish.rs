//! PUBLISH and SPUBLISH: sending messages.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, ChannelAccess, ChannelSpec, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
    pubsub::Message,
};

pub(super) const PUBLISH: Command = Command {
    spec: CommandSpec {
        name: "publish",
        since: "2.0.0",
        summary: "Sends a message to whoever listens to a channel.",
        complexity: "O(N + M), N being the number of receivers and M that of the patterns that \
                     begin as the channel does",
        args: &[ArgSpec::string("channel"), ArgSpec::string("message")],
        ..SENDING
    },
    run: Run::Session(publish),
};

pub(super) const SPUBLISH: Command = Command {
    spec: CommandSpec {
        name: "spublish",
        since: "7.0.0",
        summary: "Sends a message to whoever listens to a shard channel.",
        complexity: "O(N), N being the number of receivers",
        keys: &[KeySpec::one(1, KeyFlags::NOT_KEY)],
        args: &[ArgSpec::string("shardchannel"), ArgSpec::string("message")],
        ..SENDING
    },
    run: Run::Session(spublish),
};

const SENDING: CommandSpec = CommandSpec {
    group: Group::PubSub,
    arity: 3,
    flags: Flags::PUBSUB
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::MAY_REPLICATE),
    channels: Some(ChannelSpec {
        first: 1,
        to_end: false,
        access: ChannelAccess::Publish,
    }),
    ..CommandSpec::NEW
};

fn publish(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let receivers = ctx.engine().publish(message(request));
    reply.int(i64::try_from(receivers).unwrap_or(i64::MAX));
    Ok(())
}

fn spublish(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let receivers = ctx.engine().publish_to_shard(message(request));
    reply.int(i64::try_from(receivers).unwrap_or(i64::MAX));
    Ok(())
}

fn message(request: Request<'_>) -> Message<'_> {
    let word = |at| request.arg(at).unwrap_or_default();
    Message::new(word(1), word(2)).with_blob(request.blob(2))
}
