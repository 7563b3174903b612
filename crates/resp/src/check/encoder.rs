//! What the encoder writes, the reply parser reads back: one reply each, whatever the texts.

use crate::{BLOB_REFERENCE_BYTES_MIN, Blob, Protocol, Reply, ReplyBuf, ReplyLimits, ReplyParser};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

const DEPTH_MAX: usize = 6;

/// Reads `program` as a list of calls of the encoder, makes them in both protocols, and checks
/// that the parser gives back what was meant, and that the chunks are the bytes.
pub fn check_encoder_round_trip(program: &[u8]) {
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut writer = Writer { program, protocol };
        let mut buffer = ReplyBuf::new(protocol);
        let mut meant = Vec::new();
        while !writer.program.is_empty() {
            meant.push(writer.call(&mut buffer, 0));
        }
        check_chunks(&buffer, program.len());
        let mut parser = ReplyParser::new(ReplyLimits::default());
        buffer.chunks().for_each(|chunk| parser.feed(chunk));
        let mut read = Vec::new();
        while let Ok(Some(reply)) = parser.poll() {
            read.push(reply);
        }
        // As text, since a NaN does not equal itself.
        assert_eq!(format!("{meant:?}"), format!("{read:?}"), "{protocol:?}");
        assert!(parser.is_idle(), "bytes are left over");
    }
}

fn check_chunks(buffer: &ReplyBuf, sent: usize) {
    let all = buffer.to_vec();
    assert_eq!(all.len(), buffer.len());
    assert_eq!(all.is_empty(), buffer.is_empty());
    assert!(
        buffer.chunks().all(|chunk| !chunk.is_empty()),
        "an empty chunk"
    );
    let rest = buffer.chunks_from(sent).collect::<Vec<_>>().concat();
    assert_eq!(
        rest,
        all.get(sent..).unwrap_or_default(),
        "after {sent} bytes"
    );
}

/// Reads calls off a program; every byte string is one.
struct Writer<'p> {
    program: &'p [u8],
    protocol: Protocol,
}

impl Writer<'_> {
    /// Makes one call and returns the reply that it means.
    fn call(&mut self, out: &mut ReplyBuf, depth: usize) -> Reply {
        let op = self.byte();
        match op % 24 {
            0 => self.status(out),
            1 => {
                let text = String::from_utf8_lossy(self.text()).into_owned();
                out.simple(&text);
                Reply::Simple(blanked(text.as_bytes()))
            }
            2 => {
                let text = self.text();
                out.error_bytes(text);
                Reply::Error(blanked(text))
            }
            3 => {
                let text = String::from_utf8_lossy(self.text()).into_owned();
                out.error(&text);
                Reply::Error(blanked(text.as_bytes()))
            }
            4 | 5 => {
                let number = self.number();
                out.int(number);
                Reply::Int(number)
            }
            6 | 7 => {
                let text = self.text();
                out.bulk(text);
                Reply::Bulk(text.to_vec())
            }
            8 => {
                let number = self.number();
                out.bulk_int(number);
                Reply::Bulk(number.to_string().into_bytes())
            }
            9 => self.blob(out),
            10 => {
                out.null();
                Reply::Null
            }
            11 => {
                out.null_array();
                self.either(Reply::NullArray, Reply::Null)
            }
            12 => self.double(out),
            13 => self.rolled_back(out, depth),
            14 => self.appended(out, depth),
            15 => self.verbatim(out),
            16 => {
                let digits = self.number().to_string();
                out.big_number(&digits);
                let digits = digits.into_bytes();
                self.either(Reply::Bulk(digits.clone()), Reply::BigNumber(digits))
            }
            op => self.aggregate(op, out, depth),
        }
    }

    fn status(&mut self, out: &mut ReplyBuf) -> Reply {
        let (text, call): (&[u8], fn(&mut ReplyBuf)) = match self.byte() % 5 {
            0 => (b"OK", ReplyBuf::ok),
            1 => (b"PONG", ReplyBuf::pong),
            2 => (b"QUEUED", ReplyBuf::queued),
            op => {
                let truth = op == 3;
                out.bool(truth);
                return self.either(Reply::Int(i64::from(truth)), Reply::Bool(truth));
            }
        };
        call(out);
        Reply::Simple(text.to_vec())
    }

    fn blob(&mut self, out: &mut ReplyBuf) -> Reply {
        let from = usize::from(self.byte());
        let len = BLOB_REFERENCE_BYTES_MIN - 1 + usize::from(self.byte() % 3);
        let bytes: Vec<u8> = (0..from + len).map(|i| i.to_le_bytes()[0]).collect();
        out.blob(&Blob::from(bytes.clone()), from..from + len);
        Reply::Bulk(bytes.get(from..).unwrap_or_default().to_vec())
    }

    fn double(&mut self, out: &mut ReplyBuf) -> Reply {
        let bits = self.number() as u64;
        let number = if bits.is_multiple_of(4) {
            bits as f64 / 8.0
        } else {
            f64::from_bits(bits)
        };
        out.double(number);
        let text = crate::DoubleText::new(number).to_vec();
        self.either(Reply::Bulk(text), Reply::Double(number))
    }

    fn verbatim(&mut self, out: &mut ReplyBuf) -> Reply {
        let text = self.text().to_vec();
        out.verbatim("txt", &text);
        self.either(
            Reply::Bulk(text.clone()),
            Reply::Verbatim {
                format: *b"txt",
                data: text,
            },
        )
    }

    /// A call that is undone, then one that stays.
    fn rolled_back(&mut self, out: &mut ReplyBuf, depth: usize) -> Reply {
        let (mark, len) = (out.mark(), out.len());
        if depth < DEPTH_MAX {
            self.call(out, depth + 1);
            assert_eq!(out.len_since(mark), out.len() - len);
        }
        out.rollback(mark);
        assert_eq!(out.len(), len);
        out.ok();
        Reply::Simple(b"OK".to_vec())
    }

    fn appended(&mut self, out: &mut ReplyBuf, depth: usize) -> Reply {
        let mut other = ReplyBuf::new(self.protocol);
        let reply = if depth < DEPTH_MAX {
            self.call(&mut other, depth + 1)
        } else {
            other.raw(b":5\r\n");
            Reply::Int(5)
        };
        out.append(&other.take());
        assert!(other.is_empty());
        reply
    }

    fn aggregate(&mut self, op: u8, out: &mut ReplyBuf, depth: usize) -> Reply {
        let len = if depth < DEPTH_MAX {
            usize::from(self.byte() % 13)
        } else {
            0
        };
        // Few calls make long aggregates, so that headers of two digits come about.
        let next = |writer: &mut Self, out: &mut ReplyBuf| writer.call(out, depth + 1);
        let deferred = match op {
            17 | 18 => Some(out.deferred_array()),
            19 => Some(out.deferred_map()),
            20 => Some(out.deferred_set()),
            21 => {
                out.array(len);
                None
            }
            22 => {
                out.map(len);
                None
            }
            _ => {
                if !out.attribute(len) {
                    out.null();
                    return Reply::Null;
                }
                None
            }
        };
        let pairs = matches!(op, 19 | 22 | 23);
        let count = if pairs { len * 2 } else { len };
        let items: Vec<Reply> = (0..count).map(|_| next(self, out)).collect();
        if let Some(deferred) = deferred {
            out.finish(deferred, len);
        }
        let resp3 = self.protocol == Protocol::Resp3;
        match op {
            20 if resp3 => Reply::Set(items),
            19 | 22 if resp3 => Reply::Map(paired(items)),
            23 => {
                out.ok();
                let reply = Box::new(Reply::Simple(b"OK".to_vec()));
                Reply::Attribute {
                    attributes: paired(items),
                    reply,
                }
            }
            _ => Reply::Array(items),
        }
    }

    fn either(&self, resp2: Reply, resp3: Reply) -> Reply {
        if self.protocol == Protocol::Resp2 {
            resp2
        } else {
            resp3
        }
    }

    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.program.split_first() else {
            return 0;
        };
        self.program = rest;
        byte
    }

    fn number(&mut self) -> i64 {
        let bytes = [(); 8].map(|()| self.byte());
        // Small and large ones alike.
        i64::from_le_bytes(bytes) >> (bytes[0] % 64)
    }

    fn text(&mut self) -> &[u8] {
        let len = usize::from(self.byte() % 16).min(self.program.len());
        let (text, rest) = self.program.split_at(len);
        self.program = rest;
        text
    }
}

fn blanked(text: &[u8]) -> Vec<u8> {
    let blank = |&byte: &u8| {
        if matches!(byte, b'\r' | b'\n' | 0) {
            b' '
        } else {
            byte
        }
    };
    text.iter().map(blank).collect()
}

fn paired(items: Vec<Reply>) -> Vec<(Reply, Reply)> {
    let mut pairs = vec![];
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_program(program in prop::collection::vec(any::<u8>(), 0..200)) {
            check_encoder_round_trip(&program);
        }

        #[test]
        fn no_text_makes_a_line(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut out = ReplyBuf::new(Protocol::Resp3);
            out.error_bytes(&text);
            let bytes = out.to_vec();
            let ends = bytes.iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count();
            prop_assert!(ends == 2 && bytes.ends_with(b"\r\n") && !bytes.contains(&0));
        }
    }
}
