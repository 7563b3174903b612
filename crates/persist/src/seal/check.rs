//! Properties of encrypted files, called by property tests and by a fuzz target: what was written
//! is read, however it is cut; whatever is changed is noticed before it is handed out.

use alloc::{boxed::Box, vec::Vec};

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    Aead, AesGcm, FileRandom, Key, Keyring, SealFault, Suite as _, TAG_BYTES, Tag,
    frames::{FrameEnd, FrameEvent, FrameReader, FrameWriter},
    stream::{CHUNK_BYTES, StreamReader, StreamWriter},
};

/// Keys of these bytes.
#[must_use]
pub fn keyring(bytes: &[u8]) -> Keyring {
    let mut ring = Keyring::default();
    bytes
        .iter()
        .for_each(|byte| ring.add(&Key::new([*byte; 32])));
    ring
}

/// Chance that is none.
#[must_use]
pub fn random(byte: u8) -> FileRandom {
    FileRandom {
        file: [byte; 16],
        key: Zeroizing::new([byte; 32]),
        nonce: [byte; 12],
    }
}

/// A cipher under the key of this byte.
#[must_use]
pub fn aead(byte: u8) -> Box<dyn Aead> {
    AesGcm.aead(&Key::new([byte; 32]))
}

/// The file of these bytes, given in pieces of a size.
#[must_use]
pub fn stream(bytes: &[u8], piece: usize) -> Vec<u8> {
    let (mut writer, mut out) = (StreamWriter::new(aead(1)), Vec::new());
    let written = bytes
        .chunks(piece.max(1))
        .try_for_each(|piece| writer.write(piece, &mut out));
    let _ = written.and_then(|()| writer.finish(&mut out));
    out
}

/// What is read of a file that comes in pieces of a size, and how that ended.
pub fn read_stream(file: &[u8], piece: usize) -> (Vec<u8>, Result<(), SealFault>) {
    read_stream_under(aead(1), file, piece)
}

fn read_stream_under(
    aead: Box<dyn Aead>,
    file: &[u8],
    piece: usize,
) -> (Vec<u8>, Result<(), SealFault>) {
    let (mut reader, mut out) = (StreamReader::new(aead, 0), Vec::new());
    let read = file
        .chunks(piece.max(1))
        .try_for_each(|piece| reader.feed(piece, &mut out));
    let read = read.and_then(|()| reader.finish(&mut out));
    (out, read)
}

/// The file of these batches.
#[must_use]
pub fn frames(batches: &[&[u8]], frame_bytes_max: usize, closes: bool) -> Vec<u8> {
    let mut writer = FrameWriter::with_frames_of(aead(1), frame_bytes_max);
    let mut out = Vec::new();
    for batch in batches {
        let _ = writer.batch(batch, &mut out);
    }
    if closes {
        let _ = writer.close(&mut out);
    }
    out
}

/// What is read of a row of frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frames {
    /// The batches.
    pub batches: Vec<Vec<u8>>,
    /// Behind the last of them.
    pub good: u64,
    /// Its tag.
    pub tag: Tag,
    /// How it ended.
    pub end: Result<FrameEnd, SealFault>,
}

/// Reads frames that come in pieces of a size.
#[must_use]
pub fn read_frames(file: &[u8], piece: usize) -> Frames {
    read_frames_under(aead(1), file, piece)
}

fn read_frames_under(aead: Box<dyn Aead>, file: &[u8], piece: usize) -> Frames {
    let mut reader = FrameReader::new(aead, 0);
    let mut batches = Vec::new();
    let mut fault = None;
    'pieces: for piece in file.chunks(piece.max(1)) {
        reader.feed(piece);
        loop {
            match reader.poll() {
                Ok(FrameEvent::Batch(batch)) => batches.push(batch),
                Ok(FrameEvent::Closed) => {}
                Ok(FrameEvent::More) => break,
                Err(error) => {
                    fault = Some(error);
                    break 'pieces;
                }
            }
        }
    }
    Frames {
        batches,
        good: reader.good(),
        tag: reader.good_tag(),
        end: fault.map_or_else(|| Ok(reader.finish()), Err),
    }
}

/// What happens to a file.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Bits of a byte change.
    Flip(usize, u8),
    /// It is cut off.
    Cut(usize),
    /// A range is removed.
    Remove(usize, usize),
    /// A range is there twice.
    Repeat(usize, usize),
    /// A range and the one behind it change places.
    Swap(usize, usize),
    /// Something is appended.
    Append(u8),
}

/// The file after the change; nothing if that leaves it as it is.
#[must_use]
pub fn changed(file: &[u8], change: Change) -> Option<Vec<u8>> {
    let mut out = file.to_vec();
    let len = file.len().max(1);
    let range = |from: usize, count: usize| {
        let from = from % len;
        (from, (from + 1 + count % len).min(file.len()))
    };
    match change {
        Change::Flip(at, bits) => {
            if let Some(byte) = out.get_mut(at % len) {
                *byte ^= bits;
            }
        }
        Change::Cut(at) => out.truncate(at % len),
        Change::Remove(from, count) => {
            let (from, to) = range(from, count);
            out.drain(from..to.max(from));
        }
        Change::Repeat(from, count) => {
            let (from, to) = range(from, count);
            let piece = file.get(from..to).unwrap_or_default().to_vec();
            out.splice(to..to, piece);
        }
        Change::Swap(from, count) => {
            let (from, to) = range(from, count);
            let end = (to + (to - from)).min(file.len());
            if let Some(both) = out.get_mut(from..end) {
                both.rotate_left(to - from);
            }
        }
        Change::Append(byte) => out.push(byte),
    }
    (out != file).then_some(out)
}

/// A stream is what was written, or a fault; whatever is handed out is its beginning.
///
/// # Panics
/// It is not.
pub fn check_stream(plain: &[u8], change: Change, piece: usize) {
    let file = stream(plain, piece);
    assert_eq!(
        stream(plain, plain.len()),
        file,
        "pieces change what is written"
    );
    let pieces = plain.len().div_ceil(CHUNK_BYTES).max(1);
    assert_eq!(file.len(), plain.len() + pieces * TAG_BYTES);
    let (read, ended) = read_stream(&file, piece);
    assert_eq!(ended, Ok(()));
    assert!(read == plain, "what was written is read");
    let Some(changed) = changed(&file, change) else {
        return;
    };
    let (read, ended) = read_stream(&changed, piece);
    assert!(ended.is_err(), "{change:?} is noticed");
    assert!(plain.starts_with(&read), "what is handed out is authentic");
    let (again, as_before) = read_stream(&changed, changed.len());
    assert!(again.starts_with(&read) || read.starts_with(&again));
    assert_eq!(as_before, ended, "pieces make no difference");
}

/// Frames are what was written, or a fault, or a beginning of whole batches.
///
/// # Panics
/// They are not.
pub fn check_frames(batches: &[&[u8]], closes: bool, max: usize, change: Change, piece: usize) {
    let file = frames(batches, max, closes);
    let whole = read_frames(&file, piece);
    let kept: Vec<&[u8]> = batches.iter().copied().filter(|b| !b.is_empty()).collect();
    assert_eq!(whole.batches, kept, "what was written is read");
    let end = if closes {
        FrameEnd::Closed
    } else {
        FrameEnd::Open
    };
    assert_eq!(whole.end, Ok(end));
    assert_eq!(whole.good, file.len() as u64);
    let Some(changed) = changed(&file, change) else {
        return;
    };
    let read = read_frames(&changed, piece);
    assert!(whole.batches.starts_with(&read.batches), "a beginning");
    assert_eq!(
        read_frames(&changed, changed.len()),
        read,
        "pieces make no difference"
    );
    if matches!(change, Change::Flip(..)) {
        assert!(read.end.is_err(), "{change:?} is noticed");
    }
    // A file that nobody closed may end anywhere; up to where it is good it is what was written.
    if read.end.is_ok() {
        assert_ne!(read.end, Ok(FrameEnd::Closed));
        let good = usize::try_from(read.good).unwrap_or(usize::MAX);
        assert_eq!(changed.get(..good), file.get(..good), "{change:?}");
    }
    assert!(read.tag != whole.tag || read.good == whole.good);
}

/// Any bytes as a file of either kind: never a panic, and nothing comes of what nobody wrote.
///
/// # Panics
/// Something does.
pub fn check_any(bytes: &[u8], piece: usize) {
    // Who sees what is compared, as a fuzzer does, learns the right tag for a key; so that it is of
    // no use, other bytes have another key.
    let key = || Key::new(Sha256::digest(bytes).into());
    let (read, ended) = read_stream_under(AesGcm.aead(&key()), bytes, piece);
    assert!(read.is_empty() && ended.is_err());
    let frames = read_frames_under(AesGcm.aead(&key()), bytes, piece);
    assert!(frames.batches.is_empty());
    let mut ring = Keyring::default();
    ring.add(&key());
    if let Ok(header) = super::Header::parse(bytes) {
        assert!(header.open(super::Kind::Snapshot, &AesGcm, &ring).is_err());
        let header = header.encode();
        assert!(bytes.starts_with(&header));
    }
    assert!(super::Register::parse(bytes, &ring).is_err());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::vec;

    use super::*;

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (any::<usize>(), 1_u8..).prop_map(|(at, bits)| Change::Flip(at, bits)),
            any::<usize>().prop_map(Change::Cut),
            (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Change::Remove(a, b)),
            (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Change::Repeat(a, b)),
            (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Change::Swap(a, b)),
            any::<u8>().prop_map(Change::Append),
        ]
    }

    /// Changes that keep pieces whole, where a format without places would notice nothing.
    fn aligned(piece: usize) -> impl Strategy<Value = Change> {
        (0_usize..4, 1_usize..3, 0_u8..4).prop_map(move |(at, count, what)| {
            let (from, bytes) = (at * piece, count * piece - 1);
            match what {
                0 => Change::Cut(from),
                1 => Change::Remove(from, bytes),
                2 => Change::Repeat(from, bytes),
                _ => Change::Swap(from, bytes),
            }
        })
    }

    #[test]
    fn the_cipher_is_aes_256_gcm() {
        // Test cases 13 to 15 of the specification of GCM (McGrew and Viega).
        let aead = AesGcm.aead(&Key::new([0; 32]));
        let tag = aead.seal(&[0; 12], b"", &mut []);
        let hex = |tag: Result<Tag, SealFault>| {
            tag.map(|tag| std::format!("{}", super::super::Hex(&tag.0)))
        };
        assert_eq!(hex(tag), Ok("530f8afbc74536b9a963b4f1c4cb738b".into()));
        let mut data = [0; 16];
        let tag = aead.seal(&[0; 12], b"", &mut data);
        assert_eq!(hex(tag), Ok("d0d1c8a799996bf0265b98b5d48ab919".into()));
        let text = std::format!("{}", super::super::Hex(&data));
        assert_eq!(text, "cea7403d4d606b6e074ec5d3baf39d18");
    }

    #[test]
    fn streams_of_critical_lengths() {
        for len in [
            0,
            1,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            2 * CHUNK_BYTES,
        ] {
            let plain = vec![7; len];
            for change in [Change::Append(0), Change::Cut(len), Change::Flip(len, 1)] {
                check_stream(&plain, change, 10_000);
            }
        }
        let cut = &stream(&vec![7; 3 * CHUNK_BYTES], 1 << 20)[..CHUNK_BYTES + TAG_BYTES];
        assert_eq!(read_stream(cut, 1 << 20).1, Err(SealFault::Truncated));
        assert_eq!(read_stream(b"", 1).1, Err(SealFault::Truncated));
    }

    #[test]
    fn the_last_frame_closes_a_file() {
        let file = frames(&[b"one", b"two"], 2, true);
        let read = read_frames(&[file.as_slice(), &[0]].concat(), 1);
        assert_eq!(read.end, Err(SealFault::Continued(file.len() as u64)));
        let cut = read_frames(&file[..file.len() - 1], 1);
        assert_eq!(cut.end, Ok(FrameEnd::Torn(cut.good)));
        assert_eq!(cut.batches.len(), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn streams(
            len in 0..3 * CHUNK_BYTES,
            change in prop_oneof![change(), aligned(CHUNK_BYTES + TAG_BYTES)],
            piece in 1_usize..200_000,
        ) {
            let plain: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
            check_stream(&plain, change, piece);
        }
    }

    proptest! {
        #[test]
        fn rows_of_frames(
            batches in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
            closes: bool,
            max in 1_usize..50,
            change in change(),
            piece in 1_usize..200,
        ) {
            let batches: Vec<&[u8]> = batches.iter().map(Vec::as_slice).collect();
            check_frames(&batches, closes, max, change, piece);
        }

        #[test]
        fn frames_of_equal_length_that_change_places(
            contents in prop::collection::vec(any::<u8>(), 4),
            change in aligned(10 + 37),
            piece in 1_usize..200,
        ) {
            let batches: Vec<[u8; 10]> = contents.iter().map(|byte| [*byte; 10]).collect();
            let batches: Vec<&[u8]> = batches.iter().map(<[u8; 10]>::as_slice).collect();
            check_frames(&batches, false, 100, change, piece);
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>, piece in 1_usize..20) {
            check_any(&bytes, piece);
            check_any(&[super::super::MAGIC.as_slice(), &[1, 1, 0, 0], &bytes].concat(), piece);
        }
    }
}
