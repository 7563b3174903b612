//! BGREWRITEAOF; the writing is the shell's.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{CommandSpec, Flags, Group};

use crate::{
    Error, LogLevel,
    cmd::{Command, Run},
    ctx::{Origin, SessionCtx},
};

pub(super) const BGREWRITEAOF: Command = Command {
    spec: CommandSpec {
        name: "bgrewriteaof",
        group: Group::Server,
        since: "1.0.0",
        summary: "Rewrites the append-only file while commands go on.",
        complexity: "O(1)",
        arity: 1,
        flags: Flags::NO_ASYNC_LOADING
            .union(Flags::ADMIN)
            .union(Flags::NOSCRIPT),
        ..CommandSpec::NEW
    },
    run: Run::Session(bgrewriteaof),
};

fn bgrewriteaof(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let in_exec = ctx.origin == Origin::Exec;
    let engine = ctx.engine();
    if engine.is_rewriting() {
        return Err(Error::REWRITE_IN_PROGRESS);
    }
    // Who asks is not put off as the server itself is.
    if !in_exec && engine.begin_rewrite() {
        reply.simple("Background append only file rewriting started");
        return Ok(());
    }
    engine.aof.is_scheduled = true;
    let text = "Background append only file rewriting scheduled.";
    engine.log(LogLevel::Notice, text.into());
    reply.simple("Background append only file rewriting scheduled");
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use crate::{AofFacts, Output, SaveFault, testkit::Kit};

    fn info(kit: &mut Kit, field: &str) -> String {
        let text = kit.run("INFO persistence");
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|rest| rest.strip_prefix(':'))
            .unwrap_or_default()
            .into()
    }

    fn enabled(durable: u64) -> AofFacts {
        AofFacts {
            is_enabled: true,
            durable,
            ..AofFacts::default()
        }
    }

    fn rewrites(kit: &Kit) -> usize {
        let is = |output: &&Output| matches!(output, Output::RewriteAof(_));
        kit.outputs.iter().filter(is).count()
    }

    #[test]
    fn rewrites_are_begun_scheduled_and_counted() {
        let mut kit = Kit::new();
        assert!(kit.run("BGREWRITEAOF").ends_with("started"));
        assert!(kit.run("BGREWRITEAOF").contains("already in progress"));
        assert!(kit.run("BGSAVE").contains("SCHEDULE"));
        assert_eq!(kit.run("BGSAVE SCHEDULE"), "Background saving scheduled");
        assert_eq!(info(&mut kit, "aof_rewrite_in_progress"), "1");
        kit.end_rewrite(Ok(()));
        assert_eq!(info(&mut kit, "aof_rewrites"), "1");
        kit.advance_ms(100);
        assert_eq!(info(&mut kit, "rdb_bgsave_in_progress"), "1");
        assert!(kit.run("BGREWRITEAOF").ends_with("scheduled"));
        assert_eq!(info(&mut kit, "aof_rewrite_scheduled"), "1");
        kit.end_snapshot(Ok(()));
        kit.advance_ms(100);
        assert_eq!(info(&mut kit, "aof_rewrite_in_progress"), "1");
    }

    #[test]
    fn growth_begins_a_rewrite_and_failures_put_it_off() {
        let mut kit = Kit::new();
        let facts = AofFacts {
            current_bytes: 200 << 20,
            base_bytes: 90 << 20,
            ..enabled(0)
        };
        kit.engine.handle_aof(facts);
        for failure in 1..=3 {
            kit.advance_ms(100);
            assert_eq!(rewrites(&kit), 1, "{failure}");
            kit.end_rewrite(Err(SaveFault::Failed));
        }
        assert_eq!(info(&mut kit, "aof_last_bgrewrite_status"), "err");
        assert_eq!(info(&mut kit, "aof_rewrites_consecutive_failures"), "3");
        kit.advance_ms(59_000);
        assert_eq!(rewrites(&kit), 0);
        kit.advance_ms(2_000);
        assert_eq!(rewrites(&kit), 1);
    }

    #[test]
    fn waiting_for_the_disk() {
        let mut kit = Kit::new();
        kit.engine.set_effects_wanted(true);
        kit.engine.handle_aof(enabled(0));
        kit.run("CONFIG SET appendonly yes");
        kit.outputs.clear();
        kit.engine
            .config
            .correct(crate::config::id::APPENDONLY, b"yes")
            .ok();
        assert_eq!(kit.run("WAITAOF 1 0 0"), "[(integer) 1, (integer) 0]");
        kit.engine.pending.clear();
        kit.run("SET a 1");
        assert_eq!(kit.run("WAITAOF 0 0 0"), "[(integer) 0, (integer) 0]");
        assert_eq!(kit.run("WAITAOF 1 0 0"), "");
        let position = kit.engine.effects_position();
        kit.engine.handle_aof(enabled(position - 1));
        kit.advance_ms(0);
        assert!(
            kit.outputs
                .iter()
                .all(|o| !matches!(o, Output::Wake { .. }))
        );
        kit.engine.handle_aof(enabled(position));
        kit.advance_ms(0);
        assert_eq!(kit.woken(), "[(integer) 1, (integer) 0]");
        kit.run("SET a 2");
        assert_eq!(kit.run("WAITAOF 1 0 50"), "");
        kit.advance_ms(51);
        assert_eq!(kit.woken(), "[(integer) 0, (integer) 0]");
    }

    #[test]
    fn a_fault_refuses_writes() {
        let mut kit = Kit::new();
        let fault = Some("No space left on device".into());
        kit.engine.handle_aof(AofFacts {
            fault,
            ..enabled(0)
        });
        assert_eq!(
            kit.run("SET a 1"),
            "(error) MISCONF Errors writing to the AOF file: No space left on device"
        );
        assert_eq!(kit.run("GET a"), "(nil)");
        kit.engine.handle_aof(enabled(0));
        assert_eq!(kit.run("SET a 1"), "OK");
    }
}
