//! HELP of commands with subcommands, written from the table.

use alloc::{format, string::String};

use vk_resp::{ReplyBuf, Request};
use vk_spec::Syntax;

use crate::{Error, ctx::SessionCtx};

/// Lists the subcommands of the container that was called, with their arguments and summaries.
pub(super) fn help(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.command;
    let commands = &ctx.engine().commands;
    let container = container_of(commands.full_name(id));
    let Some(container_id) = commands.find_declared(container.as_bytes()) else {
        return Err(Error::SYNTAX);
    };
    let subcommands = commands.command(container_id).subcommands();
    reply.array(subcommands.len() * 2 + 1);
    let name = called(request);
    reply.simple(&format!(
        "{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
    ));
    for sub in subcommands.iter().filter(|sub| sub.spec.name != "help") {
        let name = sub.spec.name.to_ascii_uppercase();
        reply.simple(format!("{name} {}", Syntax(sub.spec.args)).trim_end());
        reply.simple(&format!("    {}", sub.spec.summary));
    }
    reply.simple("HELP");
    reply.simple("    Prints this help.");
    Ok(())
}

/// A word of a subcommand's name that an error repeats, in bytes.
const ECHO_BYTES_MAX: usize = 128;

/// The error of a subcommand with words too many.
pub(super) fn wrong_subcommand(request: Request<'_>) -> Error {
    bad_subcommand(&called(request), request.arg(1).unwrap_or_default())
}

/// The error of a subcommand that a container does not know in this form.
pub(super) fn bad_subcommand(container: &str, name: &[u8]) -> Error {
    let name = String::from_utf8_lossy(name.get(..ECHO_BYTES_MAX).unwrap_or(name));
    Error::told(format_args!(
        "ERR unknown subcommand or wrong number of arguments for '{name}'. Try {container} HELP."
    ))
}

/// The command as its client called it, in capitals.
fn called(request: Request<'_>) -> String {
    let name = request.arg(0).unwrap_or_default();
    String::from_utf8_lossy(name).to_ascii_uppercase()
}

/// The command that has the subcommand of this full name.
fn container_of(full_name: &str) -> &str {
    full_name.split('|').next().unwrap_or(full_name)
}
