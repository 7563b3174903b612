//! HELP at the prompt, and the usage page under the names of Valkey's client. Both are made from
//! tables. Not the page under our own name, which clap makes.

use std::fmt::Write as _;

use crate::catalog::{Catalog, Doc};
use crate::compat_table::OPTIONS;
use crate::hint;
use crate::persona::Persona;

/// The answer to HELP with these words; `colors` for a terminal.
pub(crate) fn help(persona: Persona, catalog: &Catalog, words: &[Vec<u8>], colors: bool) -> String {
    let Some(first) = words.first() else {
        return general(persona);
    };
    let mut out = String::new();
    let group = first.strip_prefix(b"@");
    for doc in &catalog.docs {
        let wanted = match group {
            Some(group) => doc.group.as_bytes().eq_ignore_ascii_case(group),
            None => {
                words.len() <= doc.words.len()
                    && doc
                        .words
                        .iter()
                        .zip(words)
                        .all(|(name, word)| name.as_bytes().eq_ignore_ascii_case(word))
            }
        };
        if wanted {
            describe(doc, group.is_none(), colors, &mut out);
        }
    }
    out.push_str("\r\n");
    out
}

fn general(persona: Persona) -> String {
    let program = version(persona);
    let (_, preferences) = persona.preferences();
    format!(
        "{program}\
         help <command>    what a command does and takes\n\
         help @<group>     the commands of a group\n\
         help <tab>        what there is help for\n\
         <n> <command>     run a command n times\n\
         connect <h> <p>   talk to another server\n\
         clear             clear the screen\n\
         :set hints        show what may follow while typing; :set nohints does not\n\
         quit              leave\n\
         Lines in ~/{preferences} such as \":set nohints\" are read at the start.\n"
    )
}

fn describe(doc: &Doc, with_group: bool, colors: bool, out: &mut String) {
    let paint = |code: &str, text: &str| {
        if colors {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    };
    let mut line = |text: String| {
        let _ = write!(out, "{text}\r\n");
    };
    let grammar = hint::grammar(&doc.args);
    line(format!(
        "\r\n  {} {}",
        paint("1", &doc.name()),
        paint("90", &grammar)
    ));
    line(format!("  {} {}", paint("33", "summary:"), doc.summary));
    if !doc.since.is_empty() {
        line(format!("  {} {}", paint("33", "since:"), doc.since));
    }
    if with_group {
        line(format!("  {} {}", paint("33", "group:"), doc.group));
    }
}

/// The line of `--version`.
pub(crate) fn version(persona: Persona) -> String {
    format!("{} {}\n", persona.program(), persona.version())
}

/// The page of `--help` under the names of Valkey's client.
pub(crate) fn usage(persona: Persona) -> String {
    let program = persona.program();
    let mut out = version(persona);
    let _ = writeln!(
        out,
        "\nUsage: {program} [options] [command [argument ...]]\n"
    );
    for spec in OPTIONS.iter().filter(|spec| !spec.help.is_empty()) {
        let value = spec
            .value
            .map(|value| format!(" <{value}>"))
            .unwrap_or_default();
        let left = format!("{}{value}", spec.name);
        let _ = writeln!(out, "  {left:<28} {}", spec.help);
    }
    let variables = persona.password_variables().join(", ");
    let _ = write!(
        out,
        "\nThe password may be in the environment: {variables}.\n\
         Without a command and on a terminal there is a prompt; otherwise every line of\n\
         standard input is a command. In --eval a comma stands between keys and arguments.\n"
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_with_help_is_on_the_page() {
        let page = usage(Persona::ValkeyCli);
        for spec in OPTIONS.iter().filter(|spec| !spec.help.is_empty()) {
            assert!(page.contains(&format!("  {}", spec.name)), "{}", spec.name);
        }
        assert!(!page.contains("--password-file"));
        assert!(page.lines().all(|line| line.len() <= 100), "{page}");
    }

    #[test]
    fn help_by_name_and_by_group() {
        let catalog = Catalog::sorted(vec![Doc {
            words: vec!["CONFIG".to_owned(), "SET".to_owned()],
            summary: "Sets it.".to_owned(),
            since: "2.0.0".to_owned(),
            group: "server".to_owned(),
            args: Vec::new(),
        }]);
        let words = |text: &str| crate::words::split(text.as_bytes()).unwrap_or_default();
        let help = |text: &str| help(Persona::Vkctl, &catalog, &words(text), false);
        assert!(help("config").contains("CONFIG SET"));
        assert!(help("config set").contains("group: server"));
        assert!(help("@SERVER").contains("Sets it."));
        assert!(!help("@string").contains("Sets it."));
        assert_eq!(help("get"), "\r\n");
        assert!(help("").contains("help @<group>"));
    }
}
