//! Integers of any width inside of strings: BITFIELD, BITFIELD_RO.

use core::ops::Range;

use smallvec::SmallVec;
use vk_data::{
    bits::field::{FieldType, Overflow},
    num::{INT_TEXT_MAX, parse_i64},
    value::{NewValue, StrRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::bit_offset;
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Ctx, Expire, ReadCtx, WriteCtx},
};

const GET: ArgSpec = ArgSpec::block(
    "get-block",
    &[ArgSpec::string("encoding"), ArgSpec::integer("offset")],
)
.token("GET");

const WRITE: ArgSpec = ArgSpec::block(
    "write",
    &[
        ArgSpec::one_of(
            "overflow-block",
            &[
                ArgSpec::pure_token("wrap", "WRAP"),
                ArgSpec::pure_token("sat", "SAT"),
                ArgSpec::pure_token("fail", "FAIL"),
            ],
        )
        .token("OVERFLOW")
        .optional(),
        ArgSpec::one_of(
            "write-operation",
            &[
                ArgSpec::block(
                    "set-block",
                    &[
                        ArgSpec::string("encoding"),
                        ArgSpec::integer("offset"),
                        ArgSpec::integer("value"),
                    ],
                )
                .token("SET"),
                ArgSpec::block(
                    "incrby-block",
                    &[
                        ArgSpec::string("encoding"),
                        ArgSpec::integer("offset"),
                        ArgSpec::integer("increment"),
                    ],
                )
                .token("INCRBY"),
            ],
        ),
    ],
);

pub(super) const BITFIELD: Command = Command {
    spec: CommandSpec {
        name: "bitfield",
        group: Group::Bitmap,
        since: "3.2.0",
        summary: "Reads, sets and increments integers of any width inside of a string.",
        complexity: "O(1) for each subcommand",
        arity: -2,
        flags: Flags::DENYOOM,
        categories: Categories::BITMAP,
        keys: &[KeySpec::one(
            1,
            KeyFlags::RW
                .union(KeyFlags::UPDATE)
                .union(KeyFlags::ACCESS)
                .union(KeyFlags::VARIABLE_FLAGS),
        )
        .note("It reads only if there are nothing but GET subcommands.")],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of("operation", &[GET, WRITE])
                .multiple()
                .optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(bitfield),
};

pub(super) const BITFIELD_RO: Command = Command {
    spec: CommandSpec {
        name: "bitfield_ro",
        group: Group::Bitmap,
        since: "6.0.0",
        summary: "Reads integers of any width inside of a string.",
        complexity: "O(1) for each subcommand",
        arity: -2,
        flags: Flags::FAST,
        categories: Categories::BITMAP,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            GET.multiple().multiple_token().optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(bitfield_ro),
};

/// What is done with one field.
#[derive(Debug, Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

/// One subcommand.
#[derive(Debug, Clone, Copy)]
struct Operation {
    field: FieldType,
    offset: u64,
    action: Action,
}

/// All subcommands of a request.
struct Operations {
    all: SmallVec<[Operation; 4]>,
    /// Bytes that the string must have for those that write; 0 if none does.
    needed: u64,
}

impl Operations {
    fn parse(ctx: &Ctx<'_>, request: Request<'_>) -> Result<Self, Error> {
        let mut parsed = Self {
            all: SmallVec::new(),
            needed: 0,
        };
        let mut overflow = Overflow::Wrap;
        let mut at = 2;
        while let Some(word) = request.arg(at) {
            let left = request.len() - at - 1;
            let is = |name: &str, words: usize| {
                word.eq_ignore_ascii_case(name.as_bytes()) && left >= words
            };
            if is("OVERFLOW", 1) {
                overflow = overflow_named(request.arg(at + 1).unwrap_or_default())?;
                at += 2;
                continue;
            }
            let words = if is("GET", 2) {
                2
            } else if is("SET", 3) || is("INCRBY", 3) {
                3
            } else {
                return Err(Error::SYNTAX);
            };
            let field = request
                .arg(at + 1)
                .and_then(FieldType::parse)
                .ok_or(Error::BITFIELD_TYPE)?;
            let offset = field_offset(ctx, request.arg(at + 2).unwrap_or_default(), field)?;
            let action = if words == 2 {
                Action::Get
            } else {
                let end = offset.saturating_add(field.bits().into());
                parsed.needed = parsed.needed.max(end.div_ceil(8));
                let number = request.arg(at + 3).and_then(parse_i64);
                let number = number.ok_or(Error::NOT_AN_INTEGER)?;
                if is("SET", 3) {
                    Action::Set(number, overflow)
                } else {
                    Action::Add(number, overflow)
                }
            };
            parsed.all.push(Operation {
                field,
                offset,
                action,
            });
            at += words + 1;
        }
        Ok(parsed)
    }

    /// Bytes that are written.
    fn places(&self) -> SmallVec<[Range<usize>; 4]> {
        let places = self.all.iter().map(|operation| {
            let end = operation
                .offset
                .saturating_add(operation.field.bits().into());
            let byte = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            byte(operation.offset / 8)..byte(end.div_ceil(8))
        });
        places.collect()
    }

    /// Does the subcommands, all of which read.
    fn read(&self, bytes: &[u8], reply: &mut ReplyBuf) {
        reply.array(self.all.len());
        for operation in &self.all {
            reply.int(operation.field.read(bytes, operation.offset));
        }
    }

    /// Does the subcommands; tells whether one of them changed a field or, where the string has
    /// grown for them, wrote one.
    fn write(&self, bytes: &mut [u8], grew: bool, reply: &mut ReplyBuf) -> bool {
        reply.array(self.all.len());
        let mut changed = false;
        for operation in &self.all {
            let Operation { field, offset, .. } = *operation;
            let old = field.read(bytes, offset);
            let (new, told) = match operation.action {
                Action::Get => (Some(old), Some(old)),
                Action::Set(value, overflow) => {
                    let new = field.set(value, overflow);
                    (new, new.and(Some(old)))
                }
                Action::Add(by, overflow) => {
                    let new = field.add(old, by, overflow);
                    (new, new)
                }
            };
            if let Some(new) = new {
                field.write(bytes, offset, new);
                changed |= new != old || (grew && !matches!(operation.action, Action::Get));
            }
            match told {
                Some(number) => reply.int(number),
                None => reply.null(),
            }
        }
        changed
    }
}

fn overflow_named(word: &[u8]) -> Result<Overflow, Error> {
    let names = [
        ("wrap", Overflow::Wrap),
        ("sat", Overflow::Saturate),
        ("fail", Overflow::Fail),
    ];
    let named = names
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    named
        .map(|(_, overflow)| *overflow)
        .ok_or(Error::BITFIELD_OVERFLOW)
}

/// An offset in bits, or behind `#` in fields.
fn field_offset(ctx: &Ctx<'_>, word: &[u8], field: FieldType) -> Result<u64, Error> {
    match word.strip_prefix(b"#") {
        Some(word) => bit_offset(ctx, word, field.bits()),
        None => bit_offset(ctx, word, 1),
    }
}

fn bitfield_ro(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let operations = Operations::parse(ctx, request)?;
    if operations.needed > 0 {
        return Err(Error::BITFIELD_RO_WRITES);
    }
    tell(ctx, &operations, reply)
}

fn tell(ctx: &mut ReadCtx<'_>, operations: &Operations, reply: &mut ReplyBuf) -> Result<(), Error> {
    let key = ctx.key(0)?;
    let value = ctx.string(key)?;
    let mut text = [0; INT_TEXT_MAX];
    let bytes = value.map_or(&[][..], |value| value.bytes(&mut text));
    operations.read(bytes, reply);
    Ok(())
}

fn bitfield(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let operations = Operations::parse(ctx, request)?;
    if operations.needed == 0 {
        return tell(ctx, &operations, reply);
    }
    let needed = usize::try_from(operations.needed).map_err(|_| Error::BAD_BIT_OFFSET)?;
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let old_len = writer.string()?.map(StrRef::byte_len);
    if old_len.is_none() {
        writer.put(NewValue::Raw(b""), Expire::Never);
    }
    let grew = old_len.is_none_or(|old| old < needed);
    let mut changed = false;
    let len = needed.max(old_len.unwrap_or(0));
    writer.update_bytes(len, &operations.places(), |bytes| {
        changed = operations.write(bytes, grew, reply);
    });
    if changed {
        writer.commit(&[(EventFlags::STRING, "setbit")]);
    } else if grew {
        // Every subcommand failed, and the string has grown for them all the same.
        writer.commit(&[]);
    } else {
        writer.unchanged();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn fields_are_read_and_written() {
        let mut kit = Kit::new();
        for (line, expected) in [
            ("BITFIELD k", "[]"),
            ("BITFIELD k GET u8 0", "[(integer) 0]"),
            ("EXISTS k", "(integer) 0"),
            (
                "BITFIELD k SET u8 0 255 GET i8 0",
                "[(integer) 0, (integer) -1]",
            ),
            (
                "BITFIELD k SET i5 #1 -3 GET u5 5",
                "[(integer) -4, (integer) 29]",
            ),
            (
                "BITFIELD k INCRBY u2 100 1 INCRBY u2 100 3",
                "[(integer) 1, (integer) 0]",
            ),
            (
                "BITFIELD_RO k GET u5 5 get i4 0",
                "[(integer) 29, (integer) -1]",
            ),
        ] {
            assert_eq!(kit.run(line), expected, "{line}");
        }
        kit.run("SET n 1");
        assert_eq!(kit.run("BITFIELD n GET u8 0"), "[(integer) 49]");
    }

    #[test]
    fn overflows() {
        let mut kit = Kit::new();
        kit.run("BITFIELD k SET u8 0 250");
        for (line, expected) in [
            ("BITFIELD k OVERFLOW FAIL INCRBY u8 0 10", "[(nil)]"),
            ("BITFIELD k OVERFLOW SAT INCRBY u8 0 10", "[(integer) 255]"),
            ("BITFIELD k INCRBY u8 0 10", "[(integer) 9]"),
            (
                "BITFIELD k OVERFLOW sat SET u8 0 300 OVERFLOW fail SET u8 0 300 GET u8 0",
                "[(integer) 9, (nil), (integer) 255]",
            ),
        ] {
            assert_eq!(kit.run(line), expected, "{line}");
        }
    }

    #[test]
    fn a_failed_write_grows_the_string() {
        let mut kit = Kit::new();
        let line = "BITFIELD k OVERFLOW FAIL SET u8 8 300";
        assert_eq!(crate::cmd::string::effects_of(&mut kit, line), line);
        assert_eq!(crate::cmd::string::effects_of(&mut kit, line), "");
        assert_eq!(kit.run("STRLEN k"), "(integer) 2");
    }

    #[test]
    fn refused_requests() {
        let mut kit = Kit::new();
        let kind = "(error) ERR Invalid bitfield type. Use something like i16 u8. Note that u64 \
            is not supported but i64 is.";
        let offset = "(error) ERR bit offset is not an integer or out of range";
        for (line, error) in [
            ("BITFIELD k GET u64 0", kind),
            ("BITFIELD k GET 8 0", kind),
            ("BITFIELD k GET u8 -1", offset),
            ("BITFIELD k GET u8 #", offset),
            ("BITFIELD k SET u8 #4611686018427387904 1", offset),
            ("BITFIELD k SET u8 4294967296 1", offset),
            (
                "BITFIELD k SET u8 0 x",
                "(error) ERR value is not an integer or out of range",
            ),
            ("BITFIELD k SET u8 0", "(error) ERR syntax error"),
            ("BITFIELD k OVERFLOW", "(error) ERR syntax error"),
            (
                "BITFIELD k OVERFLOW x",
                "(error) ERR Invalid OVERFLOW type specified",
            ),
            (
                "BITFIELD_RO k SET u8 0 1",
                "(error) ERR BITFIELD_RO only supports the GET subcommand",
            ),
        ] {
            assert_eq!(kit.run(line), error, "{line}");
        }
        assert_eq!(kit.run("EXISTS k"), "(integer) 0");
    }
}
