//! PING, ECHO, SELECT, RESET, QUIT, READONLY, READWRITE, ASKING.

use vk_resp::{Protocol, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group};

use crate::{
    Disposition, Error,
    cmd::{Command, Run, generic::move_key::database},
    ctx::SessionCtx,
    pipeline::wrong_arity,
    session::SessionFlags,
    users::DEFAULT_USER,
};

pub(super) const PING: Command = Command {
    spec: CommandSpec {
        name: "ping",
        group: Group::Connection,
        since: "1.0.0",
        summary: "Answers PONG, or the message.",
        arity: -1,
        flags: Flags::FAST,
        categories: Categories::CONNECTION,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        args: &[ArgSpec::string("message").optional()],
        ..CommandSpec::NEW
    },
    run: Run::Session(ping),
};

pub(super) const ECHO: Command = Command {
    spec: CommandSpec {
        name: "echo",
        group: Group::Connection,
        since: "1.0.0",
        summary: "Answers the message.",
        arity: 2,
        flags: WHENEVER,
        categories: Categories::CONNECTION,
        args: &[ArgSpec::string("message")],
        ..CommandSpec::NEW
    },
    run: Run::Session(echo),
};

pub(super) const SELECT: Command = Command {
    spec: CommandSpec {
        name: "select",
        group: Group::Connection,
        since: "1.0.0",
        summary: "Chooses the database of the session.",
        arity: 2,
        flags: WHENEVER,
        categories: Categories::CONNECTION,
        args: &[ArgSpec::integer("index")],
        ..CommandSpec::NEW
    },
    run: Run::Session(select),
};

pub(super) const RESET: Command = Command {
    spec: CommandSpec {
        name: "reset",
        group: Group::Connection,
        since: "6.2.0",
        summary: "Puts the session back into the state that it began in.",
        arity: 1,
        flags: WITHOUT_AUTH,
        categories: Categories::CONNECTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(reset),
};

pub(super) const QUIT: Command = Command {
    spec: CommandSpec {
        name: "quit",
        group: Group::Connection,
        since: "1.0.0",
        summary: "Closes the connection.",
        deprecated: Some(Deprecation {
            since: "7.2.0",
            replaced_by: "just closing the connection",
        }),
        arity: -1,
        flags: WITHOUT_AUTH,
        categories: Categories::CONNECTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(quit),
};

pub(super) const READONLY: Command = Command {
    spec: CommandSpec {
        name: "readonly",
        group: Group::Cluster,
        since: "3.0.0",
        summary: "Allows reads from a replica.",
        arity: 1,
        flags: WHENEVER,
        categories: Categories::CONNECTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(readonly),
};

pub(super) const READWRITE: Command = Command {
    spec: CommandSpec {
        name: "readwrite",
        group: Group::Cluster,
        since: "3.0.0",
        summary: "Takes READONLY back.",
        arity: 1,
        flags: WHENEVER,
        categories: Categories::CONNECTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(readwrite),
};

pub(super) const ASKING: Command = Command {
    spec: CommandSpec {
        name: "asking",
        group: Group::Cluster,
        since: "3.0.0",
        summary: "Lets the next command use a slot that is being moved here.",
        arity: 1,
        flags: Flags::FAST,
        categories: Categories::CONNECTION,
        ..CommandSpec::NEW
    },
    run: Run::Session(disabled),
};

/// Whatever state the dataset is in.
const WHENEVER: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::FAST);
const WITHOUT_AUTH: Flags = WHENEVER
    .union(Flags::NOSCRIPT)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

fn ping(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let is_subscribed = ctx.session()?.is_in_subscribed_mode();
    match request.arg(1) {
        _ if request.len() > 2 => return Err(wrong_arity("ping")),
        message if is_subscribed => {
            reply.array(2);
            reply.bulk(b"pong");
            reply.bulk(message.unwrap_or_default());
        }
        None => reply.pong(),
        Some(message) => reply.bulk(message),
    }
    Ok(())
}

fn echo(
    _ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.bulk(request.arg(1).unwrap_or_default());
    Ok(())
}

fn select(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = request.arg(1).ok_or(Error::SYNTAX)?;
    let db = database(&ctx.base, word)?;
    ctx.session()?.db = db;
    reply.ok();
    Ok(())
}

fn reset(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.session_id();
    ctx.engine().discard(id);
    ctx.engine().stop_tracking(id);
    ctx.engine().end_monitor(id);
    ctx.engine().unsubscribe_all(id);
    let open = ctx.engine().users.default_is_open();
    let session = ctx.session()?;
    session.db = 0;
    session.protocol = Protocol::Resp2;
    session.user = DEFAULT_USER;
    session.name.clear();
    session.flags &= SessionFlags::CAPA_REDIRECT | SessionFlags::REPLY_SKIP;
    session.flags.set(SessionFlags::AUTHENTICATED, open);
    reply.set_protocol(Protocol::Resp2);
    reply.simple("RESET");
    Ok(())
}

fn quit(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.disposition = Disposition::Close;
    reply.ok();
    Ok(())
}

fn readonly(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.session()?.flags.insert(SessionFlags::READONLY);
    reply.ok();
    Ok(())
}

fn readwrite(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.session()?.flags.remove(SessionFlags::READONLY);
    reply.ok();
    Ok(())
}

fn disabled(
    _ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    Err(Error::CLUSTER_DISABLED)
}

#[cfg(test)]
mod tests {
    use crate::{Disposition, testkit::Kit};

    #[test]
    fn ping_echo_select_quit() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("PING"), "PONG");
        assert_eq!(kit.run("ping hi"), "\"hi\"");
        assert_eq!(
            kit.run("PING a b"),
            "(error) ERR wrong number of arguments for 'ping' command"
        );
        assert_eq!(kit.run("ECHO x"), "\"x\"");
        assert_eq!(kit.run("SELECT 15"), "OK");
        assert_eq!(kit.run("SELECT 16"), "(error) ERR DB index is out of range");
        assert_eq!(kit.run("SELECT -1"), "(error) ERR DB index is out of range");
        assert!(kit.run("SELECT x").contains("not an integer"));
        assert_eq!(kit.run("QUIT"), "OK");
        assert_eq!(kit.disposition, Disposition::Close);
    }

    #[test]
    fn reset_ends_a_transaction_and_forgets_the_session() {
        let mut kit = Kit::new();
        kit.run("HELLO 3 SETNAME me");
        kit.run("SELECT 3");
        assert_eq!(kit.run("MULTI"), "OK");
        assert_eq!(kit.run("RESET"), "RESET");
        assert_eq!(kit.run("EXEC"), "(error) ERR EXEC without MULTI");
        assert!(kit.run("HELLO").contains("\"proto\", (integer) 2"));
    }
}
