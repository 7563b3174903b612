//! The properties of reading over any bytes, shared by unit tests and a fuzz target. Not an API: a
//! violation is a failed assertion.

use vk_data::entry::DbEntry;
use vk_data::hash::HashLimits;
use vk_data::list::ListLimits;
use vk_data::set::SetLimits;
use vk_data::table::HashSeed;
use vk_data::zset::ZSetLimits;

use alloc::{format, string::String, vec::Vec};

use crate::{
    Checksum, Compression, FileError, FileEvent, FileReader, FileWriter, LoadLimits, Loaded,
    ReadOptions, Writer, crc64, dump, restore, round_trip, save,
};

/// Limits at which a few elements are many.
#[must_use]
pub fn small_limits() -> LoadLimits {
    limits(4, 8)
}

/// Limits of that many elements, and bytes of each.
#[must_use]
pub fn limits(entries: usize, value_bytes: usize) -> LoadLimits {
    let seed = HashSeed { k0: 1, k1: 2 };
    LoadLimits {
        list: ListLimits {
            fill: i32::try_from(entries).unwrap_or(i32::MAX),
            large_bytes: None,
        },
        set: SetLimits {
            intset_entries: entries,
            listpack_entries: entries,
            listpack_value_bytes: value_bytes,
            seed,
        },
        hash: HashLimits {
            entries,
            value_bytes,
            seed,
        },
        zset: ZSetLimits {
            entries,
            value_bytes,
            seed,
        },
    }
}

/// The value as an entry.
#[must_use]
pub fn entry_of(loaded: Loaded) -> DbEntry {
    let access = vk_mem::Access::from_bits(0);
    loaded.store(|value| DbEntry::new(b"key", value, None, access))
}

/// Takes `data` for a payload whose footer is right: what is read can be written and read again,
/// and is the same then.
pub fn check_restore(data: &[u8]) {
    let mut payload = data.to_vec();
    payload.extend_from_slice(&[11, 0]);
    payload.extend_from_slice(&crc64(&payload).to_le_bytes());
    let _ = restore(data, Checksum::Checked, &small_limits());
    for limits in [small_limits(), limits(128, 64)] {
        let Ok(loaded) = restore(&payload, Checksum::Checked, &limits) else {
            continue;
        };
        let entry = entry_of(loaded);
        assert!(!entry.is_empty_collection());
        let plain = written(&entry);
        // A zero may come back as another one once it was among the scores of a listpack, so the
        // second time decides.
        let mut writer = Writer::new(Compression::Lzf);
        let again = round_trip(&entry, &limits, &mut writer).map(entry_of);
        let again = again.unwrap_or_else(|error| unreachable!("cannot be read again: {error}"));
        assert_eq!(again.value_type(), entry.value_type());
        if again.encoding() == entry.encoding() {
            assert_eq!(written(&again).len(), plain.len());
        }
        let payload = dump(&again, Compression::Lzf);
        assert!(restore(&payload, Checksum::Checked, &limits).is_ok());
    }
}

fn written(entry: &DbEntry) -> Vec<u8> {
    let mut writer = Writer::new(Compression::None);
    save(entry, &mut writer);
    writer.take()
}

/// What a file that is fed in pieces of so many bytes says, and what is wrong with it.
#[must_use]
pub fn file_events(
    file: &[u8],
    piece_bytes: usize,
    limits: &LoadLimits,
    checks_sum: bool,
) -> (Vec<String>, Option<FileError>) {
    let mut reader = FileReader::new(ReadOptions {
        checks_sum,
        takes_any_version: false,
    });
    let mut events = Vec::new();
    let mut pieces = file.chunks(piece_bytes.max(1));
    loop {
        loop {
            match reader.next(limits) {
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.next(limits).err(), Some(error));
                    return (events, Some(error));
                }
            }
        }
        match pieces.next() {
            _ if reader.is_ended() => return (events, None),
            Some(piece) => reader.feed(piece),
            None => reader.finish(),
        }
    }
}

/// Any bytes as a file: what is told does not depend on how they are cut, and what was read can be
/// written and read again.
pub fn check_file(file: &[u8]) {
    let limits = small_limits();
    for checks_sum in [true, false] {
        let whole = file_events(file, file.len(), &limits, checks_sum);
        for piece_bytes in [1, 5, 64] {
            let pieces = file_events(file, piece_bytes, &limits, checks_sum);
            // Where the members of a table stand is told too, and is the same.
            assert_eq!(pieces, whole);
        }
        if let Some(error) = whole.1 {
            assert!(error.offset <= file.len() as u64);
        }
    }
    let mut reader = FileReader::new(ReadOptions {
        checks_sum: false,
        takes_any_version: true,
    });
    reader.feed(file);
    reader.finish();
    let mut keys = 0;
    let mut writer = Writer::new(Compression::None);
    while let Ok(Some(event)) = reader.next(&limits) {
        let FileEvent::Key(record) = event else {
            continue;
        };
        let name = record
            .key
            .bytes(&mut [0; vk_data::num::INT_TEXT_MAX])
            .to_vec();
        let access = vk_mem::Access::from_bits(0);
        let entry = record
            .value
            .store(|value| DbEntry::new(&name, value, record.expire_ms, access));
        assert!(!entry.is_empty_collection());
        let mut value = Writer::new(Compression::None);
        let code = save(&entry, &mut value);
        writer.raw(&[code as u8]);
        writer.string(&name);
        writer.raw(value.bytes());
        keys += 1;
    }
    let mut again = FileWriter::new(crate::VERSION_VALKEY, Compression::None, true);
    let mut out = Vec::new();
    again.begin(&crate::Facts::default(), &mut out);
    again.records(writer.bytes(), &[], &mut out);
    again.end(&mut out);
    let (events, error) = file_events(&out, 4096, &limits, true);
    assert_eq!(error, None);
    let read = events
        .iter()
        .filter(|event| event.starts_with("Key"))
        .count();
    assert_eq!(read, keys);
}
