//! The checksum of RDB files and DUMP payloads: CRC-64 with the polynomial of David T. Jones, bits
//! reflected, starting from zero. Protects against accidents, not against forgery.

/// The polynomial 0xad93d23594c935a9 with its bits reflected.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;
/// Bytes that are taken at a time.
const SLICES: usize = 16;

static TABLES: [[u64; 256]; SLICES] = tables();

const fn tables() -> [[u64; 256]; SLICES] {
    let mut tables = [[0; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        slice += 1;
    }
    tables
}

/// A checksum that goes on while bytes come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crc64(u64);

impl Crc64 {
    /// Of no bytes yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let (blocks, tail) = bytes.as_chunks::<SLICES>();
        let mut crc = self.0;
        for block in blocks {
            let words = u128::from_le_bytes(*block);
            // The sum so far goes into the first eight bytes; both halves are looked up at once.
            let (first, second) = (words as u64 ^ crc, (words >> 64) as u64);
            crc = looked_up(&TABLES, 8, first) ^ looked_up(&TABLES, 0, second);
        }
        for byte in tail {
            crc = (crc >> 8) ^ TABLES[0][usize::from(crc as u8 ^ byte)];
        }
        self.0 = crc;
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// What the eight bytes of `word` contribute, `behind` bytes before the end of their block.
#[inline(always)]
fn looked_up(tables: &[[u64; 256]; SLICES], behind: usize, word: u64) -> u64 {
    let at = |byte: usize| tables[behind + 7 - byte][usize::from((word >> (8 * byte)) as u8)];
    // Two sums that do not wait for each other.
    let even = at(0) ^ at(2) ^ at(4) ^ at(6);
    let odd = at(1) ^ at(3) ^ at(5) ^ at(7);
    even ^ odd
}

/// The checksum of `bytes`.
#[must_use]
pub fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = Crc64::new();
    crc.update(bytes);
    crc.value()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::*;

    /// Bit by bit, as the definition has it.
    fn plain(bytes: &[u8]) -> u64 {
        let mut crc = 0_u64;
        for byte in bytes {
            crc ^= u64::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    crc >> 1 ^ POLYNOMIAL
                } else {
                    crc >> 1
                };
            }
        }
        crc
    }

    #[test]
    fn the_known_value() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }

    proptest! {
        #[test]
        fn slices_and_pieces_change_nothing(bytes: Vec<u8>, at in 0_usize..200) {
            let expected = plain(&bytes);
            prop_assert_eq!(crc64(&bytes), expected);
            let mut crc = Crc64::new();
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            crc.update(head);
            crc.update(tail);
            prop_assert_eq!(crc.value(), expected);
        }
    }
}
