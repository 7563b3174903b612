//! One key as a record of an RDB file.

use vk_data::entry::DbEntry;
use vk_rdb::{ValueCode, Writer, code_in, save_as};

use crate::engine::keyspace::{idle_seconds, lfu_decayed};

/// How keys are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub(super) uses: Uses,
    /// The version of the format whose forms values take.
    pub(super) version: u16,
}

/// What is told about the last use of a key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Uses {
    /// Nothing: the policy of eviction does not ask.
    None,
    /// For how long it was not used.
    Idle {
        /// The clock of the records of use.
        seconds: u32,
    },
    /// How often it was used.
    Frequency {
        /// The clock of the records of use.
        minutes: u32,
        /// After so many minutes a counter loses one.
        decay_minutes: i64,
    },
}

const EXPIRE_MS: u8 = 252;
const SELECT_DB: u8 = 254;
const RESIZE_DB: u8 = 251;
const IDLE: u8 = 248;
const FREQUENCY: u8 = 249;

/// The beginning of a database: its number, its keys and how many of them expire.
pub(super) fn put_database(number: u32, keys: usize, volatile: usize, writer: &mut Writer) {
    writer.raw(&[SELECT_DB]);
    writer.number(number.into());
    writer.raw(&[RESIZE_DB]);
    writer.count(keys);
    writer.count(volatile);
}

/// A key with all that is known of it.
pub(super) fn put_key(entry: &DbEntry, manner: Manner, writer: &mut Writer) {
    let code = code_in(entry, manner.version);
    put_head(entry, code, manner.uses, writer);
    save_as(entry, code, writer);
}

/// A key with all that is known of it but its value.
pub(super) fn put_head(entry: &DbEntry, code: ValueCode, uses: Uses, writer: &mut Writer) {
    if let Some(at_ms) = entry.expire_ms() {
        writer.raw(&[EXPIRE_MS]);
        writer.time_ms(at_ms);
    }
    match uses {
        Uses::None => {}
        Uses::Idle { seconds } => {
            writer.raw(&[IDLE]);
            writer.number(idle_seconds(entry.access(), seconds).into());
        }
        Uses::Frequency {
            minutes,
            decay_minutes,
        } => {
            let counter = lfu_decayed(entry.access(), minutes, decay_minutes);
            writer.raw(&[FREQUENCY, u8::try_from(counter).unwrap_or(u8::MAX)]);
        }
    }
    writer.raw(&[code as u8]);
    writer.string(entry.key());
}
