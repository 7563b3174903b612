//! What is known about commands: from the server's COMMAND DOCS, or without a server from the
//! table in this program. Feeds help, completion and hints; commands themselves need none of it.

use vk_resp::Reply;

/// Documented commands that are kept; beyond it a server is playing tricks.
const COMMANDS_MAX: usize = 20_000;

/// Arguments of one command, inner ones included.
const ARGUMENTS_MAX: usize = 4_096;

/// Nesting of arguments.
const ARGUMENT_DEPTH_MAX: usize = 16;

/// Bytes of a name or text.
const TEXT_BYTES_MAX: usize = 4_096;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArgKind {
    /// Any word.
    Word,
    Integer,
    Double,
    /// The token alone.
    PureToken,
    /// Exactly one of the inner arguments.
    OneOf,
    /// All of the inner arguments.
    Block,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arg {
    /// The text to show.
    pub(crate) name: String,
    pub(crate) kind: ArgKind,
    /// The literal in front; may be empty.
    pub(crate) token: Option<String>,
    pub(crate) optional: bool,
    pub(crate) multiple: bool,
    pub(crate) multiple_token: bool,
    pub(crate) inner: Vec<Self>,
}

/// One command or subcommand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doc {
    /// Its words in upper case.
    pub(crate) words: Vec<String>,
    pub(crate) summary: String,
    pub(crate) since: String,
    pub(crate) group: String,
    pub(crate) args: Vec<Arg>,
}

impl Doc {
    pub(crate) fn name(&self) -> String {
        self.words.join(" ")
    }
}

/// All commands, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    pub(crate) docs: Vec<Doc>,
}

impl Catalog {
    /// The table of this program.
    pub(crate) fn built_in() -> Self {
        crate::built_in::catalog()
    }

    /// Reads the reply of COMMAND DOCS, of either protocol. What is not understood is left out;
    /// `None` when nothing is left.
    pub(crate) fn from_reply(reply: &Reply) -> Option<Self> {
        let mut docs = Vec::new();
        for (name, facts) in pairs(reply)? {
            let Some(name) = text(name) else {
                continue;
            };
            add_command(&mut docs, None, &name, facts);
            if docs.len() > COMMANDS_MAX {
                break;
            }
        }
        (!docs.is_empty()).then(|| Self::sorted(docs))
    }

    pub(crate) fn sorted(mut docs: Vec<Doc>) -> Self {
        docs.sort_by(|one, other| one.words.cmp(&other.words));
        Self { docs }
    }

    /// The command that the words begin with; the longest name wins.
    pub(crate) fn find(&self, words: &[Vec<u8>]) -> Option<&Doc> {
        let begins = |doc: &&Doc| {
            doc.words.len() <= words.len()
                && doc
                    .words
                    .iter()
                    .zip(words)
                    .all(|(name, word)| same(name, word))
        };
        self.docs
            .iter()
            .filter(begins)
            .max_by_key(|doc| doc.words.len())
    }

    /// Groups, sorted, each once.
    pub(crate) fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.docs.iter().map(|doc| doc.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        groups.retain(|group| !group.is_empty());
        groups
    }
}

fn same(name: &str, word: &[u8]) -> bool {
    name.as_bytes().eq_ignore_ascii_case(word)
}

fn add_command(docs: &mut Vec<Doc>, container: Option<&str>, name: &str, facts: &Reply) {
    // A subcommand is named `container|name`.
    let own = name.rsplit('|').next().unwrap_or(name).to_ascii_uppercase();
    let mut doc = Doc {
        words: container
            .map(str::to_owned)
            .into_iter()
            .chain([own.clone()])
            .collect(),
        summary: String::new(),
        since: String::new(),
        group: String::new(),
        args: Vec::new(),
    };
    let mut subcommands = None;
    for (key, value) in pairs(facts).into_iter().flatten() {
        match text(key).as_deref() {
            Some("summary") => doc.summary = text(value).unwrap_or_default(),
            Some("since") => doc.since = text(value).unwrap_or_default(),
            Some("group") => doc.group = text(value).unwrap_or_default(),
            Some("arguments") => {
                let mut left = ARGUMENTS_MAX;
                doc.args = arguments(value, ARGUMENT_DEPTH_MAX, &mut left).unwrap_or_default();
            }
            Some("subcommands") if container.is_none() => subcommands = pairs(value),
            _ => {}
        }
    }
    docs.push(doc);
    for (name, facts) in subcommands.into_iter().flatten() {
        if let Some(name) = text(name).filter(|_| docs.len() <= COMMANDS_MAX) {
            add_command(docs, Some(&own), &name, facts);
        }
    }
}

/// `None` when any of it is not understood: half a grammar would give wrong hints.
fn arguments(reply: &Reply, depth: usize, left: &mut usize) -> Option<Vec<Arg>> {
    let Reply::Array(items) = reply else {
        return None;
    };
    let depth = depth.checked_sub(1)?;
    items
        .iter()
        .map(|item| argument(item, depth, left))
        .collect()
}

fn argument(reply: &Reply, depth: usize, left: &mut usize) -> Option<Arg> {
    *left = left.checked_sub(1)?;
    let mut arg = Arg {
        name: String::new(),
        kind: ArgKind::Word,
        token: None,
        optional: false,
        multiple: false,
        multiple_token: false,
        inner: Vec::new(),
    };
    let mut display = None;
    for (key, value) in pairs(reply)? {
        match text(key)?.as_str() {
            "name" => arg.name = text(value)?,
            "display_text" => display = Some(text(value)?),
            "token" => arg.token = Some(text(value)?),
            "type" => {
                arg.kind = match text(value)?.as_str() {
                    "integer" | "unix-time" => ArgKind::Integer,
                    "double" => ArgKind::Double,
                    "pure-token" => ArgKind::PureToken,
                    "oneof" => ArgKind::OneOf,
                    "block" => ArgKind::Block,
                    _ => ArgKind::Word,
                }
            }
            "arguments" => arg.inner = arguments(value, depth, left)?,
            "flags" => {
                let (Reply::Array(flags) | Reply::Set(flags)) = value else {
                    return None;
                };
                let flags: Vec<String> = flags.iter().filter_map(text).collect();
                let has = |name: &str| flags.iter().any(|flag| flag == name);
                arg.optional = has("optional");
                arg.multiple = has("multiple");
                arg.multiple_token = has("multiple_token");
            }
            _ => {}
        }
    }
    if let Some(display) = display {
        arg.name = display;
    }
    Some(arg)
}

/// The pairs of a map, or of an array that stands for one.
fn pairs(reply: &Reply) -> Option<Vec<(&Reply, &Reply)>> {
    match reply {
        Reply::Map(pairs) => Some(pairs.iter().map(|(key, value)| (key, value)).collect()),
        Reply::Array(items) => Some(
            items
                .chunks_exact(2)
                .filter_map(|pair| match pair {
                    [key, value] => Some((key, value)),
                    _ => None,
                })
                .collect(),
        ),
        _ => None,
    }
}

/// A short text without control characters: it will be shown on a terminal.
fn text(reply: &Reply) -> Option<String> {
    let (Reply::Bulk(bytes) | Reply::Simple(bytes)) = reply else {
        return None;
    };
    let text = std::str::from_utf8(bytes).ok()?;
    let harmless = text.len() <= TEXT_BYTES_MAX && !text.chars().any(char::is_control);
    harmless.then(|| text.to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.as_bytes().to_vec())
    }

    fn docs() -> Reply {
        let argument = Reply::Array(vec![
            bulk("name"),
            bulk("key"),
            bulk("type"),
            bulk("key"),
            bulk("flags"),
            Reply::Array(vec![Reply::Simple(b"multiple".to_vec())]),
        ]);
        let sub = Reply::Map(vec![
            (bulk("summary"), bulk("Sets it.")),
            (bulk("group"), bulk("g")),
        ]);
        Reply::Array(vec![
            bulk("mget"),
            Reply::Map(vec![
                (bulk("summary"), bulk("Many values.")),
                (bulk("arguments"), Reply::Array(vec![argument])),
            ]),
            bulk("config"),
            Reply::Map(vec![(
                bulk("subcommands"),
                Reply::Map(vec![(bulk("config|set"), sub)]),
            )]),
        ])
    }

    #[test]
    fn docs_of_a_server_are_read() {
        let catalog = Catalog::from_reply(&docs()).unwrap();
        let names: Vec<String> = catalog.docs.iter().map(Doc::name).collect();
        assert_eq!(names, ["CONFIG", "CONFIG SET", "MGET"]);
        let words = [b"config".to_vec(), b"SET".to_vec(), b"x".to_vec()];
        assert_eq!(catalog.find(&words).unwrap().summary, "Sets it.");
        let mget = catalog.find(&[b"mget".to_vec()]).unwrap();
        assert!(mget.args.first().unwrap().multiple);
        assert_eq!(catalog.groups(), ["g"]);
    }

    #[test]
    fn hostile_docs_are_left_out() {
        assert_eq!(Catalog::from_reply(&Reply::Int(1)), None);
        assert_eq!(Catalog::from_reply(&Reply::Array(Vec::new())), None);
        let escape = Reply::Array(vec![bulk("a\x1b[2Jb"), Reply::Map(Vec::new())]);
        assert_eq!(Catalog::from_reply(&escape), None);
        let mut nested = Reply::Array(Vec::new());
        for _ in 0..100 {
            nested = Reply::Array(vec![Reply::Array(vec![bulk("arguments"), nested])]);
        }
        let mut left = ARGUMENTS_MAX;
        assert_eq!(arguments(&nested, ARGUMENT_DEPTH_MAX, &mut left), None);
    }

    #[test]
    fn the_built_in_table_is_there() {
        let catalog = Catalog::built_in();
        assert!(catalog.find(&[b"ping".to_vec()]).is_some());
        let upper = |word: &String| !word.chars().any(|letter| letter.is_ascii_lowercase());
        assert!(catalog.docs.iter().all(|doc| doc.words.iter().all(upper)));
    }
}
