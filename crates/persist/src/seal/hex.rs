//! Bytes as hexadecimal digits.

use alloc::vec::Vec;
use core::fmt;

/// Shows bytes as lower-case digits.
#[derive(Debug, Clone, Copy)]
pub struct Hex<'b>(pub &'b [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes of digits, in either case; nothing if there is anything else or half a byte.
#[must_use]
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect()
}

/// As many bytes as are wanted, or nothing.
pub(super) fn array_from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    from_hex(text)?.try_into().ok()
}
