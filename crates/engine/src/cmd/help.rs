//! HELP of commands with subcommands, written from the table.

use alloc::{format, string::String};

use vk_resp::{ReplyBuf, Request};
use vk_spec::Syntax;

use crate::{Error, ctx::SessionCtx};

/// Lists the subcommands of the container that was called, with their arguments and summaries.
pub(super) fn help(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let id = ctx.command;
    let commands = &ctx.engine().commands;
    let full_name = commands.full_name(id);
    let container = full_name.split('|').next().unwrap_or(full_name);
    let Some(container_id) = commands.find(container.as_bytes()) else {
        return Err(Error::SYNTAX);
    };
    let subcommands = commands.command(container_id).subcommands();
    reply.array(subcommands.len() * 2 + 1);
    let name = container.to_ascii_uppercase();
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
pub(super) fn wrong_subcommand(ctx: &mut SessionCtx<'_>, request: Request<'_>) -> Error {
    let id = ctx.command;
    let full_name = ctx.engine().commands.full_name(id);
    let container = full_name.split('|').next().unwrap_or(full_name);
    let name = request.arg(1).unwrap_or_default();
    let name = String::from_utf8_lossy(name.get(..ECHO_BYTES_MAX).unwrap_or(name));
    Error::told(format_args!(
        "ERR unknown subcommand or wrong number of arguments for '{name}'. Try {} HELP.",
        container.to_ascii_uppercase()
    ))
}
