//! Writing lengths, strings and numbers. Not values: see [`crate::save()`].

use alloc::vec::Vec;

use vk_data::listpack::Item;
use vk_data::num::{INT_TEXT_MAX, format_i64, parse_i64};
use vk_data::value::StrRef;

use crate::{Compressor, TextSpan};

/// Whether strings are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// They lie there as they are.
    None,
    /// Those that become shorter are compressed.
    Lzf,
}

/// Strings up to this length are never compressed.
const PLAIN_BYTES_MAX: usize = 20;
/// Bytes that compression has to save.
const SAVED_BYTES_MIN: usize = 4;
/// The longest text that is tried as an integer.
const INT_BYTES_MAX: usize = 11;

/// Bytes that grow at the end.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    compressor: Option<Compressor>,
    /// Compressed bytes whose length is not known yet.
    packed: Vec<u8>,
    /// Where strings lie that are worth compressing, if somebody else compresses them.
    texts: Option<Vec<TextSpan>>,
}

impl Writer {
    /// Nothing written yet.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self {
            out: Vec::new(),
            compressor: (compression == Compression::Lzf).then(Compressor::new),
            packed: Vec::new(),
            texts: None,
        }
    }

    /// A writer that compresses nothing and notes which strings are worth it, for
    /// [`FileWriter::records`](crate::FileWriter::records).
    #[must_use]
    pub fn noting_texts() -> Self {
        Self {
            texts: Some(Vec::new()),
            ..Self::new(Compression::None)
        }
    }

    /// Where strings lie that are worth compressing.
    #[must_use]
    pub fn texts(&self) -> &[TextSpan] {
        self.texts.as_deref().unwrap_or_default()
    }

    /// What was written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.out
    }

    /// Takes out what was written; the writer can go on.
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.out)
    }

    /// Forgets what was written and keeps the room for it.
    pub fn clear(&mut self) {
        self.out.clear();
        if let Some(texts) = &mut self.texts {
            texts.clear();
        }
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A number in the form of a length.
    pub fn number(&mut self, number: u64) {
        match number {
            0..0x40 => self.out.push(number as u8),
            0x40..0x4000 => self.raw(&(0x4000 | number as u16).to_be_bytes()),
            0x4000..0x1_0000_0000 => {
                self.out.push(0x80);
                self.raw(&(number as u32).to_be_bytes());
            }
            _ => {
                self.out.push(0x81);
                self.raw(&number.to_be_bytes());
            }
        }
    }

    /// A count.
    pub fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// A string, in the shortest form.
    pub fn string(&mut self, bytes: &[u8]) {
        if bytes.len() <= INT_BYTES_MAX
            && let Some(value) = parse_i64(bytes)
            && self.small_int(value)
        {
            return;
        }
        if bytes.len() > PLAIN_BYTES_MAX {
            if self.compressed(bytes) {
                return;
            }
            if let Some(texts) = &mut self.texts {
                let (at, len) = (self.out.len(), bytes.len());
                texts.push(TextSpan { at, len });
            }
        }
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// An integer, which is a string too.
    pub fn int(&mut self, value: i64) {
        if !self.small_int(value) {
            let mut digits = [0; INT_TEXT_MAX];
            let digits = format_i64(value, &mut digits);
            self.count(digits.len());
            self.out.extend_from_slice(digits);
        }
    }

    /// An item of a listpack as a string.
    pub fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Int(value) => self.int(value),
            Item::Bytes(bytes) => self.string(bytes),
        }
    }

    /// A string value.
    pub fn value(&mut self, value: StrRef<'_>) {
        match value {
            StrRef::Int(value) => self.int(value),
            StrRef::Bytes(bytes) => self.string(bytes),
            StrRef::Blob(blob) => self.string(blob),
        }
    }

    /// A double in 8 bytes.
    pub fn double(&mut self, value: f64) {
        self.raw(&value.to_le_bytes());
    }

    /// A time in milliseconds in 8 bytes.
    pub fn time_ms(&mut self, time_ms: i64) {
        self.raw(&time_ms.to_le_bytes());
    }

    /// An integer of 8, 16 or 32 bits; `false` if it needs more.
    fn small_int(&mut self, value: i64) -> bool {
        if let Ok(value) = i8::try_from(value) {
            self.out.push(0xc0);
            self.raw(&value.to_le_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.out.push(0xc1);
            self.raw(&value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(0xc2);
            self.raw(&value.to_le_bytes());
        } else {
            return false;
        }
        true
    }

    fn compressed(&mut self, bytes: &[u8]) -> bool {
        let Some(compressor) = &mut self.compressor else {
            return false;
        };
        self.packed.clear();
        let bytes_max = bytes.len() - SAVED_BYTES_MIN;
        if !compressor.compress(bytes, bytes_max, &mut self.packed) {
            return false;
        }
        self.out.push(0xc3);
        let packed = core::mem::take(&mut self.packed);
        self.count(packed.len());
        self.count(bytes.len());
        self.raw(&packed);
        self.packed = packed;
        true
    }
}
