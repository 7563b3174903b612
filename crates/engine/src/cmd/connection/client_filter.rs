//! The filters of CLIENT LIST and CLIENT KILL. A session is chosen if all of them accept it.

use alloc::{string::String, vec::Vec};

use vk_data::num::parse_i64;
use vk_resp::Request;

use super::client_line::{address, flags_text, local_address};
use crate::{
    Engine, Error, SessionClass,
    session::{Session, SessionFlags},
};

/// One filter.
#[derive(Debug)]
enum Test {
    Id(Vec<u64>),
    /// `None`: a type that no session of this server has.
    Type(Option<Kind>),
    User(String),
    Address(String),
    LocalAddress(String),
    Ip(String),
    Name(String),
    LibName(String),
    LibVersion(String),
    Flags(String),
    Capa(String),
    Db(u32),
    /// At least so many seconds since the last request.
    Idle(u64),
    /// At least so many seconds since the connection.
    Age(u64),
}

/// Types of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    PubSub,
}

/// All filters of a request.
#[derive(Debug, Default)]
pub(super) struct Filter {
    tests: Vec<(Test, bool)>,
    skip_own: bool,
}

impl Filter {
    /// CLIENT KILL with an address alone.
    pub(super) fn of_address(address: &[u8]) -> Self {
        let test = Test::Address(text(address));
        Self {
            tests: alloc::vec![(test, true)],
            skip_own: false,
        }
    }

    /// Reads filters; those of KILL spare the own session unless told otherwise.
    pub(super) fn parse(engine: &Engine, words: Request<'_>, kill: bool) -> Result<Self, Error> {
        let mut filter = Self {
            tests: Vec::new(),
            skip_own: kill,
        };
        let mut at = 0;
        while let Some(name) = words.arg(at) {
            let Some(value) = words.arg(at + 1) else {
                return Err(Error::SYNTAX);
            };
            let name = text(name).to_ascii_lowercase();
            at += 2;
            if name == "skipme" {
                filter.skip_own = yes_no(value)?;
                continue;
            }
            let (name, wanted) = match name.strip_prefix("not-") {
                Some(rest) => (rest, false),
                None => (name.as_str(), true),
            };
            let test = if name == "id" {
                let mut ids = alloc::vec![client_id(value, kill)?];
                while let Some(id) = words.arg(at).and_then(parse_i64) {
                    ids.push(u64::try_from(id).unwrap_or(0));
                    at += 1;
                }
                Test::Id(ids)
            } else {
                parse_test(engine, name, value)?
            };
            filter.tests.push((test, wanted));
        }
        Ok(filter)
    }

    /// Whether every filter accepts a session.
    pub(super) fn accepts(&self, engine: &Engine, session: &Session, is_own: bool) -> bool {
        if is_own && self.skip_own {
            return false;
        }
        self.tests
            .iter()
            .all(|(test, wanted)| test.accepts(engine, session) == *wanted)
    }
}

fn parse_test(engine: &Engine, name: &str, value: &[u8]) -> Result<Test, Error> {
    Ok(match name {
        "type" => Test::Type(kind(value)?),
        "user" => {
            if engine.users.by_name(value).is_none() {
                return Err(told("No such user", value));
            }
            Test::User(text(value))
        }
        "addr" => Test::Address(text(value)),
        "laddr" => Test::LocalAddress(text(value)),
        "ip" => Test::Ip(text(value)),
        "name" => Test::Name(text(value)),
        "lib-name" => Test::LibName(text(value)),
        "lib-ver" => Test::LibVersion(text(value)),
        "flags" => Test::Flags(letters(value, FLAGS, "flags")?),
        "capa" => Test::Capa(letters(value, CAPABILITIES, "capa")?),
        "db" => Test::Db(database(engine, value)?),
        "idle" => Test::Idle(positive(value, "idle")?),
        "maxage" => Test::Age(positive(value, "maxage")?),
        _ => return Err(Error::SYNTAX),
    })
}

impl Test {
    fn accepts(&self, engine: &Engine, session: &Session) -> bool {
        let seconds_since =
            |then: crate::MonoMicros| engine.mono.0.saturating_sub(then.0) / 1_000_000;
        match self {
            Self::Id(ids) => ids.contains(&session.client_id),
            Self::Type(kind) => match session.class() {
                SessionClass::Normal => *kind == Some(Kind::Normal),
                SessionClass::PubSub => *kind == Some(Kind::PubSub),
            },
            Self::User(name) => engine
                .users
                .user(session.user)
                .is_some_and(|u| u.name == *name),
            Self::Address(wanted) => address(session) == *wanted,
            Self::LocalAddress(wanted) => local_address(session) == *wanted,
            Self::Ip(wanted) => session
                .peer
                .client_address()
                .is_some_and(|a| alloc::format!("{}", a.ip()) == *wanted),
            Self::Name(wanted) => session.name == *wanted,
            Self::LibName(wanted) => session.lib_name == *wanted,
            Self::LibVersion(wanted) => session.lib_version == *wanted,
            Self::Flags(wanted) => {
                let has = flags_text(session);
                wanted.chars().all(|flag| has.contains(flag))
            }
            Self::Capa(wanted) => {
                let redirects = session.flags.contains(SessionFlags::CAPA_REDIRECT);
                wanted.chars().all(|capa| capa == 'r' && redirects)
            }
            Self::Db(db) => session.db == *db,
            Self::Idle(seconds) => seconds_since(session.active) >= *seconds,
            Self::Age(seconds) => seconds_since(session.created) >= *seconds,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Letters of the field `flags`, with those that no session of this server has.
const FLAGS: &str = "OSMPxbtRBdcuAUreTIN";
/// Letters of the field `capa`.
const CAPABILITIES: &str = "r";

/// A value that consists of these letters.
fn letters(value: &[u8], known: &str, what: &str) -> Result<String, Error> {
    let value = text(value);
    if value.chars().all(|letter| known.contains(letter)) {
        return Ok(value);
    }
    Err(Error::told(format_args!(
        "ERR Unknown {what} found in the provided filter: {value}"
    )))
}

fn database(engine: &Engine, value: &[u8]) -> Result<u32, Error> {
    const NOT_AN_INTEGER: Error = Error::Fixed("ERR DB is not an integer or out of range");
    let number = parse_i64(value)
        .and_then(|number| i32::try_from(number).ok())
        .ok_or(NOT_AN_INTEGER)?;
    let last = engine.dbs.count().saturating_sub(1);
    match u32::try_from(number) {
        Ok(db) if db as usize <= last => Ok(db),
        _ => Err(Error::told(format_args!(
            "ERR DB number should be between 0 and {last}"
        ))),
    }
}

fn told(what: &str, value: &[u8]) -> Error {
    let value = text(value);
    Error::told(format_args!("ERR {what} '{value}'"))
}

fn yes_no(value: &[u8]) -> Result<bool, Error> {
    if value.eq_ignore_ascii_case(b"yes") {
        return Ok(true);
    }
    if value.eq_ignore_ascii_case(b"no") {
        Ok(false)
    } else {
        Err(Error::SYNTAX)
    }
}

fn client_id(value: &[u8], kill: bool) -> Result<u64, Error> {
    let id = parse_i64(value).and_then(|id| u64::try_from(id).ok());
    match id {
        Some(id) if id > 0 || !kill => Ok(id),
        _ if kill => Err(Error::Fixed("ERR client-id should be greater than 0")),
        _ => Err(Error::Fixed("ERR Invalid client ID")),
    }
}

fn positive(value: &[u8], name: &str) -> Result<u64, Error> {
    let number = parse_i64(value)
        .ok_or_else(|| Error::told(format_args!("ERR {name} is not an integer or out of range")))?;
    match u64::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(Error::told(format_args!(
            "ERR {name} should be greater than 0"
        ))),
    }
}

fn kind(value: &[u8]) -> Result<Option<Kind>, Error> {
    match text(value).to_ascii_lowercase().as_str() {
        "normal" => Ok(Some(Kind::Normal)),
        "pubsub" => Ok(Some(Kind::PubSub)),
        "slave" | "replica" | "master" | "primary" => Ok(None),
        _ => Err(told("Unknown client type", value)),
    }
}
