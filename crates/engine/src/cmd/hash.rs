//! Commands on hashes: fields with values, each of which may expire on its own.
//!
//! Here is what the families of this group share. The commands themselves are in the files below.

mod count;
mod expire;
mod fields;
mod options;
mod random;
mod read;
mod scan;
mod together;
mod ttl;
mod write;

use alloc::vec::Vec;

use vk_data::{
    hash::{
        FieldExpire, FieldValue, HashBuilder, HashLimits, HashMut, HashRef, NOTHING_EXPIRES_MS, Put,
    },
    value::StrRef,
};
use vk_resp::{ReplyBuf, Request};

use super::Command;
use crate::{
    Engine, Error,
    config::{EventFlags, id},
    ctx::{Ctx, Expire, Origin, WriteCtx, Writer},
};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    read::HGET,
    write::HSET,
    read::HGETALL,
    read::HMGET,
    count::HINCRBY,
    write::HDEL,
    read::HEXISTS,
    expire::HEXPIRE,
    expire::HEXPIREAT,
    ttl::HEXPIRETIME,
    together::HGETDEL,
    together::HGETEX,
    count::HINCRBYFLOAT,
    read::HKEYS,
    read::HLEN,
    write::HMSET,
    expire::HPERSIST,
    expire::HPEXPIRE,
    expire::HPEXPIREAT,
    ttl::HPEXPIRETIME,
    ttl::HPTTL,
    random::HRANDFIELD,
    scan::HSCAN,
    together::HSETEX,
    write::HSETNX,
    read::HSTRLEN,
    ttl::HTTL,
    read::HVALS,
];

/// The event of fields that were found to have expired.
const EXPIRED: (EventFlags, &str) = (EventFlags::HASH, "hexpired");
/// The event of a key whose last field went.
const GONE: (EventFlags, &str) = (EventFlags::GENERIC, "del");

/// The time that decides whether a field has expired. Effects are decided already: for them every
/// field that is stored counts.
fn now_ms(ctx: &Ctx<'_>) -> i64 {
    if ctx.origin == Origin::Replay {
        NOTHING_EXPIRES_MS
    } else {
        ctx.now_ms()
    }
}

/// Up to where a hash is a listpack.
pub(in crate::cmd) fn limits(ctx: &Ctx<'_>) -> HashLimits {
    limits_of(ctx.engine)
}

/// As [`limits`], outside of any request.
pub(in crate::cmd) fn limits_of(engine: &Engine) -> HashLimits {
    let config = &engine.config;
    let size = |id| usize::try_from(config.size(id)).unwrap_or(usize::MAX);
    HashLimits {
        entries: size(id::HASH_MAX_LISTPACK_ENTRIES),
        value_bytes: size(id::HASH_MAX_LISTPACK_VALUE),
        seed: engine.dbs.seed(),
    }
    .bounded()
}

/// The value in a word of a request; a big one that arrived in its own allocation is adopted.
fn field_value(request: Request<'_>, word: usize) -> FieldValue<'_> {
    match request.blob(word) {
        Some(blob) => FieldValue::Blob(blob),
        None => FieldValue::Bytes(request.arg(word).unwrap_or_default()),
    }
}

/// Tells a name or a value; a big one goes out by reference.
#[inline]
fn tell(reply: &mut ReplyBuf, text: StrRef<'_>) {
    match text {
        StrRef::Int(number) => reply.bulk_int(number),
        StrRef::Bytes(bytes) => reply.bulk(bytes),
        StrRef::Blob(blob) => reply.blob(blob, 0..blob.len()),
    }
}

/// As [`tell`], or the null.
fn tell_or_null(reply: &mut ReplyBuf, text: Option<StrRef<'_>>) {
    match text {
        Some(text) => tell(reply, text),
        None => reply.null(),
    }
}

/// A number of things as a reply's number.
fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Changes a hash that is there.
fn edit<R>(writer: &mut Writer<'_>, change: impl FnOnce(&mut HashMut<'_>) -> R) -> Option<R> {
    let mut entry = writer.modify()?;
    let mut hash = entry.body_mut().and_then(HashMut::of)?;
    Some(change(&mut hash))
}

/// Sets the fields and values from word `from` of a request on. Tells how many fields are new, and
/// which of them had expired before.
fn set_pairs<'r>(
    writer: &mut Writer<'_>,
    (request, from): (Request<'r>, usize),
    expire: FieldExpire,
    now_ms: i64,
    limits: &HashLimits,
) -> Result<(usize, Vec<&'r [u8]>), Error> {
    let pairs = request.len().saturating_sub(from) / 2;
    let words = (from..request.len()).step_by(2);
    let (mut added, mut over_expired) = (0, Vec::new());
    let mut count = |name, put| match put {
        Put::Added => added += 1,
        Put::AddedOverExpired => {
            added += 1;
            over_expired.push(name);
        }
        Put::Updated => {}
    };
    if writer.view::<HashRef<'_>>()?.is_none() {
        let bytes = request.skip(from).iter().map(<[u8]>::len).sum();
        let mut hash = HashBuilder::new(*limits, pairs, bytes);
        for word in words {
            let name = request.arg(word).unwrap_or_default();
            count(name, hash.set(name, field_value(request, word + 1), expire));
        }
        writer.put(hash.finish(), Expire::Never);
    } else {
        edit(writer, |hash| {
            hash.prepare(pairs, limits);
            for word in words {
                let name = request.arg(word).unwrap_or_default();
                let value = field_value(request, word + 1);
                count(name, hash.set(name, value, expire, now_ms, limits));
            }
        });
    }
    Ok((added, over_expired))
}

/// Counts fields that a command found to have expired, or made expire at once.
fn count_expired(ctx: &mut WriteCtx<'_>, fields: usize) {
    let count = &mut ctx.engine.stats.expired_fields;
    *count = count.saturating_add(fields as u64);
}

/// Ends a change that has removed fields: the key goes with the last of them.
fn commit_removal(mut writer: Writer<'_>, event: (EventFlags, &'static str)) {
    if writer.remove_if_empty() {
        writer.commit(&[event, GONE]);
    } else {
        writer.commit(&[event]);
    }
}

/// Hands on an effect: `head`, then the names of fields.
fn effect(ctx: &mut WriteCtx<'_>, head: &[&[u8]], names: &[&[u8]]) {
    let words: Vec<&[u8]> = head.iter().chain(names).copied().collect();
    ctx.effect_words(words.iter().copied());
}

/// As [`effect`], with the names behind FIELDS and their number.
fn effect_fields(ctx: &mut WriteCtx<'_>, head: &[&[u8]], names: &[&[u8]]) {
    let mut digits = itoa::Buffer::new();
    let count = digits.format(names.len()).as_bytes();
    let mut words: Vec<&[u8]> = head.to_vec();
    words.extend([b"FIELDS".as_slice(), count]);
    effect(ctx, &words, names);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use alloc::{format, string::String, vec, vec::Vec};

    use proptest::prelude::*;
    use vk_data::{hash::HashRef, num::INT_TEXT_MAX, value::View};

    use crate::{
        EffectBuf,
        testkit::{Kit, START_MS},
    };

    /// Everything that is stored under `h`, in the order of the names.
    fn stored(kit: &Kit) -> Vec<(Vec<u8>, Vec<u8>, Option<i64>)> {
        let (dbs, mut all) = (&kit.engine.dbs, Vec::new());
        let db = dbs.db(0).unwrap();
        let Some(entry) = db.find(dbs.seed().hash(b"h"), b"h") else {
            return all;
        };
        HashRef::of(entry)
            .unwrap()
            .for_each_stored(&mut |name, value, at| {
                let (mut a, mut b) = ([0; INT_TEXT_MAX], [0; INT_TEXT_MAX]);
                all.push((name.bytes(&mut a).into(), value.bytes(&mut b).into(), at));
            });
        all.sort_unstable();
        all
    }

    /// Runs what `kit` hands on at another machine.
    fn replay(kit: &mut Kit, copy: &mut Kit) {
        let mut effects = EffectBuf::default();
        kit.engine.take_effects(&mut effects);
        copy.replay_all(&effects);
    }

    fn line() -> impl Strategy<Value = String> {
        let field = || prop::sample::select(&["a", "b", "c", "d", "7"][..]);
        let time = || -2..30_i64;
        let condition = || prop::sample::select(&["", " NX", " XX", " GT", " LT", " XX GT"][..]);
        let options = prop::sample::select(
            &[
                "",
                " FNX",
                " FXX",
                " NX",
                " XX FNX",
                " KEEPTTL",
                " PX 9",
                " PX 0",
                " FXX PX 20",
            ][..],
        );
        let expiry = prop::sample::select(&["", " PX 9", " PX 0", " PERSIST", " EX 1"][..]);
        prop_oneof![
            3 => (field(), field(), 0..9).prop_map(|(f, g, v)| format!("HSET h {f} {v} {g} x")),
            1 => field().prop_map(|f| format!("HSETNX h {f} new")),
            2 => (field(), field()).prop_map(|(f, g)| format!("HDEL h {f} {g}")),
            1 => field().prop_map(|f| format!("HINCRBY h {f} 3")),
            1 => field().prop_map(|f| format!("HINCRBYFLOAT h {f} 0.25")),
            3 => (field(), field(), time(), condition())
                .prop_map(|(f, g, t, c)| format!("HPEXPIRE h {t}{c} FIELDS 2 {f} {g}")),
            1 => (field(), time())
                .prop_map(|(f, t)| format!("HPEXPIREAT h {} FIELDS 1 {f}", START_MS + t)),
            1 => (field(), field()).prop_map(|(f, g)| format!("HPERSIST h FIELDS 2 {f} {g}")),
            3 => (field(), field(), options)
                .prop_map(|(f, g, o)| format!("HSETEX h{o} FIELDS 2 {f} 1 {g} 2")),
            2 => (field(), field(), expiry)
                .prop_map(|(f, g, e)| format!("HGETEX h{e} FIELDS 2 {f} {g}")),
            1 => (field(), field()).prop_map(|(f, g)| format!("HGETDEL h FIELDS 2 {f} {g}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 400,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn effects_make_the_same_hash_at_any_time(
            steps in prop::collection::vec((line(), 0..4_i64), 1..40),
            lead in prop::sample::select(&[-1_000_000, 0, 1_000_000][..]),
        ) {
            let (mut kit, mut copy) = (Kit::new(), Kit::new());
            kit.engine.set_effects_wanted(true);
            // What is repeated later, or by a clock that runs ahead, expires nothing by itself.
            copy.sleep_ms(lead);
            for (line, ms) in steps {
                kit.run(&line);
                replay(&mut kit, &mut copy);
                prop_assert_eq!(stored(&kit), stored(&copy), "{}", line);
                kit.sleep_ms(ms);
            }
        }
    }
}
