//! MONITOR: the session is shown every command from now on. How lines are made is in
//! [`crate::observe`].

use vk_resp::{ReplyBuf, Request};
use vk_spec::{CommandSpec, Flags, Group};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::{Origin, SessionCtx},
    session::SessionFlags,
};

pub(super) const MONITOR: Command = Command {
    spec: CommandSpec {
        name: "monitor",
        group: Group::Server,
        summary: "Shows every command that the server runs.",
        complexity: "",
        arity: 1,
        flags: Flags::ADMIN
            .union(Flags::NOSCRIPT)
            .union(Flags::LOADING)
            .union(Flags::STALE),
        ..CommandSpec::NEW
    },
    run: Run::Session(monitor),
};

const NOT_HERE: Error = Error::Fixed("ERR MONITOR isn't allowed for DENY BLOCKING client");

fn monitor(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if ctx.origin != Origin::Client {
        return Err(NOT_HERE);
    }
    // Who monitors already gets no second answer, as with Valkey.
    if ctx.session()?.flags.contains(SessionFlags::MONITOR) {
        return Ok(());
    }
    let id = ctx.session_id();
    ctx.engine().begin_monitor(id);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use crate::{
        Output, SessionId,
        testkit::{Kit, show_all},
    };

    /// What was pushed to a session.
    fn shown(kit: &mut Kit, to: SessionId) -> Vec<String> {
        let mut lines = Vec::new();
        kit.outputs.retain(|output| match output {
            Output::Push { session, bytes } if *session == to => {
                lines.push(show_all(bytes));
                false
            }
            _ => true,
        });
        lines
    }

    fn kit() -> (Kit, SessionId) {
        let mut kit = Kit::new();
        let monitor = kit.connect();
        assert_eq!(kit.run_as(monitor, "MONITOR"), "OK");
        (kit, monitor)
    }

    const FROM: &str = "unix:/run/vkd/vkd.sock";

    #[test]
    fn commands_are_shown_behind_their_replies() {
        let (mut kit, monitor) = kit();
        kit.run("SET k 1");
        kit.run("SELECT 3");
        kit.run("GET");
        kit.run("NONE");
        assert_eq!(
            shown(&mut kit, monitor),
            [
                alloc::format!("1700000000.000000 [0 {FROM}] \"SET\" \"k\" \"1\""),
                alloc::format!("1700000000.000000 [3 {FROM}] \"SELECT\" \"3\""),
            ]
        );
        assert_eq!(
            kit.run_as(monitor, "PING"),
            alloc::format!("PONG\n1700000000.000000 [0 {FROM}] \"PING\"")
        );
        assert!(kit.run("CLIENT LIST").contains(" flags=OU "));
    }

    #[test]
    fn administration_and_secrets_are_not_shown() {
        let (mut kit, monitor) = kit();
        kit.run("CONFIG SET requirepass s3cret");
        kit.run("CLIENT KILL ID 99");
        kit.run("AUTH s3cret");
        kit.run("HELLO 3 AUTH default s3cret");
        let lines = shown(&mut kit, monitor).join("\n");
        assert!(lines.contains("\"AUTH\" \"(redacted)\""), "{lines}");
        assert!(
            lines.contains("\"3\" \"AUTH\" \"(redacted)\" \"(redacted)\""),
            "{lines}"
        );
        assert!(
            !lines.contains("CONFIG") && !lines.contains("KILL"),
            "{lines}"
        );
        assert!(!lines.contains("s3cret"), "{lines}");
    }

    #[test]
    fn a_transaction_is_shown_in_the_order_in_which_it_runs() {
        let (mut kit, monitor) = kit();
        for line in [
            "MULTI", "SET a 1", "EXEC", "MULTI", "SYNTAX", "EXEC", "EXEC",
        ] {
            kit.run(line);
        }
        let lines = shown(&mut kit, monitor);
        let words: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.split('"').nth(1))
            .collect();
        assert_eq!(words, ["MULTI", "SET", "EXEC", "MULTI", "EXEC", "EXEC"]);
        kit.run("MULTI");
        kit.run("MONITOR");
        assert!(kit.run("EXEC").contains("MONITOR isn't allowed"));
    }

    #[test]
    fn a_wait_is_shown_once_when_it_begins() {
        let (mut kit, monitor) = kit();
        let other = kit.connect();
        kit.run_as(other, "BLPOP l 0");
        assert_eq!(shown(&mut kit, monitor).len(), 1);
        kit.run("RPUSH l a");
        let lines = shown(&mut kit, monitor);
        assert!(
            lines.len() == 1 && lines.join("").contains("RPUSH"),
            "{lines:?}"
        );
    }

    #[test]
    fn it_ends_with_reset_and_with_the_session() {
        let (mut kit, monitor) = kit();
        assert_eq!(kit.run_as(monitor, "MONITOR"), "");
        assert_eq!(kit.run_as(monitor, "RESET"), "RESET");
        kit.run("PING");
        assert_eq!(shown(&mut kit, monitor), [""; 0]);
        kit.run_as(monitor, "MONITOR");
        kit.disconnect(monitor);
        kit.run("PING");
        assert!(kit.engine.observe.monitors.is_empty());
    }
}
