//! CLIENT: the subcommands about the session itself.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group};

use super::{
    client_import, client_list,
    client_name::{check_attribute, check_name},
    client_pause, client_tracking, client_unblock,
};
use crate::{
    Error,
    cmd::{Command, Run, help::help},
    ctx::SessionCtx,
    session::SessionFlags,
};

pub(super) const CLIENT: Command = Command {
    spec: CommandSpec {
        name: "client",
        group: Group::Connection,
        since: "2.4.0",
        summary: "Commands about client sessions.",
        complexity: "That of the subcommand",
        arity: -2,
        ..CommandSpec::NEW
    },
    run: Run::Container(&[
        client_tracking::CACHING,
        CAPA,
        GETNAME,
        client_tracking::GETREDIR,
        HELP,
        ID,
        client_import::IMPORT_SOURCE,
        INFO,
        client_list::KILL,
        client_list::LIST,
        NO_EVICT,
        NO_TOUCH,
        client_pause::PAUSE,
        REPLY,
        SETINFO,
        SETNAME,
        client_tracking::TRACKING,
        client_tracking::TRACKINGINFO,
        client_unblock::UNBLOCK,
        client_pause::UNPAUSE,
    ]),
};

/// A subcommand of CLIENT to start from.
pub(super) const BASE: CommandSpec = CommandSpec {
    group: Group::Connection,
    arity: 2,
    flags: Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE),
    categories: Categories::CONNECTION,
    ..CommandSpec::NEW
};

const CAPA: Command = Command {
    spec: CommandSpec {
        name: "capa",
        since: "8.0.0",
        summary: "Says what the client can handle.",
        arity: -3,
        args: &[ArgSpec::string("capability").multiple()],
        ..BASE
    },
    run: Run::Session(capa),
};

const GETNAME: Command = Command {
    spec: CommandSpec {
        name: "getname",
        since: "2.6.9",
        summary: "Tells the name of the session.",
        ..BASE
    },
    run: Run::Session(getname),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        since: "5.0.0",
        summary: "Lists the subcommands.",
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const ID: Command = Command {
    spec: CommandSpec {
        name: "id",
        since: "5.0.0",
        summary: "Tells the number of the session.",
        ..BASE
    },
    run: Run::Session(id),
};

const INFO: Command = Command {
    spec: CommandSpec {
        name: "info",
        since: "6.2.0",
        summary: "Tells about the session.",
        tips: &["nondeterministic_output"],
        ..BASE
    },
    run: Run::Session(info),
};

pub(super) const ON_OFF: &[ArgSpec] = &[ArgSpec::one_of(
    "enabled",
    &[
        ArgSpec::pure_token("on", "ON"),
        ArgSpec::pure_token("off", "OFF"),
    ],
)];

const NO_EVICT: Command = Command {
    spec: CommandSpec {
        name: "no-evict",
        since: "7.0.0",
        summary: "Keeps the session when clients are evicted for their memory.",
        arity: 3,
        flags: BASE.flags.union(Flags::ADMIN),
        args: ON_OFF,
        ..BASE
    },
    run: Run::Session(no_evict),
};

const NO_TOUCH: Command = Command {
    spec: CommandSpec {
        name: "no-touch",
        since: "7.2.0",
        summary: "Leaves the record of use of keys as it is.",
        arity: 3,
        args: ON_OFF,
        ..BASE
    },
    run: Run::Session(no_touch),
};

const REPLY: Command = Command {
    spec: CommandSpec {
        name: "reply",
        since: "3.2.0",
        summary: "Switches replies on or off, or leaves out the next one.",
        arity: 3,
        flags: BASE.flags.union(Flags::NO_MULTI),
        args: &[ArgSpec::one_of(
            "action",
            &[
                ArgSpec::pure_token("on", "ON"),
                ArgSpec::pure_token("off", "OFF"),
                ArgSpec::pure_token("skip", "SKIP"),
            ],
        )],
        ..BASE
    },
    run: Run::Session(reply_mode),
};

const SETINFO: Command = Command {
    spec: CommandSpec {
        name: "setinfo",
        since: "7.2.0",
        summary: "Notes the name or the version of the client's library.",
        arity: 4,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        args: &[ArgSpec::one_of(
            "attr",
            &[
                ArgSpec::string("libname").token("lib-name"),
                ArgSpec::string("libver").token("lib-ver"),
            ],
        )],
        ..BASE
    },
    run: Run::Session(setinfo),
};

const SETNAME: Command = Command {
    spec: CommandSpec {
        name: "setname",
        since: "2.6.9",
        summary: "Names the session.",
        arity: 3,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        args: &[ArgSpec::string("connection-name")],
        ..BASE
    },
    run: Run::Session(setname),
};

fn capa(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    // Capabilities that the server does not know are ignored: newer clients tell more.
    if request
        .skip(2)
        .iter()
        .any(|word| word.eq_ignore_ascii_case(b"redirect"))
    {
        ctx.session()?.flags.insert(SessionFlags::CAPA_REDIRECT);
    }
    reply.ok();
    Ok(())
}

fn getname(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    match ctx.session()?.name.as_bytes() {
        b"" => reply.null(),
        name => reply.bulk(name),
    }
    Ok(())
}

fn id(ctx: &mut SessionCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    reply.int(i64::try_from(ctx.session()?.client_id).unwrap_or(i64::MAX));
    Ok(())
}

fn info(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.session_id();
    let mut line = ctx.engine().client_line(id).unwrap_or_default();
    line.push('\n');
    reply.verbatim("txt", line.as_bytes());
    Ok(())
}

pub(super) fn on_off(request: Request<'_>) -> Result<bool, Error> {
    match request.arg(2) {
        Some(word) if word.eq_ignore_ascii_case(b"on") => Ok(true),
        Some(word) if word.eq_ignore_ascii_case(b"off") => Ok(false),
        _ => Err(Error::SYNTAX),
    }
}

fn no_evict(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let on = on_off(request)?;
    ctx.session()?.flags.set(SessionFlags::NO_EVICT, on);
    reply.ok();
    Ok(())
}

fn no_touch(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let on = on_off(request)?;
    ctx.session()?.flags.set(SessionFlags::NO_TOUCH, on);
    reply.ok();
    Ok(())
}

fn reply_mode(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = request.arg(2).unwrap_or_default();
    let flags = &mut ctx.session()?.flags;
    if word.eq_ignore_ascii_case(b"on") {
        flags.remove(SessionFlags::REPLY_OFF | SessionFlags::REPLY_SKIP);
        reply.ok();
    } else if word.eq_ignore_ascii_case(b"off") {
        flags.insert(SessionFlags::REPLY_OFF);
    } else if word.eq_ignore_ascii_case(b"skip") {
        let off = flags.contains(SessionFlags::REPLY_OFF);
        flags.set(SessionFlags::REPLY_SKIP_NEXT, !off);
    } else {
        return Err(Error::SYNTAX);
    }
    Ok(())
}

fn setinfo(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (word, value) = (
        request.arg(2).unwrap_or_default(),
        request.arg(3).unwrap_or_default(),
    );
    let session = ctx.session()?;
    if word.eq_ignore_ascii_case(b"lib-name") {
        session.lib_name = check_attribute("lib-name", value)?;
    } else if word.eq_ignore_ascii_case(b"lib-ver") {
        session.lib_version = check_attribute("lib-ver", value)?;
    } else {
        let word = alloc::string::String::from_utf8_lossy(word);
        return Err(Error::told(format_args!(
            "ERR Unrecognized option '{word}'"
        )));
    }
    reply.ok();
    Ok(())
}

fn setname(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let name = check_name(request.arg(2).unwrap_or_default())?;
    ctx.session()?.name = name;
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn names_and_attributes_are_plain() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("CLIENT GETNAME"), "(nil)");
        assert_eq!(kit.run("CLIENT SETNAME me"), "OK");
        assert_eq!(kit.run("CLIENT GETNAME"), "\"me\"");
        assert!(
            kit.run("CLIENT SETNAME a\nb")
                .contains("cannot contain spaces")
        );
        assert_eq!(kit.run("CLIENT SETINFO lib-name x"), "OK");
        assert!(
            kit.run("CLIENT SETINFO lib-color x")
                .contains("Unrecognized option 'lib-color'")
        );
        assert!(kit.run("CLIENT INFO").contains("name=me"));
        assert!(
            kit.run("CLIENT")
                .contains("wrong number of arguments for 'client' command")
        );
        assert!(
            kit.run("CLIENT NOPE")
                .contains("unknown subcommand 'NOPE'. Try CLIENT HELP.")
        );
        assert!(kit.run("CLIENT HELP").starts_with("[CLIENT <subcommand>"));
    }

    #[test]
    fn replies_are_left_out_as_asked() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("CLIENT REPLY SKIP"), "");
        assert_eq!(kit.run("PING"), "");
        assert_eq!(kit.run("PING"), "PONG");
        assert_eq!(kit.run("CLIENT REPLY OFF"), "");
        assert_eq!(kit.run("PING"), "");
        assert_eq!(kit.run("CLIENT REPLY ON"), "OK");
        assert_eq!(kit.run("PING"), "PONG");
    }
}
