//! COMMANDLOG and SLOWLOG: commands that were slow or large. What is kept is in
//! [`crate::observe`].

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group, History};

use crate::{
    Engine, Error,
    cmd::{
        Command, Run,
        help::{help, wrong_subcommand},
    },
    ctx::SessionCtx,
    observe::LogKind,
};

pub(super) const COMMANDLOG: Command = Command {
    spec: CommandSpec {
        name: "commandlog",
        since: "8.1.0",
        summary: "Commands about the log of slow and large commands.",
        complexity: "That of the subcommand.",
        arity: -2,
        flags: Flags::empty(),
        ..BASE
    },
    run: Run::Container(&[GET, HELP, LEN, RESET]),
};

pub(super) const SLOWLOG: Command = Command {
    spec: CommandSpec {
        name: "slowlog",
        since: "2.2.12",
        summary: "Commands about the log of slow commands.",
        complexity: "That of the subcommand.",
        arity: -2,
        flags: Flags::empty(),
        ..BASE
    },
    run: Run::Container(&[SLOW_GET, SLOW_HELP, SLOW_LEN, SLOW_RESET]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "8.1.0",
    flags: Flags::ADMIN.union(Flags::LOADING).union(Flags::STALE),
    ..CommandSpec::NEW
};

const KIND: ArgSpec = ArgSpec::one_of(
    "type",
    &[
        ArgSpec::pure_token("slow", "slow"),
        ArgSpec::pure_token("large-request", "large-request"),
        ArgSpec::pure_token("large-reply", "large-reply"),
    ],
);

const GET: Command = Command {
    spec: CommandSpec {
        name: "get",
        summary: "Tells the entries of a log, newest first.",
        complexity: "O(N), N being the number of entries told",
        arity: -4,
        tips: &["request_policy:all_nodes", "nondeterministic_output"],
        args: &[ArgSpec::integer("count"), KIND],
        ..BASE
    },
    run: Run::Session(get),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        summary: "Prints the subcommands.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const LEN: Command = Command {
    spec: CommandSpec {
        name: "len",
        summary: "Tells how many entries a log has.",
        arity: -3,
        tips: &[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ],
        args: &[KIND],
        ..BASE
    },
    run: Run::Session(len),
};

const RESET: Command = Command {
    spec: CommandSpec {
        name: "reset",
        summary: "Empties a log.",
        complexity: "O(N), N being the number of entries of the log",
        arity: -3,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        args: &[KIND],
        ..BASE
    },
    run: Run::Session(reset),
};

const SLOW_GET: Command = Command {
    spec: CommandSpec {
        name: "get",
        since: "2.2.12",
        summary: "Tells the slow commands, newest first.",
        complexity: "O(N), N being the number of entries told",
        history: &[History {
            version: "4.0.0",
            change: "The address and the name of the client.",
        }],
        arity: -2,
        tips: &["request_policy:all_nodes", "nondeterministic_output"],
        args: &[ArgSpec::integer("count").optional()],
        ..BASE
    },
    run: Run::Session(slow_get),
};

const SLOW_HELP: Command = Command {
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

const SLOW_LEN: Command = Command {
    spec: CommandSpec {
        name: "len",
        since: "2.2.12",
        summary: "Tells how many slow commands are known.",
        arity: 2,
        tips: &[
            "request_policy:all_nodes",
            "response_policy:agg_sum",
            "nondeterministic_output",
        ],
        ..BASE
    },
    run: Run::Session(slow_len),
};

const SLOW_RESET: Command = Command {
    spec: CommandSpec {
        name: "reset",
        since: "2.2.12",
        summary: "Forgets the slow commands.",
        complexity: "O(N), N being the number of entries of the log",
        arity: 2,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        ..BASE
    },
    run: Run::Session(slow_reset),
};

/// Entries that SLOWLOG GET tells by itself.
const SLOW_COUNT: usize = 10;

const WRONG_COUNT: Error = Error::Fixed("ERR count should be greater than or equal to -1");
const WRONG_KIND: Error =
    Error::Fixed("ERR type should be one of the following: slow, large-request, large-reply");

fn get(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    check_words(request, 4)?;
    let count = count(request.arg(2).unwrap_or_default())?;
    let kind = kind(request.arg(3).unwrap_or_default())?;
    write_entries(ctx.engine(), kind, count, reply);
    Ok(())
}

fn len(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    check_words(request, 3)?;
    let kind = kind(request.arg(2).unwrap_or_default())?;
    write_len(ctx.engine(), kind, reply);
    Ok(())
}

fn reset(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    check_words(request, 3)?;
    let kind = kind(request.arg(2).unwrap_or_default())?;
    ctx.engine().observe.log.clear(kind);
    reply.ok();
    Ok(())
}

fn slow_get(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let count = match request.arg(2) {
        _ if request.len() > 3 => return Err(wrong_subcommand(request)),
        None => SLOW_COUNT,
        Some(word) => count(word)?,
    };
    write_entries(ctx.engine(), LogKind::Slow, count, reply);
    Ok(())
}

fn slow_len(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    write_len(ctx.engine(), LogKind::Slow, reply);
    Ok(())
}

fn slow_reset(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.engine().observe.log.clear(LogKind::Slow);
    reply.ok();
    Ok(())
}

/// The arities are at-leasts, as Valkey tells them, but nothing may stand behind.
fn check_words(request: Request<'_>, words: usize) -> Result<(), Error> {
    if request.len() > words {
        return Err(wrong_subcommand(request));
    }
    Ok(())
}

/// -1 for all.
fn count(word: &[u8]) -> Result<usize, Error> {
    match parse_i64(word) {
        Some(-1) => Ok(usize::MAX),
        Some(count) => usize::try_from(count).map_err(|_| WRONG_COUNT),
        None => Err(WRONG_COUNT),
    }
}

fn kind(word: &[u8]) -> Result<LogKind, Error> {
    let names: [&[u8]; 3] = [b"slow", b"large-request", b"large-reply"];
    let known = names
        .iter()
        .zip(LogKind::ALL)
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    known.map(|(_, kind)| kind).ok_or(WRONG_KIND)
}

fn write_len(engine: &Engine, kind: LogKind, reply: &mut ReplyBuf) {
    let len = engine.observe.log.entries(kind).len();
    reply.int(i64::try_from(len).unwrap_or(i64::MAX));
}

fn write_entries(engine: &Engine, kind: LogKind, count: usize, reply: &mut ReplyBuf) {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let entries = engine.observe.log.entries(kind);
    reply.array(entries.len().min(count));
    for entry in entries.iter().take(count) {
        reply.array(6);
        reply.int(signed(entry.id));
        reply.int(entry.unix_seconds);
        reply.int(signed(entry.value));
        reply.array(entry.words.len());
        for word in &entry.words {
            reply.bulk(word);
        }
        reply.bulk(entry.address.as_bytes());
        reply.bulk(entry.name.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use crate::testkit::Kit;

    #[test]
    fn slow_commands_are_noted_with_their_sender() {
        let mut kit = Kit::with_debug();
        kit.run("CLIENT SETNAME me");
        kit.run("PING");
        kit.run("DEBUG SLEEP 0.02");
        assert_eq!(kit.run("SLOWLOG LEN"), "(integer) 1");
        assert_eq!(
            kit.run("SLOWLOG GET"),
            "[[(integer) 0, (integer) 1700000000, (integer) 20000, [\"DEBUG\", \"SLEEP\", \
             \"0.02\"], \"/run/vkd/vkd.sock:0\", \"me\"]]"
        );
        assert_eq!(kit.run("COMMANDLOG GET -1 SLOW"), kit.run("SLOWLOG GET -1"));
        assert_eq!(kit.run("SLOWLOG RESET"), "OK");
        kit.run("DEBUG SLEEP 0.02");
        // Numbers go on.
        assert!(kit.run("SLOWLOG GET 1").starts_with("[[(integer) 1, "));
    }

    #[test]
    fn thresholds_and_lengths_hold_at_once() {
        let mut kit = Kit::with_debug();
        kit.run("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 3");
        for _ in 0..5 {
            kit.run("PING");
        }
        assert_eq!(kit.run("SLOWLOG LEN"), "(integer) 3");
        assert_eq!(kit.run("SLOWLOG GET 0"), "[]");
        kit.run("CONFIG SET slowlog-max-len 1");
        assert_eq!(kit.run("SLOWLOG LEN"), "(integer) 1");
        kit.run("CONFIG SET slowlog-max-len 0");
        assert_eq!(kit.run("SLOWLOG LEN"), "(integer) 0");
        kit.run("CONFIG SET slowlog-max-len 5 slowlog-log-slower-than -1");
        kit.run("DEBUG SLEEP 1");
        assert_eq!(kit.run("SLOWLOG LEN"), "(integer) 0");
    }

    #[test]
    fn long_requests_are_shortened_and_secrets_struck_out() {
        let mut kit = Kit::with_debug();
        kit.run("CONFIG SET slowlog-log-slower-than 0");
        let words: String = (0..40).map(|n| format!(" {n}")).collect();
        kit.run(&format!("SADD k{words}"));
        assert!(
            kit.run("SLOWLOG GET 1")
                .contains("\"28\", \"... (11 more arguments)\"]")
        );
        let words: String = (0..30).map(|n| format!(" {n}")).collect();
        kit.run(&format!("SADD k{words}"));
        assert!(kit.run("SLOWLOG GET 1").contains("\"28\", \"29\"]"));
        kit.run(&format!("ECHO {}", "x".repeat(129)));
        let expected = format!("[\"ECHO\", \"{}... (1 more bytes)\"]", "x".repeat(128));
        assert!(kit.run("SLOWLOG GET 1").contains(&expected));
        kit.run(&format!("ECHO {}", "y".repeat(128)));
        assert!(kit.run("SLOWLOG GET 1").contains(&"y".repeat(128)));
        assert!(!kit.run("SLOWLOG GET 3").contains("more bytes)\"], \"\""));
        kit.run("AUTH default word");
        assert!(
            kit.run("SLOWLOG GET 1")
                .contains("[\"AUTH\", \"(redacted)\", \"(redacted)\"]")
        );
    }

    #[test]
    fn large_requests_and_replies() {
        let mut kit = Kit::with_debug();
        kit.run("CONFIG SET commandlog-request-larger-than 100 commandlog-reply-larger-than 100");
        kit.run("COMMANDLOG RESET large-request");
        kit.run(&format!("SET k {}", "x".repeat(100)));
        kit.run("GET k");
        kit.run("PING");
        let request = kit.run("COMMANDLOG GET -1 large-request");
        assert!(request.contains("(integer) 128, [\"SET\""), "{request}");
        assert_eq!(kit.run("COMMANDLOG LEN large-request"), "(integer) 1");
        // The reply of COMMANDLOG GET was large itself.
        let replies = kit.run("COMMANDLOG GET -1 large-reply");
        assert!(
            replies.contains("(integer) 108, [\"GET\", \"k\"]"),
            "{replies}"
        );
        assert!(replies.contains("(integer) 1, "), "{replies}");
        assert_eq!(kit.run("COMMANDLOG RESET LARGE-REQUEST"), "OK");
        assert_eq!(kit.run("COMMANDLOG LEN Large-Request"), "(integer) 0");
        assert_eq!(kit.run("COMMANDLOG LEN slow"), "(integer) 0");
    }

    #[test]
    fn commands_of_a_transaction_are_noted_and_exec_is_not() {
        let mut kit = Kit::with_debug();
        kit.run("MULTI");
        kit.run("DEBUG SLEEP 0.5");
        kit.run("EXEC");
        assert_eq!(kit.run("SLOWLOG LEN"), "(integer) 1");
        assert!(kit.run("SLOWLOG GET").contains("\"SLEEP\""));
    }

    #[test]
    fn a_wait_is_noted_when_it_ends_and_takes_no_time() {
        let mut kit = Kit::with_debug();
        let other = kit.connect();
        kit.run("CONFIG SET slowlog-log-slower-than 0");
        kit.run("SLOWLOG RESET");
        kit.run_as(other, "BLPOP l 0");
        assert!(!kit.run("SLOWLOG GET").contains("BLPOP"));
        kit.sleep_ms(60_000);
        kit.run("RPUSH l a");
        let log = kit.run("SLOWLOG GET");
        assert_eq!(log.matches("BLPOP").count(), 1, "{log}");
        assert!(
            log.contains("(integer) 0, [\"BLPOP\", \"l\", \"0\"]"),
            "{log}"
        );
        kit.run_as(other, "BLPOP l 1");
        kit.advance_ms(1001);
        assert_eq!(kit.run("SLOWLOG GET -1").matches("BLPOP").count(), 2);
    }

    #[test]
    fn arguments_are_checked() {
        let mut kit = Kit::new();
        let count = "(error) ERR count should be greater than or equal to -1";
        for line in [
            "SLOWLOG GET -2",
            "SLOWLOG GET x",
            "SLOWLOG GET 99999999999999999999",
            "COMMANDLOG GET -2 slow",
            "COMMANDLOG GET x y",
        ] {
            assert_eq!(kit.run(line), count, "{line}");
        }
        let kind =
            "(error) ERR type should be one of the following: slow, large-request, large-reply";
        for line in [
            "COMMANDLOG GET 1 x",
            "COMMANDLOG LEN x",
            "COMMANDLOG RESET x",
        ] {
            assert_eq!(kit.run(line), kind, "{line}");
        }
        for (line, name, container) in [
            ("SLOWLOG GET 1 2", "GET", "SLOWLOG"),
            ("COMMANDLOG GET 1 slow x", "GET", "COMMANDLOG"),
            ("COMMANDLOG LEN slow x", "LEN", "COMMANDLOG"),
        ] {
            let text = format!(
                "(error) ERR unknown subcommand or wrong number of arguments for '{name}'. Try \
                 {container} HELP."
            );
            assert_eq!(kit.run(line), text);
        }
        assert!(kit.run("SLOWLOG LEN 1").contains("'slowlog|len' command"));
        assert!(kit.run("COMMANDLOG HELP").contains("large-request"));
    }
}
