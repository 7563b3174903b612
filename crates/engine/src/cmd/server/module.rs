//! MODULE: there are none, and none can be loaded. Native code in the process is what this server
//! does without.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group};

use crate::{
    Error, LogLevel,
    cmd::{Command, Run, help::help},
    ctx::SessionCtx,
};

pub(super) const MODULE: Command = Command {
    spec: CommandSpec {
        name: "module",
        summary: "Commands about modules.",
        complexity: "That of the subcommand.",
        arity: -2,
        ..BASE
    },
    run: Run::Container(&[HELP, LIST, LOAD, LOADEX, UNLOAD]),
};

const BASE: CommandSpec = CommandSpec {
    group: Group::Server,
    since: "4.0.0",
    ..CommandSpec::NEW
};

const GUARDED: Flags = Flags::NO_ASYNC_LOADING
    .union(Flags::ADMIN)
    .union(Flags::NOSCRIPT)
    .union(Flags::PROTECTED);

const HELP: Command = Command {
    spec: CommandSpec {
        name: "help",
        since: "5.0.0",
        summary: "Prints the subcommands.",
        arity: 2,
        flags: Flags::LOADING.union(Flags::STALE),
        ..BASE
    },
    run: Run::Session(help),
};

const LIST: Command = Command {
    spec: CommandSpec {
        name: "list",
        summary: "Lists the modules that are loaded, which are none.",
        complexity: "O(1): there are none",
        arity: 2,
        flags: Flags::ADMIN.union(Flags::NOSCRIPT),
        tips: &["nondeterministic_output_order"],
        ..BASE
    },
    run: Run::Session(list),
};

const LOAD: Command = Command {
    spec: CommandSpec {
        name: "load",
        summary: "Refuses to load a module.",
        arity: -3,
        flags: GUARDED,
        args: &[
            ArgSpec::string("path"),
            ArgSpec::string("arg").multiple().optional(),
        ],
        ..BASE
    },
    run: Run::Session(load),
};

const LOADEX: Command = Command {
    spec: CommandSpec {
        name: "loadex",
        since: "7.0.0",
        summary: "Refuses to load a module with configuration.",
        arity: -3,
        flags: GUARDED,
        args: &[
            ArgSpec::string("path"),
            ArgSpec::block(
                "configs",
                &[ArgSpec::string("name"), ArgSpec::string("value")],
            )
            .token("CONFIG")
            .multiple()
            .multiple_token()
            .optional(),
            ArgSpec::string("args").token("ARGS").multiple().optional(),
        ],
        ..BASE
    },
    run: Run::Session(load),
};

const UNLOAD: Command = Command {
    spec: CommandSpec {
        name: "unload",
        summary: "Unloads a module; there is none to unload.",
        arity: 3,
        flags: GUARDED,
        args: &[ArgSpec::string("name")],
        ..BASE
    },
    run: Run::Session(unload),
};

fn list(
    _ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.array(0);
    Ok(())
}

fn load(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let text = "A module was not loaded: this server runs no native modules";
    ctx.engine().log(LogLevel::Warning, text.into());
    Err(Error::MODULE_NOT_LOADED)
}

fn unload(
    _ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    Err(Error::NO_SUCH_MODULE)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use vk_spec::config::Profile;

    use crate::{
        BootUsers,
        config::{Config, id},
        testkit::Kit,
    };

    #[test]
    fn there_are_no_modules() {
        let mut config = Config::new(Profile::Compatible);
        config.correct(id::ENABLE_MODULE_COMMAND, b"yes").unwrap();
        let mut kit = Kit::with(config, BootUsers::default());
        assert_eq!(kit.run("MODULE LIST"), "[]");
        for load in ["MODULE LOAD x.so", "MODULE LOADEX x.so CONFIG a b ARGS c"] {
            assert_eq!(
                kit.run(load),
                "(error) ERR Error loading the extension. Please check the server logs."
            );
        }
        assert_eq!(
            kit.run("MODULE UNLOAD x"),
            "(error) ERR Error unloading module: no such module with that name"
        );
        assert!(kit.run("MODULE HELP").contains("UNLOAD name"));
    }
}
