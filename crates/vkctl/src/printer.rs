//! Standard output: formats replies and keeps a terminal safe from what they contain.

use std::io::{self, Write};

use vk_resp::Reply;

use crate::format::{self, Style};
use crate::options::{Options, OutputMode};
use crate::terminal;

/// Writes replies in the mode that the options chose.
#[derive(Debug)]
pub(crate) struct Printer {
    mode: OutputMode,
    element_delimiter: Vec<u8>,
    reply_delimiter: Vec<u8>,
    /// Standard output obeys control characters.
    to_terminal: bool,
    /// Push messages that nobody waits for are shown.
    pub(crate) shows_pushes: bool,
}

/// How the text of a reply is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// By the output mode.
    ByMode,
    /// A text for people, such as INFO: as it is.
    Text,
    /// The same, and it may be coloured.
    ColoredText,
}

impl Printer {
    pub(crate) fn new(options: &Options) -> Self {
        let people = terminal::prints_for_people();
        let by_place = if people {
            OutputMode::Standard
        } else {
            OutputMode::Raw
        };
        Self {
            mode: options.output.unwrap_or(by_place),
            element_delimiter: options.element_delimiter.clone(),
            reply_delimiter: options.reply_delimiter.clone(),
            to_terminal: terminal::stdout_is_terminal(),
            shows_pushes: options.show_pushes.unwrap_or(people),
        }
    }

    pub(crate) fn mode(&self) -> OutputMode {
        self.mode
    }

    /// Prints a reply.
    pub(crate) fn reply(&self, reply: &Reply, reading: Reading) -> io::Result<()> {
        let mut out = Vec::new();
        match reading {
            Reading::ByMode => format::format(reply, self.style(), &mut out),
            Reading::Text | Reading::ColoredText => {
                format::raw(reply, &self.element_delimiter, &mut out);
            }
        }
        self.bytes(&out, reading == Reading::ColoredText)
    }

    /// Prints a push message that came by itself.
    pub(crate) fn push(&self, reply: &Reply) -> io::Result<()> {
        match invalidated_keys(reply) {
            Some(keys) if self.mode == OutputMode::Standard => {
                let mut out = b"-> invalidate: ".to_vec();
                for (position, key) in keys.iter().enumerate() {
                    if position > 0 {
                        out.extend_from_slice(b", ");
                    }
                    out.push(b'\'');
                    if let Reply::Bulk(key) | Reply::Simple(key) = key {
                        out.extend_from_slice(key);
                    }
                    out.push(b'\'');
                }
                out.push(b'\n');
                self.bytes(&out, false)
            }
            _ => self.reply(reply, Reading::ByMode),
        }
    }

    /// Prints text that holds bytes of a server.
    pub(crate) fn bytes(&self, bytes: &[u8], colors: bool) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        if self.to_terminal {
            stdout.write_all(&terminal::escape(bytes, colors))?;
        } else {
            stdout.write_all(bytes)?;
        }
        stdout.flush()
    }

    fn style(&self) -> Style<'_> {
        Style {
            mode: self.mode,
            element_delimiter: &self.element_delimiter,
            reply_delimiter: &self.reply_delimiter,
        }
    }
}

fn invalidated_keys(reply: &Reply) -> Option<&[Reply]> {
    match reply {
        Reply::Push(items) => match items.as_slice() {
            [Reply::Bulk(kind), Reply::Array(keys)] if kind.starts_with(b"invalidate") => {
                Some(keys)
            }
            _ => None,
        },
        _ => None,
    }
}
