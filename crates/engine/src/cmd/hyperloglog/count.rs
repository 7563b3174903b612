//! Counting distinct elements: PFADD, PFCOUNT, PFMERGE.

use smallvec::SmallVec;
use vk_data::{
    hll::{Hll, HllBuf, HllEncoding, Registers, add_dense, store_count},
    num::INT_TEXT_MAX,
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::sparse_bytes_max;
use crate::{
    Error,
    access::KeyRef,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Ctx, Expire, ReadCtx, WriteCtx, Writer},
};

pub(super) const PFADD: Command = Command {
    spec: CommandSpec {
        name: "pfadd",
        group: Group::HyperLogLog,
        since: "2.8.9",
        summary: "Adds elements to a HyperLogLog, which is made if it is not there.",
        complexity: "O(1) for each element",
        arity: -2,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::HYPERLOGLOG,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("element").multiple().optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(pfadd),
};

pub(super) const PFCOUNT: Command = Command {
    spec: CommandSpec {
        name: "pfcount",
        group: Group::HyperLogLog,
        since: "2.8.9",
        summary: "Estimates how many distinct elements HyperLogLogs have seen.",
        complexity: "O(1) for one key, O(N) with a large constant for N keys",
        arity: -2,
        flags: Flags::MAY_REPLICATE,
        categories: Categories::HYPERLOGLOG,
        keys: &[
            KeySpec::range(1, -1, 1, KeyFlags::RW.union(KeyFlags::ACCESS))
                .note("The estimate is kept inside of the value, which changes it."),
        ],
        args: &[ArgSpec::key("key", 0).multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Read(pfcount),
};

pub(super) const PFMERGE: Command = Command {
    spec: CommandSpec {
        name: "pfmerge",
        group: Group::HyperLogLog,
        since: "2.8.9",
        summary: "Joins HyperLogLogs to one, the target's own included.",
        complexity: "O(N) with a large constant for N HyperLogLogs",
        arity: -2,
        flags: Flags::DENYOOM,
        categories: Categories::HYPERLOGLOG,
        keys: &[
            KeySpec::one(
                1,
                KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::INSERT),
            ),
            KeySpec::range(2, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::key("destkey", 0),
            ArgSpec::key("sourcekey", 1).multiple().optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(pfmerge),
};

const ADDED: &[(EventFlags, &str)] = &[(EventFlags::STRING, "pfadd")];

fn pfadd(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let limit = sparse_bytes_max(ctx);
    let mut elements = request.skip(2).iter();
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let changed = match writer.string()? {
        None => {
            let mut hll = HllBuf::new();
            hll.invalidate();
            for element in elements {
                hll.add(element, limit);
            }
            writer.put(NewValue::Raw(hll.bytes()), Expire::Never);
            true
        }
        Some(value) => {
            let mut text = [0; INT_TEXT_MAX];
            let hll = Hll::new(value.bytes(&mut text))?;
            match elements.find(|element| hll.lacks(element)) {
                None => false,
                Some(first) => {
                    let rest = core::iter::once(first).chain(elements);
                    if hll.encoding() == HllEncoding::Dense {
                        let len = value.byte_len();
                        let all = 0..len;
                        writer.update_bytes(len, &[all], |bytes| {
                            add_dense(bytes, rest);
                        });
                    } else {
                        let mut hll = HllBuf::of(hll);
                        for element in rest {
                            hll.add(element, limit);
                        }
                        replace(&mut writer, &hll);
                    }
                    true
                }
            }
        }
    };
    if changed {
        writer.commit(ADDED);
    }
    reply.int(changed.into());
    Ok(())
}

/// Puts other bytes in the place of the string that is there; its expiry stays.
pub(super) fn replace(writer: &mut Writer<'_>, hll: &HllBuf) {
    let bytes = hll.bytes();
    let all = 0..bytes.len();
    writer.update_bytes(bytes.len(), &[all], |place| place.copy_from_slice(bytes));
}

fn pfcount(
    ctx: &mut ReadCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let count = match ctx.keys() {
        [key] => count_one(ctx, *key)?,
        keys => union(ctx, keys)?.0.count()?,
    };
    reply.int(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

/// The estimate of one key: the one that was kept, or else a new one, which is kept from now on.
fn count_one(ctx: &mut ReadCtx<'_>, key: KeyRef<'_>) -> Result<u64, Error> {
    let Some(value) = ctx.string(key)? else {
        return Ok(0);
    };
    let mut text = [0; INT_TEXT_MAX];
    let hll = Hll::new(value.bytes(&mut text))?;
    if let Some(count) = hll.cached_count() {
        return Ok(count);
    }
    let count = hll.count()?;
    let mut ctx = for_refresh(ctx);
    let mut writer = ctx.write(key);
    if let Some(len) = writer.string()?.map(StrRef::byte_len) {
        let all = 0..len;
        writer.update_bytes(len, &[all], |bytes| store_count(bytes, count));
        // The bytes are different now, so copies of the data must follow.
        writer.commit(&[]);
    }
    Ok(count)
}

/// The same context, for the one change that a reading command makes: the estimate that it has
/// computed is written into the value.
fn for_refresh<'a>(ctx: &'a mut ReadCtx<'_>) -> WriteCtx<'a> {
    let ctx = &mut ctx.0;
    WriteCtx(ReadCtx(Ctx {
        engine: &mut *ctx.engine,
        host: &mut *ctx.host,
        session: ctx.session,
        db: ctx.db,
        command: ctx.command,
        origin: ctx.origin,
        keys: ctx.keys,
    }))
}

/// The registers of all keys together, and whether one of them is dense.
fn union(ctx: &mut ReadCtx<'_>, keys: &[KeyRef<'_>]) -> Result<(Registers, bool), Error> {
    let mut registers = Registers::new();
    let mut is_dense = false;
    for key in keys {
        if let Some(value) = ctx.string(*key)? {
            let mut text = [0; INT_TEXT_MAX];
            let hll = Hll::new(value.bytes(&mut text))?;
            is_dense |= hll.encoding() == HllEncoding::Dense;
            registers.merge(hll);
        }
    }
    Ok((registers, is_dense))
}

fn pfmerge(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let limit = sparse_bytes_max(ctx);
    let target = match ctx.key(0) {
        Ok(target) => target,
        // Without sources the key specs do not fit, and nothing was authorised yet.
        Err(_) => {
            let flags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::INSERT);
            ctx.authorize_derived(request.arg(1).unwrap_or_default(), flags)?
        }
    };
    let sources = ctx.keys().get(1..).unwrap_or_default();
    let keys: SmallVec<[KeyRef<'_>; 4]> =
        core::iter::once(&target).chain(sources).copied().collect();
    let (registers, is_dense) = union(ctx, &keys)?;
    let mut writer = ctx.write(target);
    let mut text = [0; INT_TEXT_MAX];
    let old = writer
        .string()?
        .map(|value| Hll::new(value.bytes(&mut text)))
        .transpose()?;
    let is_new = old.is_none();
    let mut hll = old.map_or_else(HllBuf::new, HllBuf::of);
    if is_dense {
        hll.make_dense();
    }
    hll.raise_all(&registers, limit);
    if is_new {
        writer.put(NewValue::Raw(hll.bytes()), Expire::Never);
    } else {
        replace(&mut writer, &hll);
    }
    writer.commit(ADDED);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn elements_are_counted() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("PFADD k"), "(integer) 1");
        assert_eq!(kit.run("PFADD k"), "(integer) 0");
        assert_eq!(kit.run("PFCOUNT k"), "(integer) 0");
        assert_eq!(kit.run("PFADD k a b c"), "(integer) 1");
        assert_eq!(kit.run("PFADD k a b c"), "(integer) 0");
        assert_eq!(kit.run("PFCOUNT k"), "(integer) 3");
        assert_eq!(kit.run("PFADD l c d"), "(integer) 1");
        assert_eq!(kit.run("PFCOUNT k l none"), "(integer) 4");
        assert_eq!(kit.run("PFMERGE m k l none"), "OK");
        assert_eq!(kit.run("PFCOUNT m"), "(integer) 4");
        assert_eq!(kit.run("PFMERGE m"), "OK");
        assert_eq!(kit.run("PFMERGE fresh"), "OK");
        assert_eq!(kit.run("PFCOUNT fresh"), "(integer) 0");
        assert_eq!(kit.run("PFCOUNT none"), "(integer) 0");
        assert_eq!(kit.run("EXISTS none"), "(integer) 0");
    }

    #[test]
    fn the_estimate_is_kept_in_the_value() {
        let mut kit = Kit::new();
        kit.run("PFADD k a");
        assert_eq!(effects_of(&mut kit, "PFCOUNT k"), "PFCOUNT k");
        assert_eq!(effects_of(&mut kit, "PFCOUNT k"), "");
        assert_eq!(effects_of(&mut kit, "PFADD k a"), "");
        assert_eq!(effects_of(&mut kit, "PFADD k b"), "PFADD k b");
        assert_eq!(kit.run("PFCOUNT k"), "(integer) 2");
    }

    #[test]
    fn they_become_dense_and_keep_their_expiry() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET hll-sparse-max-bytes 30");
        kit.run("PFADD k a");
        kit.run("EXPIRE k 100");
        assert_eq!(kit.run("PFDEBUG ENCODING k"), "sparse");
        for element in 0..20 {
            kit.run(&format!("PFADD k {element}"));
        }
        assert_eq!(kit.run("PFDEBUG ENCODING k"), "dense");
        assert_eq!(kit.run("STRLEN k"), "(integer) 12304");
        assert_eq!(kit.run("PFCOUNT k"), "(integer) 21");
        assert_eq!(kit.run("TTL k"), "(integer) 100");
        kit.run("CONFIG SET hll-sparse-max-bytes 3000");
        kit.run("PFADD l x");
        kit.run("PFMERGE l k");
        assert_eq!(kit.run("PFDEBUG ENCODING l"), "dense");
        assert_eq!(kit.run("PFCOUNT l"), "(integer) 22");
        assert_eq!(kit.run("PFADD l x 1"), "(integer) 0");
        assert_eq!(kit.run("PFADD l y"), "(integer) 1");
        assert_eq!(kit.run("PFCOUNT l"), "(integer) 23");
    }

    #[test]
    fn other_strings_are_refused() {
        let mut kit = Kit::new();
        let none = "(error) WRONGTYPE Key is not a valid HyperLogLog string value.";
        let broken = "(error) INVALIDOBJ Corrupted HLL object detected";
        kit.run("SET int 12");
        kit.run("SET text HYLLhello");
        kit.run("PFADD broken a b c");
        kit.run("APPEND broken hello");
        for (key, error) in [("int", none), ("text", none), ("broken", broken)] {
            for line in [
                "PFADD K x",
                "PFCOUNT K",
                "PFCOUNT K K",
                "PFMERGE K",
                "PFMERGE t K",
            ] {
                assert_eq!(kit.run(&line.replace('K', key)), error, "{line}");
            }
        }
        assert_eq!(kit.run("EXISTS t"), "(integer) 0");
    }
}
