//! One command as COMMAND DOCS tells it.

use vk_resp::ReplyBuf;
use vk_spec::{ArgFlags, ArgKind, ArgSpec, Flags};

use crate::cmd::{CommandId, CommandTable};

pub(super) fn write_docs(table: &CommandTable, id: CommandId, reply: &mut ReplyBuf) {
    let command = table.command(id);
    let spec = &command.spec;
    let whole = reply.deferred_map();
    let mut pairs = 0;
    let mut text = |reply: &mut ReplyBuf, name: &str, value: &str| {
        if !value.is_empty() {
            reply.bulk(name.as_bytes());
            reply.bulk(value.as_bytes());
            pairs += 1;
        }
    };
    text(reply, "summary", spec.summary);
    text(reply, "since", spec.since);
    text(reply, "group", spec.group.name());
    text(reply, "complexity", spec.complexity);
    let syscmd = spec.flags.contains(Flags::SYSCMD);
    if syscmd || spec.deprecated.is_some() {
        pairs += 1;
        write_doc_flags(reply, spec.deprecated.is_some(), syscmd);
    }
    if let Some(deprecated) = spec.deprecated {
        pairs += 2;
        reply.bulk(b"deprecated_since");
        reply.bulk(deprecated.since.as_bytes());
        reply.bulk(b"replaced_by");
        reply.bulk(deprecated.replaced_by.as_bytes());
    }
    if !spec.history.is_empty() {
        pairs += 1;
        reply.bulk(b"history");
        reply.set(spec.history.len());
        for history in spec.history {
            reply.array(2);
            reply.bulk(history.version.as_bytes());
            reply.bulk(history.change.as_bytes());
        }
    }
    if !spec.args.is_empty() {
        pairs += 1;
        reply.bulk(b"arguments");
        write_args(spec.args, reply);
    }
    let subcommands = command.subcommands();
    if !subcommands.is_empty() {
        pairs += 1;
        reply.bulk(b"subcommands");
        reply.map(subcommands.len());
        for sub in subcommands {
            if let Some(sub) = table.find_sub(id, sub.spec.name.as_bytes()) {
                reply.bulk(table.full_name(sub).as_bytes());
                write_docs(table, sub, reply);
            }
        }
    }
    reply.finish(whole, pairs);
}

fn write_doc_flags(reply: &mut ReplyBuf, deprecated: bool, syscmd: bool) {
    reply.bulk(b"doc_flags");
    reply.set(usize::from(deprecated) + usize::from(syscmd));
    if deprecated {
        reply.simple("deprecated");
    }
    if syscmd {
        reply.simple("syscmd");
    }
}

fn write_args(args: &[ArgSpec], reply: &mut ReplyBuf) {
    reply.array(args.len());
    for arg in args {
        write_arg(arg, reply);
    }
}

fn write_arg(arg: &ArgSpec, reply: &mut ReplyBuf) {
    let whole = reply.deferred_map();
    let mut pairs = 0;
    let mut text = |reply: &mut ReplyBuf, name: &str, value: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
        pairs += 1;
    };
    text(reply, "name", arg.name);
    text(reply, "type", kind_name(arg.kind));
    let inner = match arg.kind {
        ArgKind::OneOf(inner) | ArgKind::Block(inner) => Some(inner),
        _ => None,
    };
    if inner.is_none() {
        let shown = if arg.display.is_empty() {
            arg.name
        } else {
            arg.display
        };
        text(reply, "display_text", shown);
    }
    let key_spec = match arg.kind {
        ArgKind::Key(spec) => Some(spec),
        _ => arg.key_spec,
    };
    if let Some(spec) = key_spec {
        reply.bulk(b"key_spec_index");
        reply.int(i64::from(spec));
        pairs += 1;
    }
    let mut text = |reply: &mut ReplyBuf, name: &str, value: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
        pairs += 1;
    };
    if let Some(token) = arg.token {
        text(reply, "token", token);
    }
    if !arg.since.is_empty() {
        text(reply, "since", arg.since);
    }
    if !arg.deprecated_since.is_empty() {
        text(reply, "deprecated_since", arg.deprecated_since);
    }
    if !arg.flags.is_empty() {
        pairs += 1;
        write_arg_flags(arg.flags, reply);
    }
    if let Some(inner) = inner {
        pairs += 1;
        reply.bulk(b"arguments");
        write_args(inner, reply);
    }
    reply.finish(whole, pairs);
}

fn write_arg_flags(flags: ArgFlags, reply: &mut ReplyBuf) {
    reply.bulk(b"flags");
    reply.set(flags.iter_names().count());
    for (name, _) in flags.iter_names() {
        reply.simple(&name.to_ascii_lowercase());
    }
}

const fn kind_name(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::String => "string",
        ArgKind::Integer => "integer",
        ArgKind::Double => "double",
        ArgKind::Key(_) => "key",
        ArgKind::Pattern => "pattern",
        ArgKind::UnixTime => "unix-time",
        ArgKind::PureToken => "pure-token",
        ArgKind::OneOf(_) => "oneof",
        ArgKind::Block(_) => "block",
    }
}
