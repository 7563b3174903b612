//! Reads all of all files and compares them with what the signed texts say: every file that is not
//! what was written, or not there, is told.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use vk_persist::seal::frames::{FrameEnd, FrameEvent, FrameReader};
use vk_persist::seal::stream::StreamReader;
use vk_persist::seal::{AesGcm, Closed, Header, Keyring, Kind, SealFault, signed};

use super::compare::{Comparison, Role, Verdict};
use super::files::{Contents, Found, told};
use crate::error::Failure;

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// Looks at every file and tells what it is like; any fault is a failure in the end.
pub(super) fn run(folder: &Path, found: &[Found], ring: &Keyring) -> Result<(), Failure> {
    let comparison = Comparison::of(folder, found, ring)?;
    let mut out = io::stdout().lock();
    let (mut faults, mut extras) = (0_usize, 0_usize);
    for file in found {
        let role = comparison.of_file(&file.path);
        let state = read(file, &role, ring)?;
        let is_right = state.is_ok();
        let state = state.unwrap_or_else(|fault| fault.to_string());
        let text = match role.verdict {
            None => state,
            Some(Verdict::Fault(text)) => {
                faults = faults.saturating_add(usize::from(is_right));
                format!("{text}; {state}")
            }
            Some(Verdict::Note(text)) => format!("{state}; {text}"),
            Some(Verdict::Extra(text)) => {
                extras = extras.saturating_add(1);
                let shown = file.path.display();
                writeln!(out, "{shown}: extra, {text}; {state}").map_err(Failure::Local)?;
                continue;
            }
        };
        faults = faults.saturating_add(usize::from(!is_right));
        let shown = file.path.display();
        writeln!(out, "{shown}: {text}").map_err(Failure::Local)?;
    }
    for (path, verdict) in &comparison.others {
        let (Verdict::Fault(text) | Verdict::Extra(text) | Verdict::Note(text)) = verdict;
        faults = faults.saturating_add(usize::from(matches!(verdict, Verdict::Fault(_))));
        writeln!(out, "{}: {text}", path.display()).map_err(Failure::Local)?;
    }
    let needed = found.len().saturating_sub(extras);
    if faults > 0 {
        let count = found.len();
        return Err(Failure::Reply(format!(
            "{faults} faults in a folder of {count} encrypted or signed files"
        )));
    }
    writeln!(
        out,
        "{needed} files, all of them authentic and none missing; {extras} extra"
    )
    .map_err(Failure::Local)
}

/// What a file is like, or what is wrong with it.
fn read(file: &Found, role: &Role, ring: &Keyring) -> Result<Result<String, SealFault>, Failure> {
    match &file.contents {
        Contents::Sealed(header) => sealed(&file.path, header, role.closed, ring),
        Contents::Signed(_) => {
            let text = fs::read(&file.path).map_err(|error| told(&file.path, &error))?;
            Ok(signed::verify(&text, ring).map(|_| "authentic".to_owned()))
        }
    }
}

fn sealed(
    path: &Path,
    header: &Header,
    closed: Option<Closed>,
    ring: &Keyring,
) -> Result<Result<String, SealFault>, Failure> {
    let Some(kind) = header.kind() else {
        return Ok(Err(SealFault::Header));
    };
    let aead = match header.open(kind, &AesGcm, ring) {
        Ok(aead) => aead,
        Err(fault) => return Ok(Err(fault)),
    };
    let failed = |error| told(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut head = [0; Header::BYTES];
    file.read_exact(&mut head).map_err(failed)?;
    let state = match kind {
        Kind::Increment => frames(file, FrameReader::new(aead, Header::BYTES), closed),
        Kind::Snapshot | Kind::Base => stream(file, StreamReader::new(aead, Header::BYTES)),
    };
    state.map_err(failed)
}

fn stream(mut file: File, mut reader: StreamReader) -> io::Result<Result<String, SealFault>> {
    let (mut buffer, mut plain, mut bytes) = (vec![0; READ_BYTES], Vec::new(), 0);
    loop {
        let count = file.read(&mut buffer)?;
        let read = match buffer.get(..count) {
            Some([]) | None => reader.finish(&mut plain),
            Some(piece) => reader.feed(piece, &mut plain),
        };
        if let Err(fault) = read {
            return Ok(Err(fault));
        }
        bytes += plain.len();
        plain.clear();
        if count == 0 {
            return Ok(Ok(format!("authentic and whole, {bytes} bytes")));
        }
    }
}

/// A file that grows, which must come along at a place that a list names.
fn frames(
    mut file: File,
    mut reader: FrameReader,
    mut wanted: Option<Closed>,
) -> io::Result<Result<String, SealFault>> {
    let (mut buffer, mut batches) = (vec![0; READ_BYTES], 0_u64);
    loop {
        let count = file.read(&mut buffer)?;
        reader.feed(buffer.get(..count).unwrap_or_default());
        loop {
            let (bytes, tag) = (reader.good(), reader.good_tag());
            wanted.take_if(|wanted| *wanted == Closed { bytes, tag });
            match reader.poll() {
                Ok(FrameEvent::Batch(_)) => batches += 1,
                Ok(FrameEvent::More) => break,
                Ok(_) => {}
                Err(fault) => return Ok(Err(fault)),
            }
        }
        if count == 0 {
            break;
        }
    }
    if wanted.is_some() {
        return Ok(Err(SealFault::Truncated));
    }
    Ok(Ok(match reader.finish() {
        FrameEnd::Closed => format!("authentic and closed, {batches} batches"),
        FrameEnd::Open => format!("authentic, {batches} batches; it was not closed"),
        FrameEnd::Torn(offset) => {
            format!("authentic up to offset {offset}, {batches} batches; the rest is torn")
        }
    }))
}
