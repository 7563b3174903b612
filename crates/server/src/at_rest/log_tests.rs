//! Encrypted append-only files with real files: what is written is read, and whatever is changed,
//! missing, exchanged or cut off is told with the name of the file.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::{rig::Rig, source::GrownEnd, *};

const FIRST: &str = "appendonly.aof.1.incr.aof";
const SECOND: &str = "appendonly.aof.2.incr.aof";
const LIST: &str = "appendonly.aof.manifest";

fn names() -> vk_persist::Names {
    vk_persist::Names::new("appendonly.aof")
}

fn log(rig: &Rig) -> SealedLog {
    SealedLog::new(&rig.at_rest().unwrap(), &names())
}

/// The list of these increments.
fn manifest(files: &[&str]) -> Vec<u8> {
    let lines = files.iter().zip(1..);
    let lines = lines.map(|(name, number)| format!("file {name} seq {number} type i\n"));
    lines.collect::<String>().into_bytes()
}

fn append(rig: &Rig, name: &str, bytes: &[u8]) {
    let path = rig.data.path().join(name);
    let mut all = fs::read(&path).unwrap_or_default();
    all.extend_from_slice(bytes);
    fs::write(path, all).unwrap();
}

/// A file of three batches, and the list of it.
fn write(rig: &Rig, log: &mut SealedLog, name: &str, listed: &[&str]) {
    let head = log.create(name).unwrap();
    append(rig, name, &head);
    let list = log.sign(&manifest(listed)).unwrap();
    fs::write(rig.data.path().join(LIST), list).unwrap();
    log.handle_listed().unwrap();
    log.handle_opened(name);
    for number in 0..3 {
        let plain = format!("{name} batch {number}").repeat(50);
        let bytes = log.encrypt(plain.as_bytes()).unwrap().to_vec();
        append(rig, name, &bytes);
        log.handle_written(usize::MAX);
    }
}

/// Reads a file of the list, as far as it goes.
fn read_one(log: &SealedLog, rig: &Rig, name: &str) -> Result<(Vec<u8>, GrownEnd), String> {
    let file = File::open(rig.data.path().join(name)).map_err(|_| format!("{name}: none"))?;
    let mut source = log.open_part(file, name, false)?;
    let (mut all, mut piece) = (Vec::new(), Vec::new());
    loop {
        match source.read(&mut piece) {
            Ok(()) if piece.is_empty() => break,
            Ok(()) => all.extend_from_slice(&piece),
            Err(SourceError::Changed(text)) => return Err(text),
            Err(SourceError::Io(error)) => return Err(error.to_string()),
        }
    }
    let end = source.grown_end().ok_or_else(|| format!("{name}: plain"))?;
    Ok((all, end))
}

/// Reads all files; how the last one ended.
fn read(rig: &Rig, files: &[&str]) -> Result<GrownEnd, String> {
    let at_rest = rig.at_rest()?;
    let mut log = SealedLog::new(&at_rest, &names());
    let list = fs::read(rig.data.path().join(LIST)).ok();
    log.open_list(list.as_deref())?;
    let mut last = Err("nothing".to_owned());
    for name in files {
        let (bytes, end) = read_one(&log, rig, name)?;
        if !end.is_torn && !bytes.ends_with(format!("{name} batch 2").as_bytes()) {
            return Err(format!("{name}: a batch is missing"));
        }
        last = Ok(end);
    }
    last
}

fn refused(rig: &Rig, parts: &[&str]) {
    let text = read(rig, &[FIRST, SECOND]).unwrap_err();
    for part in parts {
        assert!(text.contains(part), "{part} in: {text}");
    }
}

fn two_files() -> Rig {
    let rig = Rig::new();
    let mut log = log(&rig);
    write(&rig, &mut log, FIRST, &[FIRST]);
    write(&rig, &mut log, SECOND, &[FIRST, SECOND]);
    drop(log);
    rig
}

#[test]
fn each_of_a_thousand_changed_bytes_of_a_log_is_noticed() {
    let rig = two_files();
    assert!(!read(&rig, &[FIRST, SECOND]).unwrap().is_torn);
    let mut next = rig::numbers();
    for round in 0..1000 {
        let name = [FIRST, SECOND, LIST][round % 3];
        let path = rig.data.path().join(name);
        let bytes = fs::read(&path).unwrap();
        let at = next(bytes.len());
        let mut changed = bytes.clone();
        changed[at] ^= u8::try_from(1 + next(255)).unwrap();
        fs::write(&path, &changed).unwrap();
        let text = read(&rig, &[FIRST, SECOND]).unwrap_err();
        assert!(text.contains(name), "{round}: byte {at} of {name}: {text}");
        fs::write(&path, bytes).unwrap();
    }
    assert!(read(&rig, &[FIRST, SECOND]).is_ok());
}

#[test]
fn what_is_cut_off_exchanged_or_old_is_noticed() {
    let rig = two_files();
    let path = |name: &str| rig.data.path().join(name);
    let (first, second) = (
        fs::read(path(FIRST)).unwrap(),
        fs::read(path(SECOND)).unwrap(),
    );
    let list = fs::read(path(LIST)).unwrap();
    // Whole batches are missing at the end of a file that another one follows.
    let mut log = SealedLog::new(&rig.at_rest().unwrap(), &names());
    log.open_list(Some(&list)).unwrap();
    let end = read_one(&log, &rig, FIRST).unwrap().1.good.bytes;
    drop(log);
    let batch = (first.len() - 128) / 3;
    assert_eq!(end, first.len() as u64);
    fs::write(path(FIRST), &first[..128 + 2 * batch]).unwrap();
    refused(&rig, &[FIRST, "cut off"]);
    fs::write(path(FIRST), &second).unwrap();
    refused(
        &rig,
        &[FIRST, "not the file that was written under this name"],
    );
    fs::write(path(FIRST), b"*1\r\n$4\r\nPING\r\n").unwrap();
    refused(&rig, &[FIRST, "is not encrypted"]);
    fs::write(path(FIRST), &first).unwrap();
    // The last file may be torn, which is told apart.
    fs::write(path(SECOND), &second[..second.len() - 1]).unwrap();
    let torn = read(&rig, &[FIRST, SECOND]).unwrap();
    assert!(torn.is_torn);
    assert_eq!(torn.good.bytes as usize, 128 + 2 * (second.len() - 128) / 3);
    fs::write(path(SECOND), &second).unwrap();
    fs::write(path(LIST), manifest(&[FIRST, SECOND])).unwrap();
    refused(&rig, &[LIST, "not signed"]);
    fs::remove_file(path(LIST)).unwrap();
    refused(&rig, &[LIST, "missing"]);
    fs::write(path(LIST), &list).unwrap();
    let mut log = SealedLog::new(&rig.at_rest().unwrap(), &names());
    log.open_list(Some(&list)).unwrap();
    let next = log.sign(&manifest(&[FIRST, SECOND])).unwrap();
    fs::write(path(LIST), &next).unwrap();
    // A crash before the note is no fault; an older list after it is.
    drop(log);
    assert!(read(&rig, &[FIRST, SECOND]).is_ok());
    let mut log = SealedLog::new(&rig.at_rest().unwrap(), &names());
    log.open_list(Some(&next)).unwrap();
    log.sign(&manifest(&[FIRST, SECOND])).unwrap();
    log.handle_listed().unwrap();
    drop(log);
    refused(&rig, &[LIST, "not the last one"]);
}

#[test]
fn what_was_on_disk_at_the_end_must_be_there() {
    let rig = Rig::new();
    let mut log = log(&rig);
    write(&rig, &mut log, FIRST, &[FIRST]);
    let path = rig.data.path().join(FIRST);
    let whole = fs::read(&path).unwrap();
    let batch = (whole.len() - 128) / 3;
    let shorter = &whole[..128 + 2 * batch];
    log.note_synced();
    let list = log.sign(&manifest(&[FIRST])).unwrap();
    fs::write(rig.data.path().join(LIST), list).unwrap();
    log.handle_listed().unwrap();
    // More may follow, if the end was taken back.
    let bytes = log.encrypt(format!("{FIRST} batch 2").as_bytes());
    append(&rig, FIRST, bytes.unwrap());
    drop(log);
    assert!(read(&rig, &[FIRST]).is_ok());
    fs::write(&path, shorter).unwrap();
    assert!(read(&rig, &[FIRST]).unwrap_err().contains("cut off"));
}

#[test]
fn what_could_not_be_written_is_never_encrypted_again() {
    let rig = Rig::new();
    let mut log = log(&rig);
    write(&rig, &mut log, FIRST, &[FIRST]);
    let first = log.encrypt(b"one").unwrap().to_vec();
    log.handle_written(0);
    let both = log.encrypt(b"one two").unwrap().to_vec();
    assert!(both.starts_with(&first) && both.len() > first.len());
    log.handle_written(10);
    let rest = log.encrypt(b"one two").unwrap().to_vec();
    assert_eq!(rest, both[10..]);
    append(&rig, FIRST, &both);
    log.handle_written(usize::MAX);
    assert!(log.encrypt(b"").unwrap().is_empty());
    let (bytes, end) = {
        let list = fs::read(rig.data.path().join(LIST)).unwrap();
        drop(log);
        let mut log = SealedLog::new(&rig.at_rest().unwrap(), &names());
        log.open_list(Some(&list)).unwrap();
        read_one(&log, &rig, FIRST).unwrap()
    };
    assert!(bytes.ends_with(b"one two") && !end.is_torn);
}

#[test]
fn a_file_that_was_ended_takes_nothing_more() {
    let rig = Rig::new();
    let mut log = log(&rig);
    write(&rig, &mut log, FIRST, &[FIRST]);
    let end = log.close().unwrap();
    append(&rig, FIRST, &end);
    assert!(!log.is_growing());
    drop(log);
    assert!(!read(&rig, &[FIRST]).unwrap().is_torn);
    append(&rig, FIRST, b"x");
    assert!(read(&rig, &[FIRST]).unwrap_err().contains("goes on behind"));
}
