//! DEBUG subcommands that look at keys and databases, or make some.

use alloc::{format, string::String};
use core::fmt::Write as _;

use vk_data::{
    entry::DbEntry,
    list::Node,
    num::parse_i64,
    pack::Body,
    value::{NewValue, Object},
};
use vk_rdb::{Compression, Writer, save};
use vk_resp::{ReplyBuf, Request};
use vk_spec::KeyFlags;

use crate::{
    Error,
    access::KeyRef,
    config::id,
    ctx::{Ctx, Expire, ReadCtx, SessionCtx, WriteCtx},
    engine::value_digest,
};

/// Bytes of a fingerprint that are shown.
const DIGEST_BYTES: usize = 20;

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(DIGEST_BYTES) {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The entry of a key of the session's database, expired or not.
pub(super) fn find<'c>(
    ctx: &'c mut SessionCtx<'_>,
    key: &[u8],
) -> Result<Option<&'c DbEntry>, Error> {
    let key = ctx.authorize_derived(key, KeyFlags::RO)?;
    Ok(ctx.engine().dbs.find(&key))
}

pub(super) fn digest(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.simple(&hex(&ctx.engine().digest().0));
    Ok(())
}

pub(super) fn digest_value(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    reply.array(request.len().saturating_sub(2));
    for key in request.iter().skip(2) {
        let digest = find(ctx, key)?.map_or([0; 32], value_digest);
        reply.simple(&hex(&digest));
    }
    Ok(())
}

pub(super) fn object(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let is_fast = request
        .arg(3)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"fast"));
    let entry = find(ctx, request.arg(2).unwrap_or_default())?.ok_or(Error::NO_SUCH_KEY)?;
    let (access, encoding) = (entry.access(), entry.encoding().name());
    // Addresses are told to nobody: they would undo the randomisation of the address space.
    let mut text = format!("Value at:0x0 refcount:1 encoding:{encoding}");
    if !is_fast {
        let _ = write!(text, " serializedlength:{}", serialized_bytes(entry));
    }
    let nodes = list_nodes(entry);
    let engine = ctx.engine();
    let bits = access.bits();
    let _ = write!(
        text,
        " lru:{bits} lru_seconds_idle:{} lfu_freq:{} lfu_access_time_minutes:{}",
        engine.idle_ms(access) / 1000,
        engine.lfu_counter(access),
        bits >> 8
    );
    if let Some((nodes, items, bytes)) = nodes {
        let fill = engine.config.int(id::LIST_MAX_LISTPACK_SIZE);
        let compressed = i64::from(engine.config.int(id::LIST_COMPRESS_DEPTH) > 0);
        let mean = items as f64 / nodes.max(1) as f64;
        let _ = write!(
            text,
            " ql_nodes:{nodes} ql_avg_node:{mean:.2} ql_listpack_max:{fill} \
             ql_compressed:{compressed} ql_uncompressed_size:{bytes}"
        );
    }
    reply.simple(&text);
    Ok(())
}

/// Nodes, elements and bytes of a list of several nodes.
fn list_nodes(entry: &DbEntry) -> Option<(usize, usize, usize)> {
    match entry.body()? {
        Body::Object(Object::List(list)) => {
            let bytes = list.nodes().map(node_bytes).sum();
            Some((list.nodes().count(), list.len(), bytes))
        }
        _ => None,
    }
}

fn node_bytes(node: Node<'_>) -> usize {
    match node {
        Node::Packed(pack, _) => pack.byte_len(),
        Node::Plain(element) => element.len(),
    }
}

/// What the value takes in a snapshot that is not compressed.
fn serialized_bytes(entry: &DbEntry) -> usize {
    let mut writer = Writer::new(Compression::None);
    save(entry, &mut writer);
    writer.bytes().len()
}

pub(super) fn htstats(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let index = parse_i64(request.arg(2).unwrap_or_default()).ok_or(Error::NOT_AN_INTEGER)?;
    let engine = ctx.engine();
    let db = u32::try_from(index).ok().and_then(|at| engine.dbs.db(at));
    let db = db.ok_or(Error::DEBUG_DB_OUT_OF_RANGE)?;
    let stats = db.stats();
    let text = format!(
        "[Dictionary HT]\n number of elements: {}\n number of elements that expire: {}\n \
         segments: {}\n bytes of segments and directory: {}\n splits: {}\n enlargements: {}\n \
         merges: {}\n",
        db.len(),
        db.volatile_len(),
        db.segments(),
        db.table_bytes(),
        stats.splits,
        stats.enlargements,
        stats.merges,
    );
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

pub(super) fn htstats_key(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    find(ctx, request.arg(2).unwrap_or_default())?.ok_or(Error::NO_SUCH_KEY)?;
    // No type of value that is built holds a table.
    Err(Error::DEBUG_NO_HASH_TABLE)
}

/// Sizes of the work of POPULATE.
struct Populate<'r> {
    count: u64,
    prefix: &'r [u8],
    /// Size of the values; 0 for the shortest.
    value_bytes: usize,
}

impl<'r> Populate<'r> {
    fn parse(request: Request<'r>) -> Result<Self, Error> {
        let number = |at| match request.arg(at) {
            None => Ok(0),
            Some(word) => parse_i64(word)
                .and_then(|n| u64::try_from(n).ok())
                .ok_or(Error::NOT_POSITIVE),
        };
        Ok(Self {
            count: number(2)?,
            prefix: request.arg(3).unwrap_or(b"key"),
            value_bytes: usize::try_from(number(4)?).unwrap_or(usize::MAX),
        })
    }
}

pub(super) fn populate(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let Populate {
        count,
        prefix,
        value_bytes,
    } = Populate::parse(request)?;
    let most = ctx.config().size(id::PROTO_MAX_BULK_LEN);
    if value_bytes as u64 > most {
        return Err(Error::STRING_TOO_LONG);
    }
    let (session, db, command, origin) = (ctx.session, ctx.db, ctx.command, ctx.origin);
    let seed = ctx.engine().dbs.seed();
    let mut writer = WriteCtx(ReadCtx(Ctx {
        engine: &mut *ctx.base.engine,
        host: &mut *ctx.base.host,
        session,
        db,
        command,
        origin,
        keys: &[],
    }));
    for number in 0..count {
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        let key = KeyRef::new(db, &key, seed.hash(&key), KeyFlags::OW);
        let mut value = format!("value:{number}").into_bytes();
        if value_bytes > 0 {
            value.resize(value_bytes, 0);
        }
        let mut entry = writer.write(key);
        if entry.entry().is_some() {
            continue;
        }
        entry.put(NewValue::Bytes(&value), Expire::Never);
        entry.commit(&[]);
        if writer.wants_effects() {
            writer.effect([b"SET", key.bytes(), &value]);
        }
    }
    reply.ok();
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use vk_data::{entry::DbEntry, value::NewValue};
    use vk_mem::Access;

    use super::serialized_bytes;
    use crate::{EffectBuf, testkit::Kit};

    #[test]
    fn populates_what_is_missing() {
        let mut kit = Kit::with_debug();
        kit.engine.set_effects_wanted(true);
        assert_eq!(kit.run("DEBUG POPULATE 2 k 3"), "OK");
        assert_eq!(kit.run("DEBUG POPULATE 3 k 20"), "OK");
        let mut effects = EffectBuf::default();
        kit.engine.take_effects(&mut effects);
        assert_eq!(effects.groups.iter().map(|g| g.count).sum::<u32>(), 3);
        assert_eq!(kit.engine.dbs.keys(), 3);
        let value = kit.engine.dbs.db(0).unwrap();
        let hash = value.hash(b"k:0");
        assert_eq!(
            value.find(hash, b"k:0").unwrap().str().unwrap().byte_len(),
            3
        );
        assert!(kit.run("DEBUG POPULATE -1").contains("must be positive"));
        assert!(kit.run("DEBUG POPULATE x").contains("must be positive"));
    }

    #[test]
    fn fingerprints() {
        let mut kit = Kit::with_debug();
        let zeros = "0".repeat(40);
        assert_eq!(kit.run("DEBUG DIGEST"), zeros);
        kit.run("DEBUG POPULATE 1 a");
        kit.run("DEBUG POPULATE 1 b");
        let digest = kit.run("DEBUG DIGEST");
        assert!(digest.len() == 40 && digest != zeros);
        let values = kit.run("DEBUG DIGEST-VALUE a:0 b:0 none");
        let values: alloc::vec::Vec<&str> = values.trim_matches(['[', ']']).split(", ").collect();
        assert_eq!(values[0], values[1]);
        assert_eq!(values[2], zeros);
        assert_ne!(values[0], zeros);
        assert_eq!(kit.run("DEBUG DIGEST-VALUE"), "[]");
    }

    #[test]
    fn objects_and_tables() {
        let mut kit = Kit::with_debug();
        kit.run("DEBUG POPULATE 1");
        let object = kit.run("DEBUG OBJECT key:0");
        assert!(
            object.starts_with("Value at:0x0 refcount:1 encoding:embstr serializedlength:8 lru:"),
            "{object}"
        );
        assert!(
            !kit.run("DEBUG OBJECT key:0 fast")
                .contains("serializedlength")
        );
        assert_eq!(kit.run("DEBUG OBJECT none"), "(error) ERR no such key");
        assert!(
            kit.run("DEBUG HTSTATS 0")
                .contains("number of elements: 1\n")
        );
        assert_eq!(
            kit.run("DEBUG HTSTATS 99"),
            "(error) ERR Out of range database"
        );
        assert!(
            kit.run("DEBUG HTSTATS-KEY key:0")
                .contains("not represented")
        );
        assert_eq!(kit.run("DEBUG HTSTATS-KEY x"), "(error) ERR no such key");
    }

    #[test]
    fn serialized_lengths() {
        let length = |value: NewValue<'_>| {
            serialized_bytes(&DbEntry::new(b"k", value, None, Access::from_bits(0)))
        };
        assert_eq!(length(NewValue::Int(-128)), 2);
        assert_eq!(length(NewValue::Int(128)), 3);
        assert_eq!(length(NewValue::Int(40_000)), 5);
        assert_eq!(length(NewValue::Int(3_000_000_000)), 11);
        assert_eq!(length(NewValue::Bytes(b"12")), 2);
        assert_eq!(length(NewValue::Bytes(b"")), 1);
        assert_eq!(length(NewValue::Bytes(&[b'x'; 64])), 66);
        assert_eq!(length(NewValue::Bytes(&[b'x'; 20_000])), 20_005);
    }
}
