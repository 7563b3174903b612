//! Finding keys without knowing their names: KEYS, SCAN, RANDOMKEY.

use alloc::{string::String, vec::Vec};

use vk_data::{
    entry::DbEntry,
    glob::{Case, Glob},
    num::parse_i64,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags};

use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const KEYS: Command = Command {
    spec: CommandSpec {
        name: "keys",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Tells the names of all keys that match a pattern.",
        complexity: "O(N) where N is the number of keys in the database",
        arity: 2,
        categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
        tips: &["request_policy:all_shards", "nondeterministic_output_order"],
        args: &[ArgSpec::pattern("pattern")],
        ..CommandSpec::NEW
    },
    run: Run::Read(keys),
};

pub(super) const RANDOMKEY: Command = Command {
    spec: CommandSpec {
        name: "randomkey",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Tells the name of a key chosen at random.",
        complexity: "O(1)",
        arity: 1,
        flags: Flags::TOUCHES_ARBITRARY_KEYS,
        categories: Categories::KEYSPACE,
        tips: &[
            "request_policy:all_shards",
            "response_policy:special",
            "nondeterministic_output",
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(randomkey),
};

pub(super) const SCAN: Command = Command {
    spec: CommandSpec {
        name: "scan",
        group: Group::Generic,
        since: "2.8.0",
        summary: "Walks through the names of the keys, some of them per call.",
        complexity: "O(1) per call, O(N) for a whole walk over N keys",
        history: &[History {
            version: "6.0.0",
            change: "The option `TYPE` came.",
        }],
        arity: -2,
        flags: Flags::TOUCHES_ARBITRARY_KEYS,
        categories: Categories::KEYSPACE,
        tips: &[
            "nondeterministic_output",
            "request_policy:special",
            "response_policy:special",
        ],
        args: &[
            ArgSpec::integer("cursor"),
            ArgSpec::pattern("pattern").token("MATCH").optional(),
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::string("type")
                .token("TYPE")
                .since("6.0.0")
                .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(scan),
};

/// The types that SCAN can be asked for, there or not.
const TYPES: &[&str] = &["string", "list", "set", "zset", "hash", "stream"];
/// Keys that SCAN looks at where nothing was said.
const SCAN_KEYS: usize = 10;
/// Keys that RANDOMKEY tries to find one that has not expired.
const RANDOM_TRIES: usize = 100;

fn keys(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let pattern = Glob::new(request.arg(1).unwrap_or_default(), Case::Sensitive);
    let (now, dbs) = (ctx.expiry_horizon_ms(), &ctx.engine.dbs);
    let Some(space) = dbs.db(ctx.db()) else {
        reply.array(0);
        return Ok(());
    };
    let array = reply.deferred_array();
    let mut found = 0;
    let mut take = |entry: &DbEntry| {
        if !entry.is_expired(now) {
            reply.bulk(entry.key());
            found += 1;
        }
    };
    if let Some(key) = pattern.literal() {
        // Only one key can match: there is no need to look at the others.
        if let Some(entry) = space.find(dbs.seed().hash(key), key) {
            take(entry);
        }
    } else {
        let all = pattern.is_unfiltered();
        space.for_each(&mut |entry| {
            if all || pattern.is_match(entry.key()) {
                take(entry);
            }
        });
    }
    reply.finish(array, found);
    Ok(())
}

fn scan(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let cursor = request
        .arg(1)
        .and_then(parse_cursor)
        .ok_or(Error::BAD_CURSOR)?;
    let options = ScanOptions::parse(request.skip(2), Scanned::Keys)?;
    let (now, db) = (ctx.expiry_horizon_ms(), ctx.db());
    let mut page = ReplyBuf::new(reply.protocol());
    let mut found = 0;
    let mut expired: Vec<Vec<u8>> = Vec::new();
    let mut visit = |entry: &DbEntry| {
        if !options.wants(entry) {
        } else if !entry.is_expired(now) {
            page.bulk(entry.key());
            found += 1;
        } else {
            expired.push(entry.key().into());
        }
    };
    let space = ctx.engine.dbs.db(db);
    let next = space.map_or(0, |space| space.scan(cursor, options.count, &mut visit));
    for key in &expired {
        reap(ctx, key);
    }
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(found);
    reply.append(&page);
    Ok(())
}

fn randomkey(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let (now, db) = (ctx.expiry_horizon_ms(), ctx.db());
    for tries in 1.. {
        let seed = ctx.engine.random.next();
        let space = ctx.engine.dbs.db(db);
        let Some(entry) = space.and_then(|space| space.random(seed)) else {
            break;
        };
        // Where almost all have expired and nobody has removed them yet, one of them is told
        // rather than all of them removed here.
        if !entry.is_expired(now) || tries == RANDOM_TRIES {
            reply.bulk(entry.key());
            return Ok(());
        }
        let key = entry.key().to_vec();
        reap(ctx, &key);
    }
    reply.null();
    Ok(())
}

/// A cursor. What is a negative number is refused; what is no strict number is read as C's
/// `strtoull` reads it, with a sign and leading zeros.
pub(in crate::cmd) fn parse_cursor(word: &[u8]) -> Option<u64> {
    if let Some(number) = parse_i64(word) {
        return u64::try_from(number).ok();
    }
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let value = core::str::from_utf8(digits).ok()?;
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    let value: u64 = value.parse().ok().filter(|_| all_digits)?;
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// Removes a key that has expired.
fn reap(ctx: &mut ReadCtx<'_>, key: &[u8]) {
    let hash = ctx.engine.dbs.seed().hash(key);
    let key = KeyRef::new(ctx.db(), key, hash, KeyFlags::RM);
    // Whoever looks at an expired key removes it.
    let _ = ctx.peek(key);
}

/// What is walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cmd) enum Scanned {
    /// The keys of a database.
    Keys,
    /// The members of a set.
    Set,
    /// The fields of a hash.
    Hash,
    /// The members of a sorted set.
    SortedSet,
}

/// What SCAN and its kin tell.
pub(in crate::cmd) struct ScanOptions<'r> {
    pattern: Option<Glob<'r>>,
    type_name: Option<&'r [u8]>,
    /// Names to look at, about.
    pub(in crate::cmd) count: usize,
    /// Names alone: no values, no scores.
    pub(in crate::cmd) names_only: bool,
}

impl<'r> ScanOptions<'r> {
    /// Reads the words behind the cursor.
    pub(in crate::cmd) fn parse(rest: Request<'r>, what: Scanned) -> Result<Self, Error> {
        let mut options = Self {
            pattern: None,
            type_name: None,
            count: SCAN_KEYS,
            names_only: false,
        };
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("NOVALUES") || is("NOSCORES") {
                match what {
                    Scanned::Hash if is("NOVALUES") => options.names_only = true,
                    Scanned::SortedSet if is("NOSCORES") => options.names_only = true,
                    _ if is("NOVALUES") => return Err(Error::NOVALUES_OUTSIDE_HSCAN),
                    _ => return Err(Error::NOSCORES_OUTSIDE_ZSCAN),
                }
                continue;
            }
            let value = words.next().ok_or(Error::SYNTAX)?;
            if is("COUNT") {
                let count = parse_i64(value).ok_or(Error::NOT_AN_INTEGER)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                options.count = count.ok_or(Error::SYNTAX)?;
            } else if is("MATCH") {
                let pattern = Glob::new(value, Case::Sensitive);
                options.pattern = (!pattern.is_unfiltered()).then_some(pattern);
            } else if is("TYPE") && what == Scanned::Keys {
                options.type_name = Some(known_type(value)?);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Whether a name is told.
    pub(in crate::cmd) fn matches(&self, name: &[u8]) -> bool {
        let pattern = self.pattern.as_ref();
        pattern.is_none_or(|pattern| pattern.is_match(name))
    }

    fn wants(&self, entry: &DbEntry) -> bool {
        let type_name = entry.value_type().name().as_bytes();
        self.type_name
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(type_name))
            && self.matches(entry.key())
    }
}

fn known_type(name: &[u8]) -> Result<&[u8], Error> {
    let is_known = TYPES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    if is_known {
        return Ok(name);
    }
    let name = String::from_utf8_lossy(name);
    Err(Error::told(format_args!("ERR unknown type name '{name}'")))
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String};

    use crate::testkit::Kit;

    /// A whole walk; the keys that it told.
    fn walk(kit: &mut Kit, options: &str) -> BTreeSet<String> {
        let (mut cursor, mut keys) = (String::from("0"), BTreeSet::new());
        loop {
            let reply = kit.run(&format!("SCAN {cursor}{options}"));
            let mut words = reply.split('"').skip(1).step_by(2);
            cursor = words.next().map(Into::into).unwrap_or_default();
            keys.extend(words.map(String::from));
            if cursor == "0" {
                return keys;
            }
        }
    }

    #[test]
    fn a_walk_tells_every_key_that_lives() {
        let mut kit = Kit::new();
        for i in 0..500 {
            kit.run(&format!("SET key:{i} {i}"));
        }
        kit.run("PEXPIRE key:7 10");
        kit.sleep_ms(11);
        let all = walk(&mut kit, "");
        assert_eq!(all.len(), 499);
        assert!(!all.contains("key:7"));
        assert_eq!(kit.run("DBSIZE"), "(integer) 499");
        assert_eq!(walk(&mut kit, " MATCH key:49* COUNT 100").len(), 11);
        assert_eq!(walk(&mut kit, " TYPE STRING MATCH *").len(), 499);
        assert_eq!(walk(&mut kit, " TYPE hash").len(), 0);
    }

    #[test]
    fn scan_refuses_what_it_does_not_know() {
        let mut kit = Kit::new();
        for cursor in ["x", "\"\"", "1.5", "++1", "-", "18446744073709551616"] {
            let line = format!("SCAN {cursor}");
            assert_eq!(kit.run(&line), "(error) ERR invalid cursor", "{line}");
        }
        assert_eq!(kit.run("SCAN +007"), "[\"0\", []]");
        let syntax = "(error) ERR syntax error";
        assert_eq!(kit.run("SCAN 0 COUNT 0"), syntax);
        assert_eq!(kit.run("SCAN 0 MATCH"), syntax);
        assert_eq!(kit.run("SCAN 0 FOO bar"), syntax);
        let no_int = "(error) ERR value is not an integer or out of range";
        assert_eq!(kit.run("SCAN 0 COUNT x"), no_int);
        let unknown = "(error) ERR unknown type name 'foo'";
        assert_eq!(kit.run("SCAN 0 TYPE foo"), unknown);
    }

    #[test]
    fn keys_tells_what_matches_and_lives() {
        let mut kit = Kit::new();
        kit.run("MSET one 1 two 2 \"\" 3");
        kit.run("PEXPIRE two 10");
        kit.sleep_ms(11);
        assert_eq!(kit.run("KEYS o?e"), "[\"one\"]");
        assert_eq!(kit.run("KEYS one"), "[\"one\"]");
        assert_eq!(kit.run("KEYS two"), "[]");
        assert_eq!(kit.run("KEYS *").matches('"').count(), 4);
        // KEYS removes nothing.
        assert_eq!(kit.run("DBSIZE"), "(integer) 3");
    }

    #[test]
    fn a_random_key_lives() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("RANDOMKEY"), "(nil)");
        kit.run("MSET a 1 b 2");
        kit.run("PEXPIRE a 10");
        kit.sleep_ms(11);
        for _ in 0..20 {
            assert_eq!(kit.run("RANDOMKEY"), "\"b\"");
        }
    }
}
