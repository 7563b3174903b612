//! The differential run: the same random sequences of commands go to two servers, and what they
//! answer and what they hold at the end is compared.
//!
//! The commands and their grammar are what the peer tells by COMMAND DOCS, so that what it lacks is
//! never sent; a command that our server does not know is left out too. A difference is shrunk to
//! the few commands that it needs. Not the corpus, which says what a reply must be.

mod compare;
mod generate;
mod grammar;
mod known;
mod random;
mod session;
mod shrink;
mod state;
mod values;

use crate::report::render_command;
use crate::{ServerProcess, render};
use anyhow::{Context as _, Result, bail};
use generate::Generator;
use grammar::Grammar;
use known::Known;
use random::Random;
use session::{Answer, Side};
use std::path::PathBuf;
use std::time::Instant;

/// What a differential run does.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Command that starts the server under test.
    #[arg(long)]
    ours: String,
    /// Command that starts the server that it is compared with.
    #[arg(long)]
    peer: String,
    /// Decides everything that is random; a failing sequence names its own.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Commands to send to each server.
    #[arg(long, default_value_t = 1_000_000)]
    commands: u64,
    /// Commands of one sequence; after each the databases are compared and emptied.
    #[arg(long, default_value_t = 1_000)]
    sequence: usize,
    /// Groups of commands, as COMMAND DOCS names them (list, set, sorted-set, ...), or single
    /// commands; all of the keyspace if none.
    #[arg(long, value_delimiter = ',')]
    groups: Vec<String>,
    /// Commands that are left out.
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Ends after so many differences of different commands.
    #[arg(long, default_value_t = 1)]
    findings: usize,
    /// File of known differences (`[[differential]]`).
    #[arg(long)]
    deviations: Option<PathBuf>,
}

/// Words of one command.
type Words = Vec<Vec<u8>>;

/// Commands between two looks at the replies.
const BATCH: usize = 50;

/// What both servers are started with: no files, nothing that expires or moves by itself.
const SERVER_ARGS: &[&str] = &["--save", "", "--enable-debug-command", "yes", "--hz", "10"];

/// Both servers on the way through one sequence.
#[derive(Debug)]
struct Pair {
    ours: Side,
    peer: Side,
    known: Known,
}

/// Where two servers differ.
#[derive(Debug, Clone)]
struct Difference {
    /// Number of the command in its sequence; the number of commands for a look at the state.
    at: usize,
    /// The command.
    command: Words,
    ours: Answer,
    peer: Answer,
}

impl Difference {
    /// What a smaller sequence must show too: the name of the command, and who failed.
    fn class(&self) -> (String, bool, bool) {
        let name = self.command.first().map(Vec::as_slice).unwrap_or_default();
        (
            String::from_utf8_lossy(name).to_lowercase(),
            self.ours.is_error(),
            self.peer.is_error(),
        )
    }
}

/// Runs sequences until the commands are used up or there are enough findings; true if there was
/// no difference.
///
/// # Errors
/// A server does not start or the grammar cannot be had.
pub fn run(options: &Options) -> Result<bool> {
    let mut pair = Pair {
        ours: Side::new(
            ServerProcess::start(&options.ours, SERVER_ARGS)?,
            options.ours.clone(),
        ),
        peer: Side::new(
            ServerProcess::start(&options.peer, SERVER_ARGS)?,
            options.peer.clone(),
        ),
        known: match &options.deviations {
            Some(path) => Known::load(path)?,
            None => Known::default(),
        },
    };
    pair.ours.begin(&[])?;
    pair.peer.begin(&[])?;
    let known_here = pair.ours.command_names()?;
    let grammar = Grammar::ask(&mut pair.peer)?.select(&known_here, &options.groups);
    let grammar = grammar.without(&options.without);
    if grammar.is_empty() {
        bail!("neither server has a command of {:?}", options.groups);
    }
    println!(
        "{} commands to choose from, seed {}",
        grammar.len(),
        options.seed
    );
    let started = Instant::now();
    let (mut sent, mut sequences, mut seen) = (0_u64, 0_u64, Vec::new());
    while sent < options.commands {
        let seed = options.seed.wrapping_add(sequences);
        let length = options
            .sequence
            .min(usize::try_from(options.commands - sent)?);
        let sequence = Generator::new(&grammar, seed).sequence(length);
        let settings = settings(seed);
        sent += length as u64;
        sequences += 1;
        let outcome = pair.run(&settings, &sequence);
        let outcome = outcome.with_context(|| format!("in the sequence of seed {seed}"))?;
        let Some(found) = outcome else {
            continue;
        };
        if seen.contains(&found.class()) {
            continue;
        }
        seen.push(found.class());
        let small = shrink::shrink(&mut pair, &settings, sequence, found)?;
        println!("{}", show(seed, &settings, &small.0, &small.1));
        if seen.len() >= options.findings {
            break;
        }
    }
    println!(
        "{sent} commands in {sequences} sequences, {} differences, {} replies that differ as \
         listed, \
         {:.0} s",
        seen.len(),
        pair.known.count(),
        started.elapsed().as_secs_f64()
    );
    Ok(seen.is_empty())
}

/// The settings of a sequence: half of them have small limits, so that values change their
/// encoding often; a third speaks RESP3.
fn settings(seed: u64) -> Vec<Words> {
    const SMALL: [&str; 9] = [
        "hash-max-listpack-entries 4",
        "hash-max-listpack-value 8",
        "zset-max-listpack-entries 4",
        "zset-max-listpack-value 8",
        "set-max-intset-entries 4",
        "list-max-listpack-size 4",
        "stream-node-max-entries 3",
        "hll-sparse-max-bytes 100",
        "stream-node-max-bytes 200",
    ];
    const USUAL: [&str; 9] = [
        "hash-max-listpack-entries 128",
        "hash-max-listpack-value 64",
        "zset-max-listpack-entries 128",
        "zset-max-listpack-value 64",
        "set-max-intset-entries 512",
        "list-max-listpack-size -2",
        "stream-node-max-entries 100",
        "hll-sparse-max-bytes 3000",
        "stream-node-max-bytes 4096",
    ];
    let words = |line: &str| {
        line.split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect()
    };
    let mut random = Random::new(!seed);
    let lines = if random.chance(1, 2) { SMALL } else { USUAL };
    let mut settings: Vec<Words> = lines
        .iter()
        .map(|line| words(&format!("CONFIG SET {line}")))
        .collect();
    if random.chance(1, 3) {
        settings.push(words("HELLO 3"));
    }
    settings
}

impl Pair {
    /// Empties both servers and runs a sequence; the first difference, if there is one.
    fn run(&mut self, settings: &[Words], sequence: &[Words]) -> Result<Option<Difference>> {
        self.ours.begin(settings)?;
        self.peer.begin(settings)?;
        let mut judge = compare::Judge::new();
        for (number, batch) in sequence.chunks(BATCH).enumerate() {
            let (ours, peer) = self.exchange(batch);
            for (at, ((words, ours), peer)) in batch.iter().zip(ours).zip(peer).enumerate() {
                if peer.is_lost() {
                    let before = batch.get(..=at).unwrap_or_default();
                    let lines: Vec<String> =
                        before.iter().map(|words| render_command(words)).collect();
                    bail!("the peer is gone: {peer}\n{}", lines.join("\n"));
                }
                if !judge.same(&mut self.known, words, &ours, &peer) {
                    let at = number * BATCH + at;
                    let command = words.clone();
                    return Ok(Some(Difference {
                        at,
                        command,
                        ours,
                        peer,
                    }));
                }
            }
        }
        let found = state::compare(self)?;
        Ok(found.map(|(command, ours, peer)| Difference {
            at: sequence.len(),
            command,
            ours,
            peer,
        }))
    }

    /// Sends commands to both at once and reads what they answer.
    fn exchange(&mut self, batch: &[Words]) -> (Vec<Answer>, Vec<Answer>) {
        self.ours.send(batch);
        self.peer.send(batch);
        (
            self.ours.receive(batch.len()),
            self.peer.receive(batch.len()),
        )
    }
}

fn show(seed: u64, settings: &[Words], sequence: &[Words], found: &Difference) -> String {
    let mut lines = vec![format!("DIFFERENCE in the sequence of seed {seed}:")];
    for words in settings.iter().chain(sequence) {
        lines.push(format!("    {}", render_command(words)));
    }
    if found.at >= sequence.len() {
        lines.push(format!("  then        {}", render_command(&found.command)));
    }
    lines.push(format!("  ours        {}", found.ours));
    lines.push(format!("  the peer's  {}", found.peer));
    lines.join("\n")
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reply(reply) => f.write_str(&render(reply)),
            Self::Lost(why) => f.write_str(why),
        }
    }
}

/// The reply, or the error of a connection that should not fail.
fn reply_of(answer: Answer) -> Result<vk_resp::Reply> {
    match answer {
        Answer::Reply(reply) => Ok(reply),
        Answer::Lost(why) => Err(anyhow::Error::msg(why)).context("no reply"),
    }
}
