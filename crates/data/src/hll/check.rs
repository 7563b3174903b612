//! The properties of HyperLogLogs over any bytes, shared by unit tests and a fuzz target. Not an
//! API: a violation is a failed assertion.

use super::hash::pattern;
use super::{Hll, HllBuf, HllEncoding, Registers, add_dense};

/// Takes `data` for a string that a client has stored, and elements that it then adds: what is
/// accepted behaves as its registers say.
///
/// The first byte chooses the limit of the sparse form, the second the number of elements.
pub fn check_hll(data: &[u8]) {
    let (limit, count, bytes) = match data {
        [limit, count, bytes @ ..] => (usize::from(*limit) * 16, *count, bytes),
        _ => return,
    };
    let _ = Hll::new(bytes);
    // Most inputs begin wrong; the rest of such a string is tried behind a right beginning, too.
    let mut mended = HllBuf::new().into_bytes();
    mended.truncate(super::HEADER_BYTES);
    mended.extend_from_slice(bytes.get(super::HEADER_BYTES..).unwrap_or_default());
    for bytes in [bytes, &mended] {
        if let Ok(hll) = Hll::new(bytes) {
            check_valid(hll, limit, count);
        }
    }
    let mut fresh = HllBuf::new();
    for chunk in bytes.chunks(3) {
        fresh.add(chunk, limit);
    }
    if let Ok(hll) = Hll::new(fresh.bytes()) {
        check_valid(hll, limit, count);
    } else {
        unreachable!("what was added is a HyperLogLog");
    }
}

fn check_valid(hll: Hll<'_>, limit: usize, count: u8) {
    let mut expected = registers(hll);
    let estimate = hll.count();
    assert_eq!(estimate, expected.count());
    let mut grown = HllBuf::of(hll);
    let mut in_place = grown.bytes().to_vec();
    let elements: alloc::vec::Vec<[u8; 2]> = (0..count)
        .map(|n| [n, hll.bytes.last().copied().unwrap_or(0)])
        .collect();
    let mut changed = false;
    for element in &elements {
        let (index, rank) = pattern(element);
        let register = &mut expected.0[index];
        let raises = *register < rank;
        *register = (*register).max(rank);
        assert_eq!(grown.add(element, limit), raises);
        changed |= raises;
    }
    assert_holds(&grown, &expected);
    if hll.encoding() == HllEncoding::Dense {
        assert_eq!(
            add_dense(&mut in_place, elements.iter().map(|e| &e[..])),
            changed
        );
        assert_eq!(in_place, grown.bytes());
    }
    let mut merged = HllBuf::of(hll);
    merged.raise_all(&expected, limit);
    assert_holds(&merged, &expected);
    grown.make_dense();
    assert_holds(&grown, &expected);
}

fn assert_holds(hll: &HllBuf, expected: &Registers) {
    let read = Hll::new(hll.bytes()).map(registers);
    assert!(read.is_ok_and(|read| read.0 == expected.0));
}

fn registers(hll: Hll<'_>) -> Registers {
    let mut registers = Registers::new();
    registers.merge(hll);
    registers
}
