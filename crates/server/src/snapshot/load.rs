//! Loading a file: pieces of it go to the engine, a few milliseconds at a time.

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use vk_engine::{LoadOptions, LoadStep, MonoMicros, config::id};

use crate::{
    at_rest::{AtRest, Source, SourceError},
    hub::Hub,
    listen::system_text,
};

/// Records between two looks at the time.
const RECORDS_PER_STEP: usize = 256;

/// A file that is being loaded.
#[derive(Debug)]
pub(crate) struct FileLoad {
    source: Source,
    name: String,
    total_bytes: u64,
    buffer: Vec<u8>,
    begun: Instant,
    /// Nothing is loaded before.
    not_before: MonoMicros,
}

impl FileLoad {
    /// Opens a file; nothing if there is none.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open(path: &Path, at_rest: &AtRest) -> Result<Option<Self>, String> {
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (total_bytes, file) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                at_rest.expect_no_snapshot(&path.display().to_string())?;
                return Ok(None);
            }
            Err(error) => {
                return Err(format!(
                    "Fatal error: can't open the RDB file {} for reading: {}",
                    path.display(),
                    system_text(&error)
                ));
            }
        };
        let name = path.display().to_string();
        Ok(Some(Self {
            source: at_rest.open(file, &name)?,
            name,
            total_bytes,
            buffer: Vec::new(),
            begun: Instant::now(),
            not_before: MonoMicros(0),
        }))
    }

    /// Tells the engine that loading begins.
    pub(crate) fn begin(&mut self, hub: &mut Hub, merges: bool) {
        let options = LoadOptions {
            total_bytes: self.total_bytes,
            merges,
            is_aof_base: false,
        };
        let env = Hub::env(&hub.clock, &mut hub.host);
        hub.engine.load_begin(&env, options);
    }

    /// Loads for about so long; `true` at the end of the file.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn go_on(&mut self, hub: &mut Hub, time: Duration) -> Result<bool, String> {
        let begun = Instant::now();
        if self.not_before > hub.clock.now() && time != Duration::MAX {
            return Ok(false);
        }
        let delay = hub.engine.config().int(id::KEY_LOAD_DELAY);
        let delay = Duration::from_micros(u64::try_from(delay).unwrap_or(0));
        let records = if delay.is_zero() { RECORDS_PER_STEP } else { 1 };
        loop {
            let env = Hub::env(&hub.clock, &mut hub.host);
            let step = hub.engine.load_step(&env, records);
            match step.map_err(|error| format!("RDB '{}': {error}", self.name))? {
                LoadStep::NeedsBytes => self.read(hub)?,
                LoadStep::Ended => {
                    self.source.finish().map_err(told)?;
                    hub.engine.load_end();
                    return Ok(true);
                }
                LoadStep::More => {
                    if !delay.is_zero() && time != Duration::MAX {
                        self.not_before = hub.clock.now().after(delay);
                        return Ok(false);
                    }
                    if begun.elapsed() >= time {
                        return Ok(false);
                    }
                }
            }
        }
    }

    fn read(&mut self, hub: &mut Hub) -> Result<(), String> {
        self.source.read(&mut self.buffer).map_err(told)?;
        if self.buffer.is_empty() {
            hub.engine.load_finish();
        } else {
            hub.engine.load_feed(&self.buffer);
        }
        Ok(())
    }

    /// For how long it has been going on.
    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// When it is to be gone on with.
    pub(crate) fn due(&self) -> MonoMicros {
        self.not_before
    }
}

fn told(error: SourceError) -> String {
    match error {
        SourceError::Io(error) => {
            let text = system_text(&error);
            format!("Short read or OOM loading DB. Unrecoverable error, aborting now. ({text})")
        }
        SourceError::Changed(text) => text,
    }
}
