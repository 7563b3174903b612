//! ROLE, REPLICAOF and SLAVEOF of a server that stands alone. Replication itself is not built:
//! a request for it is refused, never ignored.

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
};

pub(super) const REPLICAOF: Command = Command {
    spec: CommandSpec {
        name: "replicaof",
        group: Group::Server,
        since: "5.0.0",
        summary: "Makes the server a replica of another one, or a primary.",
        arity: 3,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::NOSCRIPT)
            .union(Flags::STALE),
        args: &[ArgSpec::one_of(
            "args",
            &[
                ArgSpec::block(
                    "host-port",
                    &[ArgSpec::string("host"), ArgSpec::integer("port")],
                ),
                ArgSpec::block(
                    "no-one",
                    &[
                        ArgSpec::pure_token("no", "NO"),
                        ArgSpec::pure_token("one", "ONE"),
                    ],
                ),
            ],
        )],
        ..CommandSpec::NEW
    },
    run: Run::Session(replicaof),
};

pub(super) const SLAVEOF: Command = Command {
    spec: CommandSpec {
        name: "slaveof",
        since: "1.0.0",
        summary: "The older name of REPLICAOF.",
        deprecated: Some(Deprecation {
            since: "5.0.0",
            replaced_by: "`REPLICAOF`",
        }),
        ..REPLICAOF.spec
    },
    run: Run::Session(replicaof),
};

pub(super) const ROLE: Command = Command {
    spec: CommandSpec {
        name: "role",
        group: Group::Server,
        since: "2.8.12",
        summary: "Tells the part that the server plays in replication.",
        arity: 1,
        flags: Flags::NOSCRIPT
            .union(Flags::LOADING)
            .union(Flags::STALE)
            .union(Flags::FAST),
        categories: Categories::ADMIN.union(Categories::DANGEROUS),
        ..CommandSpec::NEW
    },
    run: Run::Session(role),
};

fn role(
    _ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.array(3);
    reply.bulk(b"master");
    reply.int(0);
    reply.array(0);
    Ok(())
}

const PORT_MAX: i64 = 65_535;

fn replicaof(
    _ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (host, port) = (request.arg(1), request.arg(2));
    let is = |word: Option<&[u8]>, text: &[u8]| word.is_some_and(|w| w.eq_ignore_ascii_case(text));
    if is(host, b"no") && is(port, b"one") {
        reply.ok();
        return Ok(());
    }
    let is_port = |number: &i64| (0..=PORT_MAX).contains(number);
    port.and_then(parse_i64)
        .filter(is_port)
        .ok_or(Error::BAD_PRIMARY_PORT)?;
    Err(Error::NO_REPLICATION)
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn a_lone_primary() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("ROLE"), "[\"master\", (integer) 0, []]");
        assert_eq!(kit.run("REPLICAOF no ONE"), "OK");
        assert_eq!(kit.run("SLAVEOF NO one"), "OK");
        for port in ["65536", "-1", "x"] {
            let line = alloc::format!("REPLICAOF localhost {port}");
            assert_eq!(kit.run(&line), "(error) ERR Invalid master port");
        }
        assert!(kit.run("SLAVEOF localhost 6380").contains("replication"));
    }
}
