//! Bits of a range: BITCOUNT, BITPOS.

use vk_data::{
    bits::{self, BitRange, Unit},
    num::{INT_TEXT_MAX, parse_i64},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, History, KeyFlags, KeySpec};

use super::number;
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

const RANGE: ArgSpec = ArgSpec::block(
    "range",
    &[
        ArgSpec::integer("start"),
        ArgSpec::block(
            "end-unit-block",
            &[
                ArgSpec::integer("end"),
                ArgSpec::one_of(
                    "unit",
                    &[
                        ArgSpec::pure_token("byte", "BYTE"),
                        ArgSpec::pure_token("bit", "BIT"),
                    ],
                )
                .since("7.0.0")
                .optional(),
            ],
        )
        .optional(),
    ],
)
.optional();

pub(super) const BITCOUNT: Command = Command {
    spec: CommandSpec {
        name: "bitcount",
        group: Group::Bitmap,
        since: "2.6.0",
        summary: "Counts the set bits of a string or of a part of it.",
        complexity: "O(N) where N is the number of bytes looked at",
        history: &[
            History {
                version: "7.0.0",
                change: "A range may count in bits; options BYTE and BIT.",
            },
            History {
                version: "8.0.0",
                change: "A range may have no end.",
            },
        ],
        arity: -2,
        categories: Categories::BITMAP,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), RANGE],
        ..CommandSpec::NEW
    },
    run: Run::Read(bitcount),
};

pub(super) const BITPOS: Command = Command {
    spec: CommandSpec {
        name: "bitpos",
        group: Group::Bitmap,
        since: "2.8.7",
        summary: "Finds the first set or clear bit of a string or of a part of it.",
        complexity: "O(N) where N is the number of bytes looked at",
        history: &[History {
            version: "7.0.0",
            change: "A range may count in bits; options BYTE and BIT.",
        }],
        arity: -3,
        categories: Categories::BITMAP,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::key("key", 0), ArgSpec::integer("bit"), RANGE],
        ..CommandSpec::NEW
    },
    run: Run::Read(bitpos),
};

/// A part of a string, as the request names it.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: i64,
    end: Option<i64>,
    unit: Unit,
}

impl Span {
    /// Reads all words from number `from` on; none means the whole string.
    fn parse(request: Request<'_>, from: usize) -> Result<Self, Error> {
        let number = |at| match request.arg(at) {
            None => Ok(None),
            Some(word) => parse_i64(word).map(Some).ok_or(Error::NOT_AN_INTEGER),
        };
        if request.len() > from + 3 {
            return Err(Error::SYNTAX);
        }
        let start = number(from)?.unwrap_or(0);
        let unit = match request.arg(from + 2) {
            None => Unit::Byte,
            Some(word) if word.eq_ignore_ascii_case(b"byte") => Unit::Byte,
            Some(word) if word.eq_ignore_ascii_case(b"bit") => Unit::Bit,
            Some(_) => return Err(Error::SYNTAX),
        };
        let end = number(from + 1)?;
        Ok(Self { start, end, unit })
    }

    /// Both ends counted from the end of the string, and the wrong way round: empty even where
    /// both lie before its front.
    fn is_backwards(self) -> bool {
        self.end
            .is_some_and(|end| self.start < 0 && end < 0 && self.start > end)
    }

    fn of(self, len: usize) -> Option<BitRange> {
        BitRange::resolve(self.start, self.end.unwrap_or(-1), self.unit, len)
    }
}

fn bitcount(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let span = Span::parse(request, 2)?;
    let key = ctx.key(0)?;
    let value = ctx.string(key)?;
    let mut text = [0; INT_TEXT_MAX];
    let bytes = value.map_or(&[][..], |value| value.bytes(&mut text));
    let range = span.of(bytes.len()).filter(|_| !span.is_backwards());
    reply.int(number(range.map_or(0, |range| bits::count(bytes, range))));
    Ok(())
}

fn bitpos(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let on = match request.arg(2).and_then(parse_i64) {
        Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(Error::BITPOS_BIT),
        None => return Err(Error::NOT_AN_INTEGER),
    };
    let span = Span::parse(request, 3)?;
    let key = ctx.key(0)?;
    let Some(value) = ctx.string(key)? else {
        // A key that is not there is an endless row of zeros.
        reply.int(if on { -1 } else { 0 });
        return Ok(());
    };
    let mut text = [0; INT_TEXT_MAX];
    let bytes = value.bytes(&mut text);
    let position = span.of(bytes.len()).map(|range| {
        let beyond = || (!on && span.end.is_none()).then_some(bytes.len() as u64 * 8);
        bits::position(bytes, range, on).or_else(beyond)
    });
    reply.int(position.flatten().map_or(-1, number));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn counts_of_ranges() {
        let mut kit = Kit::new();
        kit.run("SET k foobar");
        for (line, count) in [
            ("BITCOUNT k", 26),
            ("BITCOUNT k 0 0", 4),
            ("BITCOUNT k 1 1 BYTE", 6),
            ("BITCOUNT k 5 30 bit", 17),
            ("BITCOUNT k 1", 22),
            ("BITCOUNT k -1", 4),
            ("BITCOUNT k -100 -50", 4),
            ("BITCOUNT k -50 -100", 0),
            ("BITCOUNT k 3 1", 0),
            ("BITCOUNT none", 0),
            ("BITCOUNT none 0 -1 BIT", 0),
        ] {
            assert_eq!(kit.run(line), alloc::format!("(integer) {count}"), "{line}");
        }
        kit.run("SET n 1234567");
        assert_eq!(kit.run("BITCOUNT n"), "(integer) 26");
    }

    #[test]
    fn positions() {
        let mut kit = Kit::new();
        kit.run("SETBIT k 12 1");
        kit.run("SETBIT k 23 1");
        let session = kit.session;
        kit.run_words(session, &[b"SET", b"full", b"\xff\xff\xff"]);
        kit.run("SET empty \"\"");
        for (line, at) in [
            ("BITPOS k 1", 12),
            ("BITPOS k 0", 0),
            ("BITPOS k 1 2", 23),
            ("BITPOS k 1 13 22 BIT", -1),
            ("BITPOS k 1 13 23 BIT", 23),
            ("BITPOS k 1 7 15 BIT", 12),
            ("BITPOS full 0", 24),
            ("BITPOS full 0 1", 24),
            ("BITPOS full 0 0 -1", -1),
            ("BITPOS full 0 0 100 BIT", -1),
            ("BITPOS full 0 3", -1),
            ("BITPOS full 1 -2 -1", 8),
            ("BITPOS empty 0", -1),
            ("BITPOS empty 1", -1),
            ("BITPOS none 0", 0),
            ("BITPOS none 1", -1),
        ] {
            assert_eq!(kit.run(line), alloc::format!("(integer) {at}"), "{line}");
        }
    }

    #[test]
    fn words_that_are_no_ranges() {
        let mut kit = Kit::new();
        let no_integer = "(error) ERR value is not an integer or out of range";
        for line in [
            "BITCOUNT k x",
            "BITCOUNT k 0 y",
            "BITPOS k x",
            "BITPOS k 1 x",
            "BITCOUNT k 0 x BIT",
        ] {
            assert_eq!(kit.run(line), no_integer, "{line}");
        }
        for line in [
            "BITCOUNT k 0 1 HELLO",
            "BITCOUNT k 0 1 BIT x",
            "BITPOS k 1 0 1 BIT x",
            "BITCOUNT k 0 x HELLO",
        ] {
            assert_eq!(kit.run(line), "(error) ERR syntax error", "{line}");
        }
        assert_eq!(
            kit.run("BITPOS k 2"),
            "(error) ERR The bit argument must be 1 or 0."
        );
    }
}
