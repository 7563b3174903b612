//! Work that the engine asks of the shell: configuration that reaches the system, and the end.
//! Everything here happens between two batches, so that nobody sees half of it.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustix::process::{Signal, getpid, kill_process};
use vk_engine::{
    Completion, CrashKind, Directive, ListenerKind, Ticket,
    config::{Changed, Config, ConfigId, id, rewrite, rewrite_all},
};
use vk_spec::config::{Actor, ShellArea};

use crate::{
    allocator, descriptors,
    hub::Hub,
    listen::{Listener, Wanted, open_tcp, system_text},
    log::Level,
    oom::{OomScore, WantedScore},
    settings,
    shell::{Exit, LISTENERS_FROM, Shell},
    tls_files,
};

/// What the shell keeps of the configuration, to tell what has changed and to go back.
#[derive(Debug)]
pub(crate) struct Settings {
    /// What the listeners are open for.
    pub(crate) wanted: Wanted,
    /// The configuration file, absolute.
    pub(crate) config_file: Option<PathBuf>,
    /// The process' score for the kernel's killer.
    pub(crate) oom_score: OomScore,
}

/// Why a piece of work was not done.
#[derive(Debug)]
struct Failure {
    /// The directive that could not be followed.
    directive: Option<ConfigId>,
    text: String,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self {
            directive: None,
            text,
        }
    }
}

impl Shell {
    /// Does what was asked for in this turn.
    pub(crate) fn direct(&mut self) {
        while let Some((ticket, directive)) = self.hub.directives.pop_front() {
            let result = self.obey(directive);
            if self.exit.is_some() {
                // Whoever asked for the end gets no answer but the end.
                return;
            }
            self.complete(ticket, result);
        }
    }

    fn complete(&mut self, ticket: Ticket, result: Result<(), Failure>) {
        let completion = match result {
            Ok(()) => Completion::Done,
            Err(Failure {
                directive: Some(directive),
                text: reason,
            }) => Completion::NotApplied { directive, reason },
            Err(Failure { text, .. }) => Completion::Failed(text),
        };
        let is_failed = completion != Completion::Done;
        let mut env = Hub::env(&self.hub.clock, &mut self.hub.host);
        self.hub
            .engine
            .handle_completion(&mut env, ticket, completion);
        if is_failed {
            // Areas that did follow go back with the rest.
            self.follow_all();
        }
        self.hub.drain();
    }

    fn obey(&mut self, directive: Directive) -> Result<(), Failure> {
        match directive {
            Directive::ApplyConfig { changed } => self.apply(&changed),
            Directive::RewriteConfig { all } => Ok(self.rewrite_config(all)?),
            Directive::Shutdown(flags) => Ok(self.shut_down(flags)?),
            Directive::Save => {
                // The log has the reason; the client gets Valkey's bare error.
                self.save_all().map_err(|_| String::new())?;
                Ok(())
            }
            Directive::LoadAof => Ok(self.load_log()?),
            Directive::Reload {
                saves,
                flushes,
                merges,
            } => Ok(self.reload(saves, flushes, merges)?),
            Directive::Crash(kind) => {
                self.crash(kind);
                Ok(())
            }
            Directive::PurgeMemory => {
                allocator::purge();
                Ok(())
            }
            _ => Err("not supported by this build".to_owned().into()),
        }
    }

    fn apply(&mut self, changed: &[Changed]) -> Result<(), Failure> {
        let mut areas: Vec<(ShellArea, ConfigId)> = Vec::new();
        for change in changed {
            if let Actor::Shell(area) = change.actor
                && !areas.iter().any(|(known, _)| *known == area)
            {
                areas.push((area, change.id));
            }
        }
        // TLS before the listeners: a TLS port that is opened needs its certificate.
        areas.sort_by_key(|(area, _)| *area != ShellArea::Tls);
        areas.into_iter().try_for_each(|(area, id)| {
            self.follow(area).map_err(|text| Failure {
                directive: Some(id),
                text,
            })
        })
    }

    fn follow(&mut self, area: ShellArea) -> Result<(), String> {
        match area {
            ShellArea::Listeners => self.rebind(),
            ShellArea::Tls => self.reload_tls(),
            ShellArea::Log => {
                let settings = settings::log(self.hub.engine.config());
                self.hub
                    .log
                    .reconfigure(settings)
                    .map_err(|error| system_text(&error))
            }
            ShellArea::MaxClients => self.resize(),
            ShellArea::Process => self.follow_process(),
            ShellArea::AppendOnly => self.follow_append_only(),
            ShellArea::Folder => {
                let folder = settings::path(self.hub.engine.config(), id::DIR);
                let folder = folder.unwrap_or_else(|| PathBuf::from("."));
                std::env::set_current_dir(folder).map_err(|error| system_text(&error))
            }
            _ => {
                self.follow_values();
                Ok(())
            }
        }
    }

    /// After a failure the engine has gone back; so do all parts. Failures were logged before.
    fn follow_all(&mut self) {
        for area in [
            ShellArea::Tls,
            ShellArea::Listeners,
            ShellArea::Log,
            ShellArea::MaxClients,
            ShellArea::Process,
        ] {
            let _ = self.follow(area);
        }
    }

    /// Values that only have to be copied.
    pub(crate) fn follow_values(&mut self) {
        let config = self.hub.engine.config();
        let count = |id| settings::count(config, id);
        self.doors.accepts_per_turn = count(id::MAX_NEW_CONNECTIONS_PER_CYCLE);
        self.doors.tls_accepts_per_turn = count(id::MAX_NEW_TLS_CONNECTIONS_PER_CYCLE);
        self.doors.keepalive_s = config.size(id::TCP_KEEPALIVE);
        self.doors.maxclients = count(id::MAXCLIENTS);
    }

    /// Properties of the process that the kernel keeps, and those of its allocator.
    pub(crate) fn follow_process(&mut self) -> Result<(), String> {
        let has_thread = self.hub.engine.config().bool(id::JEMALLOC_BG_THREAD);
        allocator::set_thread(has_thread).map_err(|text| {
            let line = format!("Unable to set the allocator's thread: {text}");
            self.hub.log.log(Level::Warning, &line);
            "Failed to set the allocator's thread. Check server logs.".to_owned()
        })?;
        let wanted = WantedScore::of(self.hub.engine.config());
        self.settings.oom_score.follow(wanted).map_err(|error| {
            let text = format!("Unable to write oom_score_adj: {}", system_text(&error));
            self.hub.log.log(Level::Warning, &text);
            "Failed to set current oom_score_adj. Check server logs.".to_owned()
        })
    }

    fn resize(&mut self) -> Result<(), String> {
        let asked = self.hub.engine.config().size(id::MAXCLIENTS);
        let room = descriptors::make_room(asked).map_err(|error| error.to_string())?;
        if room.maxclients < asked {
            return Err(format!(
                "The operating system is not able to handle the specified number of clients, \
                 try with {}",
                room.maxclients
            ));
        }
        self.follow_values();
        Ok(())
    }

    /// Opens the listeners that the configuration wants now. A port that fails leaves the old
    /// listeners open.
    fn rebind(&mut self) -> Result<(), String> {
        let wanted = settings::wanted(self.hub.engine.config());
        let before = self.settings.wanted.clone();
        let is_moved = wanted.bind != before.bind;
        if wanted.tls_port != 0 && self.doors.tls.is_none() {
            self.reload_tls()?;
        }
        if wanted.port != before.port || is_moved {
            let (old, new) = ((before.port, &before), (wanted.port, &wanted));
            self.replace(ListenerKind::Tcp, old, new)
                .map_err(|Unbound| unbound_text(is_moved))?;
            self.settings.wanted.port = wanted.port;
        }
        if wanted.tls_port != before.tls_port || is_moved {
            let (old, new) = ((before.tls_port, &before), (wanted.tls_port, &wanted));
            self.replace(ListenerKind::Tls, old, new)
                .map_err(|Unbound| unbound_text(is_moved))?;
        }
        self.settings.wanted = wanted;
        self.announce();
        Ok(())
    }

    fn replace(
        &mut self,
        kind: ListenerKind,
        (old_port, old): (u16, &Wanted),
        (new_port, new): (u16, &Wanted),
    ) -> Result<(), Unbound> {
        if old_port == new_port {
            // The addresses overlap, perhaps: the old ones have to go first.
            let _ = self.doors.close(kind, self.poll.registry());
        }
        match self.open(kind, new_port, new) {
            Ok(opened) => {
                if old_port != new_port {
                    let _ = self.doors.close(kind, self.poll.registry());
                }
                self.add(opened)
            }
            Err(Unbound) => {
                if old_port == new_port
                    && let Ok(opened) = self.open(kind, old_port, old)
                {
                    self.add(opened)?;
                }
                Err(Unbound)
            }
        }
    }

    fn open(
        &mut self,
        kind: ListenerKind,
        port: u16,
        wanted: &Wanted,
    ) -> Result<Vec<Listener>, Unbound> {
        let mut skipped = Vec::new();
        let opened = open_tcp(kind, port, wanted, &mut skipped);
        let lines = match &opened {
            Ok(_) => &skipped,
            Err(error) => &error.lines,
        };
        for line in lines {
            self.hub.log.log(Level::Warning, line);
        }
        opened.map_err(|_| Unbound)
    }

    fn add(&mut self, opened: Vec<Listener>) -> Result<(), Unbound> {
        for listener in opened {
            let added = self
                .doors
                .add(listener, self.poll.registry(), LISTENERS_FROM);
            added.map_err(|error| {
                self.hub.log.log(Level::Warning, &system_text(&error));
                Unbound
            })?;
        }
        Ok(())
    }

    /// Tells the engine what INFO says about listeners.
    pub(crate) fn announce(&mut self) {
        let lines = listener_lines(&self.settings.wanted);
        self.hub.engine.handle_listeners(lines);
    }

    /// New connections get the new certificate; nothing changes when it is no good.
    pub(crate) fn reload_tls(&mut self) -> Result<(), String> {
        let config = self.hub.engine.config();
        if config.int(id::TLS_PORT) == 0 && self.doors.tls.is_none() {
            return Ok(());
        }
        let settings = settings::tls(config);
        match tls_files::load(&settings, SystemTime::now()) {
            Ok(material) => {
                material.tell(self.hub.log, SystemTime::now());
                self.doors.tls = Some(Arc::clone(&material.config));
                Ok(())
            }
            Err(error) => {
                let text = format!("Failed to configure TLS: {error}");
                self.hub.log.log(Level::Warning, &text);
                Err("Unable to update TLS configuration. Check server logs.".to_owned())
            }
        }
    }

    fn rewrite_config(&self, all: bool) -> Result<(), String> {
        let Some(path) = &self.settings.config_file else {
            return Err("The server is running without a config file".to_owned());
        };
        let make = if all { rewrite_all } else { rewrite };
        rewrite_file(path, self.hub.engine.config(), make)
            .map_err(|error| format!("Rewriting config file: {}", system_text(&error)))?;
        self.hub
            .log
            .log(Level::Notice, "CONFIG REWRITE executed with success.");
        Ok(())
    }

    fn crash(&mut self, kind: CrashKind) {
        match kind {
            CrashKind::Restart => self.exit = Some(Exit::Restart),
            CrashKind::Exit => self.exit = Some(Exit::Insisted),
            CrashKind::Segfault => {
                let (version, signal) = (env!("CARGO_PKG_VERSION"), Signal::SEGV);
                let number = signal.as_raw();
                let line = format!("Verikey {version} crashed by signal: {number}");
                self.hub.log.log(Level::Warning, &line);
                // The first one only takes the runtime's handler away.
                for _ in 0..2 {
                    let _ = kill_process(getpid(), signal);
                }
                std::process::abort()
            }
            _ => std::process::abort(),
        }
    }
}

/// A listener could not be had; the log has the reason.
#[derive(Debug)]
struct Unbound;

/// What the client is told: Valkey's words, by what it has changed.
fn unbound_text(is_moved: bool) -> String {
    if is_moved {
        "Failed to bind to specified addresses.".to_owned()
    } else {
        "Unable to listen on this port. Check server logs.".to_owned()
    }
}

/// Replaces a file as a whole: at no moment is there half of it, whatever happens.
fn rewrite_file(
    path: &Path,
    config: &Config,
    make: fn(&[u8], &Config) -> Vec<u8>,
) -> io::Result<()> {
    let old = match fs::read(path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    // A link is followed, so that what it points to is what changes.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let new = make(&old, config);
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let write = || -> io::Result<()> {
        let mut file = File::create_new(&temporary)?;
        if let Ok(facts) = fs::metadata(&path) {
            file.set_permissions(facts.permissions())?;
        }
        file.write_all(&new)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)?;
        File::open(folder)?.sync_all()
    };
    let result = write();
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// One line per kind of listener, as INFO has them.
pub(crate) fn listener_lines(wanted: &Wanted) -> Vec<String> {
    let mut binds = String::new();
    for name in &wanted.bind {
        binds.push_str(&format!(",bind={}", name.strip_prefix('-').unwrap_or(name)));
    }
    let mut lines = Vec::new();
    if wanted.port != 0 {
        lines.push(format!("name=tcp{binds},port={}", wanted.port));
    }
    if let Some(unix) = &wanted.unix {
        lines.push(format!("name=unix,bind={}", unix.path.display()));
    }
    if wanted.tls_port != 0 {
        lines.push(format!("name=tls{binds},port={}", wanted.tls_port));
    }
    lines
        .into_iter()
        .enumerate()
        .map(|(number, line)| format!("listener{number}:{line}"))
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{listen::UnixWanted, test_dir::TestDir};
    use vk_spec::config::Profile;

    #[test]
    fn listener_lines_are_numbered() {
        let wanted = Wanted {
            port: 7000,
            tls_port: 7001,
            bind: vec!["127.0.0.1".to_owned(), "-::1".to_owned()],
            unix: Some(UnixWanted {
                path: "/s".into(),
                mode: 0,
                group: None,
            }),
            backlog: 1,
        };
        assert_eq!(
            listener_lines(&wanted),
            [
                "listener0:name=tcp,bind=127.0.0.1,bind=::1,port=7000",
                "listener1:name=unix,bind=/s",
                "listener2:name=tls,bind=127.0.0.1,bind=::1,port=7001",
            ]
        );
    }

    #[test]
    fn rewriting_keeps_comments_and_leaves_no_other_file() {
        let folder = TestDir::new();
        let path = folder.path().join("vkd.conf");
        fs::write(&path, "# mine\nport 7000\n").unwrap();
        let mut config = Config::new(Profile::Compatible);
        config.correct(id::PORT, b"7001").unwrap();
        rewrite_file(&path, &config, rewrite).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine\nport 7001\n"), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
