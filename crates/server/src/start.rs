//! From a command line to a running loop, in the order that tools which watch the log expect.
//! What strict needs on a first start is made by `boot`; what runs then is `shell`.

use std::{
    env,
    ffi::OsString,
    io::{IsTerminal as _, stdin, stdout},
    path::PathBuf,
    process::ExitCode,
    time::SystemTime,
};

use vk_engine::config::{Config, Loaded, Origin, Source, arguments_to_text, id, load};
use vk_spec::config::Profile;

use crate::{
    allocator,
    args::{self, Action, Invocation, Mode, version::VersionFacts},
    boot::{
        self, StrictRequest, StrictStart,
        paths::Surroundings,
        profile::{DEV_TEXT, DEV_WARNING, DefaultProfile, default_profile},
        sources::{self, Texts},
        strict::{Exposure, refusals},
    },
    daemon::{self, Background, Outcome},
    descriptors, facts,
    listen::system_text,
    log::{Level, Logger},
    notify::{ManagerVariables, Supervision, Supervisor},
    serve::{self, Prepared},
    settings,
};

/// Bytes between two size classes of the allocator that this build counts on.
const QUANTUM_BYTES: usize = 8;

/// Reads the command line and does what it says, to the end.
pub(crate) fn run() -> ExitCode {
    vk_mem::set_cpu_features(facts::cpu_features());
    let argv: Vec<OsString> = env::args_os().collect();
    let allocator = allocator::name();
    let version = VersionFacts {
        version: facts::VERSION,
        compatible_with: facts::VALKEY_VERSION,
        allocator: &allocator,
    };
    let invocation = match args::parse(&argv, &version) {
        Action::Print {
            text,
            to_stderr: true,
            code,
        } => {
            eprint!("{text}");
            return ExitCode::from(code);
        }
        Action::Print {
            text,
            to_stderr: false,
            code,
        } => {
            print!("{text}");
            return ExitCode::from(code);
        }
        Action::Start(invocation) => invocation,
    };
    let mut background = match Background::enter() {
        Ok(background) => background,
        Err(error) => return fail(None, &Failure::from(error.to_string())),
    };
    match start(&argv, &invocation, &mut background) {
        Ok(code) => code,
        Err(failure) => fail(background, &failure),
    }
}

/// Why there is no server.
pub(crate) struct Failure {
    text: String,
    /// The log has it already.
    is_logged: bool,
}

impl Failure {
    /// A failure that is put into the log here.
    pub(crate) fn logged(log: &Logger, text: String) -> Self {
        log.log(Level::Warning, &text);
        Self {
            text,
            is_logged: true,
        }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self {
            text,
            is_logged: false,
        }
    }
}

/// Says why there is no server, to whoever waits for it. A log that is read by people has it
/// already and is not repeated on the terminal.
fn fail(background: Option<Background>, failure: &Failure) -> ExitCode {
    let text = format!("{}\n", failure.text.trim_end_matches('\n'));
    match background {
        Some(background) => background.failed(&text),
        None if failure.is_logged => {}
        None => eprint!("{text}"),
    }
    ExitCode::FAILURE
}

fn start(
    argv: &[OsString],
    invocation: &Invocation,
    background: &mut Option<Background>,
) -> Result<ExitCode, Failure> {
    if allocator::quantum_bytes() != Some(QUANTUM_BYTES) {
        return Err("The allocator was built without 8-byte size classes \
                    (JEMALLOC_SYS_WITH_LG_QUANTUM=3); this program must not run."
            .to_owned()
            .into());
    }
    let texts = read_texts(invocation, background)?;
    let profile = default_profile(invocation);
    let Loaded {
        mut config,
        warnings,
    } = load_texts(invocation, profile, &texts)?;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    if invocation.mode == Mode::CheckConfig {
        for warning in &warnings {
            println!("warning: {warning}");
        }
        println!("Configuration OK ({} profile)", config.profile().name());
        return Ok(ExitCode::SUCCESS);
    }
    let (supervisor, word) = supervise(&config);
    if config.bool(id::DAEMONIZE) && !supervisor.is_supervised() && background.is_none() {
        return Ok(detach(argv, &texts)?);
    }
    let strict = settings::is_strict(&config)
        .then(|| prepare_strict(&mut config))
        .transpose()?;
    refuse_exposure(&config, texts.file.as_ref().map(|(path, _)| path))?;
    enter_folder(&mut config)?;
    let log = open_log(&config)?;
    greet(log, &config, invocation, profile);
    tell(log, word);
    for warning in &warnings {
        log.log(Level::Warning, warning);
    }
    tell_strict(log, strict.as_ref());
    make_room(log, &mut config)?;
    serve::serve(Prepared {
        argv: argv.to_vec(),
        config,
        config_file: texts.file.map(|(path, _)| path),
        strict,
        supervisor,
        background: background.take(),
        log,
    })
}

fn read_texts(
    invocation: &Invocation,
    background: &mut Option<Background>,
) -> Result<Texts, String> {
    match background {
        None => sources::read(invocation, stdin()),
        Some(background) => {
            let text = background.stdin_text().map_err(|error| error.to_string())?;
            sources::read(invocation, text.as_slice())
        }
    }
}

fn load_texts(
    invocation: &Invocation,
    profile: DefaultProfile,
    texts: &Texts,
) -> Result<Loaded, String> {
    let arguments = arguments_to_text(&invocation.directives);
    let file_name = texts
        .file
        .as_ref()
        .map(|(path, _)| path.display().to_string());
    let mut sources = Vec::new();
    if profile == DefaultProfile::Dev {
        let (name, text, origin) = ("--dev", DEV_TEXT.as_bytes(), Origin::Arguments);
        sources.push(Source { name, text, origin });
    }
    if let (Some(name), Some((_, text))) = (&file_name, &texts.file) {
        sources.push(Source {
            name,
            text,
            origin: Origin::File,
        });
    }
    if let Some(text) = &texts.stdin {
        sources.push(Source {
            name: "stdin",
            text,
            origin: Origin::File,
        });
    }
    sources.push(Source {
        name: "arguments",
        text: &arguments,
        origin: Origin::Arguments,
    });
    let profile = match profile {
        DefaultProfile::Strict => Profile::Strict,
        DefaultProfile::Compatible { .. } | DefaultProfile::Dev => Profile::Compatible,
    };
    load(profile, &sources, &mut |pattern| sources::include(pattern))
        .map_err(|error| error.to_string())
}

fn supervise(config: &Config) -> (Supervisor, Option<Result<String, String>>) {
    let mode = Supervision::from_word(&config.choice(id::SUPERVISED)).unwrap_or(Supervision::No);
    Supervisor::detect(mode, &ManagerVariables::from_env())
}

fn detach(argv: &[OsString], texts: &Texts) -> Result<ExitCode, String> {
    let outcome = daemon::detach(argv, texts.stdin.as_deref().unwrap_or_default());
    match outcome.map_err(|error| format!("Can't start in the background: {error}"))? {
        Outcome::Ready => Ok(ExitCode::SUCCESS),
        Outcome::Failed { report, code } => {
            eprint!("{report}");
            Ok(ExitCode::from(code))
        }
    }
}

/// Folders, secrets and paths of the strict profile.
fn prepare_strict(config: &mut Config) -> Result<StrictStart, String> {
    daemon::restrict_umask();
    let set = |config: &Config, id| {
        let is_set = config.origin(id) != Origin::Default;
        is_set.then(|| settings::path(config, id)).flatten()
    };
    let wanted = settings::wanted(config);
    let port = if wanted.tls_port == 0 {
        wanted.port
    } else {
        wanted.tls_port
    };
    let tls_san: Vec<String> = config
        .words(id::TLS_SAN)
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    let started = boot::strict_start(&StrictRequest {
        surroundings: &Surroundings::of_process(),
        secrets_dir: set(config, id::SECRETS_DIR).as_deref(),
        data_dir: set(config, id::DIR).as_deref(),
        unix_socket: set(config, id::UNIXSOCKET).as_deref(),
        tls_san: &tls_san,
        port,
        own_certificate: set(config, id::TLS_CERT_FILE).is_some(),
        now: SystemTime::now(),
    })
    .map_err(|error| error.to_string())?;
    for (name, path) in &started.directives {
        let Some(id) = vk_engine::config::ConfigId::find(name.as_bytes()) else {
            continue;
        };
        let value = path.as_os_str().as_encoded_bytes();
        config
            .correct(id, value)
            .map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(started)
}

fn refuse_exposure(config: &Config, file: Option<&PathBuf>) -> Result<(), String> {
    if !settings::is_strict(config) {
        return Ok(());
    }
    let wanted = settings::wanted(config);
    let password = config.text(id::REQUIREPASS);
    let mut passwords = Vec::new();
    let mut secret_files = Vec::new();
    if !password.is_empty() {
        passwords.push(("requirepass", password.as_ref()));
        secret_files.extend(file.map(|path| ("requirepass", path.as_path())));
    }
    let key = settings::path(config, id::TLS_KEY_FILE);
    secret_files.extend(key.as_ref().map(|path| ("tls-key-file", path.as_path())));
    let found = refusals(&Exposure {
        port: wanted.port,
        bind: &wanted.bind,
        passwords: &passwords,
        secret_files: &secret_files,
        ..Exposure::default()
    });
    if found.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = found.iter().map(|refusal| format!("  {refusal}")).collect();
    Err(format!(
        "The strict profile refuses to start:\n{}",
        lines.join("\n")
    ))
}

/// The working folder is `dir`; its absolute name is what CONFIG GET tells.
fn enter_folder(config: &mut Config) -> Result<(), String> {
    let folder = settings::path(config, id::DIR).unwrap_or_else(|| PathBuf::from("."));
    let complain = |error: std::io::Error| {
        format!(
            "Can't chdir to '{}': {}",
            folder.display(),
            system_text(&error)
        )
    };
    env::set_current_dir(&folder).map_err(complain)?;
    let absolute = env::current_dir().map_err(complain)?;
    config.correct(id::DIR, absolute.as_os_str().as_encoded_bytes())
}

fn open_log(config: &Config) -> Result<&'static Logger, String> {
    let settings = settings::log(config);
    let log = Logger::new(settings)
        .map_err(|error| format!("Can't open the log file: {}", system_text(&error)))?;
    // There is one log for as long as there is a process.
    Ok(Box::leak(Box::new(log)))
}

/// The lines that every start begins with.
fn greet(log: &Logger, config: &Config, invocation: &Invocation, profile: DefaultProfile) {
    log.log(
        Level::Notice,
        "oO0OoO0OoO0Oo Verikey is starting oO0OoO0OoO0Oo",
    );
    let text = format!(
        "Verikey version={}, bits={}, commit={}, modified=0, pid={}, just started",
        facts::VERSION,
        usize::BITS,
        args::version::GIT_SHA,
        std::process::id()
    );
    log.log(Level::Notice, &text);
    let has_configuration = invocation.config_file.is_some()
        || invocation.read_stdin
        || !invocation.directives.is_empty();
    let text = if has_configuration {
        "Configuration loaded"
    } else {
        "No configuration given, using the defaults of the strict profile"
    };
    log.log(Level::Notice, text);
    let because = match profile {
        DefaultProfile::Dev => {
            log.log(Level::Warning, DEV_WARNING);
            " (--dev)".to_owned()
        }
        _ if config.origin(id::SECURITY_PROFILE) != Origin::Default => {
            " (as configured)".to_owned()
        }
        DefaultProfile::Compatible { because } => format!(" ({because})"),
        DefaultProfile::Strict => String::new(),
    };
    let text = format!("Security profile: {}{because}", config.profile().name());
    log.log(Level::Notice, &text);
}

fn tell(log: &Logger, word: Option<Result<String, String>>) {
    match word {
        Some(Ok(text)) => log.log(Level::Notice, &text),
        Some(Err(text)) => log.log(Level::Warning, &text),
        None => {}
    }
}

fn tell_strict(log: &Logger, strict: Option<&StrictStart>) {
    let Some(strict) = strict else { return };
    for note in &strict.notes {
        let level = if note.starts_with("WARNING") {
            Level::Warning
        } else {
            Level::Notice
        };
        log.log(level, note);
    }
    let on_terminal = stdout().is_terminal();
    if let Some(text) = strict.announcement(on_terminal) {
        if on_terminal {
            // The one place where a secret is shown, and only to the person who started this.
            print!("{text}");
        } else {
            text.lines().for_each(|line| log.log(Level::Notice, line));
        }
    }
}

fn make_room(log: &Logger, config: &mut Config) -> Result<(), Failure> {
    let asked = config.size(id::MAXCLIENTS);
    let room =
        descriptors::make_room(asked).map_err(|error| Failure::logged(log, error.to_string()))?;
    for warning in &room.warnings {
        log.log(Level::Warning, warning);
    }
    if let Some(notice) = &room.notice {
        log.log(Level::Notice, notice);
    }
    Ok(config.correct(id::MAXCLIENTS, room.maxclients.to_string().as_bytes())?)
}
