//! HELP of commands with subcommands, written from the table.

use alloc::format;

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
