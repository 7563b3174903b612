//! The command log: the last commands that were slow, that came in large requests, or that got
//! large replies. SLOWLOG is another name for the first of the three.
//!
//! An entry holds at most [`WORDS_MAX`] words of [`WORD_BYTES_MAX`] bytes, so that the directives
//! that bound the number of entries bound the memory.

use alloc::{boxed::Box, collections::VecDeque, string::String, vec::Vec};

use vk_resp::Request;

use super::{REDACTED, Ran, Secrets};
use crate::{
    UnixMicros,
    config::{Config, ConfigId, id},
};

/// Words that an entry keeps; the last one tells how many more there were.
const WORDS_MAX: usize = 32;
/// Bytes that it keeps of a word.
const WORD_BYTES_MAX: usize = 128;

/// The three logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogKind {
    /// By microseconds.
    Slow,
    /// By bytes of the request.
    LargeRequest,
    /// By bytes of the reply.
    LargeReply,
}

impl LogKind {
    pub(crate) const ALL: [Self; 3] = [Self::Slow, Self::LargeRequest, Self::LargeReply];

    /// The directives of the threshold and of the length.
    const fn directives(self) -> (ConfigId, ConfigId) {
        match self {
            Self::Slow => (
                id::COMMANDLOG_EXECUTION_SLOWER_THAN,
                id::COMMANDLOG_SLOW_EXECUTION_MAX_LEN,
            ),
            Self::LargeRequest => (
                id::COMMANDLOG_REQUEST_LARGER_THAN,
                id::COMMANDLOG_LARGE_REQUEST_MAX_LEN,
            ),
            Self::LargeReply => (
                id::COMMANDLOG_REPLY_LARGER_THAN,
                id::COMMANDLOG_LARGE_REPLY_MAX_LEN,
            ),
        }
    }
}

/// A command that was noted.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Counts on, whatever is removed.
    pub(crate) id: u64,
    /// When it ended, in Unix seconds.
    pub(crate) unix_seconds: i64,
    /// Microseconds or bytes.
    pub(crate) value: u64,
    /// Its words, shortened and without secrets.
    pub(crate) words: Vec<Box<[u8]>>,
    /// Who sent it.
    pub(crate) address: String,
    /// The name of the session.
    pub(crate) name: String,
}

/// One log.
#[derive(Debug)]
struct Log {
    /// Newest first.
    entries: VecDeque<Entry>,
    next_id: u64,
    /// What is noted from here on: nanoseconds or bytes; the greatest number for nothing at all.
    from: u64,
    len_max: usize,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            next_id: 0,
            from: u64::MAX,
            len_max: 0,
        }
    }
}

/// The three logs.
#[derive(Debug, Default)]
pub(crate) struct CommandLog {
    logs: [Log; 3],
}

impl CommandLog {
    pub(super) fn configure(&mut self, config: &Config) {
        for (kind, log) in LogKind::ALL.into_iter().zip(&mut self.logs) {
            let (threshold, len_max) = kind.directives();
            log.len_max = usize::try_from(config.int(len_max)).unwrap_or(0);
            log.entries.truncate(log.len_max);
            let scale = if kind == LogKind::Slow { 1000 } else { 1 };
            log.from = match u64::try_from(config.int(threshold)) {
                Ok(from) if log.len_max > 0 => from.saturating_mul(scale),
                _ => u64::MAX,
            };
        }
    }

    /// Whether a command has reached a threshold.
    #[inline]
    pub(super) fn is_notable(&self, ran: &Ran<'_>) -> bool {
        let [slow, request, reply] = &self.logs;
        ran.nanos >= slow.from
            || ran.reply_bytes >= reply.from
            || (request.from != u64::MAX && ran.request.is_at_least(request.from))
    }

    pub(super) fn note(
        &mut self,
        ran: &Ran<'_>,
        secrets: &Secrets,
        now: UnixMicros,
        address: &str,
        name: &str,
    ) {
        for (kind, log) in LogKind::ALL.into_iter().zip(&mut self.logs) {
            let (reached, value) = match kind {
                LogKind::Slow => (ran.nanos, ran.nanos / 1000),
                LogKind::LargeRequest if log.from == u64::MAX => continue,
                LogKind::LargeRequest => {
                    let bytes = ran.request.wire_bytes() as u64;
                    (bytes, bytes)
                }
                LogKind::LargeReply => (ran.reply_bytes, ran.reply_bytes),
            };
            if reached < log.from {
                continue;
            }
            let entry = Entry {
                id: log.next_id,
                unix_seconds: now.0.div_euclid(1_000_000),
                value,
                words: words(ran.request, secrets),
                address: address.into(),
                name: name.into(),
            };
            log.next_id += 1;
            log.entries.truncate(log.len_max.saturating_sub(1));
            log.entries.push_front(entry);
        }
    }

    /// The entries of a log, newest first.
    pub(crate) fn entries(&self, kind: LogKind) -> &VecDeque<Entry> {
        let [slow, request, reply] = &self.logs;
        match kind {
            LogKind::Slow => &slow.entries,
            LogKind::LargeRequest => &request.entries,
            LogKind::LargeReply => &reply.entries,
        }
    }

    /// Forgets the entries of a log; numbers go on.
    pub(crate) fn clear(&mut self, kind: LogKind) {
        let [slow, request, reply] = &mut self.logs;
        let log = match kind {
            LogKind::Slow => slow,
            LogKind::LargeRequest => request,
            LogKind::LargeReply => reply,
        };
        log.entries = VecDeque::new();
    }
}

fn words(request: Request<'_>, secrets: &Secrets) -> Vec<Box<[u8]>> {
    let count = request.len();
    let shown = if count > WORDS_MAX {
        WORDS_MAX - 1
    } else {
        count
    };
    let mut words: Vec<Box<[u8]>> = request
        .iter()
        .take(shown)
        .enumerate()
        .map(|(at, word)| {
            if secrets.contains(at) {
                REDACTED.into()
            } else {
                shortened(word)
            }
        })
        .collect();
    if count > shown {
        let more = alloc::format!("... ({} more arguments)", count - shown);
        words.push(more.into_bytes().into());
    }
    words
}

fn shortened(word: &[u8]) -> Box<[u8]> {
    match word.split_at_checked(WORD_BYTES_MAX) {
        Some((first, rest)) if !rest.is_empty() => {
            let more = alloc::format!("... ({} more bytes)", rest.len());
            [first, more.as_bytes()].concat().into()
        }
        _ => word.into(),
    }
}
