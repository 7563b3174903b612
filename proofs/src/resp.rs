//! The request parser over every short input: it equals an obvious reading of the protocol, and
//! every way to cut the input gives the same answer. Bounds: all strings of up to 6 bytes over 10
//! bytes that matter, of up to 8 over the 6 of arrays, and all sequences of up to 5 of 16 tokens.
//! Not a proof for longer inputs; the fuzz target goes there.

use vk_resp::check::{LIMITS, Outcome, check_request_bytes, parse_in_pieces};
use vk_resp::{Limits, ProtocolError, encode_command};

/// The protocol read in the plainest way: the whole input at hand, no state, no speed. The
/// limits on memory are left out, so it is compared under usual limits alone.
fn oracle(data: &[u8], limits: &Limits) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = data;
    while !rest.is_empty() {
        match oracle_request(rest, limits) {
            Ok(Some((args, after))) => {
                if !args.is_empty() {
                    let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
                    outcome.wire.extend(encode_command(&args));
                    outcome.requests += 1;
                }
                rest = after;
            }
            Ok(None) => return outcome,
            Err(error) => {
                outcome.error = Some(error);
                return outcome;
            }
        }
    }
    outcome.idle = true;
    outcome
}

type Words = Vec<Vec<u8>>;

/// A line and what is behind it, if the line is complete.
type Line<'a> = Option<(&'a [u8], &'a [u8])>;

/// The first request and what is behind it, if it is complete.
fn oracle_request<'a>(
    data: &'a [u8],
    limits: &Limits,
) -> Result<Option<(Words, &'a [u8])>, ProtocolError> {
    if data[0] != b'*' {
        let Some(end) = data.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let line = data[..end].strip_suffix(b"\r").unwrap_or(&data[..end]);
        let words = oracle_words(line).ok_or(ProtocolError::UnbalancedQuotes)?;
        return match i64::try_from(words.len()) {
            Ok(count) if count <= limits.args_max => Ok(Some((words, &data[end + 1..]))),
            _ => Err(ProtocolError::UnauthenticatedMultibulkLength),
        };
    }
    let Some((line, mut rest)) = oracle_line(data)? else {
        return Ok(None);
    };
    let count = oracle_integer(&line[1..]).ok_or(ProtocolError::InvalidMultibulkLength)?;
    if count > i64::from(i32::MAX) || count > limits.args_max && !limits.unauthenticated {
        return Err(ProtocolError::InvalidMultibulkLength);
    } else if count > limits.args_max {
        return Err(ProtocolError::UnauthenticatedMultibulkLength);
    }
    let mut args = Words::new();
    for _ in 0..count {
        let Some((line, after)) = oracle_line(rest)? else {
            return Ok(None);
        };
        if line.first() != Some(&b'$') {
            return Err(ProtocolError::ExpectedDollar(
                *line.first().unwrap_or(&b'\r'),
            ));
        }
        let len = oracle_integer(&line[1..]).and_then(|len| u64::try_from(len).ok());
        let len = len.ok_or(ProtocolError::InvalidBulkLength)?;
        if len > limits.bulk_bytes_max {
            return Err(match limits.unauthenticated {
                true => ProtocolError::UnauthenticatedBulkLength,
                false => ProtocolError::InvalidBulkLength,
            });
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some((arg, end)) = after.split_at_checked(len) else {
            return Ok(None);
        };
        match end {
            [b'\r', b'\n', after @ ..] => rest = after,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(ProtocolError::InvalidCrlf),
        }
        args.push(arg.to_vec());
    }
    Ok(Some((args, rest)))
}

/// The line up to its CR LF.
fn oracle_line(data: &[u8]) -> Result<Line<'_>, ProtocolError> {
    match data.iter().position(|&byte| byte == b'\r') {
        Some(end) if data.len() > end + 1 => match data[end + 1] {
            b'\n' => Ok(Some((&data[..end], &data[end + 2..]))),
            _ => Err(ProtocolError::InvalidCrlf),
        },
        _ => Ok(None),
    }
}

/// A number is one if printing it gives the same text.
fn oracle_integer(text: &[u8]) -> Option<i64> {
    let text = core::str::from_utf8(text).ok()?;
    text.parse()
        .ok()
        .filter(|number: &i64| number.to_string() == text)
}

/// Words with quotes; the proof's alphabets have `\` in tokens alone.
fn oracle_words(line: &[u8]) -> Option<Words> {
    let mut words = Words::new();
    let mut bytes = line.iter().copied().peekable();
    loop {
        while bytes
            .next_if(|byte| b" \t\n\x0b\x0c\r".contains(byte))
            .is_some()
        {}
        if bytes.peek().is_none() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let Some(byte) = bytes.next() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => break,
                b'"' | b'\'' => {
                    loop {
                        match bytes.next()? {
                            end if end == byte => break,
                            b'\\' if byte == b'"' => word.push(oracle_escape(bytes.next()?)),
                            b'\\' if bytes.next_if_eq(&b'\'').is_some() => word.push(b'\''),
                            other => word.push(other),
                        }
                    }
                    if bytes
                        .peek()
                        .is_some_and(|byte| !b" \t\n\x0b\x0c\r".contains(byte))
                    {
                        return None;
                    }
                    break;
                }
                other => word.push(other),
            }
        }
        words.push(word);
    }
}

/// Escapes but `\x`, which no token has.
const fn oracle_escape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

/// Calls `visit` with every sequence of up to `len_max` of the `tokens`, joined.
fn for_all(tokens: &[&[u8]], len_max: u32, mut visit: impl FnMut(&[u8])) {
    let base = tokens.len() as u64;
    let mut data = Vec::new();
    for len in 0..=len_max {
        for code in 0..base.pow(len) {
            data.clear();
            let mut digits = code;
            for _ in 0..len {
                data.extend_from_slice(tokens[(digits % base) as usize]);
                digits /= base;
            }
            visit(&data);
        }
    }
}

fn equals_oracle(data: &[u8], splits: &[u8]) {
    for limits in &LIMITS[..2] {
        let parsed = parse_in_pieces(data, splits, limits, usize::MAX);
        assert_eq!(
            parsed,
            oracle(data, limits),
            "{:?} cut at {splits:?}",
            data.escape_ascii()
        );
    }
}

#[test]
fn every_short_string_cut_at_every_place() {
    let alphabet = b"*$01-\r\na\"'";
    let tokens: Vec<&[u8]> = alphabet.chunks(1).collect();
    for_all(&tokens, 6, |data| {
        equals_oracle(data, &[]);
        for cut in 1..data.len() {
            equals_oracle(data, &[cut as u8]);
        }
    });
}

#[test]
fn every_short_array_bytewise() {
    let tokens: Vec<&[u8]> = b"*$1\r\na".chunks(1).collect();
    for_all(&tokens, 8, |data| {
        equals_oracle(data, &[]);
        equals_oracle(data, &[1; 8]);
    });
}

#[test]
fn every_sequence_of_tokens() {
    let tokens: [&[u8]; 16] = [
        b"*1\r\n",
        b"*2\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*11\r\n",
        b"$0\r\n",
        b"$1\r\n",
        b"$3\r\n",
        b"$-1\r\n",
        b"$16385\r\n",
        b"\r\n",
        b"a",
        b"abc\r\n",
        b"\"a\\\"",
        b" 'b\\'' ",
        b"\r",
    ];
    for_all(&tokens, 5, |data| {
        equals_oracle(data, &[]);
        equals_oracle(data, &[1, 2, 3, 1, 1, 4, 1]);
    });
}

#[test]
fn every_cut_of_every_sequence_under_every_limit() {
    let tokens: [&[u8]; 9] = [
        b"*1\r\n", b"*2\r\n", b"*3\r\n", b"$0\r\n", b"$1\r\n", b"$2\r\n", b"\r\n", b"a", b"'",
    ];
    for_all(&tokens, 4, |data| {
        for cut in 0..data.len() {
            check_request_bytes(data, &[cut as u8]);
        }
        check_request_bytes(data, &[1; 16]);
    });
}
