//! Any bytes as a file of the log, and as the list of its files.

use alloc::{format, string::String, vec::Vec};

use crate::{LogEvent, LogFault, LogReader, Manifest, Names, manifest::SEQUENCE_MAX};

/// What is read in pieces of this size, how much of it was good, and how it ended.
pub(crate) fn read_log(file: &[u8], piece: usize) -> (Vec<String>, u64, Result<(), LogFault>) {
    let mut reader = LogReader::new(0);
    let mut told = Vec::new();
    for bytes in file.chunks(piece.max(1)) {
        reader.feed(bytes);
        loop {
            match reader.poll() {
                Ok(LogEvent::More) => break,
                Ok(event) => told.push(format!("{event:?}")),
                Err(fault) => return (told, reader.good(), Err(fault)),
            }
        }
    }
    (told, reader.good(), reader.finish())
}

/// Reads `data` as a log: however it is cut into pieces it is the same, what is called good can be
/// read to its end and is all that was told but times, and nothing but the end of the good part is
/// missing where only that is said.
///
/// # Panics
/// When that does not hold.
pub fn check_log(data: &[u8]) {
    let Some((piece, file)) = data.split_first() else {
        return;
    };
    let (told, good, ended) = read_log(file, file.len());
    assert_eq!(
        read_log(file, usize::from(*piece)),
        (told.clone(), good, ended)
    );
    let good = usize::try_from(good).unwrap_or(usize::MAX);
    let whole = file.get(..good).unwrap_or_default();
    assert_eq!(whole.len(), good, "what is good is there");
    let (again, good_again, ended_again) = read_log(whole, whole.len());
    assert_eq!((good_again, ended_again), (good as u64, Ok(())));
    // A time is told when it is met, although the transaction around it may never be complete.
    let (same, more) = told.split_at(told.len().min(again.len()));
    assert_eq!(same, again);
    assert!(
        more.iter().all(|told| told.starts_with("Time(")),
        "{more:?}"
    );
    match ended {
        Ok(()) => assert_eq!(good, file.len()),
        Err(LogFault::Truncated) => assert!(good < file.len()),
        Err(LogFault::Format(at)) => {
            assert!(good as u64 <= at && at < file.len() as u64, "{good} {at}");
        }
    }
}

/// Reads `data` as a list of files: what is accepted is written and read again as the same, names
/// no file of another folder, and can be gone on with in order.
///
/// # Panics When that does not hold.
pub fn check_manifest(data: &[u8]) {
    let Ok(manifest) = Manifest::parse(data) else {
        return;
    };
    if manifest == Manifest::default() {
        return;
    }
    let again = Manifest::parse(&manifest.encode());
    assert_eq!(again.as_ref(), Ok(&manifest));
    let parts = manifest.files().chain(&manifest.history);
    for part in parts {
        assert!(!part.name.contains('/'), "{}", part.name);
    }
    let names = Names::new("a");
    let (next, name) = manifest.with_increment(&names);
    assert!(manifest.files().all(|part| part.name != name));
    let (next, name) = next.with_base(&names, true, 1);
    assert_eq!(next.base.as_ref().map(|part| &part.name), Some(&name));
    assert_eq!(next.increments.len(), 1);
    // Numbers end, far behind any that is ever given.
    if manifest
        .files()
        .all(|part| part.sequence < SEQUENCE_MAX / 2)
    {
        assert_eq!(Manifest::parse(&next.encode()), Ok(next));
    }
}
