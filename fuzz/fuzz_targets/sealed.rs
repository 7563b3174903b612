//! Encrypted files: files that were changed in any way and cut in any way, and any bytes as one.
#![no_main]

use libfuzzer_sys::{
    arbitrary::{Result, Unstructured},
    fuzz_target,
};
use vk_persist::seal::check::{Change, check_any, check_frames, check_stream};

fuzz_target!(|data: &[u8]| {
    check_any(data, 7);
    // Too few bytes for a case are none.
    let _ = check(&mut Unstructured::new(data));
});

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let (what, a, b): (u8, u16, u16) = input.arbitrary()?;
    let (piece, max, closes): (u16, u8, bool) = input.arbitrary()?;
    let (a, b, byte) = (usize::from(a), usize::from(b), b.to_le_bytes()[0]);
    let change = match what % 6 {
        0 => Change::Flip(a, byte.max(1)),
        1 => Change::Cut(a),
        2 => Change::Remove(a, b),
        3 => Change::Repeat(a, b),
        4 => Change::Swap(a, b),
        _ => Change::Append(byte),
    };
    let piece = usize::from(piece).max(1);
    let batches: Vec<&[u8]> = input.arbitrary()?;
    check_frames(&batches, closes, usize::from(max).max(1), change, piece);
    let rest = input.len();
    check_stream(input.bytes(rest)?, change, piece);
    Ok(())
}
