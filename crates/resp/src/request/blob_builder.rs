//! A long argument while it arrives. Not its parsing: the caller knows where it ends.

use crate::{Blob, RESERVE_AHEAD_BYTES};
use alloc::vec::Vec;

/// Collects exactly `len` bytes without trusting `len`: pieces of [`RESERVE_AHEAD_BYTES`] as long
/// as more than that is missing, then one allocation of the right size. Every byte is copied at
/// most twice, whatever the sizes of the parts.
pub(super) struct BlobBuilder {
    len: usize,
    /// Full pieces of [`RESERVE_AHEAD_BYTES`] each.
    pieces: Vec<Vec<u8>>,
    /// The piece that is filling.
    filling: Vec<u8>,
    received: usize,
    /// The blob itself, once little enough is missing to reserve it.
    whole: Option<Vec<u8>>,
}

impl BlobBuilder {
    pub(super) const fn new(len: usize) -> Self {
        Self {
            len,
            pieces: Vec::new(),
            filling: Vec::new(),
            received: 0,
            whole: None,
        }
    }

    /// Bytes that are still missing.
    pub(super) const fn missing(&self) -> usize {
        self.len.saturating_sub(self.received)
    }

    /// Bytes that have arrived.
    pub(super) const fn received_bytes(&self) -> usize {
        self.received
    }

    /// Bytes of memory held.
    pub(super) fn held_bytes(&self) -> usize {
        let pieces = self.pieces.len().saturating_mul(RESERVE_AHEAD_BYTES);
        let table = self.pieces.capacity().saturating_mul(size_of::<Vec<u8>>());
        let whole = self.whole.as_ref().map_or(0, Vec::capacity);
        let filling = self.filling.capacity();
        pieces
            .saturating_add(table)
            .saturating_add(filling)
            .saturating_add(whole)
    }

    /// Appends the next bytes; those beyond the length are left out.
    pub(super) fn push(&mut self, part: &[u8]) {
        let mut part = part.get(..self.missing()).unwrap_or(part);
        while !part.is_empty() {
            // What is at hand counts as arrived: a blob whose rest is small is copied once.
            if self.missing().saturating_sub(part.len()) <= RESERVE_AHEAD_BYTES {
                self.received = self.received.saturating_add(part.len());
                self.assemble().extend_from_slice(part);
                return;
            }
            if self.filling.capacity() == 0 {
                self.filling.reserve_exact(RESERVE_AHEAD_BYTES);
            }
            let room = RESERVE_AHEAD_BYTES.saturating_sub(self.filling.len());
            let (now, later) = part.split_at_checked(room).unwrap_or((part, &[]));
            self.filling.extend_from_slice(now);
            self.received = self.received.saturating_add(now.len());
            if now.len() == room {
                self.pieces.push(core::mem::take(&mut self.filling));
            }
            part = later;
        }
    }

    /// The blob; complete when nothing is missing.
    pub(super) fn finish(mut self) -> Blob {
        self.assemble();
        Blob::from(self.whole.unwrap_or_default())
    }

    /// Moves the pieces into one allocation, freeing each as soon as it is copied.
    fn assemble(&mut self) -> &mut Vec<u8> {
        let Self {
            len,
            pieces,
            filling,
            ..
        } = self;
        self.whole.get_or_insert_with(|| {
            let mut whole = Vec::with_capacity(*len);
            for piece in core::mem::take(pieces) {
                whole.extend_from_slice(&piece);
            }
            whole.append(&mut core::mem::take(filling));
            whole
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_bytes_and_reserves_little_ahead() {
        let bytes: Vec<u8> = (0..300_001_u32)
            .map(|i| i.to_le_bytes()[0] ^ 0x5a)
            .collect();
        for step in [1_460, 16, 65_536, 65_537, 234_466, 300_001] {
            let mut builder = BlobBuilder::new(bytes.len());
            for part in bytes.chunks(step) {
                builder.push(part);
                let received = bytes.len() - builder.missing();
                assert!(builder.held_bytes() <= received + RESERVE_AHEAD_BYTES + 1024);
            }
            assert_eq!(builder.missing(), 0);
            let blob = builder.finish();
            assert_eq!((&*blob, blob.capacity()), (&bytes[..], bytes.len()));
        }
    }

    #[test]
    fn bytes_beyond_the_length_are_left_out() {
        let mut builder = BlobBuilder::new(3);
        builder.push(b"abcdef");
        assert_eq!(&*builder.finish(), b"abc");
    }
}
