//! Writing files. Records of keys come ready from whoever walks the databases; here they are
//! compressed, summed and put between a beginning and an end.

use alloc::vec::Vec;

use super::{VERSION_CHECKSUM, opcode};
use crate::{Compression, Crc64, Reader, VERSION_VALKEY, Writer};

/// Where a string lies among records: it may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextSpan {
    /// Where its length begins.
    pub at: usize,
    /// Bytes of the string, without its length.
    pub len: usize,
}

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The version of Valkey that the writer is compatible with.
    pub server_version: Vec<u8>,
    /// When it was made: Unix time in seconds.
    pub created_s: i64,
    /// Memory that the data took.
    pub used_memory_bytes: u64,
    /// It is the base of an append-only file.
    pub is_aof_base: bool,
    /// Where replication stood.
    pub replication: Option<ReplicationFacts>,
}

/// Where replication stood when a file was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicationFacts {
    /// The selected database of the stream.
    pub stream_db: i64,
    /// The name of the history.
    pub id: Vec<u8>,
    /// Bytes of the stream.
    pub offset: i64,
}

/// A file that is being written. Every call appends to `out`.
///
/// Order: [`FileWriter::begin`], any number of [`FileWriter::function`], [`FileWriter::records`]
/// and [`FileWriter::text`], [`FileWriter::end`].
#[derive(Debug)]
pub struct FileWriter {
    version: u16,
    checksum: Option<Crc64>,
    writer: Writer,
    compression: Compression,
}

impl FileWriter {
    /// A file of this version of the format, which its records have to keep to.
    #[must_use]
    pub fn new(version: u16, compression: Compression, has_checksum: bool) -> Self {
        let sums = has_checksum && version >= VERSION_CHECKSUM;
        Self {
            version,
            checksum: sums.then(Crc64::new),
            writer: Writer::new(compression),
            compression,
        }
    }

    /// The beginning.
    pub fn begin(&mut self, facts: &Facts, out: &mut Vec<u8>) {
        let header = if self.version >= VERSION_VALKEY {
            alloc::format!("VALKEY{:03}", self.version)
        } else {
            alloc::format!("REDIS{:04}", self.version)
        };
        self.writer.raw(header.as_bytes());
        self.fact(b"valkey-ver", &facts.server_version);
        self.number(b"redis-bits", i64::from(usize::BITS));
        self.number(b"ctime", facts.created_s);
        let used = i64::try_from(facts.used_memory_bytes).unwrap_or(i64::MAX);
        self.number(b"used-mem", used);
        if let Some(replication) = &facts.replication {
            self.number(b"repl-stream-db", replication.stream_db);
            self.fact(b"repl-id", &replication.id);
            self.number(b"repl-offset", replication.offset);
        }
        self.number(b"aof-base", facts.is_aof_base.into());
        self.hand_over(out);
    }

    fn fact(&mut self, name: &[u8], value: &[u8]) {
        self.writer.raw(&[opcode::AUX]);
        self.writer.string(name);
        self.writer.string(value);
    }

    fn number(&mut self, name: &[u8], value: i64) {
        self.writer.raw(&[opcode::AUX]);
        self.writer.string(name);
        self.writer.int(value);
    }

    /// A library of functions: its code.
    pub fn function(&mut self, code: &[u8], out: &mut Vec<u8>) {
        self.writer.raw(&[opcode::FUNCTION]);
        self.writer.string(code);
        self.hand_over(out);
    }

    /// Records of keys, and where the strings lie in them, in order.
    pub fn records(&mut self, bytes: &[u8], texts: &[TextSpan], out: &mut Vec<u8>) {
        let start = out.len();
        if self.compression == Compression::None {
            out.extend_from_slice(bytes);
        } else {
            self.compress(bytes, texts, out);
        }
        self.sum(out, start);
    }

    /// A string among the records that was not copied to them.
    pub fn text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.writer.string(text);
        self.hand_over(out);
        // One long string is no reason to keep the room for another.
        drop(self.writer.take());
    }

    fn compress(&mut self, bytes: &[u8], texts: &[TextSpan], out: &mut Vec<u8>) {
        let mut done = 0;
        for span in texts {
            let Some(rest) = bytes.get(span.at..) else {
                continue;
            };
            let mut reader = Reader::new(rest);
            let is_text = reader.number().is_ok_and(|len| len == span.len as u64);
            let Some(before) = bytes.get(done..span.at).filter(|_| is_text) else {
                continue;
            };
            let Ok(text) = reader.take(span.len) else {
                continue;
            };
            out.extend_from_slice(before);
            self.writer.string(text);
            out.extend_from_slice(self.writer.bytes());
            self.writer.clear();
            done = bytes.len() - reader.left();
        }
        out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    }

    /// The end and the checksum, 0 for none.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        self.writer.raw(&[opcode::EOF]);
        self.hand_over(out);
        if self.version >= VERSION_CHECKSUM {
            let sum = self.checksum.map_or(0, |sum| sum.value());
            out.extend_from_slice(&sum.to_le_bytes());
        }
    }

    fn hand_over(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.writer.bytes());
        self.writer.clear();
        self.sum(out, start);
    }

    fn sum(&mut self, out: &[u8], start: usize) {
        if let Some(sum) = &mut self.checksum {
            sum.update(out.get(start..).unwrap_or_default());
        }
    }
}
