//! SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and what ends them. Their replies are pushes, one for each
//! name, which are sent even to a session that wants no replies.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, ChannelAccess, ChannelSpec, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::{Origin, SessionCtx},
    pubsub::Kind,
    session::SessionFlags,
};

pub(super) const SUBSCRIBE: Command = Command {
    spec: CommandSpec {
        name: "subscribe",
        summary: "Listens to channels.",
        complexity: "O(N), N being the number of channels",
        args: &[ArgSpec::string("channel").multiple()],
        ..BEGINNING
    },
    run: Run::Session(subscribe),
};

pub(super) const PSUBSCRIBE: Command = Command {
    spec: CommandSpec {
        name: "psubscribe",
        summary: "Listens to all channels that match patterns.",
        complexity: "O(N), N being the number of patterns",
        channels: all(ChannelAccess::SubscribePatterns),
        args: &[ArgSpec::pattern("pattern").multiple()],
        ..BEGINNING
    },
    run: Run::Session(psubscribe),
};

pub(super) const SSUBSCRIBE: Command = Command {
    spec: CommandSpec {
        name: "ssubscribe",
        since: "7.0.0",
        summary: "Listens to shard channels.",
        complexity: "O(N), N being the number of channels",
        keys: SHARD_CHANNELS,
        args: &[ArgSpec::string("shardchannel").multiple()],
        ..BEGINNING
    },
    run: Run::Session(ssubscribe),
};

pub(super) const UNSUBSCRIBE: Command = Command {
    spec: CommandSpec {
        name: "unsubscribe",
        summary: "Stops listening to channels, or to all of them.",
        complexity: "O(N), N being the number of channels",
        args: &[ArgSpec::string("channel").optional().multiple()],
        ..ENDING
    },
    run: Run::Session(unsubscribe),
};

pub(super) const PUNSUBSCRIBE: Command = Command {
    spec: CommandSpec {
        name: "punsubscribe",
        summary: "Stops listening to what patterns match, or to what all of them do.",
        complexity: "O(N), N being the number of patterns",
        args: &[ArgSpec::pattern("pattern").optional().multiple()],
        ..ENDING
    },
    run: Run::Session(punsubscribe),
};

pub(super) const SUNSUBSCRIBE: Command = Command {
    spec: CommandSpec {
        name: "sunsubscribe",
        since: "7.0.0",
        summary: "Stops listening to shard channels, or to all of them.",
        complexity: "O(N), N being the number of channels",
        keys: SHARD_CHANNELS,
        args: &[ArgSpec::string("shardchannel").optional().multiple()],
        ..ENDING
    },
    run: Run::Session(sunsubscribe),
};

const BEGINNING: CommandSpec = CommandSpec {
    group: Group::PubSub,
    since: "2.0.0",
    arity: -2,
    flags: Flags::PUBSUB
        .union(Flags::NOSCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE),
    channels: all(ChannelAccess::Subscribe),
    ..CommandSpec::NEW
};

const ENDING: CommandSpec = CommandSpec {
    arity: -1,
    channels: all(ChannelAccess::Unsubscribe),
    ..BEGINNING
};

const SHARD_CHANNELS: &[KeySpec] = &[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)];

/// Every argument is a channel.
const fn all(access: ChannelAccess) -> Option<ChannelSpec> {
    Some(ChannelSpec {
        first: 1,
        to_end: true,
        access,
    })
}

const NOT_IN_A_TRANSACTION: Error =
    Error::Fixed("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

fn subscribe(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    begin(ctx, request, reply, Kind::Channel, b"subscribe")
}

fn psubscribe(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    begin(ctx, request, reply, Kind::Pattern, b"psubscribe")
}

fn ssubscribe(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    // The two older commands are let into transactions for the sake of those who rely on it.
    if ctx.origin == Origin::Exec {
        return Err(NOT_IN_A_TRANSACTION);
    }
    begin(ctx, request, reply, Kind::Shard, b"ssubscribe")
}

fn unsubscribe(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    end(ctx, request, reply, Kind::Channel, b"unsubscribe")
}

fn punsubscribe(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    end(ctx, request, reply, Kind::Pattern, b"punsubscribe")
}

fn sunsubscribe(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    end(ctx, request, reply, Kind::Shard, b"sunsubscribe")
}

fn begin(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
    kind: Kind,
    word: &[u8],
) -> Result<(), Error> {
    let id = ctx.session_id();
    for name in request.iter().skip(1) {
        let count = ctx.engine().subscribe(id, kind, name);
        confirm(ctx, reply, word, Some(name), count)?;
    }
    Ok(())
}

fn end(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
    kind: Kind,
    word: &[u8],
) -> Result<(), Error> {
    let id = ctx.session_id();
    for name in request.iter().skip(1) {
        let count = ctx.engine().unsubscribe(id, kind, name);
        confirm(ctx, reply, word, Some(name), count)?;
    }
    if request.len() > 1 {
        return Ok(());
    }
    let mut is_any = false;
    while let Some((name, count)) = ctx.engine().unsubscribe_oldest(id, kind) {
        confirm(ctx, reply, word, Some(&name), count)?;
        is_any = true;
    }
    if !is_any {
        let count = ctx.engine().subscriptions_told(id, kind);
        confirm(ctx, reply, word, None, count)?;
    }
    Ok(())
}

fn confirm(
    ctx: &mut SessionCtx<'_>,
    reply: &mut ReplyBuf,
    word: &[u8],
    name: Option<&[u8]>,
    count: usize,
) -> Result<(), Error> {
    let id = ctx.session_id();
    let quiet = SessionFlags::REPLY_OFF | SessionFlags::REPLY_SKIP;
    let is_quiet = ctx.session()?.flags.intersects(quiet);
    let write = |out: &mut ReplyBuf| {
        out.push(3);
        out.bulk(word);
        match name {
            Some(name) => out.bulk(name),
            None => out.null(),
        }
        out.int(i64::try_from(count).unwrap_or(i64::MAX));
    };
    if is_quiet {
        ctx.engine().push(id, write);
    } else {
        write(reply);
    }
    Ok(())
}
