//! Loading a snapshot: bytes of an RDB file in, keys in the databases. Reading the file itself is
//! the shell's.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use vk_data::table::KeyHash;
use vk_rdb::{
    FileError, FileEvent, FileFault, FileReader, KeyRecord, LoadLimits, ReadOptions, RecordUse,
    Text,
};

use crate::{
    Engine, Env, LogLevel, MonoMicros, cmd::load_limits, config::id, engine::keyspace::UseClock,
};

/// Records that are looked at together, so that their places are in the cache.
const BATCH: usize = 32;
/// A type, a key of some bytes with its length, a value.
const RECORD_BYTES_MIN: u64 = 8;

/// What a file is loaded for.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions {
    /// Bytes that are to come, for those who ask how far it is.
    pub total_bytes: u64,
    /// Keys that are there already are replaced; without this they are an error.
    pub merges: bool,
    /// The file is the base of an append-only file: keys that have expired are taken, since what
    /// follows says when they went.
    pub is_aof_base: bool,
}

/// How far loading is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadStep {
    /// More bytes are needed.
    NeedsBytes,
    /// There is more to do with the bytes that are there.
    More,
    /// The file is at its end.
    Ended,
}

/// Why a file is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The file is damaged, or of another kind.
    File(FileError),
    /// It has keys of a database that this server does not have.
    Database(u64),
    /// It has a key twice.
    Duplicate {
        /// The key.
        key: Vec<u8>,
        /// Its database.
        db: u32,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => match error.fault {
                FileFault::Signature => f.write_str("Wrong signature trying to load DB from file"),
                FileFault::Version(version) => {
                    write!(f, "Can't handle RDB format version {version}")
                }
                FileFault::Truncated => write!(
                    f,
                    "Short read or OOM loading DB. Unrecoverable error, aborting now. ({error})"
                ),
                FileFault::Checksum { computed, stored } => write!(
                    f,
                    "Wrong RDB checksum expected: ({computed:x}) but got ({stored:x}). Aborting \
                     now. RDB CRC error"
                ),
                _ => write!(
                    f,
                    "Internal error in RDB reading: {error}; integrity check failed.\nThe \
                     integrity check failed: nothing behind this place was loaded. 'vkctl rdb \
                     check' tells what is left of a file."
                ),
            },
            Self::Database(count) => write!(
                f,
                "FATAL: Data file was created with a server configured to handle more than {count} \
                 databases. Exiting"
            ),
            Self::Duplicate { key, db } => write!(
                f,
                "RDB has duplicated key '{}' in DB {db}",
                String::from_utf8_lossy(key)
            ),
        }
    }
}

impl core::error::Error for LoadError {}

/// A file that is being loaded.
#[derive(Debug)]
pub(crate) struct Loading {
    total_bytes: u64,
    reader: FileReader,
    pub(crate) begun_s: i64,
    begun: MonoMicros,
    taken: Taken,
}

impl Loading {
    /// Bytes that were loaded, and all of them.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let done = self.reader.offset();
        (done, self.total_bytes.max(done))
    }

    /// For how long it has been going on, in microseconds.
    pub(crate) fn micros(&self, now: MonoMicros) -> u64 {
        now.0.saturating_sub(self.begun.0)
    }

    /// Memory that the data took where the file was made.
    pub(crate) fn used_memory_when_made(&self) -> u64 {
        self.taken.used_memory_when_made
    }
}

impl Engine {
    /// Begins to load a file. Until [`Engine::load_end`] commands are answered that it is loading.
    pub fn load_begin(&mut self, env: &Env<'_>, options: LoadOptions) {
        self.set_time(env);
        let reads = ReadOptions {
            checks_sum: self.config.bool(id::RDBCHECKSUM),
            takes_any_version: self.config.int(id::RDB_VERSION_CHECK) != 0,
        };
        let taken = Taken {
            uses: self.use_clock(),
            now_ms: self.now_ms(),
            merges: options.merges,
            keeps_expired: options.is_aof_base,
            db: 0,
            keys: 0,
            expired: 0,
            empty: 0,
            expected: options.total_bytes / RECORD_BYTES_MIN,
            used_memory_when_made: 0,
        };
        self.loading = Some(Loading {
            total_bytes: options.total_bytes,
            reader: FileReader::new(reads),
            begun_s: self.wall.0.div_euclid(1_000_000),
            begun: self.mono,
            taken,
        });
    }

    /// Bytes of the file, in order.
    pub fn load_feed(&mut self, bytes: &[u8]) {
        if let Some(loading) = &mut self.loading {
            loading.reader.feed(bytes);
        }
    }

    /// No more bytes will come.
    pub fn load_finish(&mut self) {
        if let Some(loading) = &mut self.loading {
            loading.reader.finish();
        }
    }

    /// Takes up to about so many records.
    ///
    /// # Errors
    /// What is wrong with the file; what was loaded before stays.
    pub fn load_step(&mut self, env: &Env<'_>, records_max: usize) -> Result<LoadStep, LoadError> {
        self.set_time(env);
        let Some(mut loading) = self.loading.take() else {
            return Ok(LoadStep::Ended);
        };
        let limits = load_limits(self);
        let mut result = Ok(LoadStep::More);
        let mut left = records_max.max(1);
        while left > 0 && result == Ok(LoadStep::More) {
            result = self.load_batch(&mut loading, &limits, &mut left);
        }
        self.loading = Some(loading);
        result
    }

    /// The file was loaded, or was given up. What follows the end of the file, if it is the
    /// beginning of an append-only file, is the result.
    pub fn load_end(&mut self) -> Vec<u8> {
        let Some(loading) = self.loading.take() else {
            return Vec::new();
        };
        let taken = loading.taken;
        self.saves.loaded = (taken.keys, taken.expired);
        let mut text = format!(
            "Done loading RDB, keys loaded: {}, keys expired: {}",
            taken.keys, taken.expired
        );
        if taken.empty > 0 {
            text.push_str(&format!(", empty keys skipped: {}", taken.empty));
        }
        text.push('.');
        self.log(LogLevel::Notice, text);
        loading.reader.rest().to_vec()
    }

    /// A file is being loaded.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some() || self.aof.loading.is_some()
    }

    fn load_batch(
        &mut self,
        loading: &mut Loading,
        limits: &LoadLimits,
        left: &mut usize,
    ) -> Result<LoadStep, LoadError> {
        let Loading { reader, taken, .. } = loading;
        let events = reader.batch(limits, BATCH).map_err(LoadError::File)?;
        *left = left.saturating_sub(events.len().max(1));
        if events.is_empty() {
            drop(events);
            return Ok(if reader.is_ended() {
                LoadStep::Ended
            } else {
                LoadStep::NeedsBytes
            });
        }
        taken.uses = self.use_clock();
        taken.now_ms = self.now_ms();
        let places: Vec<Option<KeyHash>> = events
            .iter()
            .map(|event| taken.prefetch(self, event))
            .collect();
        for (event, hash) in events.into_iter().zip(places) {
            taken.event(self, event, hash)?;
        }
        Ok(LoadStep::More)
    }

    /// Logs a fact about the file.
    fn tell_fact(&mut self, name: Text<'_>, value: Text<'_>, used_memory: &mut u64) {
        let (name, value) = (name.into_vec(), value.into_vec());
        let value = String::from_utf8_lossy(&value).into_owned();
        let text = match name.as_slice() {
            b"redis-ver" => format!("Loading RDB produced by Redis version {value}"),
            b"valkey-ver" => format!("Loading RDB produced by Valkey version {value}"),
            b"ctime" => {
                let now_s = self.wall.0.div_euclid(1_000_000);
                let age_s = now_s.saturating_sub(value.parse().unwrap_or(now_s));
                format!("RDB age {} seconds", age_s.max(0))
            }
            b"used-mem" => {
                *used_memory = value.parse().unwrap_or(0);
                let mebibytes = *used_memory as f64 / (1024.0 * 1024.0);
                format!("RDB memory usage when created {mebibytes:.2} Mb")
            }
            b"aof-base" if value == "1" => "RDB is base AOF".into(),
            b"aof-preamble" if value == "1" => "RDB has an AOF tail".into(),
            _ => return,
        };
        self.log(LogLevel::Notice, text);
    }
}

/// Puts keys where they belong, and counts them.
#[derive(Debug)]
struct Taken {
    uses: UseClock,
    now_ms: i64,
    merges: bool,
    keeps_expired: bool,
    db: u32,
    keys: u64,
    expired: u64,
    empty: u64,
    /// Keys for which room is made if the file says so: as many as can be in it.
    expected: u64,
    /// Memory that the data took where the file was made.
    used_memory_when_made: u64,
}

impl Taken {
    /// Fetches the place of a key into the cache; its database may turn out to be another one.
    fn prefetch(&self, engine: &Engine, event: &FileEvent<'_>) -> Option<KeyHash> {
        let FileEvent::Key(record) = event else {
            return None;
        };
        let Text::Plain(key) = &record.key else {
            return None;
        };
        let db = engine.dbs.db(self.db)?;
        let hash = db.hash(key);
        db.prefetch_insert(hash);
        Some(hash)
    }

    fn event(
        &mut self,
        engine: &mut Engine,
        event: FileEvent<'_>,
        hash: Option<KeyHash>,
    ) -> Result<(), LoadError> {
        match event {
            FileEvent::Key(record) => self.take(engine, record, hash)?,
            FileEvent::SelectDb(number) => {
                let count = engine.dbs.count();
                let known = u32::try_from(number).ok();
                let known = known.filter(|number| (*number as usize) < count);
                self.db = known.ok_or(LoadError::Database(count as u64))?;
            }
            FileEvent::Size { keys, .. } => {
                let keys = keys.min(self.expected);
                self.expected -= keys;
                if let Some(db) = engine.dbs.db_mut(self.db) {
                    db.presize(usize::try_from(keys).unwrap_or(usize::MAX));
                }
            }
            FileEvent::Fact(name, value) => {
                engine.tell_fact(name, value, &mut self.used_memory_when_made);
            }
            FileEvent::Function(code) => {
                let code = code.into_vec();
                if !engine.functions.contains(&code) {
                    engine.functions.push(code);
                }
            }
            FileEvent::Empty(key) => {
                let key = key.into_vec();
                let key = String::from_utf8_lossy(&key);
                let text = format!("rdbLoadObject skipping empty key: {key}");
                engine.log(LogLevel::Notice, text);
                self.empty += 1;
            }
            FileEvent::End {
                has_checksum: false,
            } if engine.config.bool(id::RDBCHECKSUM) => {
                let text = "RDB file was saved with checksum disabled: no check performed.";
                engine.log(LogLevel::Notice, text.into());
            }
            _ => {}
        }
        Ok(())
    }

    fn take(
        &mut self,
        engine: &mut Engine,
        record: KeyRecord<'_>,
        hash: Option<KeyHash>,
    ) -> Result<(), LoadError> {
        let is_expired = record.expire_ms.is_some_and(|at_ms| at_ms < self.now_ms);
        if is_expired && !self.keeps_expired {
            self.expired += 1;
            return Ok(());
        }
        let owned;
        let key = match record.key {
            Text::Plain(bytes) => bytes,
            text => {
                owned = text.into_vec();
                &owned
            }
        };
        let access = match record.last_use {
            Some(RecordUse::Idle(seconds)) => self.uses.idle(seconds),
            Some(RecordUse::Frequency(counter)) => self.uses.frequency(counter),
            None => None,
        };
        let access = access.unwrap_or_else(|| self.uses.initial());
        let Some(db) = engine.dbs.db_mut(self.db) else {
            return Ok(());
        };
        let hash = hash.unwrap_or_else(|| db.hash(key));
        if db.find(hash, key).is_some() {
            if !self.merges {
                return Err(LoadError::Duplicate {
                    key: key.to_vec(),
                    db: self.db,
                });
            }
            let before = db.remove(hash, key);
            engine
                .dbs
                .bury(before.and_then(vk_data::entry::DbEntry::into_object));
        }
        let expire_ms = record.expire_ms;
        if let Some(db) = engine.dbs.db_mut(self.db) {
            record
                .value
                .store(|value| db.insert_new(hash, key, value, expire_ms, access));
        }
        self.keys += 1;
        Ok(())
    }
}
