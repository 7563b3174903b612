//! The runner of the corpus: first against a reference server, then against the server under test;
//! and the differential run of both.

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::process::ExitCode;
use vk_compat::{Corpus, Deviations, Runner, ServerProcess, Version, differential};

/// Holds servers against the compatibility corpus.
#[derive(Debug, Parser)]
#[command(name = "vk-compat", args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// Command that starts the reference, which must meet every expectation of its version.
    #[arg(long)]
    reference: Option<String>,
    /// Command that starts the server under test.
    #[arg(long)]
    server: Option<String>,
    /// Address of a running server under test, whose databases are emptied.
    #[arg(long, conflicts_with = "server")]
    address: Option<String>,
    /// Version whose cases the server under test must meet, if not the one that it announces.
    #[arg(long, value_parser = parse_version)]
    version: Option<Version>,
    /// Known differences of the server under test.
    #[arg(long)]
    deviations: Option<PathBuf>,
    /// Folder of the corpus.
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Runs only cases whose file/title contains this.
    #[arg(default_value = "")]
    filter: String,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Sends the same random commands to two servers and compares what they answer.
    Differential(differential::Options),
}

fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| format!("{text} is no version"))
}

/// What both servers are started with: no files, and DEBUG allowed.
const SERVER_ARGS: &[&str] = &["--save", "", "--enable-debug-command", "yes"];

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let Some(Mode::Differential(options)) = &args.mode {
        return Ok(exit_code(differential::run(options)?));
    }
    let corpus = match &args.corpus {
        Some(folder) => Corpus::load(folder)?,
        None => Corpus::own()?,
    };
    let mut good = true;
    if let Some(command) = &args.reference {
        let server = ServerProcess::start(command, SERVER_ARGS)?;
        let mut runner = Runner::new(server.address())?;
        let report = runner.run(&corpus, &args.filter, &Deviations::default())?;
        println!("{command}\n{report}");
        good &= report.is_good();
    }
    let server = args
        .server
        .as_deref()
        .map(|c| ServerProcess::start(c, SERVER_ARGS))
        .transpose()?;
    let address = match (&server, &args.address) {
        (Some(server), _) => Some(server.address()),
        (None, Some(text)) => Some(resolve(text)?),
        (None, None) => None,
    };
    if let Some(address) = address {
        let mut runner = Runner::new(address)?;
        if let Some(version) = args.version {
            runner.pretend(version);
        }
        let deviations = match &args.deviations {
            Some(path) => Deviations::load(path)?,
            None => Deviations::default(),
        };
        let outcome = runner.run(&corpus, &args.filter, &deviations);
        let output = || {
            server
                .as_ref()
                .map(ServerProcess::output)
                .unwrap_or_default()
        };
        let report = outcome.with_context(output)?;
        println!("{}\n{report}", args.server.as_deref().unwrap_or("server"));
        good &= report.is_good();
    }
    Ok(exit_code(good))
}

const fn exit_code(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn resolve(text: &str) -> Result<SocketAddr> {
    let mut addresses = text
        .to_socket_addrs()
        .with_context(|| format!("no address: {text}"))?;
    addresses
        .next()
        .with_context(|| format!("no address: {text}"))
}
