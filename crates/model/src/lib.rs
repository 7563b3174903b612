//! A slow, obvious reference model of the data commands: the oracle that the engine is compared
//! with.
//!
//! It shares nothing with the code under test, keeps everything in ordered maps, and does each
//! thing the most direct way. [`Model`] is the keys alone; [`Server`] adds sessions: transactions,
//! WATCH, and waiting for keys. Not a real server: no protocol, no memory limit, no effects, and of
//! geospatial indexes and sorting nothing. What it does not know for certain it answers with
//! [`ModelReply::Unsure`] and then has changed nothing, so a test asks the model first and leaves
//! such a command out.

mod access;
mod bits;
mod changes;
mod commands;
mod counters;
mod db;
mod expire;
mod field_expiry;
mod generic;
mod hashes;
mod hyperloglogs;
mod lcs;
mod lists;
mod naive;
mod options;
mod server;
mod sets;
mod streams;
mod strings;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod type_tests;
mod waits;
mod zset_combine;
mod zset_ranges;
mod zsets;

use commands::COMMANDS;
use db::Db;

pub use server::{Server, Turn};

/// Databases of a model, as a server has by default.
const DATABASES: usize = 16;

/// Longest string in bytes (`proto-max-bulk-len`).
const STRING_LEN_MAX: usize = 512 << 20;

/// What a command answers, in RESP2's terms: maps are flat arrays, doubles are bulk strings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelReply {
    /// The status OK.
    Ok,
    /// Any other status.
    Simple(String),
    /// An integer.
    Int(i64),
    /// A bulk string, or nil.
    Bulk(Option<Vec<u8>>),
    /// An array.
    Array(Vec<Self>),
    /// The null where an array was asked for.
    NilArray,
    /// An array in no particular order, of which so many elements belong together.
    Bag(Vec<Self>, usize),
    /// An error, the whole line: `ERR syntax error`.
    Error(String),
    /// The model does not know. It has not changed.
    Unsure,
}

impl ModelReply {
    /// Line breaks that a request brought into the text are spaces on the wire.
    fn error(text: &str) -> Self {
        Self::Error(format!("ERR {text}").replace(['\r', '\n'], " "))
    }

    fn bulk(bytes: &[u8]) -> Self {
        Self::Bulk(Some(bytes.to_vec()))
    }

    fn bulks(items: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::Array(
            items
                .into_iter()
                .map(|item| Self::Bulk(Some(item)))
                .collect(),
        )
    }

    fn bag(items: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::Bag(
            items
                .into_iter()
                .map(|item| Self::Bulk(Some(item)))
                .collect(),
            1,
        )
    }

    const fn len(len: usize) -> Self {
        Self::Int(len as i64)
    }
}

/// Up to where collections are stored compactly; what OBJECT ENCODING answers follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `set-max-intset-entries`
    pub set_ints: usize,
    /// `set-max-listpack-entries`
    pub set_entries: usize,
    /// `set-max-listpack-value`
    pub set_bytes: usize,
    /// `hash-max-listpack-entries`
    pub hash_entries: usize,
    /// `hash-max-listpack-value`
    pub hash_bytes: usize,
    /// `zset-max-listpack-entries`
    pub zset_entries: usize,
    /// `zset-max-listpack-value`
    pub zset_bytes: usize,
    /// `list-max-listpack-size`, if it is a number of elements.
    pub list_entries: Option<usize>,
}

impl Limits {
    /// What a server has by default.
    pub const DEFAULT: Self = Self {
        set_ints: 512,
        set_entries: 128,
        set_bytes: 64,
        hash_entries: 128,
        hash_bytes: 64,
        zset_entries: 128,
        zset_bytes: 64,
        list_entries: None,
    };
}

/// A handler's outcome; both sides are replies, so that `?` ends a command with an error.
type Outcome = Result<ModelReply, ModelReply>;

/// All databases.
#[derive(Clone, Debug)]
pub struct Model {
    dbs: Vec<Db>,
    limits: Limits,
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

/// One command on its way: the model, who asks when, and the arguments.
struct Call<'a> {
    model: &'a mut Model,
    db: usize,
    now_ms: i64,
    /// The command's name as errors show it.
    name: &'static str,
    args: &'a [Vec<u8>],
}

impl Model {
    /// Empty databases.
    #[must_use]
    pub fn new() -> Self {
        Self {
            dbs: vec![Db::default(); DATABASES],
            limits: Limits::DEFAULT,
        }
    }

    /// With other limits of compact storage, set before anything is stored.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether a field of a hash expires at this very moment, so that nobody knows whether it is
    /// there.
    #[must_use]
    pub fn is_on_edge(&self, now_ms: i64) -> bool {
        self.dbs.iter().any(|db| db.is_on_edge(now_ms))
    }

    /// Removes what has expired, as a server has done after a while.
    pub fn sweep(&mut self, now_ms: i64) {
        self.dbs.iter_mut().for_each(|db| db.sweep(now_ms));
    }

    /// The name of every command that the model knows; a subcommand as `container|name`.
    pub fn commands() -> impl Iterator<Item = &'static str> {
        COMMANDS.iter().map(|(name, ..)| *name)
    }

    /// Fewest words of a command, or exactly how many: the arity as COMMAND shows it.
    fn arity(name: &str) -> Option<i64> {
        let found = COMMANDS.iter().find(|(known, ..)| *known == name);
        found.map(|(_, arity, _)| *arity)
    }

    /// Runs one command of a session that has database `db` selected, at `now_ms` (milliseconds of
    /// Unix time, never going back). The caller keeps what SELECT chose. A command or database that
    /// the model does not have is [`ModelReply::Unsure`].
    pub fn apply(&mut self, db: usize, now_ms: i64, args: &[Vec<u8>]) -> ModelReply {
        let Some(name) = args.first() else {
            return ModelReply::Unsure;
        };
        let name = full_name(name, args.get(1));
        let Some(&(name, arity, run)) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
            return ModelReply::Unsure;
        };
        if db >= self.dbs.len() {
            return ModelReply::Unsure;
        }
        let is_named = |db: &Db| db.ghosts(now_ms).any(|key| args.contains(key));
        if self.dbs.iter().any(is_named) {
            return ModelReply::Unsure;
        }
        let mut call = Call {
            model: self,
            db,
            now_ms,
            name,
            args,
        };
        if !fits_arity(args.len(), arity) {
            return call.wrong_arity();
        }
        let before = call.model.clone();
        let (Ok(reply) | Err(reply)) = run(&mut call);
        if reply == ModelReply::Unsure {
            *self = before;
        }
        reply
    }
}

/// The name of a command as the tables have it.
fn full_name(name: &[u8], sub: Option<&Vec<u8>>) -> String {
    let lower = |word: &[u8]| String::from_utf8_lossy(word).to_lowercase();
    match (lower(name), sub) {
        (name, Some(sub)) if matches!(name.as_str(), "object" | "xgroup" | "client") => {
            format!("{name}|{}", lower(sub))
        }
        (name, _) => name,
    }
}

fn fits_arity(given: usize, arity: i64) -> bool {
    let given = given as i64;
    given == arity || (arity < 0 && given >= -arity)
}

fn wrong_arity_of(name: &str) -> ModelReply {
    ModelReply::error(&format!("wrong number of arguments for '{name}' command"))
}

impl Call<'_> {
    /// The selected database.
    fn db(&mut self) -> &mut Db {
        &mut self.model.dbs[self.db]
    }

    fn wrong_arity(&self) -> ModelReply {
        wrong_arity_of(self.name)
    }

    fn invalid_expire(&self) -> ModelReply {
        ModelReply::error(&format!("invalid expire time in '{}' command", self.name))
    }

    /// The integer at `position`.
    fn int(&self, position: usize) -> Result<i64, ModelReply> {
        naive::parse_int(&self.args[position]).ok_or_else(not_an_integer)
    }

    /// The index of a database at `position`.
    fn db_index(&self, position: usize) -> Result<usize, ModelReply> {
        let id = self.int(position)?;
        if i32::try_from(id).is_err() {
            return Err(ModelReply::error(&format!(
                "value is out of range, value must between {} and {}",
                i32::MIN,
                i32::MAX
            )));
        }
        self.existing_db(id)
    }

    fn existing_db(&self, id: i64) -> Result<usize, ModelReply> {
        let id = usize::try_from(id)
            .ok()
            .filter(|&id| id < self.model.dbs.len());
        id.ok_or_else(|| ModelReply::error("DB index is out of range"))
    }

    /// Whether the argument at `position` is this word, in any case.
    fn is_word(&self, position: usize, word: &str) -> bool {
        self.args[position].eq_ignore_ascii_case(word.as_bytes())
    }
}

/// Whether a text matches a glob, as KEYS and MATCH mean it. Takes exponential time.
#[must_use]
pub fn glob_match(pattern: &[u8], text: &[u8]) -> bool {
    naive::glob(pattern, text)
}

fn not_an_integer() -> ModelReply {
    ModelReply::error("value is not an integer or out of range")
}

fn syntax_error() -> ModelReply {
    ModelReply::error("syntax error")
}
