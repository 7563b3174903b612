//! Records of a file as records of another version of the format. Not the file around them: see
//! [`crate::FileWriter`].

use core::fmt;

use vk_data::entry::DbEntry;
use vk_data::glob::glob_match;
use vk_data::hash::{HashLimits, HashRef};
use vk_data::list::{ListLimits, ListRef};
use vk_data::set::{SetLimits, SetRef};
use vk_data::stream::StreamRef;
use vk_data::table::HashSeed;
use vk_data::value::{Object, ValueType, View};
use vk_data::zset::{ZSetLimits, ZSetRef};
use vk_data::{num::INT_TEXT_MAX, pack::PackKind};
use vk_mem::Access;

use crate::file::opcode;
use crate::load::stream::Form;
use crate::save::stream::save_stream;
use crate::{
    FileEvent, KeyRecord, LoadLimits, Loaded, RecordUse, RecordValue, VERSION_REDIS_MAX,
    VERSION_VALKEY, ValueCode, Writer, code_of, save,
};

/// The oldest version that records are transcribed to: that of Redis 5.0 to 6.2, the first with
/// streams.
pub const VERSION_TRANSCRIBED_MIN: u16 = 9;
/// The first version with listpacks and with functions: that of Redis 7.0.
pub const VERSION_FUNCTIONS_MIN: u16 = 10;

/// The version has no form for something. Whoever chose the version is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Inexpressible {
    /// A library of functions.
    Function,
    /// A hash with fields that expire.
    FieldExpiry,
}

impl Inexpressible {
    /// The oldest version that has a form for it.
    #[must_use]
    pub const fn version_needed(self) -> u16 {
        match self {
            Self::Function => VERSION_FUNCTIONS_MIN,
            Self::FieldExpiry => VERSION_VALKEY,
        }
    }
}

impl fmt::Display for Inexpressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Function => "libraries of functions",
            Self::FieldExpiry => "fields that expire",
        };
        let version = self.version_needed();
        write!(f, "{what} need version {version} of the format")
    }
}

impl core::error::Error for Inexpressible {}

impl LoadLimits {
    /// Those of a server whose configuration says nothing of them. The seed is that of tables and
    /// has to be random where the elements may be chosen by somebody else.
    #[must_use]
    pub const fn of_defaults([k0, k1]: [u64; 2]) -> Self {
        let seed = HashSeed { k0, k1 };
        Self {
            list: ListLimits::DEFAULT,
            set: SetLimits {
                intset_entries: 512,
                listpack_entries: 128,
                listpack_value_bytes: 64,
                seed,
            },
            hash: HashLimits {
                entries: 512,
                value_bytes: 64,
                seed,
            },
            zset: ZSetLimits {
                entries: 128,
                value_bytes: 64,
                seed,
            },
        }
    }
}

impl RecordValue<'_> {
    /// The name of its type, as TYPE tells it.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        let value_type = match self {
            Self::Text(_) | Self::Loaded(Loaded::Int(_) | Loaded::String(_)) => ValueType::String,
            Self::Loaded(Loaded::Pack(kind, _)) => match kind {
                PackKind::List => ValueType::List,
                PackKind::SetInts | PackKind::Set => ValueType::Set,
                PackKind::Hash => ValueType::Hash,
                PackKind::ZSet => ValueType::ZSet,
            },
            Self::Loaded(Loaded::Object(object)) => match object {
                Object::List(_) => ValueType::List,
                Object::Set(_) => ValueType::Set,
                Object::Hash(_) => ValueType::Hash,
                Object::ZSet(_) => ValueType::ZSet,
                Object::Stream(_) => ValueType::Stream,
                _ => ValueType::String,
            },
        };
        value_type.name()
    }
}

impl KeyRecord<'_> {
    /// Whether the name of the key matches a pattern, as KEYS understands it.
    #[must_use]
    pub fn is_match(&self, pattern: &[u8]) -> bool {
        glob_match(pattern, self.key.bytes(&mut [0; INT_TEXT_MAX]))
    }

    /// The key as an entry that stands in no database. How it was used is not kept.
    #[must_use]
    pub fn into_entry(self) -> DbEntry {
        let digits = &mut [0; INT_TEXT_MAX];
        let key = self.key.bytes(digits);
        let access = Access::from_bits(0);
        let expire_ms = self.expire_ms;
        self.value
            .store(|value| DbEntry::new(key, value, expire_ms, access))
    }
}

/// Writes what a file says in the forms that this version has, of [`VERSION_TRANSCRIBED_MIN`] or
/// later. Its beginning and end are not written, and no key without elements, which cannot be.
///
/// # Errors
/// It cannot be expressed in that version. Nothing was written then.
pub fn transcribe(
    event: FileEvent<'_>,
    version: u16,
    writer: &mut Writer,
) -> Result<(), Inexpressible> {
    let digits = &mut [0; INT_TEXT_MAX];
    match event {
        FileEvent::Fact(name, value) => {
            writer.raw(&[opcode::AUX]);
            writer.string(name.bytes(digits));
            writer.string(value.bytes(digits));
        }
        FileEvent::SelectDb(number) => {
            writer.raw(&[opcode::SELECT_DB]);
            writer.number(number);
        }
        FileEvent::Size { keys, volatile } => {
            writer.raw(&[opcode::RESIZE_DB]);
            writer.number(keys);
            writer.number(volatile);
        }
        FileEvent::Function(_) if version < VERSION_FUNCTIONS_MIN => {
            return Err(Inexpressible::Function);
        }
        FileEvent::Function(code) => {
            writer.raw(&[opcode::FUNCTION]);
            writer.string(code.bytes(digits));
        }
        FileEvent::Key(record) => return transcribe_key(record, version, writer),
        FileEvent::Begin(_) | FileEvent::Empty(_) | FileEvent::End { .. } => {}
    }
    Ok(())
}

fn transcribe_key(
    record: KeyRecord<'_>,
    version: u16,
    writer: &mut Writer,
) -> Result<(), Inexpressible> {
    let last_use = record.last_use;
    let entry = record.into_entry();
    let code = code_for(code_of(&entry), version)?;
    if let Some(at_ms) = entry.expire_ms() {
        writer.raw(&[opcode::EXPIRE_MS]);
        writer.time_ms(at_ms);
    }
    match last_use {
        None => {}
        Some(RecordUse::Idle(seconds)) => {
            writer.raw(&[opcode::IDLE]);
            writer.number(seconds);
        }
        Some(RecordUse::Frequency(count)) => writer.raw(&[opcode::FREQ, count]),
    }
    writer.raw(&[code as u8]);
    writer.string(entry.key());
    save_as(&entry, code, writer);
    Ok(())
}

/// The code of the entry's value in a version of the format, of [`VERSION_TRANSCRIBED_MIN`] or
/// later. A version that cannot express it gets what no reader of it takes, so that nothing is lost
/// unnoticed.
#[must_use]
pub fn code_in(entry: &DbEntry, version: u16) -> ValueCode {
    let code = code_of(entry);
    code_for(code, version).unwrap_or(code)
}

/// Writes the value of an entry in the form of a code that [`code_in`] has chosen.
pub fn save_as(entry: &DbEntry, code: ValueCode, writer: &mut Writer) {
    if code == code_of(entry) {
        save(entry, writer);
    } else {
        save_older(entry, code, writer);
    }
}

/// The form of a value in this version that comes next to the one that it has.
pub(crate) const fn code_for(code: ValueCode, version: u16) -> Result<ValueCode, Inexpressible> {
    let is_before_redis_7_2 = version < VERSION_REDIS_MAX;
    let is_before_redis_7_0 = version < VERSION_FUNCTIONS_MIN;
    Ok(match code {
        ValueCode::HashExpiring if version < VERSION_VALKEY => {
            return Err(Inexpressible::FieldExpiry);
        }
        ValueCode::SetListpack if is_before_redis_7_2 => ValueCode::Set,
        ValueCode::Stream3 if is_before_redis_7_0 => ValueCode::Stream1,
        ValueCode::Stream3 if is_before_redis_7_2 => ValueCode::Stream2,
        ValueCode::HashListpack if is_before_redis_7_0 => ValueCode::Hash,
        ValueCode::ZSetListpack if is_before_redis_7_0 => ValueCode::ZSet,
        ValueCode::ListQuicklist2 if is_before_redis_7_0 => ValueCode::List,
        code => code,
    })
}

/// The value element by element, or as a stream of former times.
fn save_older(entry: &DbEntry, code: ValueCode, writer: &mut Writer) {
    if let Some(list) = ListRef::of(entry) {
        writer.count(list.len());
        list.iter().for_each(|item| writer.item(item));
    } else if let Some(set) = SetRef::of(entry) {
        writer.count(set.len());
        set.iter().for_each(|item| writer.item(item));
    } else if let Some(hash) = HashRef::of(entry) {
        writer.count(hash.len());
        hash.for_each_stored(&mut |name, value, _| {
            writer.value(name);
            writer.value(value);
        });
    } else if let Some(zset) = ZSetRef::of(entry) {
        writer.count(zset.len());
        for (member, score) in zset.iter_from_rank(0, true) {
            writer.item(member);
            writer.double(score);
        }
    } else if let Some(stream) = StreamRef::of(entry) {
        let form = match code {
            ValueCode::Stream1 => Form::First,
            _ => Form::Second,
        };
        save_stream(&stream, form, writer);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::{format, string::String, vec::Vec};

    use super::{Inexpressible, LoadLimits, transcribe};
    use crate::{
        Compression, Facts, FileEvent, FileReader, FileWriter, ReadOptions, VERSION_VALKEY, Writer,
    };

    const LIMITS: LoadLimits = LoadLimits::of_defaults([1, 2]);

    /// A file of records that were transcribed to a version, or the version that is needed.
    fn transcribed(file: &[u8], version: u16) -> Result<Vec<u8>, Inexpressible> {
        let mut reader = reader(file);
        let mut records = Writer::noting_texts();
        while let Some(event) = reader.next(&LIMITS).unwrap() {
            if !matches!(event, FileEvent::Fact(..)) {
                transcribe(event, version, &mut records)?;
            }
        }
        Ok(around(version, records.bytes()))
    }

    fn around(version: u16, records: &[u8]) -> Vec<u8> {
        let mut writer = FileWriter::new(version, Compression::None, true);
        let mut out = Vec::new();
        writer.begin(&Facts::default(), &mut out);
        writer.records(records, &[], &mut out);
        writer.end(&mut out);
        out
    }

    fn reader(file: &[u8]) -> FileReader {
        let mut reader = FileReader::new(ReadOptions {
            checks_sum: true,
            takes_any_version: false,
        });
        reader.feed(file);
        reader.finish();
        reader
    }

    /// The keys of a file, each with its type.
    fn keys(file: &[u8]) -> Vec<String> {
        let mut reader = reader(file);
        let mut keys = Vec::new();
        while let Some(event) = reader.next(&LIMITS).unwrap() {
            if let FileEvent::Key(record) = event {
                let name = record.key.bytes(&mut [0; 20]).to_vec();
                let name = String::from_utf8(name).unwrap();
                let kind = record.value.type_name();
                keys.push(format!("{name} {kind} {:?}", record.expire_ms));
            }
        }
        keys
    }

    /// A record of every type in plain form; all of them become small encodings.
    fn sample() -> Vec<u8> {
        let mut writer = Writer::new(Compression::None);
        writer.raw(b"\xfc\x01\0\0\0\0\0\0\0\xf9\x05\0\x04text\x02ab");
        writer.raw(b"\x01\x04list\x02\x01a\x012");
        writer.raw(b"\xf8\x07\x02\x03set\x02\x01a\x012");
        writer.raw(b"\x02\x04ints\x02\x011\x012");
        writer.raw(b"\x04\x04hash\x01\x01f\x01v");
        writer.raw(b"\x05\x04zset\x01\x01m\0\0\0\0\0\0\xf0\x3f");
        writer.raw(b"\x0f\x06stream\0\0\x05\x06\x01\x01g\x05\x06\0\0");
        around(9, writer.bytes())
    }

    #[test]
    fn every_version_tells_the_same() {
        let file = sample();
        let told = keys(&file);
        assert_eq!(told.len(), 7, "{told:?}");
        assert!(told[0].contains("text string Some(1)"), "{told:?}");
        assert!(told[6].contains("stream stream"), "{told:?}");
        let codes = [
            (9, [1, 2, 4, 5, 15]),
            (10, [18, 2, 16, 17, 19]),
            (11, [18, 20, 16, 17, 21]),
            (VERSION_VALKEY, [18, 20, 16, 17, 21]),
        ];
        for (version, codes) in codes {
            let there = transcribed(&file, version).unwrap();
            assert_eq!(keys(&there), told, "{version}");
            let names: [&[u8]; 5] = [
                b"\x04list",
                b"\x03set",
                b"\x04hash",
                b"\x04zset",
                b"\x06stream",
            ];
            for (code, name) in codes.into_iter().zip(names) {
                let mut record = alloc::vec![code];
                record.extend_from_slice(name);
                let is_there = there.windows(record.len()).any(|part| part == record);
                assert!(is_there, "{version} {code} {name:?}");
            }
            let back = transcribed(&there, 9).unwrap();
            assert_eq!(back, transcribed(&file, 9).unwrap(), "{version}");
        }
    }

    #[test]
    fn what_a_version_cannot_express_is_refused() {
        let mut writer = Writer::new(Compression::None);
        writer.raw(b"\x16\x01h\x01\x01f\x01v");
        writer.time_ms(9_999_999_999_999);
        let file = around(VERSION_VALKEY, writer.bytes());
        for version in [9, 10, 11] {
            assert_eq!(transcribed(&file, version), Err(Inexpressible::FieldExpiry));
        }
        let same = transcribed(&file, VERSION_VALKEY).unwrap();
        assert_eq!(same, file);
        let mut writer = Writer::new(Compression::None);
        writer.raw(b"\xf5\x0c#!lua name=x\xfe\x03\xfb\x01\0\0\x01k\x01v");
        let file = around(10, writer.bytes());
        assert_eq!(transcribed(&file, 9), Err(Inexpressible::Function));
        assert_eq!(transcribed(&file, 10), Ok(file));
    }
}
