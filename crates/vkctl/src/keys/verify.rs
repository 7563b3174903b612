//! Reads all of all files: each is what was written, or the first that is not is told.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use vk_persist::seal::frames::{FrameEnd, FrameEvent, FrameReader};
use vk_persist::seal::stream::StreamReader;
use vk_persist::seal::{AesGcm, Header, Keyring, Kind, SealFault, signed};

use super::files::{Contents, Found, told, wrong};
use crate::error::Failure;

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// Looks at every file and tells what it is like; the first fault ends it.
pub(super) fn run(found: &[Found], ring: &Keyring) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for file in found {
        let state = match &file.contents {
            Contents::Sealed(header) => sealed(&file.path, header, ring)?,
            Contents::Signed(_) => {
                let text = fs::read(&file.path).map_err(|error| told(&file.path, &error))?;
                signed::verify(&text, ring).map_err(|fault| wrong(&file.path, fault))?;
                "authentic".to_owned()
            }
        };
        let shown = file.path.display();
        writeln!(out, "{shown}: {state}").map_err(Failure::Local)?;
    }
    writeln!(out, "{} files, all of them authentic", found.len()).map_err(Failure::Local)
}

fn sealed(path: &Path, header: &Header, ring: &Keyring) -> Result<String, Failure> {
    let kind = header
        .kind()
        .ok_or_else(|| wrong(path, SealFault::Header))?;
    let aead = header
        .open(kind, &AesGcm, ring)
        .map_err(|fault| wrong(path, fault))?;
    let mut file = File::open(path).map_err(|error| told(path, &error))?;
    let mut head = [0; Header::BYTES];
    file.read_exact(&mut head)
        .map_err(|error| told(path, &error))?;
    if kind == Kind::Increment {
        return frames(path, file, FrameReader::new(aead, Header::BYTES));
    }
    let mut reader = StreamReader::new(aead, Header::BYTES);
    let (mut buffer, mut plain, mut bytes) = (vec![0; READ_BYTES], Vec::new(), 0);
    loop {
        let count = file.read(&mut buffer).map_err(|error| told(path, &error))?;
        let read = match buffer.get(..count) {
            Some([]) | None => reader.finish(&mut plain),
            Some(piece) => reader.feed(piece, &mut plain),
        };
        read.map_err(|fault| wrong(path, fault))?;
        bytes += plain.len();
        plain.clear();
        if count == 0 {
            return Ok(format!("authentic and whole, {bytes} bytes"));
        }
    }
}

fn frames(path: &Path, mut file: File, mut reader: FrameReader) -> Result<String, Failure> {
    let (mut buffer, mut batches) = (vec![0; READ_BYTES], 0_u64);
    loop {
        let count = file.read(&mut buffer).map_err(|error| told(path, &error))?;
        reader.feed(buffer.get(..count).unwrap_or_default());
        loop {
            match reader.poll().map_err(|fault| wrong(path, fault))? {
                FrameEvent::Batch(_) => batches += 1,
                FrameEvent::More => break,
                _ => {}
            }
        }
        if count == 0 {
            break;
        }
    }
    Ok(match reader.finish() {
        FrameEnd::Closed => format!("authentic and closed, {batches} batches"),
        FrameEnd::Open => format!("authentic, {batches} batches; it was not closed"),
        FrameEnd::Torn(offset) => {
            format!("authentic up to offset {offset}, {batches} batches; the rest is torn")
        }
    })
}
