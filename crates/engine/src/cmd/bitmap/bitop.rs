//! Combining strings bit by bit: BITOP.

use alloc::vec::Vec;

use smallvec::SmallVec;
use vk_data::{
    bits::{self, Operation},
    entry::EMBEDDED_BYTES_MAX,
    num::INT_TEXT_MAX,
    value::{NewValue, StrRef},
};
use vk_resp::{Blob, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::number;
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, WriteCtx},
};

pub(super) const BITOP: Command = Command {
    spec: CommandSpec {
        name: "bitop",
        group: Group::Bitmap,
        since: "2.6.0",
        summary: "Combines strings bit by bit and stores the result.",
        complexity: "O(N) where N is the number of bytes of all strings",
        arity: -4,
        flags: Flags::DENYOOM,
        categories: Categories::BITMAP,
        keys: &[
            KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
            KeySpec::range(3, -1, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::one_of(
                "operation",
                &[
                    ArgSpec::pure_token("and", "AND"),
                    ArgSpec::pure_token("or", "OR"),
                    ArgSpec::pure_token("xor", "XOR"),
                    ArgSpec::pure_token("not", "NOT"),
                ],
            ),
            ArgSpec::key("destkey", 0),
            ArgSpec::key("key", 1).multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(bitop),
};

/// A string that outlives the look at its key: a big one is shared, a small one copied.
enum Source {
    Small(SmallVec<[u8; 64]>),
    Big(Blob),
}

impl Source {
    fn of(value: Option<StrRef<'_>>) -> Self {
        match value {
            None => Self::Small(SmallVec::new()),
            Some(StrRef::Blob(blob)) => Self::Big(blob.clone()),
            Some(small) => Self::Small(small.bytes(&mut [0; INT_TEXT_MAX]).into()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Big(blob) => blob,
        }
    }
}

fn operation(word: &[u8]) -> Option<Operation> {
    let names = [
        ("and", Operation::And),
        ("or", Operation::Or),
        ("xor", Operation::Xor),
        ("not", Operation::Not),
    ];
    let named = names
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|(_, operation)| *operation)
}

fn bitop(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let operation = request.arg(1).and_then(operation).ok_or(Error::SYNTAX)?;
    let target = ctx.key(0)?;
    let keys = ctx.keys().get(1..).unwrap_or_default();
    if operation == Operation::Not && keys.len() != 1 {
        return Err(Error::BITOP_NOT_ONE);
    }
    let mut sources = Vec::with_capacity(keys.len());
    for key in keys {
        sources.push(Source::of(ctx.string(*key)?));
    }
    let slices: SmallVec<[&[u8]; 8]> = sources.iter().map(Source::bytes).collect();
    let result = bits::combine(operation, &slices);
    let len = result.len();
    let mut writer = ctx.write(target);
    if len > EMBEDDED_BYTES_MAX {
        writer.put(NewValue::Blob(Blob::from(result)), Expire::Never);
    } else if len > 0 {
        writer.put(NewValue::Raw(&result), Expire::Never);
    }
    if len > 0 {
        writer.commit(&[(EventFlags::STRING, "set")]);
    } else if writer.remove() {
        writer.commit(&[(EventFlags::GENERIC, "del")]);
    }
    reply.int(number(len as u64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn strings_are_combined() {
        let mut kit = Kit::new();
        let session = kit.session;
        kit.run_words(session, &[b"SET", b"a", b"\x0f\x0f\x0f"]);
        kit.run_words(session, &[b"SET", b"b", b"\x55\x55"]);
        for (operation, result) in [
            ("AND", "\u{5}\u{5}\0"),
            ("or", "\u{5f}\u{5f}\u{f}"),
            ("Xor", "\u{5a}\u{5a}\u{f}"),
        ] {
            let line = alloc::format!("BITOP {operation} to a b");
            assert_eq!(kit.run(&line), "(integer) 3");
            assert_eq!(kit.run("GET to"), alloc::format!("\"{result}\""));
        }
        assert_eq!(kit.run("BITOP AND a a none"), "(integer) 3");
        assert_eq!(kit.run("GET a"), "\"\0\0\0\"");
        assert_eq!(kit.run("BITOP NOT b b"), "(integer) 2");
        assert_eq!(kit.run("BITCOUNT b"), "(integer) 8");
        assert_eq!(kit.run("OBJECT ENCODING b"), "\"raw\"");
    }

    #[test]
    fn nothing_removes_the_target() {
        let mut kit = Kit::new();
        kit.run("SET to x");
        let effects = crate::cmd::string::effects_of(&mut kit, "BITOP OR to none");
        assert_eq!(effects, "BITOP OR to none");
        assert_eq!(kit.run("EXISTS to"), "(integer) 0");
        assert_eq!(kit.run("BITOP OR to none"), "(integer) 0");
    }

    #[test]
    fn the_old_expiry_goes() {
        let mut kit = Kit::new();
        kit.run("SET a 123");
        kit.run("SET to x EX 100");
        assert_eq!(kit.run("BITOP OR to a"), "(integer) 3");
        assert_eq!(kit.run("TTL to"), "(integer) -1");
        assert_eq!(kit.run("GET to"), "\"123\"");
    }

    #[test]
    fn refused_requests() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("BITOP NAND to a"), "(error) ERR syntax error");
        assert_eq!(
            kit.run("BITOP NOT to a b"),
            "(error) ERR BITOP NOT must be called with a single source key."
        );
    }
}
