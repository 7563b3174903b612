//! Loading the append-only file: the base, then the increments in order, a few milliseconds at a
//! time.

use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use vk_engine::{
    EffectGroup, LoadOptions, LoadStep,
    config::{Config, id},
};
use vk_persist::{Found, LogEvent, LogFault, LogReader, Names, Recovered, Recovery, RecoveryFault};
use vk_resp::Request;

use super::folder::{Folder, bad_manifest};
use crate::{
    at_rest::{AtRest, Source, SourceError},
    hub::Hub,
    listen::system_text,
    log::{Level, Logger},
};

/// Records between two looks at the time.
const RECORDS_PER_STEP: usize = 256;

/// An append-only file that is being loaded.
pub(crate) struct LogLoad {
    folder: Folder,
    recovery: Recovery,
    current: Option<Current>,
    buffer: Vec<u8>,
    total_bytes: u64,
    done_bytes: u64,
    begun: Instant,
}

struct Current {
    source: Source,
    name: String,
    is_base: bool,
    /// Its bytes so far, as they are stored.
    bytes: u64,
    begun: Instant,
    part: Part,
}

enum Part {
    Snapshot,
    Commands(Box<LogReader>),
}

impl LogLoad {
    /// What there is to be loaded; an old single file is taken over first.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn open(
        config: &Config,
        at_rest: &Arc<AtRest>,
        log: &Logger,
    ) -> Result<Self, String> {
        let (mut folder, names) = (super::folder(config, at_rest), super::names(config));
        let manifest = folder.manifest_bytes(&names)?;
        let single = Path::new(names.single());
        let found = Found {
            manifest: manifest.as_deref(),
            is_single_inside: folder.path(names.single()).is_file(),
            is_single_outside: single.is_file(),
            is_distrusted: folder.path(&names.distrust()).exists(),
        };
        let recovery = Recovery::new(&names, found);
        let mut recovery = recovery.map_err(|error| bad_manifest(&error))?;
        take_over(&mut folder, &names, &recovery, log)?;
        let sizes = recovery.files().map(|name| {
            let facts = fs::metadata(folder.path(name)).map_err(|error| {
                let text = system_text(&error);
                format!("The append log file {name} doesn't exist: {text}")
            })?;
            Ok((facts.len(), folder.sealed.contents_bytes(name, facts.len())))
        });
        let sizes = sizes.collect::<Result<Vec<(u64, u64)>, String>>()?;
        let total_bytes = sizes.iter().map(|(bytes, _)| bytes).sum();
        recovery.handle_sizes(sizes.into_iter().map(|(_, contents)| contents).collect());
        Ok(Self {
            folder,
            recovery,
            current: None,
            buffer: Vec::new(),
            total_bytes,
            done_bytes: 0,
            begun: Instant::now(),
        })
    }

    /// What the log goes on with.
    pub(crate) fn into_recovered(self) -> (Recovered, Folder) {
        (self.recovery.finish(), self.folder)
    }

    /// For how long it has been going on.
    pub(crate) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// There is something to load.
    pub(crate) fn is_any(&self) -> bool {
        self.total_bytes > 0
    }

    /// Loads for about so long; `true` at the end.
    ///
    /// # Errors
    /// What to tell the operator.
    pub(crate) fn go_on(&mut self, hub: &mut Hub, time: Duration) -> Result<bool, String> {
        let begun = Instant::now();
        loop {
            let Some(mut current) = self.current.take() else {
                if !self.begin_next(hub)? {
                    let env = Hub::env(&hub.clock, &mut hub.host);
                    hub.engine.handle_log_loading(&env, None);
                    return Ok(true);
                }
                continue;
            };
            let is_ended = match &mut current.part {
                Part::Snapshot => self.load_snapshot(hub, &mut current)?,
                Part::Commands(_) => self.load_commands(hub, &mut current)?,
            };
            if is_ended {
                self.end_file(hub, &current);
            } else {
                self.current = Some(current);
            }
            if begun.elapsed() >= time {
                return Ok(false);
            }
        }
    }

    fn begin_next(&mut self, hub: &mut Hub) -> Result<bool, String> {
        let Some((name, is_base)) = self.recovery.poll_file() else {
            return Ok(false);
        };
        let name = name.to_owned();
        let path = self.folder.path(&name);
        let file = File::open(&path).map_err(|error| {
            format!(
                "Fatal error: can't open the append log file {name} for reading: {}",
                system_text(&error)
            )
        })?;
        let mut source = self.folder.sealed.open_part(file, &name, is_base)?;
        source
            .read(&mut self.buffer)
            .map_err(|error| unreadable(error, &name))?;
        let head = &self.buffer;
        let is_snapshot = head.starts_with(b"REDIS") || head.starts_with(b"VALKEY");
        let env = Hub::env(&hub.clock, &mut hub.host);
        hub.engine
            .handle_log_loading(&env, Some((self.done_bytes, self.total_bytes)));
        let part = if is_snapshot {
            let options = LoadOptions {
                total_bytes: self.total_bytes,
                merges: false,
                is_aof_base: true,
            };
            hub.engine.load_begin(&env, options);
            hub.engine.load_feed(head);
            let text = if is_base {
                "Reading RDB base file on AOF loading..."
            } else {
                "Reading RDB preamble from AOF file..."
            };
            hub.log.log(Level::Notice, text);
            Part::Snapshot
        } else {
            let mut reader = LogReader::new(0);
            reader.feed(head);
            Part::Commands(Box::new(reader))
        };
        self.current = Some(Current {
            bytes: source.bytes(),
            source,
            name,
            is_base,
            begun: Instant::now(),
            part,
        });
        Ok(true)
    }

    fn end_file(&mut self, hub: &mut Hub, current: &Current) {
        self.done_bytes = self.done_bytes.saturating_add(current.bytes);
        let kind = if current.is_base { "base" } else { "incr" };
        let seconds = current.begun.elapsed().as_secs_f64();
        let name = &current.name;
        let text = format!("DB loaded from {kind} file {name}: {seconds:.3} seconds");
        hub.log.log(Level::Notice, &text);
    }

    fn read(&mut self, current: &mut Current) -> Result<usize, String> {
        let read = current.source.read(&mut self.buffer);
        read.map_err(|error| unreadable(error, &current.name))?;
        current.bytes = current.source.bytes();
        Ok(self.buffer.len())
    }

    fn load_snapshot(&mut self, hub: &mut Hub, current: &mut Current) -> Result<bool, String> {
        let env = Hub::env(&hub.clock, &mut hub.host);
        let step = hub.engine.load_step(&env, RECORDS_PER_STEP);
        let step = step.map_err(|error| {
            let name = &current.name;
            format!("{error}\nError reading the RDB base file {name}, AOF loading aborted")
        })?;
        match step {
            LoadStep::More => Ok(false),
            LoadStep::NeedsBytes => {
                let count = self.read(current)?;
                if count == 0 {
                    hub.engine.load_finish();
                } else {
                    hub.engine.load_feed(&self.buffer);
                }
                Ok(false)
            }
            LoadStep::Ended => {
                let rest = hub.engine.load_end();
                // A single file may go on with commands.
                let offset = current.bytes.saturating_sub(rest.len() as u64);
                let mut reader = LogReader::new(offset);
                reader.feed(&rest);
                current.part = Part::Commands(Box::new(reader));
                Ok(false)
            }
        }
    }

    fn load_commands(&mut self, hub: &mut Hub, current: &mut Current) -> Result<bool, String> {
        for _ in 0..RECORDS_PER_STEP {
            let Part::Commands(reader) = &mut current.part else {
                return Ok(true);
            };
            match reader.poll().map_err(|fault| told(fault, &current.name))? {
                LogEvent::Group { db, commands } => {
                    let views: Vec<Request<'_>> =
                        commands.iter().map(vk_resp::OwnedRequest::view).collect();
                    let group = EffectGroup {
                        db,
                        effects: &views,
                    };
                    let mut env = Hub::env(&hub.clock, &mut hub.host);
                    hub.engine.load_group(&mut env, group).map_err(|name| {
                        let file = &current.name;
                        format!("Unknown command '{name}' reading the append only file {file}")
                    })?;
                }
                LogEvent::More => {
                    let count = self.read(current)?;
                    let done = self.done_bytes.saturating_add(current.bytes);
                    let env = Hub::env(&hub.clock, &mut hub.host);
                    let progress = Some((done, self.total_bytes));
                    hub.engine.handle_log_loading(&env, progress);
                    let Part::Commands(reader) = &mut current.part else {
                        return Ok(true);
                    };
                    if count > 0 {
                        reader.feed(&self.buffer);
                        continue;
                    }
                    return self.end_commands(hub, current).map(|()| true);
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// The file has ended, perhaps in the middle of something: what is whole may be all that there
    /// ever was.
    fn end_commands(&mut self, hub: &Hub, current: &mut Current) -> Result<(), String> {
        let Part::Commands(reader) = &current.part else {
            return Ok(());
        };
        let (name, mut good, mut ended) = (&current.name, reader.good(), reader.finish());
        let grown = current.source.grown_end();
        if let Some(end) = grown {
            good = end.good.bytes;
            ended = match ended {
                Ok(()) if end.is_torn => Err(LogFault::Truncated),
                Ok(()) => Ok(()),
                // Whole commands were written together, so that none can be torn here.
                Err(_) => Err(LogFault::Format(good)),
            };
        }
        let may_cut = hub.engine.config().bool(id::AOF_LOAD_TRUNCATED);
        let told_open = ended.is_err() && reader.is_in_transaction();
        let next = self
            .recovery
            .handle_end(current.bytes, good, ended, may_cut);
        if told_open && next != Err(RecoveryFault::NotTheLast) {
            let text = format!("Revert incomplete MULTI/EXEC transaction in AOF file {name}");
            hub.log.log(Level::Warning, &text);
        }
        next.map_err(|fault| match fault {
            RecoveryFault::Log(fault) => told(fault, name),
            fault => format!("Fatal error: {fault}"),
        })?;
        if let Some(end) = grown {
            self.folder.sealed.handle_read(name, end.good);
        }
        if ended.is_err() {
            for text in [
                format!("!!! Warning: short read while loading the AOF file {name}!!!"),
                format!("!!! Truncating the AOF {name} at offset {good} !!!"),
                format!("AOF {name} loaded anyway because aof-load-truncated is enabled"),
            ] {
                hub.log.log(Level::Warning, &text);
            }
            current.bytes = good;
        }
        Ok(())
    }
}

fn unreadable(error: SourceError, name: &str) -> String {
    match error {
        SourceError::Io(error) => {
            let text = system_text(&error);
            format!("Unrecoverable error reading the append only file {name}: {text}")
        }
        SourceError::Changed(text) => text,
    }
}

fn told(fault: LogFault, name: &str) -> String {
    match fault {
        LogFault::Truncated => format!(
            "Unexpected end of file reading the append only file {name}. You can: 1) Make a \
             backup of your AOF file, then use ./valkey-check-aof --fix <filename.manifest>. 2) \
             Alternatively you can set the 'aof-load-truncated' configuration option to yes and \
             restart the server."
        ),
        fault => format!(
            "Bad file format reading the append only file {name}: make a backup of your AOF \
             file, then use ./valkey-check-aof --fix <filename.manifest> ({fault})"
        ),
    }
}

/// Takes over the one file that older versions wrote: it becomes the base under its own name.
fn take_over(
    folder: &mut Folder,
    names: &Names,
    recovery: &Recovery,
    log: &Logger,
) -> Result<(), String> {
    let ops = recovery.take_over();
    if ops.is_empty() {
        return Ok(());
    }
    folder.create().map_err(|error| {
        let text = system_text(&error);
        format!(
            "Can't open or create append-only dir {}: {text}",
            folder.name()
        )
    })?;
    let name = names.single();
    folder.perform(ops).map_err(|error| {
        format!(
            "Error trying to move the old AOF file {name} into dir {}: {}",
            folder.name(),
            error.text
        )
    })?;
    let text = format!(
        "Successfully migrated an old-style AOF file ({name}) into the AOF directory ({}).",
        folder.name()
    );
    log.log(Level::Notice, &text);
    Ok(())
}
