//! A slow, obvious reference model of the data commands: the oracle that the engine is compared
//! with.
//!
//! It shares nothing with the code under test, keeps everything in ordered maps, and does each
//! thing the most direct way. Not a server: no protocol, no sessions, no memory limit, no effects;
//! of the types it knows strings. What it does not know for certain it answers with
//! [`ModelReply::Unsure`] and then has changed nothing, so a test asks the model first and leaves
//! such a command out.

mod counters;
mod db;
mod expire;
mod generic;
mod lcs;
mod naive;
mod options;
mod strings;
#[cfg(test)]
mod tests;

use db::Db;

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
}

/// A handler's outcome; both sides are replies, so that `?` ends a command with an error.
type Outcome = Result<ModelReply, ModelReply>;

/// All databases.
#[derive(Clone, Debug)]
pub struct Model {
    dbs: Vec<Db>,
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

/// A command: name, arity as COMMAND shows it (negative: at least), handler.
type Command = (&'static str, i64, fn(&mut Call<'_>) -> Outcome);

/// Every command that the model knows.
const COMMANDS: &[Command] = &[
    ("append", 3, strings::append),
    ("copy", -3, generic::copy),
    ("dbsize", 1, generic::dbsize),
    ("decr", 2, counters::decr),
    ("decrby", 3, counters::decrby),
    ("del", -2, generic::del),
    ("delex", 4, strings::delex),
    ("delifeq", 3, strings::delifeq),
    ("exists", -2, generic::exists),
    ("expire", -3, expire::expire),
    ("expireat", -3, expire::expireat),
    ("expiretime", 2, expire::expiretime),
    ("flushall", -1, generic::flushall),
    ("flushdb", -1, generic::flushdb),
    ("get", 2, strings::get),
    ("getdel", 2, strings::getdel),
    ("getex", -2, strings::getex),
    ("getrange", 4, strings::getrange),
    ("getset", 3, strings::getset),
    ("incr", 2, counters::incr),
    ("incrby", 3, counters::incrby),
    ("incrbyfloat", 3, counters::incrbyfloat),
    ("increx", -2, counters::increx),
    ("keys", 2, generic::keys),
    ("lcs", -3, lcs::lcs),
    ("mget", -2, strings::mget),
    ("move", 3, generic::move_key),
    ("mset", -3, strings::mset),
    ("msetex", -4, strings::msetex),
    ("msetnx", -3, strings::msetnx),
    ("object|encoding", 3, generic::object_encoding),
    ("persist", 2, expire::persist),
    ("pexpire", -3, expire::pexpire),
    ("pexpireat", -3, expire::pexpireat),
    ("pexpiretime", 2, expire::pexpiretime),
    ("psetex", 4, strings::psetex),
    ("pttl", 2, expire::pttl),
    ("rename", 3, generic::rename),
    ("renamenx", 3, generic::renamenx),
    ("select", 2, generic::select),
    ("set", -3, strings::set),
    ("setex", 4, strings::setex),
    ("setnx", 3, strings::setnx),
    ("setrange", 4, strings::setrange),
    ("strlen", 2, strings::strlen),
    ("substr", 4, strings::getrange),
    ("swapdb", 3, generic::swapdb),
    ("touch", -2, generic::exists),
    ("ttl", 2, expire::ttl),
    ("type", 2, generic::type_of),
    ("unlink", -2, generic::del),
];

impl Model {
    /// Empty databases.
    #[must_use]
    pub fn new() -> Self {
        Self {
            dbs: vec![Db::default(); DATABASES],
        }
    }

    /// The name of every command that the model knows; a subcommand as `container|name`.
    pub fn commands() -> impl Iterator<Item = &'static str> {
        COMMANDS.iter().map(|(name, ..)| *name)
    }

    /// Runs one command of a session that has database `db` selected, at `now_ms` (milliseconds of
    /// Unix time, never going back). The caller keeps what SELECT chose. A command or database that
    /// the model does not have is [`ModelReply::Unsure`].
    pub fn apply(&mut self, db: usize, now_ms: i64, args: &[Vec<u8>]) -> ModelReply {
        let Some(name) = args.first() else {
            return ModelReply::Unsure;
        };
        let mut name = String::from_utf8_lossy(name).to_lowercase();
        if let ("object", Some(sub)) = (name.as_str(), args.get(1)) {
            name = format!("object|{}", String::from_utf8_lossy(sub).to_lowercase());
        }
        let Some(&(name, arity, run)) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
            return ModelReply::Unsure;
        };
        if db >= self.dbs.len() {
            return ModelReply::Unsure;
        }
        let mut call = Call {
            model: self,
            db,
            now_ms,
            name,
            args,
        };
        let given = args.len() as i64;
        if (arity >= 0 && given != arity) || (arity < 0 && given < -arity) {
            return call.wrong_arity();
        }
        match run(&mut call) {
            Ok(reply) | Err(reply) => reply,
        }
    }
}

impl Call<'_> {
    /// The selected database.
    fn db(&mut self) -> &mut Db {
        &mut self.model.dbs[self.db]
    }

    fn wrong_arity(&self) -> ModelReply {
        ModelReply::error(&format!(
            "wrong number of arguments for '{}' command",
            self.name
        ))
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

fn not_an_integer() -> ModelReply {
    ModelReply::error("value is not an integer or out of range")
}

fn syntax_error() -> ModelReply {
    ModelReply::error("syntax error")
}
