//! COMMAND: what the server can do, told from the table of commands.

use vk_data::glob::{Case, Glob};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History};

use super::{
    command_docs::write_docs,
    command_info::write_info,
    command_keys::{getkeys, getkeysandflags},
};
use crate::{
    Error,
    cmd::{Command, CommandTable, Run, help::help},
    ctx::SessionCtx,
};

pub(super) const COMMAND: Command = Command {
    spec: CommandSpec {
        name: "command",
        since: "2.8.13",
        summary: "Tells everything about every command.",
        complexity: "O(N) where N is the number of commands that exist",
        arity: -1,
        tips: UNORDERED,
        ..BASE
    },
    run: Run::Both(
        info_of_all,
        &[COUNT, DOCS, GETKEYS, GETKEYSANDFLAGS, HELP, INFO, LIST],
    ),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    arity: -2,
    flags: Flags::LOADING.union(Flags::STALE),
    categories: Categories::CONNECTION,
    ..CommandSpec::NEW
};

const UNORDERED: &[&str] = &["nondeterministic_output_order"];

const NAMES: &[ArgSpec] = &[ArgSpec::string("command-name").multiple().optional()];

const REQUEST: &[ArgSpec] = &[
    ArgSpec::string("command"),
    ArgSpec::string("arg").multiple().optional(),
];

const COUNT: Command = Command {
    spec: CommandSpec {
        name: "count",
        since: "2.8.13",
        summary: "Tells how many commands there are.",
        arity: 2,
        ..BASE
    },
    run: Run::Session(count),
};

const DOCS: Command = Command {
    spec: CommandSpec {
        name: "docs",
        since: "7.0.0",
        summary: "Tells what is written about commands: arguments, history, cost.",
        complexity: "O(N) where N is the number of commands asked for",
        tips: UNORDERED,
        args: NAMES,
        ..BASE
    },
    run: Run::Session(docs),
};

const GETKEYS: Command = Command {
    spec: CommandSpec {
        name: "getkeys",
        since: "2.8.13",
        summary: "Finds the keys of a request.",
        complexity: "O(N) where N is the number of words of the request",
        arity: -3,
        args: REQUEST,
        ..BASE
    },
    run: Run::Session(getkeys),
};

const GETKEYSANDFLAGS: Command = Command {
    spec: CommandSpec {
        name: "getkeysandflags",
        since: "7.0.0",
        summary: "Finds the keys of a request, and what it does to each.",
        complexity: "O(N) where N is the number of words of the request",
        arity: -3,
        args: REQUEST,
        ..BASE
    },
    run: Run::Session(getkeysandflags),
};

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        since: "5.0.0",
        summary: "Prints the subcommands.",
        arity: 2,
        ..BASE
    },
    run: Run::Session(help),
};

const INFO: Command = Command {
    spec: CommandSpec {
        name: "info",
        since: "2.8.13",
        summary: "Tells what programs need to know about commands.",
        complexity: "O(N) where N is the number of commands asked for",
        history: &[History {
            version: "7.0.0",
            change: "Without a name it tells about all commands.",
        }],
        tips: UNORDERED,
        args: NAMES,
        ..BASE
    },
    run: Run::Session(info),
};

const LIST: Command = Command {
    spec: CommandSpec {
        name: "list",
        since: "7.0.0",
        summary: "Lists the names of commands and subcommands.",
        complexity: "O(N) where N is the number of commands that exist",
        tips: UNORDERED,
        args: &[ArgSpec::one_of(
            "filterby",
            &[
                ArgSpec::string("module-name").token("MODULE"),
                ArgSpec::string("category").token("ACLCAT"),
                ArgSpec::pattern("pattern").token("PATTERN"),
            ],
        )
        .token("FILTERBY")
        .optional()],
        ..BASE
    },
    run: Run::Session(list),
};

/// Ids of the commands that can be called and are no subcommands.
fn top_level(table: &CommandTable) -> impl Iterator<Item = crate::cmd::CommandId> {
    let ids = table.ids().filter(|id| table.is_callable(*id));
    ids.filter(|id| !table.full_name(*id).contains('|'))
}

fn info_of_all(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let table = &ctx.engine().commands;
    reply.array(top_level(table).count());
    for id in top_level(table) {
        write_info(table, id, reply);
    }
    Ok(())
}

fn info(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    if request.len() == 2 {
        return info_of_all(ctx, request, reply);
    }
    let table = &ctx.engine().commands;
    reply.array(request.len().saturating_sub(2));
    for name in request.iter().skip(2) {
        match table.find_full(name) {
            Some(id) => write_info(table, id, reply),
            None => reply.null(),
        }
    }
    Ok(())
}

fn docs(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let table = &ctx.engine().commands;
    let whole = reply.deferred_map();
    let mut told = 0;
    let mut tell = |id| {
        reply.bulk(table.full_name(id).as_bytes());
        write_docs(table, id, reply);
        told += 1;
    };
    if request.len() == 2 {
        top_level(table).for_each(&mut tell);
    } else {
        let names = request.iter().skip(2);
        names
            .filter_map(|name| table.find_full(name))
            .for_each(&mut tell);
    }
    reply.finish(whole, told);
    Ok(())
}

fn count(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let table = &ctx.engine().commands;
    reply.int(i64::try_from(top_level(table).count()).unwrap_or(i64::MAX));
    Ok(())
}

enum Filter<'r> {
    None,
    Module,
    Category(Option<Categories>),
    Pattern(Glob<'r>),
}

impl<'r> Filter<'r> {
    fn parse(request: Request<'r>) -> Result<Self, Error> {
        let word = |at| request.arg(at).unwrap_or_default();
        let is = |at, text: &[u8]| word(at).eq_ignore_ascii_case(text);
        match request.len() {
            2 => Ok(Self::None),
            5 if is(2, b"FILTERBY") => match word(4) {
                _ if is(3, b"MODULE") => Ok(Self::Module),
                name if is(3, b"ACLCAT") => Ok(Self::Category(category(name))),
                glob if is(3, b"PATTERN") => Ok(Self::Pattern(Glob::new(glob, Case::Insensitive))),
                _ => Err(Error::SYNTAX),
            },
            _ => Err(Error::SYNTAX),
        }
    }

    fn admits(&self, command: &Command, full_name: &str) -> bool {
        match self {
            Self::None => true,
            Self::Module | Self::Category(None) => false,
            Self::Category(Some(category)) => command.categories().contains(*category),
            Self::Pattern(glob) => glob.is_match(full_name.as_bytes()),
        }
    }
}

/// The category of this name, without the `@`, in any case.
fn category(name: &[u8]) -> Option<Categories> {
    let mut all = Categories::all().iter_names();
    all.find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
        .map(|(_, category)| category)
}

fn list(ctx: &mut SessionCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let filter = Filter::parse(request)?;
    let table = &ctx.engine().commands;
    let whole = reply.deferred_array();
    let mut told = 0;
    for id in table.ids().filter(|id| table.is_callable(*id)) {
        if filter.admits(table.command(id), table.full_name(id)) {
            reply.bulk(table.full_name(id).as_bytes());
            told += 1;
        }
    }
    reply.finish(whole, told);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn lists_by_filter() {
        let mut kit = Kit::new();
        let all = kit.run("COMMAND LIST");
        assert!(all.contains("\"ping\"") && all.contains("\"config|get\""));
        assert_eq!(
            kit.run("COMMAND LIST FILTERBY pattern CONFIG|*re*"),
            "[\"config|resetstat\", \"config|rewrite\"]"
        );
        let transactions = kit.run("COMMAND LIST FILTERBY ACLCAT Transaction");
        assert!(transactions.contains("\"multi\"") && !transactions.contains("ping"));
        assert_eq!(kit.run("COMMAND LIST FILTERBY ACLCAT none"), "[]");
        assert_eq!(kit.run("COMMAND LIST FILTERBY MODULE any"), "[]");
        for bad in [
            "COMMAND LIST x",
            "COMMAND LIST FILTERBY x",
            "COMMAND LIST FILTERBY x y",
            "COMMAND LIST FILTERBY PATTERN a b",
        ] {
            assert_eq!(kit.run(bad), "(error) ERR syntax error", "{bad}");
        }
    }

    #[test]
    fn looks_commands_up() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.run("COMMAND INFO none get|key config|get|key"),
            "[(nil), (nil), (nil)]"
        );
        assert!(
            kit.run("COMMAND INFO CONFIG|GET")
                .starts_with("[[\"config|get\", (integer) -3, [")
        );
        assert_eq!(kit.run("COMMAND DOCS none"), "[]");
        assert!(
            kit.run("COMMAND DOCS PING")
                .starts_with("[\"ping\", [\"summary\", ")
        );
        assert_eq!(kit.run("COMMAND"), kit.run("COMMAND INFO"));
        assert!(
            kit.run("COMMAND HELP")
                .contains("GETKEYS command [arg [arg ...]]")
        );
        let count = kit.run("COMMAND COUNT");
        assert_eq!(
            count,
            alloc::format!("(integer) {}", crate::cmd::specs().count())
        );
    }
}
