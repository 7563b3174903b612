//! One of the two servers: its process, and a connection that is made anew for every sequence. A
//! server that has ended is started again.

use super::Words;
use crate::{Client, ServerProcess};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use vk_resp::{Reply, encode_command};

/// What came back for a command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Reply(Reply),
    /// Nothing: the connection ended, was silent for too long, or sent what is no reply.
    Lost(String),
}

impl Answer {
    pub(super) const fn is_error(&self) -> bool {
        match self {
            Self::Reply(reply) => reply.is_error(),
            Self::Lost(_) => true,
        }
    }

    pub(super) const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

/// A server and the connection to it.
#[derive(Debug)]
pub(super) struct Side {
    process: ServerProcess,
    command: String,
    client: Option<Client>,
    /// Why the connection is no use any more.
    lost: Option<String>,
}

impl Side {
    pub(super) const fn new(process: ServerProcess, command: String) -> Self {
        Self {
            process,
            command,
            client: None,
            lost: None,
        }
    }

    /// A new connection to an empty server with these settings.
    pub(super) fn begin(&mut self, settings: &[Words]) -> Result<()> {
        if self.process.ended().is_some() {
            self.process = ServerProcess::start(&self.command, super::SERVER_ARGS)?;
        }
        self.lost = None;
        let mut client = Client::connect(self.process.address())?;
        let mut all = vec![vec![b"FLUSHALL".to_vec()]];
        all.extend_from_slice(settings);
        for words in &all {
            let reply = client.call(words)?;
            if reply.is_error() {
                bail!("{}: {words:?} answered {reply:?}", self.command);
            }
        }
        self.client = Some(client);
        Ok(())
    }

    /// Sends commands in one write.
    pub(super) fn send(&mut self, batch: &[Words]) {
        let mut bytes = Vec::new();
        for words in batch {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            bytes.extend_from_slice(&encode_command(&words));
        }
        let sent = match &mut self.client {
            Some(client) => client.send_raw(&bytes),
            None => Err(anyhow::Error::msg("there is no connection")),
        };
        if let Err(why) = sent {
            self.lose(&format!("{why:#}"));
        }
    }

    /// Reads that many replies.
    pub(super) fn receive(&mut self, count: usize) -> Vec<Answer> {
        (0..count).map(|_| self.receive_one()).collect()
    }

    fn receive_one(&mut self) -> Answer {
        if let Some(why) = &self.lost {
            return Answer::Lost(why.clone());
        }
        let received = match &mut self.client {
            Some(client) => client.receive(),
            None => Ok(None),
        };
        match received {
            Ok(Some(reply)) => Answer::Reply(reply),
            Ok(None) => self.lose("the connection was closed"),
            Err(why) => self.lose(&format!("{why:#}")),
        }
    }

    fn lose(&mut self, why: &str) -> Answer {
        // A process that ends takes its time.
        std::thread::sleep(std::time::Duration::from_millis(100));
        let why = match self.process.ended() {
            Some(status) => format!(
                "the server ended ({status}): {}",
                last(&self.process.output())
            ),
            None => why.to_owned(),
        };
        self.lost = Some(why.clone());
        Answer::Lost(why)
    }

    /// Sends one command and waits for its reply.
    pub(super) fn call(&mut self, line: &str) -> Result<Reply> {
        let words: Words = line
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        self.send(std::slice::from_ref(&words));
        super::reply_of(self.receive_one())
    }

    /// The names of all its commands in lower case; those with subcommands as `object|encoding`.
    pub(super) fn command_names(&mut self) -> Result<BTreeSet<String>> {
        let Reply::Array(entries) = self.call("COMMAND")? else {
            bail!("COMMAND answers an array");
        };
        let mut names = BTreeSet::new();
        for entry in &entries {
            collect_names(entry, &mut names).context("an entry of COMMAND")?;
        }
        Ok(names)
    }
}

/// Name and subcommands (the tenth field) of one entry of COMMAND.
fn collect_names(entry: &Reply, names: &mut BTreeSet<String>) -> Option<()> {
    let Reply::Array(fields) = entry else {
        return None;
    };
    let Reply::Bulk(name) = fields.first()? else {
        return None;
    };
    names.insert(String::from_utf8_lossy(name).to_lowercase());
    if let Some(Reply::Array(subcommands)) = fields.get(9) {
        for sub in subcommands {
            collect_names(sub, names)?;
        }
    }
    Some(())
}

/// The last lines of a log.
fn last(output: &str) -> String {
    const LINES: usize = 12;
    let lines: Vec<&str> = output.lines().collect();
    lines
        .get(lines.len().saturating_sub(LINES)..)
        .unwrap_or_default()
        .join("\n            ")
}
