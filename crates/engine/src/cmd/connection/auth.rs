//! AUTH and HELLO: who a session is, and which protocol it speaks.

use alloc::string::String;

use vk_data::num::parse_i64;
use vk_resp::{Protocol, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History};

use super::client_name::check_name;
use crate::{
    Error,
    cmd::{Command, Run},
    config::id,
    ctx::SessionCtx,
    session::SessionFlags,
    users::{UserId, is_generated},
    version,
};

pub(super) const AUTH: Command = Command {
    spec: CommandSpec {
        name: "auth",
        group: Group::Connection,
        since: "1.0.0",
        summary: "Says who the session is, with a password.",
        complexity: "O(N), N being the passwords of the user",
        history: &[History {
            version: "6.0.0",
            change: "A user may be named before the password.",
        }],
        arity: -2,
        flags: ANYTIME,
        categories: Categories::CONNECTION,
        args: &[
            ArgSpec::string("username").since("6.0.0").optional(),
            ArgSpec::string("password"),
        ],
        secrets: &[-1],
        ..CommandSpec::NEW
    },
    run: Run::Session(auth),
};

pub(super) const HELLO: Command = Command {
    spec: CommandSpec {
        name: "hello",
        group: Group::Connection,
        since: "6.0.0",
        summary: "Shakes hands: chooses the protocol, and may authenticate and name the session.",
        complexity: "O(1)",
        history: &[History {
            version: "6.2.0",
            change: "The protocol may be left out, to be told about the server alone.",
        }],
        arity: -1,
        flags: ANYTIME,
        categories: Categories::CONNECTION,
        args: &[ArgSpec::block(
            "arguments",
            &[
                ArgSpec::integer("protover"),
                ArgSpec::block(
                    "auth",
                    &[ArgSpec::string("username"), ArgSpec::string("password")],
                )
                .token("AUTH")
                .optional(),
                ArgSpec::string("clientname").token("SETNAME").optional(),
            ],
        )
        .optional()],
        secrets: &[-2],
        ..CommandSpec::NEW
    },
    run: Run::Session(hello),
};

/// These run before authentication and whatever state the dataset is in.
const ANYTIME: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

const NO_PASSWORD_SET: Error = Error::Fixed(
    "ERR AUTH <password> called without any password configured for the default user. Are you \
     sure your configuration is correct?",
);
const HELLO_NO_AUTH: Error = Error::Fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
     <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP \
     protocol version at the same time",
);

fn auth(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let user = match (request.arg(1), request.arg(2)) {
        (Some(secret), None) => {
            let users = &ctx.engine().users;
            let found = users.authenticate_default(secret);
            if users.default_is_open() && !is_generated(secret) {
                return Err(NO_PASSWORD_SET);
            }
            found
        }
        (Some(name), Some(secret)) if request.len() == 3 => authenticate(ctx, name, secret),
        _ => return Err(Error::SYNTAX),
    };
    log_in(ctx, user)?;
    reply.ok();
    Ok(())
}

fn authenticate(ctx: &mut SessionCtx<'_>, name: &[u8], secret: &[u8]) -> Option<UserId> {
    let users = &ctx.engine().users;
    if name == b"default" {
        return users.authenticate_default(secret);
    }
    users.authenticate(name, secret)
}

fn log_in(ctx: &mut SessionCtx<'_>, user: Option<UserId>) -> Result<(), Error> {
    let Some(user) = user else {
        ctx.engine().stats.acl_denied_auth += 1;
        return Err(Error::WRONG_PASS);
    };
    let session = ctx.session()?;
    session.user = user;
    session.flags.insert(SessionFlags::AUTHENTICATED);
    Ok(())
}

/// The arguments of HELLO.
#[derive(Debug, Default)]
struct Hello<'a> {
    protocol: Option<Protocol>,
    auth: Option<(&'a [u8], &'a [u8])>,
    name: Option<String>,
}

impl<'a> Hello<'a> {
    fn parse(request: Request<'a>) -> Result<Self, Error> {
        let mut hello = Self::default();
        let Some(version) = request.arg(1) else {
            return Ok(hello);
        };
        hello.protocol = Some(match parse_i64(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(Error::Fixed("NOPROTO unsupported protocol version")),
            None => {
                return Err(Error::Fixed(
                    "ERR Protocol version is not an integer or out of range",
                ));
            }
        });
        let mut at = 2;
        while let Some(option) = request.arg(at) {
            let (first, second) = (request.arg(at + 1), request.arg(at + 2));
            match (first, second) {
                (Some(user), Some(secret)) if option.eq_ignore_ascii_case(b"auth") => {
                    hello.auth = Some((user, secret));
                    at += 3;
                }
                (Some(name), _) if option.eq_ignore_ascii_case(b"setname") => {
                    hello.name = Some(check_name(name)?);
                    at += 2;
                }
                _ => {
                    let option = String::from_utf8_lossy(option);
                    return Err(Error::told(format_args!(
                        "ERR Syntax error in HELLO option '{option}'"
                    )));
                }
            }
        }
        Ok(hello)
    }
}

fn hello(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let hello = Hello::parse(request)?;
    if let Some((name, secret)) = hello.auth {
        let user = authenticate(ctx, name, secret);
        log_in(ctx, user)?;
    }
    if !ctx.session()?.is_authenticated() {
        return Err(HELLO_NO_AUTH);
    }
    let zone = ctx.config().text(id::AVAILABILITY_ZONE).into_owned();
    let as_redis = ctx.config().bool(id::EXTENDED_REDIS_COMPATIBILITY);
    let session = ctx.session()?;
    if let Some(name) = hello.name {
        session.name = name;
    }
    if let Some(protocol) = hello.protocol {
        session.protocol = protocol;
        reply.set_protocol(protocol);
        let id = ctx.session_id();
        ctx.engine().protocol_changed(id);
    }
    let session = ctx.session()?;
    let (server, version) = if as_redis {
        ("redis", version::REDIS)
    } else {
        (version::SERVER_NAME, version::VALKEY)
    };
    reply.map(if zone.is_empty() { 7 } else { 8 });
    reply.bulk(b"server");
    reply.bulk(server.as_bytes());
    reply.bulk(b"version");
    reply.bulk(version.as_bytes());
    reply.bulk(b"proto");
    reply.int(if session.protocol == Protocol::Resp3 {
        3
    } else {
        2
    });
    reply.bulk(b"id");
    reply.int(i64::try_from(session.client_id).unwrap_or(i64::MAX));
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
    if !zone.is_empty() {
        reply.bulk(b"availability_zone");
        reply.bulk(zone.as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{BootUser, BootUsers, config::Config, sha256, testkit::Kit};
    use vk_spec::config::Profile;

    fn closed() -> Kit {
        let user = BootUser {
            name: "admin".into(),
            verifier: sha256(b"vks_admin_s3"),
        };
        let users = BootUsers {
            users: alloc::vec![user],
            default_off: true,
            unix: alloc::vec![],
        };
        Kit::with(Config::new(Profile::Compatible), users)
    }

    #[test]
    fn nothing_runs_before_authentication() {
        let mut kit = closed();
        assert_eq!(kit.run("GET a"), "(error) NOAUTH Authentication required.");
        assert!(
            kit.run("HELLO 3")
                .starts_with("(error) NOAUTH HELLO must be called")
        );
        assert!(kit.run("AUTH admin no").starts_with("(error) WRONGPASS"));
        assert!(kit.run("AUTH default x").starts_with("(error) WRONGPASS"));
        assert_eq!(kit.run("AUTH admin vks_admin_s3"), "OK");
        assert_eq!(kit.run("GET a"), "(nil)");
    }

    #[test]
    fn a_generated_secret_works_with_one_argument_and_in_hello() {
        let mut kit = closed();
        assert_eq!(kit.run("AUTH vks_admin_s3"), "OK");
        let mut kit = closed();
        let reply = kit.run("HELLO 3 AUTH default vks_admin_s3 SETNAME me");
        assert!(reply.starts_with("{\"server\": \"valkey\""), "{reply}");
    }

    #[test]
    fn hello_checks_its_arguments() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.run("HELLO 4"),
            "(error) NOPROTO unsupported protocol version"
        );
        assert!(
            kit.run("HELLO x")
                .contains("Protocol version is not an integer")
        );
        assert!(
            kit.run("HELLO 3 AUTH a")
                .contains("Syntax error in HELLO option 'AUTH'")
        );
        assert!(
            kit.run("AUTH x")
                .contains("without any password configured")
        );
        assert_eq!(kit.run("AUTH default whatever"), "OK");
    }
}
