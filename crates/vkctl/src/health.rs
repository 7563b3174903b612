//! `vkctl health`: an answer for probes. Alive means that the server speaks; ready means that it
//! would serve a command now. Neither needs a password.

use std::time::Duration;

use vk_resp::Reply;

use crate::endpoint::Endpoint;
use crate::error::Failure;
use crate::options::Options;
use crate::persona::Persona;
use crate::session::Session;
use crate::terminal;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    /// The process answers, whatever it says about its data and about us.
    Live,
    /// The process serves commands.
    Ready,
}

/// Time for connecting and for the answer, unless `-t` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Error codes of a server that is there but does not serve yet, or any more.
const NOT_READY: [&[u8]; 5] = [
    b"LOADING ",
    b"MASTERDOWN ",
    b"BUSY ",
    b"MISCONF ",
    b"CLUSTERDOWN ",
];

/// Asks once. The text is for people; `Err` carries the reason of a failed probe.
pub(crate) fn probe(
    probe: Probe,
    options: &Options,
    mut endpoint: Endpoint,
) -> Result<String, String> {
    let mut options = options.clone();
    options.connect_timeout.get_or_insert(TIMEOUT);
    // A probe has to work with whatever password is set, so that it uses none.
    endpoint.password = None;
    endpoint.found_password = None;
    let mut session = Session::new(Persona::Vkctl, &options, endpoint);
    session.wanted_database = 0;
    session.reply_timeout = options.connect_timeout;
    match session.ask(&[b"PING"]) {
        Ok(reply) => judge(probe, &reply),
        Err(Failure::Link(error)) => Err(format!("{}: {error}", session.address())),
        Err(failure) => Err(failure.to_string()),
    }
}

fn judge(probe: Probe, reply: &Reply) -> Result<String, String> {
    let text = match reply {
        Reply::Simple(text) | Reply::Bulk(text) if text == b"PONG" => return Ok("ok".to_owned()),
        Reply::Error(text) | Reply::BulkError(text) => text,
        _ => return Err("the answer to PING is no PONG".to_owned()),
    };
    let shown = terminal::escape_line(text);
    let code = |code: &[u8]| text.starts_with(code);
    // Refusing a stranger is what a server in service does.
    if code(b"NOAUTH ") || code(b"NOPERM ") {
        return Ok("ok (authentication required)".to_owned());
    }
    match probe {
        Probe::Live if NOT_READY.into_iter().any(code) => Ok(format!("alive: {shown}")),
        _ => Err(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(probe: Probe, error: &str) -> bool {
        judge(probe, &Reply::Error(error.as_bytes().to_vec())).is_ok()
    }

    #[test]
    fn any_state_of_authentication_is_healthy() {
        for probe in [Probe::Live, Probe::Ready] {
            assert!(judge(probe, &Reply::Simple(b"PONG".to_vec())).is_ok());
            assert!(verdict(probe, "NOAUTH Authentication required."));
            assert!(verdict(probe, "NOPERM this user has no permissions"));
            assert!(!verdict(probe, "ERR max number of clients reached"));
            assert!(!verdict(probe, "DENIED protected mode"));
            assert!(judge(probe, &Reply::Int(1)).is_err());
        }
    }

    #[test]
    fn loading_is_alive_and_not_ready() {
        for error in [
            "LOADING Valkey is loading",
            "MASTERDOWN Link down",
            "BUSY script",
        ] {
            assert!(verdict(Probe::Live, error));
            assert!(!verdict(Probe::Ready, error));
        }
    }
}
