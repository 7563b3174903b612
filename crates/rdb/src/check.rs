//! The properties of reading over any bytes, shared by unit tests and a fuzz target. Not an API: a
//! violation is a failed assertion.

use vk_data::entry::DbEntry;
use vk_data::hash::HashLimits;
use vk_data::list::ListLimits;
use vk_data::set::SetLimits;
use vk_data::table::HashSeed;
use vk_data::zset::ZSetLimits;

use crate::{
    Checksum, Compression, LoadLimits, Loaded, Writer, crc64, dump, restore, round_trip, save,
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

fn written(entry: &DbEntry) -> alloc::vec::Vec<u8> {
    let mut writer = Writer::new(Compression::None);
    save(entry, &mut writer);
    writer.take()
}
