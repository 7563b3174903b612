//! vkctl, the command line of Verikey; under the names of Valkey's and Redis's client and checkers
//! of files it behaves as those do. This file decides what is to be done; how is in the modules.

mod aof;
mod backup;
mod built_in;
mod catalog;
mod checkers;
mod command;
mod compat;
mod compat_table;
mod connect;
mod discover;
mod editor;
mod endpoint;
mod error;
mod format;
mod health;
mod help;
mod hint;
mod history;
mod interrupt;
mod keys;
mod lines;
mod link;
mod modes;
mod new_file;
mod options;
mod own;
mod persona;
mod printer;
mod progress;
mod prompt;
mod rdb;
mod sealed;
mod secret;
mod session;
mod snippets;
mod terminal;
#[cfg(test)]
mod test_support;
mod tls;
mod uri;
mod words;

use std::env;
use std::ffi::OsString;
use std::io::{self, Read};
use std::process::ExitCode;

use crate::backup::BackupJob;
use crate::checkers::Checker;
use crate::command::is;
use crate::endpoint::Endpoint;
use crate::error::{Failure, UsageError};
use crate::health::Probe;
use crate::options::{Mode, Options};
use crate::persona::Persona;
use crate::session::{Login, Session};
use crate::snippets::Snippet;

/// Longest argument from standard input: a server takes no longer one by default.
const STDIN_BYTES_MAX: u64 = 512 * 1024 * 1024;

fn main() -> ExitCode {
    let mut arguments = env::args_os();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<OsString> = arguments.collect();
    let done = match Checker::of(&program) {
        Some(checker) => checker.run(&arguments),
        None => run(Persona::of(&program), &arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(Failure::Local(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::FAILURE
        }
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(persona: Persona, arguments: &[OsString]) -> Result<(), Failure> {
    let (options, command) = Options::parse(persona, arguments)?;
    match &options.mode {
        Mode::Say { text } => return modes::say(text),
        Mode::Unsupported { option } => {
            let text = format!("{option} is not available in this version");
            return Err(UsageError::new(text).into());
        }
        Mode::IntrinsicLatency { seconds } => return modes::latency::intrinsic(*seconds),
        Mode::Health { probe } => return run_health(*probe, &options),
        Mode::Connect { client } => return run_connect(client, &options),
        Mode::Rdb(job) => return rdb::run(job),
        Mode::Aof(job) => return aof::run(job),
        Mode::Keys(job) => return keys::run(job),
        Mode::Backup(BackupJob::Verify(job)) => return backup::verify(job),
        Mode::Backup(BackupJob::Restore(job)) => return backup::restore(job),
        _ => {}
    }
    let endpoint = decide(persona, &options)?;
    let mut session = Session::new(persona, &options, endpoint);
    match options.mode {
        Mode::Command if command.is_empty() => prompt::run(&mut session),
        Mode::Command => run_command(&mut session, &options, &command),
        Mode::TestHint { .. } | Mode::TestHintFile { .. } => run_hints(&mut session, &options),
        _ => run_mode(&mut session, &options, &command),
    }
}

fn decide(persona: Persona, options: &Options) -> Result<Endpoint, UsageError> {
    let mut warnings = Vec::new();
    let endpoint = Endpoint::decide(persona, options, &mut warnings);
    for warning in warnings {
        eprintln!("{warning}");
    }
    endpoint
}

fn run_command(session: &mut Session, options: &Options, words: &[Vec<u8>]) -> Result<(), Failure> {
    let mut command = match options.quoted_input {
        false => words.to_vec(),
        true => words
            .iter()
            .map(|word| words::unquote(word))
            .collect::<Option<_>>()
            .ok_or_else(|| UsageError::new("Invalid quoted string"))?,
    };
    if options.stdin_last_argument {
        command.push(read_stdin()?);
    } else if let Some(tag) = &options.stdin_tag {
        let place = command.iter_mut().find(|word| *word == tag);
        let place =
            place.ok_or_else(|| UsageError::new("Using -X option but stdin tag not match."))?;
        *place = read_stdin()?;
    }
    if is(&command, 0, "help") || is(&command, 0, "?") {
        // Help works without a server.
        let _ = session.connect();
        let catalog = prompt::catalog(session);
        let colors = terminal::stdout_is_terminal();
        let words = command.get(1..).unwrap_or(&[]);
        return modes::say(&help::help(session.persona, &catalog, words, colors));
    }
    session.run(&command, options.repeat, options.interval)?;
    session.print_messages()
}

fn read_stdin() -> Result<Vec<u8>, Failure> {
    let mut argument = Vec::new();
    io::stdin()
        .lock()
        .take(STDIN_BYTES_MAX.saturating_add(1))
        .read_to_end(&mut argument)?;
    if argument.len() as u64 > STDIN_BYTES_MAX {
        return Err(UsageError::new("Standard input is longer than any argument may be").into());
    }
    Ok(argument)
}

fn run_mode(
    session: &mut Session,
    options: &Options,
    arguments: &[Vec<u8>],
) -> Result<(), Failure> {
    if session.connect()? == Login::Refused {
        // The reason has been said.
        return Err(Failure::Reply(String::new()));
    }
    match &options.mode {
        Mode::Pipe => modes::pipe::run(session, options),
        Mode::Scan => modes::scan::run(session, options),
        Mode::Stat => modes::stat::run(session, options),
        Mode::Latency { history } => modes::latency::run(session, options, *history),
        Mode::BigKeys | Mode::MemKeys { .. } => modes::keys::largest(session, options),
        Mode::HotKeys => modes::keys::hottest(session, options),
        Mode::Backup(BackupJob::Create(job)) => backup::create(job, session),
        Mode::Eval { path } => {
            modes::eval::run(session, options, path, arguments)?;
            session.print_messages()
        }
        _ => Ok(()),
    }
}

fn run_hints(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let _ = session.connect();
    let catalog = prompt::catalog(session);
    match &options.mode {
        Mode::TestHint { line } => modes::hints::one(&catalog, line),
        Mode::TestHintFile { path } => modes::hints::file(&catalog, path, options.verbose),
        _ => Ok(()),
    }
}

fn run_health(probe: Probe, options: &Options) -> Result<(), Failure> {
    let endpoint = decide(Persona::Vkctl, options)?;
    match health::probe(probe, options, endpoint) {
        Ok(text) => modes::say(&format!("{text}\n")),
        Err(text) => Err(Failure::Reply(text)),
    }
}

fn run_connect(client: &Snippet, options: &Options) -> Result<(), Failure> {
    let endpoint = decide(Persona::Vkctl, options)?;
    modes::say(&connect::snippet(client, &endpoint)?)?;
    // On standard error, so that the snippet can go straight into a file.
    match &endpoint.found_password_file {
        Some(path) => eprintln!(
            "Before: export VALKEY_PASSWORD=\"$(cat '{}')\"",
            path.display()
        ),
        None => eprintln!("Before: put the password into the environment as VALKEY_PASSWORD"),
    }
    Ok(())
}
