//! CLIENT LIST and CLIENT KILL: sessions chosen by filters.

use alloc::{string::String, vec::Vec};

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, History};

use super::{client::BASE, client_filter::Filter};
use crate::{
    CloseReason, Disposition, Error, SessionId,
    cmd::{Command, Run},
    ctx::SessionCtx,
};

/// Filters that came with 9.0.
const NAME: ArgSpec = ArgSpec::string("name")
    .token("NAME")
    .since("9.0.0")
    .optional();
const IDLE: ArgSpec = ArgSpec::integer("idle")
    .token("IDLE")
    .since("9.0.0")
    .optional();
const FLAGS: ArgSpec = ArgSpec::string("flags")
    .token("FLAGS")
    .since("9.0.0")
    .optional();
const LIB_NAME: ArgSpec = ArgSpec::string("lib-name")
    .token("LIB-NAME")
    .since("9.0.0")
    .optional();
const LIB_VER: ArgSpec = ArgSpec::string("lib-ver")
    .token("LIB-VER")
    .since("9.0.0")
    .optional();
const DB: ArgSpec = ArgSpec::integer("db").token("DB").since("9.0.0").optional();
const CAPA: ArgSpec = ArgSpec::string("capa")
    .token("CAPA")
    .since("9.0.0")
    .optional();
const IP: ArgSpec = ArgSpec::string("ip").token("IP").since("9.0.0").optional();

const YES_NO: &[ArgSpec] = &[
    ArgSpec::pure_token("yes", "YES"),
    ArgSpec::pure_token("no", "NO"),
];

const TYPES_OF_LIST: &[ArgSpec] = &[
    ArgSpec::pure_token("normal", "normal"),
    ArgSpec::pure_token("master", "master"),
    ArgSpec::pure_token("replica", "replica"),
    ArgSpec::pure_token("pubsub", "pubsub"),
];

pub(super) const LIST: Command = Command {
    spec: CommandSpec {
        name: "list",
        since: "2.4.0",
        summary: "Lists the sessions.",
        complexity: "O(N), N being the number of sessions",
        history: &[
            History {
                version: "2.8.12",
                change: "The number of each session is told.",
            },
            History {
                version: "5.0.0",
                change: "The filter TYPE.",
            },
            History {
                version: "6.0.0",
                change: "The user is told.",
            },
            History {
                version: "6.2.0",
                change: "The filter ID, argv-mem, tot-mem, laddr, redir.",
            },
            History {
                version: "7.0.0",
                change: "The fields resp, multi-mem, rbs and rbp.",
            },
            History {
                version: "7.0.3",
                change: "The field ssub.",
            },
            History {
                version: "8.0.0",
                change: "Fields of traffic, and the type primary.",
            },
            History {
                version: "8.1.0",
                change: "The filters USER, ADDR, LADDR, SKIPME and MAXAGE.",
            },
            History {
                version: "9.0.0",
                change: "The filters NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA and IP, and \
                         NOT- before a filter.",
            },
        ],
        arity: -2,
        flags: BASE.flags.union(Flags::ADMIN),
        tips: &["nondeterministic_output"],
        args: &[
            ArgSpec::one_of("client-type", TYPES_OF_LIST)
                .token("TYPE")
                .since("5.0.0")
                .optional(),
            ArgSpec::integer("client-id")
                .token("ID")
                .since("6.2.0")
                .multiple()
                .optional(),
            ArgSpec::string("username")
                .token("USER")
                .since("8.1.0")
                .optional(),
            ArgSpec::string("addr")
                .token("ADDR")
                .display("ip:port")
                .since("8.1.0")
                .optional(),
            ArgSpec::string("laddr")
                .token("LADDR")
                .display("ip:port")
                .since("8.1.0")
                .optional(),
            ArgSpec::one_of("skipme", YES_NO)
                .token("SKIPME")
                .since("8.1.0")
                .optional(),
            ArgSpec::integer("maxage")
                .token("MAXAGE")
                .since("8.1.0")
                .optional(),
            NAME,
            IDLE,
            FLAGS,
            LIB_NAME,
            LIB_VER,
            DB,
            CAPA,
            IP,
        ],
        ..BASE
    },
    run: Run::Session(list),
};

const TYPES_OF_KILL: &[ArgSpec] = &[
    ArgSpec::pure_token("normal", "normal"),
    ArgSpec::pure_token("master", "master").since("3.2.0"),
    ArgSpec::pure_token("primary", "primary").since("8.0.0"),
    ArgSpec::pure_token("slave", "slave"),
    ArgSpec::pure_token("replica", "replica").since("5.0.0"),
    ArgSpec::pure_token("pubsub", "pubsub"),
];

const KILL_FILTERS: &[ArgSpec] = &[
    ArgSpec::integer("client-id")
        .token("ID")
        .since("2.8.12")
        .optional(),
    ArgSpec::one_of("client-type", TYPES_OF_KILL)
        .token("TYPE")
        .since("2.8.12")
        .optional(),
    ArgSpec::string("username").token("USER").optional(),
    ArgSpec::string("addr")
        .token("ADDR")
        .display("ip:port")
        .optional(),
    ArgSpec::string("laddr")
        .token("LADDR")
        .display("ip:port")
        .since("6.2.0")
        .optional(),
    ArgSpec::one_of("skipme", YES_NO).token("SKIPME").optional(),
    ArgSpec::integer("maxage")
        .token("MAXAGE")
        .since("8.0.0")
        .optional(),
    NAME,
    IDLE,
    FLAGS,
    LIB_NAME,
    LIB_VER,
    DB,
    CAPA,
    IP,
];

pub(super) const KILL: Command = Command {
    spec: CommandSpec {
        name: "kill",
        since: "2.4.0",
        summary: "Closes sessions.",
        complexity: "O(N), N being the number of sessions",
        history: &[
            History {
                version: "2.8.12",
                change: "Filters instead of one address.",
            },
            History {
                version: "2.8.12",
                change: "The filter ID.",
            },
            History {
                version: "3.2.0",
                change: "The type master.",
            },
            History {
                version: "5.0.0",
                change: "The type replica.",
            },
            History {
                version: "6.2.0",
                change: "The filter LADDR.",
            },
            History {
                version: "8.0.0",
                change: "The filter MAXAGE.",
            },
            History {
                version: "8.0.0",
                change: "The type primary.",
            },
            History {
                version: "8.1.0",
                change: "Several numbers behind ID.",
            },
            History {
                version: "9.0.0",
                change: "The filters NAME, IDLE, FLAGS, LIB-NAME, LIB-VER, DB, CAPA and IP, and \
                         NOT- before a filter.",
            },
        ],
        arity: -3,
        flags: BASE.flags.union(Flags::ADMIN),
        args: &[ArgSpec::one_of(
            "filter",
            &[
                ArgSpec::string("old-format")
                    .display("ip:port")
                    .deprecated_since("2.8.12"),
                ArgSpec::one_of("new-format", KILL_FILTERS).multiple(),
            ],
        )],
        ..BASE
    },
    run: Run::Session(kill),
};

fn list(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let filter = Filter::parse(ctx.engine(), request.skip(2), false)?;
    let mut text = String::new();
    for id in chosen(ctx, &filter) {
        if let Some(line) = ctx.engine().client_line(id) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn chosen(ctx: &mut SessionCtx<'_>, filter: &Filter) -> Vec<SessionId> {
    let own = ctx.session_id();
    let engine = ctx.engine();
    let all = engine.sessions.by_age();
    all.iter()
        .filter(|(id, session)| filter.accepts(engine, session, *id == own))
        .map(|(id, _)| *id)
        .collect()
}

fn kill(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let old_format = request.len() == 3;
    let filter = match request.arg(2) {
        Some(address) if old_format => Filter::of_address(address),
        _ => Filter::parse(ctx.engine(), request.skip(2), true)?,
    };
    let own = ctx.session_id();
    let victims = chosen(ctx, &filter);
    for session in &victims {
        if *session == own {
            ctx.disposition = Disposition::Close;
        } else {
            ctx.engine().dismiss(*session, CloseReason::Killed);
        }
    }
    match (old_format, victims.len()) {
        (true, 0) => return Err(Error::Fixed("ERR No such client")),
        (true, _) => reply.ok(),
        (false, count) => reply.int(i64::try_from(count).unwrap_or(i64::MAX)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Disposition, Output, testkit::Kit};

    #[test]
    fn filters_choose_and_are_checked() {
        let mut kit = Kit::new();
        let other = kit.connect();
        kit.run_as(other, "CLIENT SETNAME bob");
        assert!(kit.run("CLIENT LIST ID 2").contains("name=bob"));
        assert!(!kit.run("CLIENT LIST NOT-ID 2").contains("name=bob"));
        assert_eq!(kit.run("CLIENT LIST NAME nobody"), "\"\"");
        assert!(
            kit.run("CLIENT LIST TYPE king")
                .contains("Unknown client type 'king'")
        );
        assert!(kit.run("CLIENT LIST FLAGS Ux").ends_with("\"\""));
        assert_eq!(kit.run("CLIENT LIST FLAGS U").matches("id=").count(), 2);
        assert_eq!(
            kit.run("CLIENT LIST FLAGS Z"),
            "(error) ERR Unknown flags found in the provided filter: Z"
        );
        assert_eq!(
            kit.run("CLIENT LIST NOT-CAPA x"),
            "(error) ERR Unknown capa found in the provided filter: x"
        );
        for db in ["-1", "16"] {
            assert_eq!(
                kit.run(&alloc::format!("CLIENT LIST DB {db}")),
                "(error) ERR DB number should be between 0 and 15"
            );
        }
        assert!(
            kit.run("CLIENT LIST DB x")
                .contains("DB is not an integer or out of range")
        );
        assert!(kit.run("CLIENT LIST ID x").contains("Invalid client ID"));
        assert!(kit.run("CLIENT LIST WHAT x").contains("syntax error"));
        assert!(
            kit.run("CLIENT KILL ID 0 SKIPME no")
                .contains("client-id should be greater")
        );
        assert!(kit.run("CLIENT KILL 1.2.3.4:5").contains("No such client"));
        assert!(
            kit.run("CLIENT KILL USER nobody")
                .contains("No such user 'nobody'")
        );
        assert!(
            kit.run("CLIENT KILL MAXAGE 0 ID 2")
                .contains("maxage should be greater than 0")
        );
    }

    #[test]
    fn the_own_session_is_spared_unless_asked() {
        let mut kit = Kit::new();
        kit.connect();
        assert_eq!(kit.run("CLIENT KILL TYPE normal SKIPME yes"), "(integer) 1");
        assert!(matches!(kit.outputs.last(), Some(Output::Close { .. })));
        assert_eq!(kit.disposition, Disposition::Done);
        assert_eq!(kit.run("CLIENT KILL ID 1 SKIPME no"), "(integer) 1");
        assert_eq!(kit.disposition, Disposition::Close);
    }
}
