//! INFO: which sections are asked for. What they say is in [`crate::info`].

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::SessionCtx,
    info::Sections,
};

pub(super) const INFO: Command = Command {
    spec: CommandSpec {
        name: "info",
        group: Group::Server,
        since: "1.0.0",
        summary: "Tells how the server fares, by sections.",
        history: &[History {
            version: "7.0.0",
            change: "Several sections at once.",
        }],
        arity: -1,
        flags: Flags::LOADING.union(Flags::STALE),
        categories: Categories::DANGEROUS,
        tips: &[
            "nondeterministic_output",
            "request_policy:all_shards",
            "response_policy:special",
        ],
        args: &[ArgSpec::string("section").multiple().optional()],
        ..CommandSpec::NEW
    },
    run: Run::Session(info),
};

fn info(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let wanted = Sections::parse(request.iter().skip(1));
    let text = ctx.engine().info(wanted);
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}
