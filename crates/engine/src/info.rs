//! INFO: every figure of the server as lines of text.
//!
//! The sections and fields are Valkey's, in its order; what this version does not have stands
//! there with the value of a server that does not use it.

mod clients;
mod figures;
mod keyspace;
mod latency;
mod memory;
mod persistence;
mod server;
mod stats;

use alloc::string::String;
use core::fmt::{self, Write as _};

use bitflags::bitflags;
use sha2::{Digest as _, Sha256};

use crate::Engine;

pub(crate) use latency::Histogram;

bitflags! {
    /// Sections of INFO, in the order in which they are told.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Sections: u16 {
        const SERVER = 1;
        const CLIENTS = 1 << 1;
        const MEMORY = 1 << 2;
        const PERSISTENCE = 1 << 3;
        const STATS = 1 << 4;
        const REPLICATION = 1 << 5;
        const CPU = 1 << 6;
        const MODULES = 1 << 7;
        const COMMANDSTATS = 1 << 8;
        const ERRORSTATS = 1 << 9;
        const LATENCYSTATS = 1 << 10;
        const CLUSTER = 1 << 11;
        const KEYSPACE = 1 << 12;
        const DEBUG = 1 << 13;
        const HOTKEYS = 1 << 14;
    }
}

impl Sections {
    /// All but those that have to be asked for by name.
    const ALL: Self = Self::all().difference(Self::DEBUG);
    /// Those of INFO without an argument.
    const DEFAULT: Self = Self::ALL
        .difference(Self::COMMANDSTATS)
        .difference(Self::LATENCYSTATS)
        .difference(Self::HOTKEYS);

    /// The sections that words mean; unknown words mean none.
    pub(crate) fn parse<'w>(words: impl Iterator<Item = &'w [u8]>) -> Self {
        let mut wanted = Self::empty();
        let mut is_given = false;
        for word in words {
            is_given = true;
            wanted |= Self::of_word(&word.to_ascii_lowercase());
        }
        if is_given { wanted } else { Self::DEFAULT }
    }

    fn of_word(word: &[u8]) -> Self {
        match word {
            b"all" | b"everything" => Self::ALL,
            b"default" => Self::DEFAULT,
            b"module_list" => Self::MODULES,
            _ => {
                let mut all = Self::all().iter_names();
                let found = all.find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word));
                found.map_or(Self::empty(), |(_, section)| section)
            }
        }
    }
}

/// The text of one section after the other.
#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn heading(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\r\n" };
        // A string takes whatever is written to it.
        let _ = write!(self.0, "{gap}# {name}\r\n");
    }

    fn field(&mut self, name: &str, value: impl fmt::Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    /// A field that is a whole line already.
    fn line(&mut self, line: &str) {
        let _ = write!(self.0, "{line}\r\n");
    }

    fn fields<V: fmt::Display>(&mut self, fields: &[(&str, V)]) {
        for (name, value) in fields {
            self.field(name, value);
        }
    }

    /// Fields of something that is not there: 0 of each.
    fn zeros(&mut self, names: &[&str]) {
        for name in names {
            self.field(name, 0);
        }
    }
}

/// A name within a line, without the characters that divide lines and fields.
struct Safe<'n>(&'n str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            f.write_char(if matches!(c, '#' | ':' | '\r' | '\n') {
                '_'
            } else {
                c
            })
        })
    }
}

/// Writes one section.
type Write = fn(&Engine, &mut Lines);

impl Engine {
    /// The text of the sections.
    pub(crate) fn info(&self, wanted: Sections) -> String {
        let all: [(Sections, Write); 15] = [
            (Sections::SERVER, server::server),
            (Sections::CLIENTS, clients::clients),
            (Sections::MEMORY, memory::memory),
            (Sections::PERSISTENCE, persistence::persistence),
            (Sections::STATS, stats::stats),
            (Sections::REPLICATION, persistence::replication),
            (Sections::CPU, server::cpu),
            (Sections::MODULES, |_, lines| lines.heading("Modules")),
            (Sections::COMMANDSTATS, figures::commandstats),
            (Sections::ERRORSTATS, figures::errorstats),
            (Sections::LATENCYSTATS, figures::latencystats),
            (Sections::CLUSTER, |_, lines| {
                lines.heading("Cluster");
                lines.field("cluster_enabled", 0);
            }),
            (Sections::KEYSPACE, keyspace::keyspace),
            (Sections::HOTKEYS, stats::hotkeys),
            (Sections::DEBUG, stats::debug),
        ];
        let mut lines = Lines::default();
        for (section, write) in all {
            if wanted.contains(section) {
                write(self, &mut lines);
            }
        }
        lines.0
    }
}

/// Digits of an id in replication.
const REPL_ID_DIGITS: usize = 40;

/// An id in replication that follows from `seed`.
pub(crate) fn repl_id(seed: &[u8]) -> String {
    let mut id = String::new();
    for byte in Sha256::digest([b"replication ".as_slice(), seed].concat()) {
        let _ = write!(id, "{byte:02x}");
    }
    id.truncate(REPL_ID_DIGITS);
    id
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::{Safe, Sections};
    use crate::testkit::Kit;

    fn parse(words: &[&str]) -> Sections {
        Sections::parse(words.iter().map(|word| word.as_bytes()))
    }

    #[test]
    fn words_mean_sections() {
        assert_eq!(parse(&[]), Sections::DEFAULT);
        assert_eq!(parse(&["nothing"]), Sections::empty());
        assert_eq!(parse(&["CPU", "debug"]), Sections::CPU | Sections::DEBUG);
        assert!(!parse(&["everything"]).contains(Sections::DEBUG));
        assert!(parse(&["all", "debug"]).contains(Sections::all()));
        assert!(!parse(&["default"]).contains(Sections::COMMANDSTATS));
    }

    #[test]
    fn a_name_cannot_make_lines() {
        assert_eq!(Safe("a:b\r\n#c").to_string(), "a_b___c");
    }

    #[test]
    fn sections_are_divided_by_an_empty_line() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.run("INFO cluster modules sentinel"),
            "\"# Modules\r\n\r\n# Cluster\r\ncluster_enabled:0\r\n\""
        );
        assert_eq!(kit.run("INFO none"), "\"\"");
    }

    #[test]
    fn errors_and_commands_are_counted() {
        let mut kit = Kit::new();
        kit.run("PING");
        kit.run("ECHO");
        let info = kit.run("INFO commandstats errorstats");
        for line in [
            "cmdstat_ping:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=0\r\n",
            "cmdstat_echo:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0\r\n",
        ] {
            assert!(info.contains(line), "{info}");
        }
        assert!(info.contains("errorstat_ERR:count=1\r\n"));
    }
}
