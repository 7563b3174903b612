//! DEBUG: what tests of the server need and nobody else.
//!
//! Open only as far as `enable-debug-command` says. Subcommands of features that are not built are
//! unknown, so that a test that needs them fails instead of passing for nothing.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::time::Duration;

use vk_data::{
    glob::{Case, Glob},
    num::{parse_f64, parse_i64},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{CommandSpec, Flags, Group};

use super::{debug_object, debug_process, debug_protocol, debug_value};
use crate::{
    CrashKind, Directive, Error, LogLevel,
    cmd::{Command, Run, SessionFn, help::bad_subcommand},
    ctx::SessionCtx,
    info::repl_id,
};

pub(super) const DEBUG: Command = Command {
    spec: CommandSpec {
        name: "debug",
        group: Group::Server,
        since: "1.0.0",
        summary: "Looks into the server and disturbs it, for tests.",
        complexity: "That of the subcommand.",
        arity: -2,
        flags: Flags::ADMIN
            .union(Flags::NOSCRIPT)
            .union(Flags::LOADING)
            .union(Flags::STALE)
            .union(Flags::PROTECTED)
            .union(Flags::SYSCMD),
        ..CommandSpec::NEW
    },
    run: Run::Session(debug),
};

/// A subcommand. They are no commands of the table: nobody is granted one without the others.
struct Sub {
    name: &'static str,
    /// Words of the request, both ends included.
    words: (usize, usize),
    arguments: &'static str,
    help: &'static str,
    run: SessionFn,
}

const fn sub(
    name: &'static str,
    words: (usize, usize),
    arguments: &'static str,
    help: &'static str,
    run: SessionFn,
) -> Sub {
    Sub {
        name,
        words,
        arguments,
        help,
        run,
    }
}

const MANY: usize = usize::MAX;

const SUBS: &[Sub] = &[
    sub(
        "ASSERT",
        (2, 2),
        "",
        "Crashes as a failed assertion does.",
        crash,
    ),
    sub(
        "AOF-FLUSH-SLEEP",
        (3, 3),
        "microseconds",
        "Waits so long before the append-only file is written to.",
        debug_value::aof_flush_sleep,
    ),
    sub(
        "CHANGE-REPL-ID",
        (2, 2),
        "",
        "Takes a new replication id.",
        change_repl_id,
    ),
    sub(
        "CLIENT-ENFORCE-REPLY-LIST",
        (3, 3),
        "0|1",
        "Queues every reply in a list of blocks, as it is always done here.",
        debug_process::client_enforce_reply_list,
    ),
    sub(
        "CONFIG-REWRITE-FORCE-ALL",
        (2, 2),
        "",
        "Writes every value into the configuration file, default or not.",
        debug_process::config_rewrite_force_all,
    ),
    sub(
        "CRASH-AND-RECOVER",
        (2, 3),
        "[milliseconds]",
        "Starts again without any cleaning up, after a delay.",
        crash_and_recover,
    ),
    sub(
        "DIGEST",
        (2, 2),
        "",
        "Fingerprint of all databases.",
        debug_object::digest,
    ),
    sub(
        "DIGEST-VALUE",
        (2, MANY),
        "key [key ...]",
        "Fingerprints of values.",
        debug_object::digest_value,
    ),
    sub(
        "ERROR",
        (3, 3),
        "message",
        "Answers an error with this text.",
        error,
    ),
    sub("HELP", (2, 2), "", "Prints this help.", help),
    sub(
        "HTSTATS",
        (3, 4),
        "dbid [full]",
        "Figures of the table of a database.",
        debug_object::htstats,
    ),
    sub(
        "HTSTATS-KEY",
        (3, 4),
        "key [full]",
        "Figures of the table of a value.",
        debug_object::htstats_key,
    ),
    sub(
        "LISTPACK",
        (3, 3),
        "key",
        "Shows what a listpack holds.",
        debug_value::listpack,
    ),
    sub(
        "LOADAOF",
        (2, 2),
        "",
        "Forgets all keys and loads the append-only file.",
        debug_value::load_aof,
    ),
    sub(
        "LOG",
        (3, 3),
        "message",
        "Writes a warning into the log.",
        log,
    ),
    sub(
        "OBJECT",
        (3, 4),
        "key [fast]",
        "What is known about a key and its value.",
        debug_object::object,
    ),
    sub(
        "OOM",
        (2, 2),
        "",
        "Crashes as a failed allocation does.",
        crash,
    ),
    sub("PANIC", (2, 2), "", "Crashes as a panic does.", crash),
    sub(
        "PAUSE-CRON",
        (3, 3),
        "0|1",
        "Stops the periodic work.",
        pause_cron,
    ),
    sub(
        "POPULATE",
        (3, 5),
        "count [prefix] [size]",
        "Creates keys prefix:0, prefix:1, ... that are not there yet.",
        debug_object::populate,
    ),
    sub(
        "PROTOCOL",
        (3, 3),
        "type",
        "Answers a reply of this type: string, integer, double, bignum, null, array, set, map, \
         attrib, push, verbatim, true or false.",
        debug_protocol::protocol,
    ),
    sub(
        "QUICKLIST-PACKED-THRESHOLD",
        (3, 3),
        "size",
        "Gives elements of a list of at least this size a node of their own.",
        debug_value::quicklist_packed_threshold,
    ),
    sub(
        "RELOAD",
        (2, MANY),
        "[option ...]",
        "Saves a snapshot, forgets all keys and loads the snapshot.",
        debug_value::reload,
    ),
    sub(
        "REPLYBUFFER",
        (4, 4),
        "PEAK-RESET-TIME never|reset|milliseconds, or RESIZING 0|1",
        "When the buffers of replies are made smaller: sessions have none of their own here.",
        debug_process::reply_buffer,
    ),
    sub(
        "SEGFAULT",
        (2, 2),
        "",
        "Crashes as a wild pointer does.",
        crash,
    ),
    sub(
        "SET-ACTIVE-EXPIRE",
        (3, 3),
        "0|1",
        "Lets expired keys lie until they are asked for.",
        set_active_expire,
    ),
    sub(
        "SET-SKIP-CHECKSUM-VALIDATION",
        (3, 3),
        "0|1",
        "Takes DUMP payloads whose checksum is wrong.",
        debug_value::set_skip_checksum_validation,
    ),
    sub(
        "SLEEP",
        (3, 3),
        "seconds",
        "Stops everything for a while.",
        sleep,
    ),
    sub(
        "STRINGMATCH-TEST",
        (2, 2),
        "",
        "Matches random patterns against random texts.",
        stringmatch_test,
    ),
];

fn debug(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let name = request.arg(1).unwrap_or_default();
    let found = SUBS.iter().find(|sub| {
        let (least, most) = sub.words;
        sub.name.as_bytes().eq_ignore_ascii_case(name) && (least..=most).contains(&request.len())
    });
    match found {
        Some(sub) => (sub.run)(ctx, request, reply),
        None => Err(bad_subcommand("DEBUG", name)),
    }
}

fn help(
    _ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.array(SUBS.len() * 2 + 1);
    reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for sub in SUBS {
        reply.simple(format!("{} {}", sub.name, sub.arguments).trim_end());
        reply.simple(&format!("    {}", sub.help));
    }
    Ok(())
}

fn crash(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let how = String::from_utf8_lossy(request.arg(1).unwrap_or_default()).to_uppercase();
    ctx.engine()
        .log(LogLevel::Warning, format!("Crashed by DEBUG {how}"));
    let kind = if how == "SEGFAULT" {
        CrashKind::Segfault
    } else {
        CrashKind::Abort
    };
    ctx.park_for(Directive::Crash(kind))?;
    Ok(())
}

fn crash_and_recover(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let delay_ms = match request.arg(2) {
        None => 0,
        Some(word) => parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?.max(0),
    };
    let delay = Duration::from_millis(delay_ms.unsigned_abs());
    ctx.host().stall(delay);
    ctx.park_for(Directive::Crash(CrashKind::Restart))?;
    Ok(())
}

fn change_repl_id(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let engine = ctx.engine();
    let seed = engine.random.next().to_le_bytes();
    engine.repl_id = repl_id(&[engine.run_id.as_bytes(), &seed].concat());
    let text = "The replication id was changed by DEBUG CHANGE-REPL-ID";
    engine.log(LogLevel::Notice, text.into());
    reply.ok();
    Ok(())
}

fn error(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let text = request.arg(2).unwrap_or_default();
    let counted = String::from_utf8_lossy(text);
    ctx.engine().stats.count_foreign_error(&counted);
    reply.error_bytes(text);
    Err(Error::Written)
}

fn log(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let text = String::from_utf8_lossy(request.arg(2).unwrap_or_default());
    ctx.engine()
        .log(LogLevel::Warning, format!("DEBUG LOG: {text}"));
    reply.ok();
    Ok(())
}

/// A switch: 0 or another number.
pub(super) fn switch(request: Request<'_>) -> Result<bool, Error> {
    let word = request.arg(2).unwrap_or_default();
    Ok(parse_i64(word).ok_or(Error::NOT_AN_INTEGER)? != 0)
}

fn pause_cron(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.engine().cron.paused = switch(request)?;
    reply.ok();
    Ok(())
}

fn set_active_expire(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    ctx.engine().cron.expire_off = !switch(request)?;
    reply.ok();
    Ok(())
}

fn sleep(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let seconds = parse_f64(request.arg(2).unwrap_or_default()).ok_or(Error::NOT_A_FLOAT)?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| Error::NOT_A_FLOAT)?;
    ctx.host().stall(time);
    ctx.engine().stalled += time;
    reply.ok();
    Ok(())
}

const MATCHES: usize = 20_000;
const MATCH_BYTES_MAX: u64 = 24;

fn stringmatch_test(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let random = &mut ctx.engine().random;
    let mut word = || -> Vec<u8> {
        let len = random.next() % MATCH_BYTES_MAX;
        (0..len)
            .map(|_| {
                const LETTERS: &[u8] = b"ab*?[]^-\\c";
                let at = random.next() as usize % LETTERS.len();
                LETTERS.get(at).copied().unwrap_or(b'a')
            })
            .collect()
    };
    let mut hits = 0;
    for _ in 0..MATCHES {
        let (pattern, text) = (word(), word());
        hits += usize::from(Glob::new(&pattern, Case::Sensitive).is_match(&text));
        // What matches with case matches without.
        if Glob::new(&pattern, Case::Sensitive).is_match(&text)
            && !Glob::new(&pattern, Case::Insensitive).is_match(&text)
        {
            return Err(Error::told(format_args!(
                "ERR case matters to the pattern {}",
                String::from_utf8_lossy(&pattern)
            )));
        }
    }
    reply.simple(
        &[
            &MATCHES.to_string(),
            " pairs, ",
            &hits.to_string(),
            " matches",
        ]
        .concat(),
    );
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use alloc::string::String;

    use crate::{CrashKind, Directive, Event, Output, testkit::Kit};

    #[test]
    fn is_closed_unless_opened() {
        let answer = Kit::new().run("DEBUG HELP");
        assert!(answer.starts_with("(error) ERR DEBUG command not allowed."));
    }

    #[test]
    fn what_is_not_known() {
        let mut kit = Kit::with_debug();
        for name in ["JMAP", "sleep"] {
            let text = alloc::format!(
                "(error) ERR unknown subcommand or wrong number of arguments for '{name}'. Try \
                 DEBUG HELP."
            );
            assert_eq!(kit.run(&alloc::format!("DEBUG {name}")), text);
        }
        assert!(kit.run("DEBUG HELP").contains("SLEEP seconds"));
    }

    #[test]
    fn errors_and_logs() {
        let mut kit = Kit::with_debug();
        let session = kit.session;
        assert_eq!(
            kit.run_words(session, &[b"DEBUG", b"ERROR", b"OOPS a\r\nb"]),
            "(error) OOPS a  b"
        );
        assert!(
            kit.run("INFO errorstats")
                .contains("errorstat_OOPS:count=1")
        );
        assert_eq!(kit.run("DEBUG LOG hello"), "OK");
        assert!(kit.outputs.iter().any(|output| matches!(
            output,
            Output::Event(Event::Log { text, .. }) if text == "DEBUG LOG: hello"
        )));
    }

    #[test]
    fn sleeps_and_pauses() {
        let mut kit = Kit::with_debug();
        assert_eq!(kit.run("DEBUG SLEEP 0.05"), "OK");
        let stats = kit.run("INFO commandstats latencystats");
        assert!(
            stats.contains("cmdstat_debug:calls=1,usec=50000,"),
            "{stats}"
        );
        assert!(
            stats.contains("latency_percentiles_usec_debug:p50=50"),
            "{stats}"
        );
        assert!(kit.run("DEBUG SLEEP -1").starts_with("(error) ERR value"));
        assert!(kit.run("DEBUG SLEEP x").starts_with("(error) ERR value"));
        kit.run("DEBUG SET-ACTIVE-EXPIRE 0");
        kit.run("DEBUG PAUSE-CRON 1");
        assert!(kit.engine.cron.expire_off && kit.engine.cron.paused);
        kit.run("DEBUG SET-ACTIVE-EXPIRE 1");
        kit.run("DEBUG PAUSE-CRON 0");
        assert!(!kit.engine.cron.expire_off && !kit.engine.cron.paused);
        assert!(kit.run("DEBUG PAUSE-CRON x").contains("not an integer"));
    }

    #[test]
    fn crashes_are_the_shells_work() {
        for (line, expected) in [
            ("DEBUG SEGFAULT", CrashKind::Segfault),
            ("DEBUG PANIC", CrashKind::Abort),
            ("DEBUG CRASH-AND-RECOVER 10", CrashKind::Restart),
        ] {
            let mut kit = Kit::with_debug();
            assert_eq!(kit.run(line), "");
            assert!(kit.outputs.iter().any(|output| matches!(
                output,
                Output::Directive { directive: Directive::Crash(kind), .. } if *kind == expected
            )));
        }
    }

    #[test]
    fn the_replication_id_changes() {
        let mut kit = Kit::with_debug();
        let id = |kit: &mut Kit| -> String {
            let info = kit.run("INFO replication");
            let line = info.lines().find(|line| line.starts_with("master_replid:"));
            line.unwrap().into()
        };
        let before = id(&mut kit);
        assert_eq!(before.len(), "master_replid:".len() + 40);
        kit.run("DEBUG CHANGE-REPL-ID");
        assert_ne!(id(&mut kit), before);
        assert!(
            kit.run("DEBUG STRINGMATCH-TEST")
                .starts_with("20000 pairs, ")
        );
    }
}
