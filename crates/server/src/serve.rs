//! The second half of a start: the engine, the listeners, the loop, and the end of it.
//! The configuration is settled by now.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, ExitCode},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use mio::{Poll, Registry};
use vk_engine::{
    BootUser, BootUsers, Engine, EngineConfig, ListenerKind,
    config::{Config, id},
};
use vk_net::limits;
use vk_resp::{Batch, Protocol, ReplyBuf};

use crate::{
    accept::Doors,
    apply::Settings,
    at_rest::AtRest,
    boot::{
        ADMIN, StrictStart,
        paths::{Layout, Surroundings},
        publish_ca,
    },
    broadcast::Fanout,
    clients::Clients,
    daemon::{Background, pidfile::PidFile},
    elapsed::LoopHost,
    facts,
    host::{Clock, Counters},
    hub::Hub,
    listen::{ListenError, Listener, Wanted, kind_name, open_tcp, open_unix, system_text},
    log::{Level, Logger},
    notify::Supervisor,
    oom::OomScore,
    secrets::{Secrets, SecretsRequest, renew},
    settings,
    shell::{Exit, LISTENERS_FROM, Shell},
    signals::Signals,
    start::Failure,
    tls_files,
};

/// Where `daemonize` writes the process id when nobody says where.
const PID_FILE_DEFAULT: &str = "/var/run/valkey.pid";

/// Time between two looks at the certificate.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// A start that only has to be carried out.
pub(crate) struct Prepared {
    pub(crate) argv: Vec<OsString>,
    pub(crate) config: Config,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) strict: Option<StrictStart>,
    pub(crate) supervisor: Supervisor,
    pub(crate) background: Option<Background>,
    pub(crate) log: &'static Logger,
}

/// Serves until the end. What fails before the first client is the caller's to tell.
pub(crate) fn serve(prepared: Prepared) -> Result<ExitCode, Failure> {
    let Prepared {
        argv,
        config,
        config_file,
        strict,
        supervisor,
        background,
        log,
    } = prepared;
    let plain = |error: io::Error| system_text(&error);
    let poll = Poll::new().map_err(plain)?;
    let signals = Signals::install().map_err(plain)?;
    let wanted = settings::wanted(&config);
    let pid_file = write_pid_file(&config, background.is_some(), log);
    show_logo(log, &config, &wanted);
    check_backlog(log, &wanted);
    let mut doors = Doors::new();
    doors.is_strict = settings::is_strict(&config);
    if wanted.tls_port != 0 {
        let material = tls_files::load(&settings::tls(&config), SystemTime::now())
            .map_err(|error| fatal(log, &format!("Failed to configure TLS: {error}")))?;
        material.tell(log, SystemTime::now());
        doors.tls = Some(material.config);
    }
    open_all(&mut doors, &wanted, &poll, log)?;
    let hub = hub(
        poll.registry().try_clone().map_err(plain)?,
        config,
        config_file.clone(),
        strict.as_ref(),
        &supervisor,
        log,
    )?;
    let settings = Settings {
        wanted,
        config_file,
        oom_score: OomScore::default(),
    };
    let mut shell = Shell::new(poll, signals, hub, doors, settings, supervisor).map_err(plain)?;
    let at_rest = AtRest::begin(shell.hub.engine.config(), log);
    shell.at_rest = Arc::new(at_rest.map_err(|text| fatal(log, &text))?);
    shell.follow_values();
    // What went wrong is in the log; a server with another score than it wants still serves.
    let _ = shell.follow_process();
    shell.announce();
    shell.is_renewed = strict.map(|strict| watch_certificate(strict.secrets, &shell, log));
    log.log(Level::Notice, "Server initialized");
    if let Some(background) = background {
        background.ready().map_err(plain)?;
    }
    if !shell.begin_loading().map_err(|text| fatal(log, &text))? {
        shell.announce_ready();
    }
    let exit = shell
        .run()
        .map_err(|error| fatal(log, &format!("The event loop: {error}")))?;
    let code = end(&mut shell, exit, pid_file, &argv, log);
    leave(shell);
    Ok(code)
}

/// Ends everything but the data, which would be freed key by key: it goes with the process.
fn leave(shell: Shell) {
    let Hub { engine, .. } = shell.hub;
    std::mem::forget(engine);
}

impl Shell {
    /// Says that everything is there, so that whoever waits for the server may go on.
    pub(crate) fn announce_ready(&mut self) {
        for kind in self.doors.kinds() {
            let text = format!("Ready to accept connections {}", kind_name(kind));
            self.hub.log.log(Level::Notice, &text);
        }
        self.supervisor.ready("Ready to accept connections");
    }
}

/// Logs why the start fails.
fn fatal(log: &Logger, text: &str) -> Failure {
    Failure::logged(log, text.to_owned())
}

fn hub(
    registry: Registry,
    config: Config,
    config_file: Option<PathBuf>,
    strict: Option<&StrictStart>,
    supervisor: &Supervisor,
    log: &'static Logger,
) -> Result<Hub, Failure> {
    let seeds = facts::seeds(&config)
        .map_err(|error| fatal(log, &format!("The system gives no entropy: {error}")))?;
    let supervised = if supervisor.is_supervised() {
        "systemd"
    } else {
        "no"
    };
    let identity = facts::identity(config_file.as_deref(), supervised);
    let users = users(&config, strict);
    let authenticate_time_max =
        settings::is_strict(&config).then_some(limits::AUTHENTICATE_TIME_MAX);
    let mut engine = Engine::new(
        EngineConfig {
            config,
            identity,
            users,
        },
        seeds,
    );
    let (clock, mut host) = (Clock::start(), LoopHost::new());
    engine.handle_start(&Hub::env(&clock, &mut host));
    Ok(Hub {
        engine,
        clients: Clients::default(),
        registry,
        clock,
        host,
        counters: Counters::default(),
        reply: ReplyBuf::new(Protocol::Resp2),
        step: Batch::new(),
        ready: Vec::new(),
        dirty: Vec::new(),
        fanout: Fanout::default(),
        touched: Vec::new(),
        doomed: Vec::new(),
        directives: std::collections::VecDeque::new(),
        save_orders: std::collections::VecDeque::new(),
        is_logging: false,
        held: crate::hold::Held::default(),
        authenticate_time_max,
        log,
    })
}

fn users(config: &Config, strict: Option<&StrictStart>) -> BootUsers {
    let Some(strict) = strict else {
        return BootUsers::default();
    };
    BootUsers {
        users: vec![BootUser {
            name: ADMIN.to_owned(),
            verifier: strict.secrets.admin_verifier,
        }],
        default_off: config.bytes(id::REQUIREPASS).is_empty(),
        unix: strict
            .unix_users
            .iter()
            .map(|(uid, name)| (*uid, (*name).to_owned()))
            .collect(),
    }
}

fn write_pid_file(config: &Config, is_background: bool, log: &Logger) -> Option<PidFile> {
    let path = settings::path(config, id::PIDFILE)
        .or_else(|| is_background.then(|| PathBuf::from(PID_FILE_DEFAULT)))?;
    match PidFile::write(&path) {
        Ok(file) => Some(file),
        Err(error) => {
            let text = format!("Failed to write PID file: {}", system_text(&error));
            log.log(Level::Warning, &text);
            None
        }
    }
}

fn show_logo(log: &Logger, config: &Config, wanted: &Wanted) {
    let port = if wanted.port == 0 {
        wanted.tls_port
    } else {
        wanted.port
    };
    if log.is_terminal() || config.bool(id::ALWAYS_SHOW_LOGO) {
        log.raw(&facts::logo(facts::VALKEY_VERSION, port));
    } else {
        log.log(
            Level::Notice,
            &format!("Running mode=standalone, port={port}."),
        );
    }
}

fn check_backlog(log: &Logger, wanted: &Wanted) {
    let path = "/proc/sys/net/core/somaxconn";
    let Ok(text) = std::fs::read_to_string(path) else {
        return;
    };
    if let Ok(most) = text.trim().parse::<i32>()
        && most > 0
        && most < wanted.backlog
    {
        let text = format!(
            "WARNING: The TCP backlog setting of {} cannot be enforced because {path} is set to \
             the lower value of {most}.",
            wanted.backlog
        );
        log.log(Level::Warning, &text);
    }
}

fn open_all(doors: &mut Doors, wanted: &Wanted, poll: &Poll, log: &Logger) -> Result<(), Failure> {
    let mut opened: Vec<Listener> = Vec::new();
    for (kind, port) in [
        (ListenerKind::Tcp, wanted.port),
        (ListenerKind::Tls, wanted.tls_port),
    ] {
        let mut skipped = Vec::new();
        let result = open_tcp(kind, port, wanted, &mut skipped);
        skipped
            .iter()
            .for_each(|line| log.log(Level::Warning, line));
        opened.extend(result.map_err(|error| listen_failure(&error, log))?);
    }
    if let Some(unix) = &wanted.unix {
        let listener =
            open_unix(unix, wanted.backlog).map_err(|error| listen_failure(&error, log))?;
        opened.push(listener);
    }
    if opened.is_empty() {
        return Err(fatal(log, "Configured to not listen anywhere, exiting."));
    }
    for listener in opened {
        doors
            .add(listener, poll.registry(), LISTENERS_FROM)
            .map_err(|error| fatal(log, &system_text(&error)))?;
    }
    Ok(())
}

fn listen_failure(error: &ListenError, log: &Logger) -> Failure {
    if error.kind == ListenerKind::Unix {
        return fatal(log, &error.to_string());
    }
    for line in &error.lines {
        log.log(Level::Warning, line);
    }
    fatal(
        log,
        &format!(
            "Failed listening on port {} ({}), aborting.",
            error.port,
            kind_name(error.kind)
        ),
    )
}

/// Renews the certificate beside the loop; the loop is told by the flag.
fn watch_certificate(secrets: Secrets, shell: &Shell, log: &'static Logger) -> Arc<AtomicBool> {
    let is_renewed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_renewed);
    let tls_san: Vec<String> = shell
        .hub
        .engine
        .config()
        .words(id::TLS_SAN)
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let watch = move || {
        loop {
            std::thread::sleep(RENEWAL_INTERVAL);
            look_at_certificate(&secrets, &tls_san, &flag, log);
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("certificate".to_owned())
        .spawn(watch)
    {
        log.log(
            Level::Warning,
            &format!("The certificate will not renew itself: {error}"),
        );
    }
    is_renewed
}

fn look_at_certificate(secrets: &Secrets, tls_san: &[String], flag: &AtomicBool, log: &Logger) {
    let surroundings = Surroundings::of_process();
    let request = SecretsRequest {
        dir: &secrets.dir,
        host_name: &surroundings.host_name,
        tls_san,
        now: SystemTime::now(),
    };
    match renew(&request) {
        Ok(renewal) => {
            let Some(note) = renewal.note() else { return };
            log.log(Level::Warning, &note);
            let mut notes = Vec::new();
            publish_ca(secrets, &Layout::new(&surroundings), &mut notes);
            notes.iter().for_each(|note| log.log(Level::Notice, note));
            flag.store(true, Ordering::Release);
        }
        Err(error) => {
            log.log(
                Level::Warning,
                &format!("The certificate is not renewed: {error}"),
            );
        }
    }
}

/// Puts everything away. The exit code is not 0 if the server was cut off.
fn end(
    shell: &mut Shell,
    exit: Exit,
    pid_file: Option<PidFile>,
    argv: &[OsString],
    log: &Logger,
) -> ExitCode {
    if exit == Exit::Insisted {
        return ExitCode::FAILURE;
    }
    shell.supervisor.stopping();
    if let Some(file) = pid_file {
        log.log(Level::Notice, "Removing the pid file.");
        file.remove();
    }
    for kind in shell.doors.kinds() {
        if kind == ListenerKind::Unix {
            log.log(Level::Notice, "Removing the unix socket file.");
        }
        if let Err(error) = shell.doors.close(kind, shell.poll.registry()) {
            let text = format!(
                "Error removing the unix socket file: {}",
                system_text(&error)
            );
            log.log(Level::Warning, &text);
        }
    }
    if exit == Exit::Restart {
        let error = restart(argv);
        log.log(Level::Warning, &format!("Can't restart: {error}"));
        return ExitCode::FAILURE;
    }
    log.log(Level::Warning, "Verikey is now ready to exit, bye bye...");
    ExitCode::SUCCESS
}

/// Becomes a new process of the same program; returns only when that fails.
fn restart(argv: &[OsString]) -> io::Error {
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut command = Command::new(program);
    command.args(argv.iter().skip(1));
    if let Some(name) = argv.first() {
        command.arg0(name);
    }
    command.exec()
}
