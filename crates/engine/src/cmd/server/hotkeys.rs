//! HOTKEYS: the keys that are used most. How they are found is in [`crate::observe`].

use vk_resp::{ReplyBuf, Request};
use vk_spec::{CommandSpec, Flags, Group};

use crate::{
    Error,
    cmd::{Command, Run, help::help},
    ctx::SessionCtx,
};

pub(super) const HOTKEYS: Command = Command {
    spec: CommandSpec {
        name: "hotkeys",
        summary: "Commands about the keys that are used most.",
        complexity: "That of the subcommand.",
        arity: -2,
        flags: Flags::empty(),
        ..BASE
    },
    run: Run::Container(&[GET, HELP, RESET]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "9.2.0",
    arity: 2,
    flags: Flags::ADMIN.union(Flags::LOADING).union(Flags::STALE),
    ..CommandSpec::NEW
};

const GET: Command = Command {
    spec: CommandSpec {
        name: "get",
        summary: "Tells the keys that were used most in the last window, the hottest first.",
        complexity: "O(N log(N)), N being the number of keys that are counted",
        ..BASE
    },
    run: Run::Session(get),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        summary: "Prints the subcommands.",
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const RESET: Command = Command {
    spec: CommandSpec {
        name: "reset",
        summary: "Forgets what was counted.",
        complexity: "O(N), N being the number of keys that are counted",
        ..BASE
    },
    run: Run::Session(reset),
};

fn get(ctx: &mut SessionCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let engine = ctx.engine();
    engine.observe.hot_keys.turn(engine.mono);
    let hottest = engine.observe.hot_keys.hottest();
    reply.array(hottest.len());
    for key in hottest {
        reply.map(3);
        reply.bulk(b"key");
        reply.bulk(&key.key);
        reply.bulk(b"db");
        reply.int(i64::from(key.db));
        reply.bulk(b"qps");
        reply.int(i64::try_from(key.per_second).unwrap_or(i64::MAX));
    }
    Ok(())
}

fn reset(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let engine = ctx.engine();
    engine.observe.hot_keys.reset(engine.mono);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    fn kit() -> Kit {
        let mut kit = Kit::new();
        kit.run("CONFIG SET hotkeys-top-k 4 hotkeys-sampling-percentage 100");
        kit.advance_ms(1);
        kit
    }

    #[test]
    fn the_last_window_is_told() {
        let mut kit = kit();
        for _ in 0..10 {
            kit.run("GET hot");
        }
        kit.run("MGET hot cold");
        kit.run("OBJECT FREQ cold");
        kit.run("SELECT 2");
        kit.run("SET hot 1");
        assert_eq!(kit.run("HOTKEYS GET"), "[]");
        kit.advance_ms(1000);
        assert_eq!(
            kit.run("HOTKEYS GET"),
            "[[\"key\", \"hot\", \"db\", (integer) 0, \"qps\", (integer) 11], [\"key\", \"cold\", \
             \"db\", (integer) 0, \"qps\", (integer) 1], [\"key\", \"hot\", \"db\", (integer) 2, \
             \"qps\", (integer) 1]]"
        );
        assert_eq!(
            kit.run("INFO hotkeys"),
            "\"# Hotkeys\r\nhotkeys_last_window_samples:13\r\nhotkeys_last_window_duration_ms:\
             1000\r\n\""
        );
        assert!(!kit.run("INFO").contains("# Hotkeys"));
        kit.run("FLUSHDB");
        assert_eq!(kit.run("HOTKEYS GET").matches("qps").count(), 2);
        assert_eq!(kit.run("HOTKEYS RESET"), "OK");
        assert_eq!(kit.run("HOTKEYS GET"), "[]");
    }

    #[test]
    fn nothing_is_told_while_it_is_off() {
        let mut kit = Kit::new();
        kit.run("GET k");
        kit.advance_ms(5000);
        assert_eq!(kit.run("HOTKEYS GET"), "[]");
        assert_eq!(kit.run("HOTKEYS RESET"), "OK");
        assert!(
            kit.run("CONFIG SET hotkeys-top-k 1001")
                .contains("between 0 and 1000")
        );
        assert!(kit.run("HOTKEYS GET x").contains("'hotkeys|get' command"));
        assert!(kit.run("HOTKEYS NONE").contains("Try HOTKEYS HELP."));
    }
}
