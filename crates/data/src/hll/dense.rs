//! Registers of 6 bits each, packed from the low bits of each byte on: four in three bytes.

use vk_mem::max_bytes;

use super::estimate::{Histogram, tally};
use super::{REGISTER_BITS, REGISTERS};

/// Bytes of a group of registers that begins and ends with a byte.
const GROUP_BYTES: usize = 3;
/// Registers of a group.
const GROUP: usize = 4;
/// Registers that are unpacked at a time.
const PIECE: usize = 1024;
const LOW: u32 = 63;

/// One register.
pub(super) fn register(packed: &[u8], index: usize) -> u8 {
    let group = packed.get(index / GROUP * GROUP_BYTES..);
    let Some(group) = group.and_then(|group| group.first_chunk()) else {
        return 0;
    };
    (word(*group) >> shift(index) & LOW) as u8
}

/// Raises a register to `rank`; `false` if it is there already.
pub(super) fn raise(packed: &mut [u8], index: usize, rank: u8) -> bool {
    let group = packed.get_mut(index / GROUP * GROUP_BYTES..);
    let Some(group) = group.and_then(|group| group.first_chunk_mut()) else {
        return false;
    };
    let (before, shift) = (word(*group), shift(index));
    if before >> shift & LOW >= u32::from(rank) {
        return false;
    }
    let after = before & !(LOW << shift) | u32::from(rank) << shift;
    let [a, b, c, _] = after.to_le_bytes();
    *group = [a, b, c];
    true
}

/// Counts the values.
pub(super) fn histogram(packed: &[u8], histogram: &mut Histogram) {
    let mut piece = [0; PIECE];
    for packed in packed.chunks(PIECE / GROUP * GROUP_BYTES) {
        unpack(packed, &mut piece);
        tally(&piece, histogram);
    }
}

/// Raises each register of `union` to the one here.
pub(super) fn merge(packed: &[u8], union: &mut [u8; REGISTERS]) {
    let mut piece = [0; PIECE];
    let packed = packed.chunks(PIECE / GROUP * GROUP_BYTES);
    for (packed, union) in packed.zip(union.chunks_mut(PIECE)) {
        unpack(packed, &mut piece);
        max_bytes(union, &piece);
    }
}

/// Packs all registers into `packed`.
pub(super) fn pack(registers: &[u8; REGISTERS], packed: &mut [u8]) {
    let (groups, _) = registers.as_chunks::<GROUP>();
    for (packed, group) in packed
        .as_chunks_mut::<GROUP_BYTES>()
        .0
        .iter_mut()
        .zip(groups)
    {
        let word = group.iter().rev().fold(0, |word, value| {
            word << REGISTER_BITS | u32::from(*value) & LOW
        });
        let [a, b, c, _] = word.to_le_bytes();
        *packed = [a, b, c];
    }
}

fn unpack(packed: &[u8], piece: &mut [u8; PIECE]) {
    let groups = packed.as_chunks::<GROUP_BYTES>().0;
    for (values, group) in piece.as_chunks_mut::<GROUP>().0.iter_mut().zip(groups) {
        let word = word(*group);
        let spread =
            word & LOW | (word & LOW << 6) << 2 | (word & LOW << 12) << 4 | (word & LOW << 18) << 6;
        *values = spread.to_le_bytes();
    }
}

const fn word(group: [u8; GROUP_BYTES]) -> u32 {
    u32::from_le_bytes([group[0], group[1], group[2], 0])
}

const fn shift(index: usize) -> usize {
    index % GROUP * REGISTER_BITS
}
