//! First stage: which command this is, and whether it has the right number of words.

use alloc::string::String;

use vk_resp::Request;
use vk_spec::Flags;

use super::{Rejection, hostile};
use crate::{
    Engine, Error, SessionId,
    cmd::{Command, CommandId},
    ctx::Origin,
};

/// A request whose command is known and whose words are counted.
#[derive(Debug)]
pub(crate) struct Resolved<'r> {
    pub(super) command: &'static Command,
    pub(super) id: CommandId,
    pub(super) request: Request<'r>,
}

/// Words of a request that an error message repeats, in bytes.
const ECHO_BYTES_MAX: usize = 128;

#[inline(always)]
pub(super) fn resolve<'r>(
    engine: &mut Engine,
    session: SessionId,
    request: Request<'r>,
    origin: Origin,
) -> Result<Resolved<'r>, Rejection> {
    let name = request.arg(0).unwrap_or_default();
    let Some(id) = find(engine, name, origin) else {
        return Err(unknown(engine, session, request));
    };
    let id = match request.arg(1) {
        Some(sub) if !engine.commands.command(id).subcommands().is_empty() => engine
            .commands
            .find_sub(id, sub)
            .ok_or_else(|| Rejection::Refused(None, unknown_subcommand(name, sub)))?,
        _ => id,
    };
    let command = engine.commands.command(id);
    if !command.spec.accepts_words(request.len()) {
        let error = wrong_arity(engine.commands.full_name(id));
        return Err(Rejection::Refused(Some(id), error));
    }
    if command.spec.flags.contains(Flags::PROTECTED) {
        check_protected(engine, session, command, id)?;
    }
    Ok(Resolved {
        command,
        id,
        request,
    })
}

/// Effects go by the declared names. A log of a server that wrote what its clients said may have
/// other ones, too.
#[inline(always)]
fn find(engine: &Engine, name: &[u8], origin: Origin) -> Option<CommandId> {
    let commands = &engine.commands;
    if origin == Origin::Replay
        && let Some(id) = commands.find_declared(name)
    {
        return Some(id);
    }
    commands.find(name)
}

#[cold]
fn unknown(engine: &mut Engine, session: SessionId, request: Request<'_>) -> Rejection {
    let name = request.arg(0).unwrap_or_default();
    if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
        return hostile(engine, session, request);
    }
    Rejection::Refused(None, unknown_command(request))
}

/// The error of a request with too many or too few words.
#[cold]
pub(crate) fn wrong_arity(full_name: &str) -> Error {
    Error::told(format_args!(
        "ERR wrong number of arguments for '{full_name}' command"
    ))
}

fn unknown_command(request: Request<'_>) -> Error {
    let name = shorten(request.arg(0).unwrap_or_default(), ECHO_BYTES_MAX);
    let mut rest = String::new();
    for word in request.iter().skip(1) {
        if rest.len() >= ECHO_BYTES_MAX {
            break;
        }
        rest.push('\'');
        rest.push_str(&shorten(word, ECHO_BYTES_MAX - rest.len()));
        rest.push_str("' ");
    }
    Error::told(format_args!(
        "ERR unknown command '{name}', with args beginning with: {rest}"
    ))
}

fn unknown_subcommand(container: &[u8], sub: &[u8]) -> Error {
    let sub = shorten(sub, ECHO_BYTES_MAX);
    let container = String::from_utf8_lossy(container).to_ascii_uppercase();
    Error::told(format_args!(
        "ERR unknown subcommand '{sub}'. Try {container} HELP."
    ))
}

/// The first bytes of a word as text.
fn shorten(word: &[u8], bytes_max: usize) -> String {
    String::from_utf8_lossy(word.get(..bytes_max).unwrap_or(word)).into_owned()
}

/// DEBUG and MODULE are open to nobody, to local sessions or to all, by their directives.
fn check_protected(
    engine: &Engine,
    session: SessionId,
    command: &Command,
    id: CommandId,
) -> Result<(), Rejection> {
    let is_debug = command.spec.name == "debug";
    let local = engine
        .sessions
        .find(session)
        .is_some_and(|state| state.peer.is_local());
    let (name, directive, allowed) = if is_debug {
        (
            "DEBUG",
            "enable-debug-command",
            engine.config.allows_debug(local),
        )
    } else {
        (
            "MODULE",
            "enable-module-command",
            engine.config.allows_module(local),
        )
    };
    if allowed {
        return Ok(());
    }
    let error = Error::told(format_args!(
        "ERR {name} command not allowed. If the {directive} option is set to \"local\", you can \
         run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server."
    ));
    Err(Rejection::Refused(Some(id), error))
}
