//! The command table that is compiled in, as a catalog: help and hints without a server.
//! Not a list of its own; it converts the engine's.

use vk_spec::{ArgFlags, ArgKind as SpecKind, ArgSpec, CommandSpec};

use crate::catalog::{Arg, ArgKind, Catalog, Doc};
use crate::command::is;

/// All commands of this version.
pub(crate) fn catalog() -> Catalog {
    let mut docs = Vec::new();
    for command in vk_engine::specs() {
        docs.push(doc(None, &command.spec));
        let subcommands = command.subcommands().iter();
        docs.extend(subcommands.map(|sub| doc(Some(command.spec.name), &sub.spec)));
    }
    Catalog::sorted(docs)
}

/// Does the table say that an argument of this command is a secret?
pub(crate) fn holds_secret(command: &[Vec<u8>]) -> bool {
    vk_engine::specs()
        .filter(|top| is(command, 0, top.spec.name))
        .any(|top| {
            let mut subs = top.subcommands().iter();
            !top.spec.secrets.is_empty()
                || subs.any(|sub| is(command, 1, sub.spec.name) && !sub.spec.secrets.is_empty())
        })
}

fn doc(container: Option<&str>, spec: &CommandSpec) -> Doc {
    let words = container.into_iter().chain([spec.name]);
    Doc {
        words: words.map(str::to_ascii_uppercase).collect(),
        summary: spec.summary.to_owned(),
        since: spec.since.to_owned(),
        group: spec.group.name().to_owned(),
        args: spec.args.iter().map(arg).collect(),
    }
}

fn arg(spec: &ArgSpec) -> Arg {
    let (kind, inner): (ArgKind, &[ArgSpec]) = match spec.kind {
        SpecKind::Integer | SpecKind::UnixTime => (ArgKind::Integer, &[]),
        SpecKind::Double => (ArgKind::Double, &[]),
        SpecKind::PureToken => (ArgKind::PureToken, &[]),
        SpecKind::OneOf(inner) => (ArgKind::OneOf, inner),
        SpecKind::Block(inner) => (ArgKind::Block, inner),
        _ => (ArgKind::Word, &[]),
    };
    let name = if spec.display.is_empty() {
        spec.name
    } else {
        spec.display
    };
    Arg {
        name: name.to_owned(),
        kind,
        token: spec.token.map(str::to_owned),
        optional: spec.flags.contains(ArgFlags::OPTIONAL),
        multiple: spec.flags.contains(ArgFlags::MULTIPLE),
        multiple_token: spec.flags.contains(ArgFlags::MULTIPLE_TOKEN),
        inner: inner.iter().map(arg).collect(),
    }
}
