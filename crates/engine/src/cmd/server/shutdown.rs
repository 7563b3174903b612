//! SHUTDOWN: the flags; the work is the shell's.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group, History};

use crate::{
    Directive, Error, LogLevel, ShutdownFlags,
    cmd::{Command, Run},
    ctx::SessionCtx,
};

pub(super) const SHUTDOWN: Command = Command {
    spec: CommandSpec {
        name: "shutdown",
        group: Group::Server,
        since: "1.0.0",
        summary: "Ends the server, or takes back an end that has begun.",
        complexity: "O(N) where N is the number of keys that are saved, else O(1)",
        history: &[History {
            version: "7.0.0",
            change: "NOW, FORCE and ABORT.",
        }],
        arity: -1,
        flags: Flags::ADMIN
            .union(Flags::NOSCRIPT)
            .union(Flags::LOADING)
            .union(Flags::STALE)
            .union(Flags::NO_MULTI)
            .union(Flags::ALLOW_BUSY),
        args: &[ArgSpec::one_of(
            "abort-selector",
            &[
                ArgSpec::block(
                    "save-selector-block",
                    &[
                        ArgSpec::one_of(
                            "save-selector",
                            &[
                                ArgSpec::pure_token("nosave", "NOSAVE"),
                                ArgSpec::pure_token("save", "SAVE"),
                            ],
                        )
                        .optional(),
                        ArgSpec::pure_token("now", "NOW").since("7.0.0").optional(),
                        ArgSpec::pure_token("force", "FORCE")
                            .since("7.0.0")
                            .optional(),
                        ArgSpec::pure_token("safe", "SAFE")
                            .since("9.0.0")
                            .optional(),
                        ArgSpec::pure_token("failover", "FAILOVER")
                            .since("9.0.0")
                            .optional(),
                    ],
                ),
                ArgSpec::pure_token("abort", "ABORT").since("7.0.0"),
            ],
        )
        .optional()],
        ..CommandSpec::NEW
    },
    run: Run::Session(shutdown),
};

#[derive(Debug, PartialEq, Eq)]
enum Order {
    Begin(ShutdownFlags),
    Abort,
}

impl Order {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let mut flags = ShutdownFlags::default();
        let (mut save, mut nosave, mut abort) = (false, false, false);
        for word in request.iter().skip(1) {
            let flag = match word.to_ascii_lowercase().as_slice() {
                b"save" => &mut save,
                b"nosave" => &mut nosave,
                b"now" => &mut flags.now,
                b"force" => &mut flags.force,
                b"safe" => &mut flags.safe,
                b"failover" => &mut flags.failover,
                b"abort" => &mut abort,
                _ => return Err(Error::SYNTAX),
            };
            *flag = true;
        }
        let nothing_else = flags == ShutdownFlags::default() && !save && !nosave;
        match (abort, save, nosave) {
            (true, ..) if nothing_else => Ok(Self::Abort),
            (true, ..) | (_, true, true) => Err(Error::SYNTAX),
            _ => {
                flags.save = (save || nosave).then_some(save);
                Ok(Self::Begin(flags))
            }
        }
    }
}

fn shutdown(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let flags = match Order::parse(request)? {
        Order::Abort => {
            if !core::mem::take(&mut ctx.engine().shutdown_signalled) {
                return Err(Error::NO_SHUTDOWN);
            }
            let text = "Shutdown manually aborted.";
            ctx.engine().log(LogLevel::Notice, text.into());
            reply.ok();
            return Ok(());
        }
        Order::Begin(flags) => flags,
    };
    if flags.failover {
        return Err(Error::SHUTDOWN_FAILOVER);
    }
    ctx.park_for(Directive::Shutdown(flags))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use vk_resp::OwnedRequest;

    use super::Order;
    use crate::{Directive, Disposition, Error, Output, ShutdownFlags, testkit::Kit};

    fn parse(line: &str) -> Result<Order, Error> {
        let request = OwnedRequest::from_args(line.split(' ').map(str::as_bytes));
        Order::parse(request.view())
    }

    #[test]
    fn flags() {
        let none = ShutdownFlags::default();
        assert_eq!(parse("SHUTDOWN"), Ok(Order::Begin(none)));
        assert_eq!(parse("SHUTDOWN ABORT"), Ok(Order::Abort));
        let wanted = ShutdownFlags {
            save: Some(false),
            now: true,
            force: true,
            ..none
        };
        assert_eq!(parse("SHUTDOWN now NOSAVE Force"), Ok(Order::Begin(wanted)));
        for bad in [
            "SHUTDOWN ABORT NOW",
            "SHUTDOWN SAVE NOSAVE",
            "SHUTDOWN ABORT SAVE",
            "SHUTDOWN x",
        ] {
            assert_eq!(parse(bad), Err(Error::SYNTAX), "{bad}");
        }
    }

    #[test]
    fn asks_the_shell_or_says_why_not() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.run("SHUTDOWN ABORT"),
            "(error) ERR No shutdown in progress."
        );
        kit.engine.handle_shutdown_signal();
        assert!(kit.engine.shutdown_is_wanted());
        assert_eq!(kit.run("SHUTDOWN ABORT"), "OK");
        assert!(!kit.engine.shutdown_is_wanted());
        assert!(kit.run("SHUTDOWN FAILOVER").contains("cluster"));
        assert_eq!(kit.run("SHUTDOWN NOSAVE"), "");
        assert_eq!(kit.disposition, Disposition::Parked);
        assert!(kit.outputs.iter().any(|output| matches!(
            output,
            Output::Directive {
                directive: Directive::Shutdown(ShutdownFlags {
                    save: Some(false),
                    ..
                }),
                ..
            }
        )));
    }
}
