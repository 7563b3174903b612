//! Where the parts of an entry lie in its block: pure arithmetic, no memory is touched here.
//!
//! ```text
//! header u64 | wide lengths 2 x u64 ? | boxed value ? | expire 6 or 8 ? | key | value bytes ?
//! ```
//!
//! Header, from the low bits: kind 8, flags 8, access 24, key length 8, value length 16.

use crate::size_class::size_class;

/// Bytes of the header.
pub(crate) const HEADER_LEN: usize = 8;
/// Bytes of the lengths that do not fit the header.
const WIDE_LEN: usize = 16;
/// The lengths stand behind the header.
const WIDE: u8 = 1;
/// The value is a Rust value, not bytes.
const BOXED: u8 = 2;
/// There is an expire field of 6 bytes.
const EXPIRE: u8 = 4;
/// There is an expire field of 8 bytes, for times that 48 bits cannot hold.
const EXPIRE_WIDE: u8 = 8;

const ACCESS_SHIFT: u32 = 16;
const ACCESS_MASK: u64 = 0xFF_FFFF << ACCESS_SHIFT;

/// The header word, as stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header(pub(crate) u64);

impl Header {
    pub(crate) fn new(kind: u8, access: u32, shape: &Shape) -> Self {
        let key_len = if shape.wide { 0 } else { shape.key_len as u64 };
        let value_len = if shape.wide {
            0
        } else {
            shape.value_len as u64
        };
        Self(
            u64::from(kind)
                | u64::from(shape.flags()) << 8
                | (u64::from(access) << ACCESS_SHIFT) & ACCESS_MASK
                | key_len << 40
                | value_len << 48,
        )
    }

    #[inline(always)]
    pub(crate) const fn kind(self) -> u8 {
        self.0 as u8
    }

    #[inline(always)]
    pub(crate) const fn access(self) -> u32 {
        ((self.0 & ACCESS_MASK) >> ACCESS_SHIFT) as u32
    }

    pub(crate) const fn with_kind(self, kind: u8) -> Self {
        Self(self.0 & !0xFF | kind as u64)
    }

    #[inline(always)]
    pub(crate) const fn with_access(self, access: u32) -> Self {
        Self(self.0 & !ACCESS_MASK | (((access as u64) << ACCESS_SHIFT) & ACCESS_MASK))
    }

    #[inline(always)]
    const fn flags(self) -> u8 {
        (self.0 >> 8) as u8
    }

    #[inline(always)]
    pub(crate) const fn is_wide(self) -> bool {
        self.flags() & WIDE != 0
    }

    #[inline(always)]
    pub(crate) const fn is_boxed(self) -> bool {
        self.flags() & BOXED != 0
    }
}

/// The sizes of the parts of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The lengths stand behind the header.
    pub(crate) wide: bool,
    /// Size of the boxed value, if the value is one.
    pub(crate) boxed_len: Option<usize>,
    /// 0, 6 or 8.
    pub(crate) expire_len: usize,
    pub(crate) key_len: usize,
    /// Zero for a boxed value.
    pub(crate) value_len: usize,
}

impl Shape {
    /// The narrowest shape that holds these parts.
    #[inline]
    pub(crate) fn new(
        boxed_len: Option<usize>,
        expire_ms: Option<i64>,
        key_len: usize,
        value_len: usize,
    ) -> Self {
        let wide = key_len > usize::from(u8::MAX) || value_len > usize::from(u16::MAX);
        Self {
            wide,
            boxed_len,
            expire_len: expire_len(expire_ms),
            key_len,
            value_len,
        }
    }

    /// Reads a header; `lengths` are the two words behind it if [`Header::is_wide`].
    #[inline(always)]
    pub(crate) fn decode(header: Header, lengths: Option<[u64; 2]>, boxed_len: usize) -> Self {
        let (key_len, value_len) = match lengths {
            None => (
                usize::from((header.0 >> 40) as u8),
                usize::from((header.0 >> 48) as u16),
            ),
            Some([key_len, value_len]) => (key_len as usize, value_len as usize),
        };
        let flags = header.flags();
        let expire_len = if flags & EXPIRE != 0 {
            6
        } else if flags & EXPIRE_WIDE != 0 {
            8
        } else {
            0
        };
        Self {
            wide: lengths.is_some(),
            boxed_len: header.is_boxed().then_some(boxed_len),
            expire_len,
            key_len,
            value_len,
        }
    }

    #[inline(always)]
    pub(crate) const fn boxed_at(&self) -> usize {
        if self.wide {
            HEADER_LEN + WIDE_LEN
        } else {
            HEADER_LEN
        }
    }

    #[inline(always)]
    pub(crate) const fn expire_at(&self) -> usize {
        match self.boxed_len {
            Some(len) => self.boxed_at() + len,
            None => self.boxed_at(),
        }
    }

    #[inline(always)]
    pub(crate) const fn key_at(&self) -> usize {
        self.expire_at() + self.expire_len
    }

    #[inline(always)]
    pub(crate) const fn value_at(&self) -> usize {
        self.key_at() + self.key_len
    }

    /// Bytes to allocate: the whole size class, so that growth inside it needs no allocator.
    #[inline(always)]
    pub(crate) const fn block_len(&self) -> usize {
        size_class(self.value_at() + self.value_len)
    }

    const fn flags(&self) -> u8 {
        let mut flags = 0;
        if self.wide {
            flags |= WIDE;
        }
        if self.boxed_len.is_some() {
            flags |= BOXED;
        }
        match self.expire_len {
            0 => {}
            6 => flags |= EXPIRE,
            _ => flags |= EXPIRE_WIDE,
        }
        flags
    }
}

/// Bytes of the expire field for this time.
#[inline(always)]
pub(crate) const fn expire_len(expire_ms: Option<i64>) -> usize {
    match expire_ms {
        None => 0,
        Some(ms) if ms >= 0 && ms < 1 << 48 => 6,
        Some(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Shape};

    #[test]
    fn a_small_string_has_the_planned_size() {
        assert_eq!(Shape::new(None, None, 16, 16).block_len(), 40);
        assert_eq!(
            Shape::new(None, Some(1_700_000_000_000), 16, 16).block_len(),
            48
        );
        assert_eq!(Shape::new(None, None, 16, 8).block_len(), 32);
        assert_eq!(Shape::new(None, None, 255, 65_535).boxed_at(), 8);
        assert_eq!(Shape::new(None, None, 256, 0).boxed_at(), 24);
        assert_eq!(Shape::new(Some(16), Some(-1), 3, 0).key_at(), 32);
    }

    #[test]
    fn header_fields_do_not_overlap() {
        let shape = Shape::new(Some(16), Some(1 << 48), 255, 0);
        let header = Header::new(0xAB, 0x00FF_1234, &shape).with_access(0x12_3456);
        assert_eq!(header.kind(), 0xAB);
        assert_eq!(header.access(), 0x12_3456);
        assert_eq!(header.with_kind(7).kind(), 7);
        assert_eq!(Shape::decode(header, None, 16), shape);
        let largest = Shape::new(None, Some(5), 255, 65_535);
        assert_eq!(
            Shape::decode(Header::new(1, u32::MAX, &largest), None, 16),
            largest
        );
    }
}
