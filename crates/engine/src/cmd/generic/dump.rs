//! Values as bytes that another server takes: DUMP, RESTORE.

use alloc::vec::Vec;

use vk_data::num::parse_i64;
use vk_mem::Access;
use vk_rdb::{Compression, RestoreError, dump as dump_value, restore};
use vk_resp::{BLOB_BYTES_MIN, Blob, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::times::has_passed;
use crate::{
    Error, LogLevel,
    access::KeyRef,
    cmd::{Command, Run, load_limits},
    config::{EventFlags, id},
    ctx::{Ctx, Expire, ReadCtx, WriteCtx, Writer},
};

pub(super) const DUMP: Command = Command {
    spec: CommandSpec {
        name: "dump",
        group: Group::Generic,
        since: "2.6.0",
        summary: "Tells the value of a key as bytes that RESTORE takes.",
        complexity: "O(N) where N is the number of elements and bytes of the value",
        arity: 2,
        categories: Categories::KEYSPACE,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Read(dump),
};

pub(super) const RESTORE: Command = Command {
    spec: CommandSpec {
        name: "restore",
        group: Group::Generic,
        since: "2.6.0",
        summary: "Stores a value that DUMP has told.",
        complexity: "O(N) where N is the number of elements and bytes of the value, O(N log(N)) \
            for a sorted set",
        history: RESTORE_HISTORY,
        arity: -4,
        flags: Flags::DENYOOM,
        categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
        keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))],
        args: RESTORE_ARGS,
        ..CommandSpec::NEW
    },
    run: Run::Write(restore_key),
};

pub(super) const RESTORE_ASKING: Command = Command {
    spec: CommandSpec {
        name: "restore-asking",
        group: Group::Server,
        since: "3.0.0",
        summary: "Does what RESTORE does, in a slot that is still moving here.",
        flags: Flags::DENYOOM.union(Flags::ASKING).union(Flags::SYSCMD),
        ..RESTORE.spec
    },
    run: Run::Write(restore_key),
};

const RESTORE_HISTORY: &[History] = &[
    History {
        version: "3.0.0",
        change: "Option REPLACE.",
    },
    History {
        version: "5.0.0",
        change: "Option ABSTTL.",
    },
    History {
        version: "5.0.0",
        change: "Options IDLETIME and FREQ.",
    },
];

const RESTORE_ARGS: &[ArgSpec] = &[
    ArgSpec::key("key", 0),
    ArgSpec::integer("ttl"),
    ArgSpec::string("serialized-value"),
    ArgSpec::pure_token("replace", "REPLACE")
        .since("3.0.0")
        .optional(),
    ArgSpec::pure_token("absttl", "ABSTTL")
        .since("5.0.0")
        .optional(),
    ArgSpec::integer("seconds")
        .token("IDLETIME")
        .since("5.0.0")
        .optional(),
    ArgSpec::integer("frequency")
        .token("FREQ")
        .since("5.0.0")
        .optional(),
];

/// What RESTORE takes behind the value.
#[derive(Debug, Clone, Copy, Default)]
struct Options {
    replaces: bool,
    is_absolute: bool,
    idle_seconds: Option<i64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let mut options = Self::default();
        let rest = request.skip(4);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("REPLACE") {
                options.replaces = true;
            } else if is("ABSTTL") {
                options.is_absolute = true;
            } else if is("IDLETIME") && options.frequency.is_none() {
                let seconds = number(words.next())?;
                if seconds < 0 {
                    return Err(Error::RESTORE_IDLETIME);
                }
                options.idle_seconds = Some(seconds);
            } else if is("FREQ") && options.idle_seconds.is_none() {
                let frequency = number(words.next())?;
                options.frequency = Some(u8::try_from(frequency).map_err(|_| Error::RESTORE_FREQ)?);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }
}

/// The number that follows an option.
fn number(word: Option<&[u8]>) -> Result<i64, Error> {
    parse_i64(word.ok_or(Error::SYNTAX)?).ok_or(Error::NOT_AN_INTEGER)
}

fn dump(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let compression = if ctx.config().bool(id::RDBCOMPRESSION) {
        Compression::Lzf
    } else {
        Compression::None
    };
    match ctx.lookup(key) {
        None => reply.null(),
        Some(entry) => {
            let payload = dump_value(entry, compression);
            if payload.len() < BLOB_BYTES_MIN {
                reply.bulk(&payload);
            } else {
                let blob = Blob::from(payload);
                reply.blob(&blob, 0..blob.len());
            }
        }
    }
    Ok(())
}

fn restore_key(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let options = Options::parse(request)?;
    let key = ctx.key(0)?;
    if !options.replaces && ctx.write(key).entry().is_some() {
        return Err(Error::BUSY_KEY);
    }
    let expire = expiry(ctx, request, options)?;
    let payload = request.arg(3).unwrap_or_default();
    let value = match restore(payload, ctx.engine.dump_checksum, &load_limits(ctx.engine)) {
        Ok(value) => value,
        Err(RestoreError::Footer) => return Err(Error::DUMP_FOOTER),
        Err(RestoreError::Value(error)) => {
            let code = payload.first().copied().unwrap_or_default();
            let text = alloc::format!("RESTORE refused a value: {}", error.told_of(code));
            ctx.engine.log(LogLevel::Verbose, text);
            return Err(Error::DUMP_FORMAT);
        }
        Err(_) => return Err(Error::DUMP_FORMAT),
    };
    if let Expire::At(at_ms) = expire
        && has_passed(ctx, at_ms)
    {
        remove_replaced(ctx, key);
        reply.ok();
        return Ok(());
    }
    let access = record_of_use(ctx, options);
    let mut writer = ctx.write(key);
    // What is replaced leaves no record of use behind.
    writer.remove();
    value.store(|value| writer.put(value, expire));
    mark(&mut writer, access);
    writer.commit(&[(EventFlags::GENERIC, "restore")]);
    if let Expire::At(at_ms) = expire
        && !options.is_absolute
        && ctx.wants_effects()
    {
        absolute_effect(ctx, request, at_ms);
    }
    reply.ok();
    Ok(())
}

/// When the key expires; 0 is never.
fn expiry(ctx: &Ctx<'_>, request: Request<'_>, options: Options) -> Result<Expire, Error> {
    let ttl = number(request.arg(2))?;
    match ttl {
        ..0 => Err(Error::RESTORE_TTL),
        0 => Ok(Expire::Never),
        _ if options.is_absolute => Ok(Expire::At(ttl)),
        _ => ttl
            .checked_add(ctx.now_ms())
            .map(Expire::At)
            .ok_or(Error::RESTORE_TTL),
    }
}

/// The value to be stored has expired already: what it was to replace goes all the same.
fn remove_replaced(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>) {
    let mut writer = ctx.write(key);
    if !writer.remove() {
        return;
    }
    writer.commit(&[(EventFlags::GENERIC, "del")]);
    if ctx.wants_effects() {
        let lazy = ctx.config().bool(id::LAZYFREE_LAZY_SERVER_DEL);
        let name: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
        ctx.effect([name, key.bytes()]);
    }
}

/// The same request with the time at which the key expires.
fn absolute_effect(ctx: &mut WriteCtx<'_>, request: Request<'_>, at_ms: i64) {
    let mut digits = itoa::Buffer::new();
    let at_ms = digits.format(at_ms).as_bytes();
    let word = |(at, word)| if at == 2 { at_ms } else { word };
    let mut words: Vec<&[u8]> = request.iter().enumerate().map(word).collect();
    words.push(b"ABSTTL");
    ctx.effect_as_requested(words);
}

/// The record of use that the options ask for, if the policy keeps such a one.
fn record_of_use(ctx: &Ctx<'_>, options: Options) -> Option<Access> {
    let clock = ctx.engine.use_clock();
    match (options.idle_seconds, options.frequency) {
        (_, Some(counter)) => clock.frequency(counter),
        (Some(seconds), _) => clock.idle(seconds.unsigned_abs()),
        _ => None,
    }
}

fn mark(writer: &mut Writer<'_>, access: Option<Access>) {
    if let (Some(access), Some(mut entry)) = (access, writer.modify()) {
        entry.set_access(access);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use crate::testkit::Kit;

    /// The value of a key as RESTORE takes it.
    fn dumped(kit: &mut Kit, key: &[u8]) -> Vec<u8> {
        let db = kit.engine.dbs.db(0);
        let hash = kit.engine.dbs.seed().hash(key);
        let entry = db.and_then(|db| db.find(hash, key));
        entry.map_or_else(Vec::new, |entry| {
            vk_rdb::dump(entry, vk_rdb::Compression::Lzf)
        })
    }

    fn restored(
        kit: &mut Kit,
        ttl: &str,
        payload: &[u8],
        options: &[&str],
    ) -> alloc::string::String {
        let session = kit.session;
        let mut words: Vec<&[u8]> = alloc::vec![b"RESTORE", b"to", ttl.as_bytes(), payload];
        words.extend(options.iter().map(|option| option.as_bytes()));
        kit.run_words(session, &words)
    }

    #[test]
    fn strings_come_back() {
        let mut kit = Kit::new();
        kit.run("SET n 12");
        kit.run("SET s hello");
        kit.run("SETRANGE big 100000 x");
        assert_eq!(kit.run("DUMP none"), "(nil)");
        for (key, encoding) in [("n", "int"), ("s", "embstr"), ("big", "raw")] {
            let payload = dumped(&mut kit, key.as_bytes());
            assert_eq!(restored(&mut kit, "0", &payload, &["REPLACE"]), "OK");
            assert_eq!(kit.run("GET to"), kit.run(&alloc::format!("GET {key}")));
            let told = kit.run("OBJECT ENCODING to");
            assert_eq!(told, alloc::format!("\"{encoding}\""));
        }
        assert_eq!(kit.run("TTL to"), "(integer) -1");
    }

    #[test]
    fn collections_come_back() {
        let mut kit = Kit::new();
        for (entries, encodings) in [
            ("128", "listpack listpack listpack listpack"),
            ("1", "quicklist hashtable hashtable skiplist"),
        ] {
            for name in ["list-max", "set-max", "hash-max", "zset-max"] {
                let unit = if name == "list-max" {
                    "size"
                } else {
                    "entries"
                };
                kit.run(&alloc::format!(
                    "CONFIG SET {name}-listpack-{unit} {entries}"
                ));
            }
            kit.run("FLUSHALL");
            kit.run("RPUSH list a 1 b");
            kit.run("SADD set a 1 b");
            kit.run("HSET hash a 1 b 2");
            kit.run("ZADD zset 1 a 2.5 b inf c");
            for (key, encoding) in ["list", "set", "hash", "zset"]
                .into_iter()
                .zip(encodings.split(' '))
            {
                let payload = dumped(&mut kit, key.as_bytes());
                assert_eq!(
                    restored(&mut kit, "0", &payload, &["REPLACE"]),
                    "OK",
                    "{key}"
                );
                let told = kit.run("OBJECT ENCODING to");
                assert_eq!(told, alloc::format!("\"{encoding}\""), "{key}");
                let digests = kit.run(&alloc::format!("DEBUG DIGEST-VALUE {key} to"));
                if !digests.starts_with("(error)") {
                    let (one, other) = digests.split_once(", ").unwrap_or_default();
                    assert_eq!(one.trim_matches('['), other.trim_matches(']'), "{key}");
                }
            }
            assert_eq!(kit.run("ZRANGE to 0 -1"), "[\"a\", \"b\", \"c\"]");
        }
    }

    #[test]
    fn streams_come_back() {
        let mut kit = Kit::new();
        kit.run("XADD stream 1-1 f v");
        kit.run("XADD stream 1-2 f w");
        kit.run("XGROUP CREATE stream g 0");
        kit.run("XREADGROUP GROUP g c COUNT 1 STREAMS stream >");
        let payload = dumped(&mut kit, b"stream");
        assert_eq!(restored(&mut kit, "0", &payload, &[]), "OK");
        for line in ["XRANGE K - +", "XINFO STREAM K FULL", "XPENDING K g"] {
            let told = |key: &str| line.replace('K', key);
            assert_eq!(kit.run(&told("to")), kit.run(&told("stream")), "{line}");
        }
    }

    #[test]
    fn options_say_when_it_expires_and_how_it_was_used() {
        let mut kit = Kit::new();
        kit.run("SET s hello");
        let payload = dumped(&mut kit, b"s");
        assert_eq!(restored(&mut kit, "5000", &payload, &[]), "OK");
        assert_eq!(kit.run("PTTL to"), "(integer) 5000");
        let busy = "(error) BUSYKEY Target key name already exists.";
        assert_eq!(restored(&mut kit, "0", &payload, &[]), busy);
        let at = alloc::format!("{}", crate::testkit::START_MS + 7000);
        assert_eq!(
            restored(&mut kit, &at, &payload, &["absttl", "replace"]),
            "OK"
        );
        assert_eq!(kit.run("PTTL to"), "(integer) 7000");
        assert_eq!(
            restored(&mut kit, "1", &payload, &["ABSTTL", "REPLACE"]),
            "OK"
        );
        assert_eq!(kit.run("EXISTS to"), "(integer) 0");
        assert_eq!(
            restored(&mut kit, "0", &payload, &["IDLETIME", "1000"]),
            "OK"
        );
        assert_eq!(kit.run("OBJECT IDLETIME to"), "(integer) 1000");
        kit.run("CONFIG SET maxmemory-policy allkeys-lfu");
        assert_eq!(
            restored(&mut kit, "0", &payload, &["REPLACE", "FREQ", "100"]),
            "OK"
        );
        assert_eq!(kit.run("OBJECT FREQ to"), "(integer) 100");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mut kit = Kit::new();
        kit.run("SET s hello");
        let payload = dumped(&mut kit, b"s");
        let footer = "(error) ERR DUMP payload version or checksum are wrong";
        let format = "(error) ERR Bad data format";
        for (ttl, options, error) in [
            (
                "x",
                &[][..],
                "(error) ERR value is not an integer or out of range",
            ),
            ("-1", &[], "(error) ERR Invalid TTL value, must be >= 0"),
            ("0", &["NONE"], "(error) ERR syntax error"),
            ("0", &["IDLETIME"], "(error) ERR syntax error"),
            (
                "0",
                &["IDLETIME", "1", "FREQ", "1"],
                "(error) ERR syntax error",
            ),
            (
                "0",
                &["IDLETIME", "-1"],
                "(error) ERR Invalid IDLETIME value, must be >= 0",
            ),
            (
                "0",
                &["FREQ", "256"],
                "(error) ERR Invalid FREQ value, must be >= 0 and <= 255",
            ),
        ] {
            assert_eq!(
                restored(&mut kit, ttl, &payload, options),
                error,
                "{ttl} {options:?}"
            );
        }
        assert_eq!(restored(&mut kit, "0", b"", &[]), footer);
        let mut other = payload.clone();
        other[2] ^= 1;
        assert_eq!(restored(&mut kit, "0", &other, &[]), footer);
        let mut zero = payload.clone();
        let checksum = zero.len() - 8;
        zero[checksum..].fill(0);
        assert_eq!(restored(&mut kit, "0", &zero, &["REPLACE"]), footer);
        kit.engine.dump_checksum = vk_rdb::Checksum::Ignored;
        for version in [12, 79, 81] {
            let mut other = payload.clone();
            let at = other.len() - 10;
            other[at] = version;
            assert_eq!(restored(&mut kit, "0", &other, &[]), footer);
        }
        let mut broken = payload;
        let checksum = broken.len() - 8;
        broken[checksum..].fill(0);
        assert_eq!(restored(&mut kit, "0", &broken, &["REPLACE"]), "OK");
        broken[1] = 60;
        assert_eq!(restored(&mut kit, "0", &broken, &["REPLACE"]), format);
        assert_eq!(kit.run("GET to"), "\"hello\"");
    }

    #[test]
    fn effects_have_absolute_times() {
        let mut kit = Kit::new();
        kit.run("SET s 1");
        let payload = dumped(&mut kit, b"s");
        kit.engine.set_effects_wanted(true);
        let mut effects = crate::EffectBuf::default();
        let mut of = |kit: &mut Kit, ttl: &str, options: &[&str]| {
            kit.engine.take_effects(&mut effects);
            effects.bytes.clear();
            restored(kit, ttl, &payload, options);
            kit.engine.take_effects(&mut effects);
            alloc::string::String::from_utf8_lossy(&effects.bytes).into_owned()
        };
        let at = alloc::format!("{}", crate::testkit::START_MS + 5000);
        let effect = of(&mut kit, "5000", &[]);
        assert!(
            effect.contains(&at) && effect.ends_with("ABSTTL\r\n"),
            "{effect}"
        );
        let effect = of(&mut kit, "1", &["ABSTTL", "REPLACE"]);
        assert_eq!(effect, "*2\r\n$6\r\nUNLINK\r\n$2\r\nto\r\n");
        assert_eq!(of(&mut kit, "1", &["ABSTTL", "REPLACE"]), "");
    }
}
