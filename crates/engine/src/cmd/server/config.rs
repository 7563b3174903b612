//! CONFIG: reading and changing the configuration, writing it back, setting counters to zero.

use alloc::vec::Vec;

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group, History, config::Actor};

use crate::{
    Directive, Engine, Error, LogLevel,
    cmd::{Command, Run, help::help},
    config::{Changed, SetContext},
    ctx::SessionCtx,
};

pub(super) const CONFIG: Command = Command {
    spec: CommandSpec {
        name: "config",
        summary: "Commands about the configuration.",
        complexity: "That of the subcommand.",
        flags: Flags::empty(),
        arity: -2,
        ..BASE
    },
    run: Run::Container(&[GET, HELP, RESETSTAT, REWRITE, SET]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "2.0.0",
    arity: 2,
    flags: Flags::ADMIN
        .union(Flags::NOSCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE),
    ..CommandSpec::NEW
};

const ON_ALL_NODES: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

const GET: Command = Command {
    spec: CommandSpec {
        name: "get",
        summary: "Tells the values of the directives that names and patterns mean.",
        complexity: "O(N) where N is the number of names given",
        history: &[History {
            version: "7.0.0",
            change: "Several names and patterns.",
        }],
        arity: -3,
        args: &[ArgSpec::string("parameter").multiple()],
        ..BASE
    },
    run: Run::Session(get),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        since: "5.0.0",
        summary: "Prints the subcommands.",
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const RESETSTAT: Command = Command {
    spec: CommandSpec {
        name: "resetstat",
        summary: "Sets the counters that INFO shows back to zero.",
        tips: ON_ALL_NODES,
        ..BASE
    },
    run: Run::Session(resetstat),
};

const REWRITE: Command = Command {
    spec: CommandSpec {
        name: "rewrite",
        since: "2.8.0",
        summary: "Writes the configuration that is in force into the file it came from.",
        tips: ON_ALL_NODES,
        ..BASE
    },
    run: Run::Session(rewrite),
};

const SET: Command = Command {
    spec: CommandSpec {
        name: "set",
        summary: "Changes directives, all of them or none.",
        complexity: "O(N) where N is the number of names given",
        history: &[History {
            version: "7.0.0",
            change: "Several directives at once.",
        }],
        arity: -4,
        tips: ON_ALL_NODES,
        args: &[ArgSpec::block(
            "data",
            &[ArgSpec::string("parameter"), ArgSpec::string("value")],
        )
        .multiple()],
        secrets: &[-3],
        ..BASE
    },
    run: Run::Session(set),
};

fn get(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let patterns: Vec<&[u8]> = request.iter().skip(2).collect();
    let found = ctx.config().get(&patterns);
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(&value);
    }
    Ok(())
}

fn set(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let words: Vec<&[u8]> = request.iter().skip(2).collect();
    let context = SetContext {
        local: ctx.session()?.peer.is_local(),
        loading: ctx.engine().is_loading(),
    };
    let engine = ctx.engine();
    let changed = match engine.config.set(&words, context) {
        Ok(changed) => changed,
        Err(error) => {
            // Bytes, since the text quotes the client.
            let text = error.wire_text();
            engine
                .stats
                .count_error(&alloc::string::String::from_utf8_lossy(&text));
            reply.error_bytes(&text);
            return Err(Error::Written);
        }
    };
    engine.log_ignored(&changed);
    let for_shell = |change: &Changed| matches!(change.actor, Actor::Shell(_));
    if changed.iter().any(for_shell) {
        ctx.park_for(Directive::ApplyConfig { changed })?;
    } else {
        engine.config_changed(&changed);
        reply.ok();
    }
    Ok(())
}

impl Engine {
    /// Says of which changes this version does nothing, and what to do instead.
    fn log_ignored(&mut self, changed: &[Changed]) {
        for change in changed {
            let Some(ignored) = change.ignored else {
                continue;
            };
            let level = if ignored.loud {
                LogLevel::Warning
            } else {
                LogLevel::Notice
            };
            let (name, cure) = (change.id.spec().name, ignored.cure);
            let text = alloc::format!("CONFIG SET {name}: accepted without effect: {cure}");
            self.log(level, text);
        }
    }
}

fn rewrite(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if ctx.engine().identity.config_file.is_empty() {
        return Err(Error::NO_CONFIG_FILE);
    }
    ctx.park_for(Directive::RewriteConfig { all: false })?;
    Ok(())
}

fn resetstat(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let engine = ctx.engine();
    engine.stats.reset();
    engine.stats.host_base = engine.host;
    crate::cron::restart_rates(engine);
    engine.dbs.freed_entries = 0;
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Completion, Disposition, Event, LogLevel, Output, config::id, testkit::Kit};

    #[test]
    fn reads_and_changes() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.run("CONFIG GET lfu-log-factor LFU-DECAY-TIM?"),
            "[\"lfu-decay-time\", \"1\", \"lfu-log-factor\", \"10\"]"
        );
        assert_eq!(
            kit.run("CONFIG SET lfu-decay-time 5 lfu-log-factor 20"),
            "OK"
        );
        assert_eq!(
            kit.run("CONFIG GET lfu-decay-time lfu-log-factor"),
            "[\"lfu-decay-time\", \"5\", \"lfu-log-factor\", \"20\"]"
        );
        assert_eq!(
            kit.run("CONFIG SET lfu-decay-time 6 none 1"),
            "(error) ERR Unknown option or number of arguments for CONFIG SET - 'none'"
        );
        assert_eq!(
            kit.run("CONFIG SET lfu-decay-time 6 hz"),
            "(error) ERR syntax error"
        );
        assert_eq!(
            kit.run("CONFIG GET lfu-decay-time"),
            "[\"lfu-decay-time\", \"5\"]"
        );
        assert!(kit.run("INFO errorstats").contains("errorstat_ERR:count=2"));
    }

    #[test]
    fn what_the_shell_holds_waits_for_it_and_may_go_back() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("CONFIG SET port 7000"), "");
        assert_eq!(kit.disposition, Disposition::Parked);
        kit.complete(Completion::NotApplied {
            directive: id::PORT,
            reason: "Unable to listen on this port".into(),
        });
        assert_eq!(
            kit.woken(),
            "(error) ERR CONFIG SET failed (possibly related to argument 'port') - Unable to \
             listen on this port"
        );
        assert_eq!(kit.run("CONFIG GET port"), "[\"port\", \"6379\"]");
        assert_eq!(kit.run("CONFIG SET port 7001"), "");
        kit.complete(Completion::Done);
        assert_eq!(kit.woken(), "OK");
        assert_eq!(kit.run("CONFIG GET port"), "[\"port\", \"7001\"]");
    }

    #[test]
    fn rewriting_needs_a_file() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.run("CONFIG REWRITE"),
            "(error) ERR The server is running without a config file"
        );
        kit.engine.identity.config_file = "/etc/vkd.conf".into();
        assert_eq!(kit.run("CONFIG REWRITE"), "");
        kit.complete(Completion::Failed("Rewriting config file: No space".into()));
        assert_eq!(kit.woken(), "(error) ERR Rewriting config file: No space");
    }

    #[test]
    fn what_has_no_effect_is_logged() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("CONFIG SET min-replicas-to-write 1"), "OK");
        assert!(kit.outputs.iter().any(|output| matches!(
            output,
            Output::Event(Event::Log { level: LogLevel::Warning, text })
                if text.contains("min-replicas-to-write")
        )));
    }

    #[test]
    fn counters_go_back() {
        let mut kit = Kit::new();
        kit.run("PING");
        kit.run("NONE");
        assert_eq!(kit.run("CONFIG RESETSTAT"), "OK");
        let info = kit.run("INFO everything");
        assert!(info.contains("total_error_replies:0\r\n"));
        assert!(!info.contains("cmdstat_ping") && !info.contains("errorstat_ERR"));
        assert!(info.contains("cmdstat_config|resetstat:calls=1,"));
    }
}
