//! The commands of a server and the grammar of their arguments, read from COMMAND DOCS. Not the
//! choice of values.

use super::session::Side;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use vk_resp::Reply;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Integer,
    Double,
    UnixTime,
    Pattern,
    String,
    PureToken,
    OneOf,
    Block,
}

/// One argument of a command.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) token: Option<String>,
    pub(super) optional: bool,
    pub(super) multiple: bool,
    pub(super) multiple_token: bool,
    pub(super) inner: Vec<Self>,
}

/// One command or subcommand.
#[derive(Debug, Clone)]
pub(super) struct Command {
    /// In lower case, `object|encoding`.
    pub(super) name: String,
    pub(super) group: String,
    pub(super) arguments: Vec<Argument>,
}

/// All commands to choose from.
#[derive(Debug, Clone)]
pub(super) struct Grammar {
    pub(super) commands: Vec<Command>,
}

/// Groups that deal with keys.
const GROUPS: [&str; 10] = [
    "string",
    "list",
    "set",
    "hash",
    "sorted-set",
    "stream",
    "bitmap",
    "hyperloglog",
    "geo",
    "generic",
];

/// Commands of other groups that a sequence may hold.
const ALSO: [&str; 11] = [
    "multi", "exec", "discard", "watch", "unwatch", "echo", "ping", "select", "dbsize", "swapdb",
    "flushdb",
];

/// Commands whose replies say something about the server and nothing about the data, or that wait
/// or reach for other servers.
const NEVER: [&str; 10] = [
    "migrate",
    "wait",
    "waitaof",
    "randomkey",
    "object|help",
    "xgroup|help",
    "xinfo|help",
    "pfselftest",
    "object|refcount",
    "object|freq",
];

impl Grammar {
    /// Reads the grammar of a server.
    pub(super) fn ask(server: &mut Side) -> Result<Self> {
        let docs = server.call("COMMAND DOCS")?;
        let mut commands = Vec::new();
        for (name, doc) in pairs(&docs).context("COMMAND DOCS answers a map")? {
            add(&text(name)?, doc, &mut commands)?;
        }
        commands.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { commands })
    }

    /// What both servers have, of the named groups or commands.
    pub(super) fn select(mut self, known: &BTreeSet<String>, groups: &[String]) -> Self {
        self.commands.retain(|command| {
            let wanted = |word: &String| *word == command.group || *word == command.name;
            let name = command.name.as_str();
            let chosen = if groups.is_empty() {
                GROUPS.contains(&command.group.as_str()) || ALSO.contains(&name)
            } else {
                groups.iter().any(wanted)
            };
            chosen && known.contains(name) && !NEVER.contains(&name)
        });
        self
    }

    pub(super) fn without(mut self, names: &[String]) -> Self {
        self.commands
            .retain(|command| !names.contains(&command.name));
        self
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.commands.len()
    }
}

fn add(name: &str, doc: &Reply, commands: &mut Vec<Command>) -> Result<()> {
    let subcommands = field(doc, "subcommands");
    if let Some(subcommands) = subcommands {
        for (name, doc) in pairs(subcommands).context("subcommands are a map")? {
            add(&text(name)?, doc, commands)?;
        }
        return Ok(());
    }
    commands.push(Command {
        name: name.to_lowercase(),
        group: field(doc, "group")
            .map(text)
            .transpose()?
            .unwrap_or_default(),
        arguments: arguments(doc)?,
    });
    Ok(())
}

fn arguments(doc: &Reply) -> Result<Vec<Argument>> {
    match field(doc, "arguments") {
        Some(Reply::Array(all)) => all.iter().map(argument).collect(),
        _ => Ok(Vec::new()),
    }
}

fn argument(doc: &Reply) -> Result<Argument> {
    let get = |name: &str| field(doc, name).map(text).transpose();
    let kind = match get("type")?.context("an argument has a type")?.as_str() {
        "key" => Kind::Key,
        "integer" => Kind::Integer,
        "double" => Kind::Double,
        "unix-time" => Kind::UnixTime,
        "pattern" => Kind::Pattern,
        "string" => Kind::String,
        "pure-token" => Kind::PureToken,
        "oneof" => Kind::OneOf,
        "block" => Kind::Block,
        other => bail!("there is no argument type {other}"),
    };
    let flags = match field(doc, "flags") {
        Some(Reply::Array(flags) | Reply::Set(flags)) => {
            flags.iter().map(text).collect::<Result<Vec<_>>>()?
        }
        _ => Vec::new(),
    };
    let has = |flag: &str| flags.iter().any(|known| known == flag);
    Ok(Argument {
        name: get("name")?.unwrap_or_default(),
        kind,
        token: get("token")?,
        optional: has("optional"),
        multiple: has("multiple"),
        multiple_token: has("multiple_token"),
        inner: arguments(doc)?,
    })
}

/// A field of a map of either protocol.
fn field<'a>(map: &'a Reply, name: &str) -> Option<&'a Reply> {
    let found = pairs(map)?
        .into_iter()
        .find(|(key, _)| matches!(key, Reply::Bulk(key) if key == name.as_bytes()));
    found.map(|(_, value)| value)
}

fn pairs(map: &Reply) -> Option<Vec<(&Reply, &Reply)>> {
    match map {
        Reply::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
        Reply::Array(flat) => Some(
            flat.chunks(2)
                .filter_map(|pair| Some((pair.first()?, pair.get(1)?)))
                .collect(),
        ),
        _ => None,
    }
}

fn text(reply: &Reply) -> Result<String> {
    match reply {
        Reply::Bulk(bytes) | Reply::Simple(bytes) => {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
        other => bail!("a text is due: {other:?}"),
    }
}
