//! SAVE and BGSAVE; the writing is the shell's.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group, History};

use crate::{
    Directive, Engine, Error, LogLevel,
    cmd::{Command, Run},
    ctx::{Origin, SessionCtx},
};

pub(super) const SAVE: Command = Command {
    spec: CommandSpec {
        name: "save",
        group: Group::Server,
        since: "1.0.0",
        summary: "Saves a snapshot of all databases; nothing else happens meanwhile.",
        complexity: "O(N) where N is the number of keys in all databases",
        arity: 1,
        flags: FLAGS.union(Flags::NO_MULTI),
        ..CommandSpec::NEW
    },
    run: Run::Session(save),
};

pub(super) const BGSAVE: Command = Command {
    spec: CommandSpec {
        name: "bgsave",
        group: Group::Server,
        since: "1.0.0",
        summary: "Saves a snapshot of all databases while commands go on.",
        complexity: "O(1)",
        history: &[
            History {
                version: "3.2.2",
                change: "SCHEDULE.",
            },
            History {
                version: "8.1.0",
                change: "CANCEL.",
            },
        ],
        arity: -1,
        flags: FLAGS,
        args: &[ArgSpec::one_of(
            "operation",
            &[
                ArgSpec::pure_token("schedule", "SCHEDULE").since("3.2.2"),
                ArgSpec::pure_token("cancel", "CANCEL").since("8.1.0"),
            ],
        )
        .optional()],
        ..CommandSpec::NEW
    },
    run: Run::Session(bgsave),
};

const FLAGS: Flags = Flags::NO_ASYNC_LOADING
    .union(Flags::ADMIN)
    .union(Flags::NOSCRIPT);

fn save(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if ctx.engine().is_saving() {
        return Err(Error::SAVE_IN_PROGRESS);
    }
    ctx.park_for(Directive::Save)?;
    Ok(())
}

fn bgsave(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let word = request.arg(1).map(<[u8]>::to_ascii_lowercase);
    let schedules = match (request.len(), word.as_deref()) {
        (1, _) => false,
        (2, Some(b"schedule")) => true,
        (2, Some(b"cancel")) => return cancel(ctx.engine(), reply),
        _ => return Err(Error::SYNTAX),
    };
    let in_exec = ctx.origin == Origin::Exec;
    let engine = ctx.engine();
    if engine.is_saving() {
        return Err(Error::SAVE_IN_PROGRESS);
    }
    if !in_exec && engine.begin_save() {
        reply.simple("Background saving started");
        return Ok(());
    }
    if !schedules && !in_exec {
        return Err(Error::OTHER_PASS);
    }
    engine.saves.is_scheduled = true;
    engine.log(LogLevel::Notice, "Background saving scheduled".into());
    reply.simple("Background saving scheduled");
    Ok(())
}

fn cancel(engine: &mut Engine, reply: &mut ReplyBuf) -> Result<(), Error> {
    if engine.is_saving() {
        engine.cancel_save();
        let text = "Background saving will be aborted due to user request";
        engine.log(LogLevel::Notice, text.into());
        reply.simple("Background saving cancelled");
    } else if core::mem::take(&mut engine.saves.is_scheduled) {
        let text = "Scheduled background saving will be cancelled due to user request";
        engine.log(LogLevel::Notice, text.into());
        reply.simple("Scheduled background saving cancelled");
    } else {
        return Err(Error::NO_SAVE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use crate::{Completion, Output, SaveFault, testkit::Kit};

    fn info(kit: &mut Kit, field: &str) -> String {
        let text = kit.run("INFO persistence");
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|rest| rest.strip_prefix(':'))
            .unwrap_or_default()
            .into()
    }

    fn set_save(kit: &mut Kit, points: &str) {
        let words = [b"CONFIG".as_slice(), b"SET", b"save", points.as_bytes()];
        assert_eq!(kit.run_words(kit.session, &words), "OK");
    }

    #[test]
    fn a_snapshot_in_the_background_has_the_state_of_its_beginning() {
        let mut kit = Kit::new();
        for key in 0..3000 {
            kit.run(&alloc::format!("SET key:{key} {key}"));
        }
        kit.run("RPUSH list a b c");
        let digest = kit.engine.digest();
        assert_eq!(kit.run("BGSAVE"), "Background saving started");
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "1");
        kit.run("SET key:7 changed");
        kit.run("RPUSH list d");
        assert!(kit.run("BGSAVE").contains("already in progress"));
        assert!(kit.run("SAVE").contains("already in progress"));
        kit.run("SWAPDB 0 1");
        let file = kit.write_snapshot(|kit| {
            kit.run("FLUSHDB");
        });
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "0");
        assert_eq!(info(&mut kit, "rdb_saves"), "1");
        // Two writes, the exchange and the flush came after the beginning.
        let changes = info(&mut kit, "rdb_changes_since_last_save");
        assert_ne!(changes, "0");
        let mut copy = Kit::new();
        copy.load(&file);
        assert_eq!(copy.engine.digest(), digest);
    }

    #[test]
    fn snapshots_are_scheduled_and_cancelled() {
        let mut kit = Kit::new();
        assert!(kit.run("BGSAVE CANCEL").contains("not in progress"));
        assert!(kit.run("BGSAVE x").contains("syntax"));
        kit.run("MULTI");
        kit.run("BGSAVE");
        assert_eq!(kit.run("EXEC"), "[Background saving scheduled]");
        assert_eq!(
            kit.run("BGSAVE CANCEL"),
            "Scheduled background saving cancelled"
        );
        assert_eq!(kit.run("BGSAVE"), "Background saving started");
        assert_eq!(kit.run("BGSAVE CANCEL"), "Background saving cancelled");
        let cancelled = kit
            .outputs
            .iter()
            .any(|o| matches!(o, Output::CancelSave(_)));
        assert!(cancelled);
        kit.end_snapshot(Err(SaveFault::Cancelled));
        assert_eq!(info(&mut kit, "rdb_last_bgsave_status"), "ok");
    }

    #[test]
    fn save_points_begin_snapshots_and_a_failure_refuses_writes() {
        let mut kit = Kit::new();
        set_save(&mut kit, "60 2");
        kit.run("SET a 1");
        kit.advance_ms(61_000);
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "0");
        kit.run("SET b 1");
        kit.advance_ms(100);
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "1");
        kit.end_snapshot(Err(SaveFault::Failed));
        for line in ["SET c 1", "PING"] {
            assert!(kit.run(line).contains("MISCONF"), "{line}");
        }
        assert_eq!(kit.run("GET a"), "\"1\"");
        kit.run("CONFIG SET stop-writes-on-bgsave-error no");
        assert_eq!(kit.run("SET c 1"), "OK");
        kit.run("CONFIG SET stop-writes-on-bgsave-error yes");
        // It is not tried again at once.
        kit.advance_ms(1000);
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "0");
        kit.advance_ms(5000);
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "1");
        kit.write_snapshot(|_| {});
        assert_eq!(kit.run("SET c 1"), "OK");
    }

    #[test]
    fn flushall_is_saved_where_snapshots_are_wanted() {
        let mut kit = Kit::new();
        let saves = |kit: &mut Kit| {
            let all = kit.outputs.drain(..);
            all.filter(|o| matches!(o, Output::SaveAll)).count()
        };
        set_save(&mut kit, "60 1");
        kit.run("FLUSHALL");
        assert_eq!(saves(&mut kit), 1);
        set_save(&mut kit, "");
        kit.run("FLUSHALL");
        kit.run("FLUSHDB");
        assert_eq!(saves(&mut kit), 0);
    }

    #[test]
    fn save_waits_for_the_shell() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SAVE"), "");
        kit.complete(Completion::Done);
        assert_eq!(kit.woken(), "OK");
        kit.run("SAVE");
        kit.complete(Completion::Failed(String::new()));
        assert_eq!(kit.woken(), "(error) ERR");
    }
}
