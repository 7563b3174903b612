//! The grammar of header lines and of inline requests, in nom. Not its state: these functions
//! see whole lines.

use super::view::OwnedRequest;
use crate::ProtocolError;
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while, take_while1};
use nom::character::complete::{crlf, digit0, one_of};
use nom::combinator::{all_consuming, eof, map, map_opt, opt, peek, recognize, value};
use nom::number::complete::u8 as any_byte;
use nom::sequence::{delimited, pair, preceded};
use nom::{IResult, Parser};

/// Longest line, its end not counted: an inline request or the header of an array or argument.
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// A whole header line, `<mark><integer>\r\n`: the number and the length of the line.
pub(super) fn header_line(bytes: &[u8], mark: u8) -> Option<(i64, usize)> {
    let line = delimited(tag(&[mark][..]), integer, crlf::<_, Failed>).parse(bytes);
    line.ok()
        .map(|(rest, number)| (number, bytes.len().saturating_sub(rest.len())))
}

/// The number in a header line without its mark and its end.
pub(super) fn header_number(text: &[u8]) -> Option<i64> {
    all_consuming(integer)
        .parse(text)
        .ok()
        .map(|(_, number)| number)
}

/// Appends the words of an inline request to `request`. `line` comes without its end.
///
/// # Errors
/// Quotes that do not close, or that close in the middle of a word; more words than `args_max`.
pub(super) fn inline_words(
    line: &[u8],
    args_max: usize,
    request: &mut OwnedRequest,
) -> Result<(), ProtocolError> {
    let mut rest = skip_blanks(line);
    while !rest.is_empty() {
        if request.view().len() >= args_max {
            return Err(ProtocolError::InvalidMultibulkLength);
        }
        let mut word = Word { request, len: 0 };
        rest = word
            .take(rest)
            .map_err(|_| ProtocolError::UnbalancedQuotes)?;
        let len = word.len;
        request.finish_bytes(len);
        rest = skip_blanks(rest);
    }
    Ok(())
}

/// Why a line did not match: nobody asks.
type Failed = ();
type Parsed<'a, T> = IResult<&'a [u8], T, Failed>;

/// A canonical decimal i64: no `+`, no leading zero, no `-0`, no blanks.
fn integer(input: &[u8]) -> Parsed<'_, i64> {
    let digits = pair(one_of("123456789"), digit0);
    let nonzero = recognize(pair(opt(tag("-")), digits));
    let parse = |text: &[u8]| core::str::from_utf8(text).ok()?.parse().ok();
    alt((value(0, tag("0")), map_opt(nonzero, parse))).parse(input)
}

/// The word that is being read; its bytes go to the arena of the request at once.
struct Word<'r> {
    request: &'r mut OwnedRequest,
    len: usize,
}

impl Word<'_> {
    /// One word: bare text, up to a quoted part which ends it.
    fn take<'a>(&mut self, input: &'a [u8]) -> Result<&'a [u8], nom::Err<Failed>> {
        let (rest, bare) = take_while(is_bare).parse(input)?;
        self.push(bare);
        match rest.first() {
            Some(b'"') => self.take_quoted(rest, "\"", in_double_quotes),
            Some(b'\'') => self.take_quoted(rest, "'", in_single_quotes),
            _ => Ok(rest),
        }
    }

    /// A closing quote must be followed by a blank or the end.
    fn take_quoted<'a>(
        &mut self,
        input: &'a [u8],
        quote: &'static str,
        piece: fn(&'a [u8]) -> Parsed<'a, Piece<'a>>,
    ) -> Result<&'a [u8], nom::Err<Failed>> {
        let (mut rest, _) = tag(quote).parse(input)?;
        while let Ok((after, part)) = piece(rest) {
            match part {
                Piece::Run(run) => self.push(run),
                Piece::Byte(byte) => self.push(&[byte]),
            }
            rest = after;
        }
        let blank = take_while1(is_blank);
        let (rest, _) = pair(tag(quote), peek(alt((blank, eof)))).parse(rest)?;
        Ok(rest)
    }

    fn push(&mut self, part: &[u8]) {
        self.request.extend_bytes(part);
        self.len = self.len.saturating_add(part.len());
    }
}

#[derive(Clone)]
enum Piece<'a> {
    Run(&'a [u8]),
    Byte(u8),
}

/// `\xHH`, `\n \r \t \b \a`; any other escaped byte stands for itself.
fn in_double_quotes(input: &[u8]) -> Parsed<'_, Piece<'_>> {
    let run = map(is_not("\"\\"), Piece::Run);
    let hex = map(
        preceded(tag("\\x"), pair(hex_digit, hex_digit)),
        |(high, low)| Piece::Byte(high << 4 | low),
    );
    let named = map(preceded(tag("\\"), any_byte), |byte| {
        Piece::Byte(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'a' => 0x07,
            other => other,
        })
    });
    alt((run, hex, named)).parse(input)
}

/// `\'` is the only escape.
fn in_single_quotes(input: &[u8]) -> Parsed<'_, Piece<'_>> {
    let run = map(is_not("'\\"), Piece::Run);
    let quote = value(Piece::Byte(b'\''), tag("\\'"));
    let backslash = map(tag("\\"), Piece::Run);
    alt((run, quote, backslash)).parse(input)
}

fn hex_digit(input: &[u8]) -> Parsed<'_, u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    map_opt(any_byte, digit).parse(input)
}

fn skip_blanks(input: &[u8]) -> &[u8] {
    let blanks = input.iter().take_while(|&&byte| is_blank(byte)).count();
    input.get(blanks..).unwrap_or_default()
}

/// C's `isspace`: blank, tab, LF, VT, FF, CR.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// VT and FF separate words only where a word may begin; the reference has it so.
const fn is_bare(byte: u8) -> bool {
    !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut request = OwnedRequest::default();
        inline_words(line, usize::MAX, &mut request).ok()?;
        Some(request.view().iter().map(<[u8]>::to_vec).collect())
    }

    #[test]
    fn integers_are_canonical() {
        for (text, number) in [
            (&b"0"[..], Some(0)),
            (b"7", Some(7)),
            (b"-1", Some(-1)),
            (b"9223372036854775807", Some(i64::MAX)),
            (b"-9223372036854775808", Some(i64::MIN)),
            (b"9223372036854775808", None),
            (b"99999999999999999999999", None),
            (b"+1", None),
            (b"01", None),
            (b"-0", None),
            (b"-", None),
            (b"", None),
            (b" 1", None),
            (b"1 ", None),
            (b"1\0", None),
        ] {
            assert_eq!(header_number(text), number, "{text:?}");
        }
        assert_eq!(header_line(b"$12\r\nx", b'$'), Some((12, 5)));
        assert_eq!(header_line(b"$12\n", b'$'), None);
        assert_eq!(header_line(b"*12\r\n", b'$'), None);
    }

    #[test]
    fn words_and_quotes() {
        let cases: [(&[u8], &[&[u8]]); 12] = [
            (b"", &[]),
            (b" \t \x0b ", &[]),
            (b"set a  b ", &[b"set", b"a", b"b"]),
            (b"set a \"\"", &[b"set", b"a", b""]),
            (
                br#"x "a\x41\n\r\t\b\a\"\\\q""#,
                &[b"x", b"aA\n\r\t\x08\x07\"\\q"],
            ),
            (br#"x "\xZZ""#, &[b"x", b"xZZ"]),
            (br"x 'a\'b\n'", &[b"x", b"a'b\\n"]),
            (br#"foo"bar baz""#, &[b"foobar baz"]),
            (b"a\x0bb \x0bc", &[b"a\x0bb", b"c"]),
            (b"'a' \"b\"", &[b"a", b"b"]),
            (b"nul\0byte", &[b"nul\0byte"]),
            (b"'a'\x0b'b'", &[b"a", b"b"]),
        ];
        for (line, expected) in cases {
            let found = words(line);
            let found = found
                .as_ref()
                .map(|words| words.iter().map(|w| &w[..]).collect());
            assert_eq!(found, Some(expected.to_vec()), "{line:?}");
        }
    }

    #[test]
    fn unbalanced_quotes() {
        let cases: [&[u8]; 7] = [
            b"\"",
            b"'",
            b"\"a\"b",
            b"'a'b",
            b"\"\\\"",
            b"\"a\\",
            b"set 'a\\'",
        ];
        for line in cases {
            assert_eq!(words(line), None, "{line:?}");
        }
    }
}
