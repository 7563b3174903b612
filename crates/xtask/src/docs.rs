//! The generated part of the manual: `docs/commands.md` from the table of commands and
//! `docs/strict.md` from the table of directives. Both are committed, so that they can be read
//! without a build; `--check` says when they are stale. Not the API documentation.

mod commands;
mod strict;

use std::path::Path;

use anyhow::Context;

use crate::Report;

/// What to do with the generated pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write them.
    Write,
    /// Say which differ from the files.
    Check,
}

/// Writes the pages, or compares them with the files.
pub(crate) fn run(root: &Path, mode: Mode) -> anyhow::Result<Report> {
    let pages = [
        ("docs/commands.md", commands::page()),
        ("docs/strict.md", strict::page()),
    ];
    let mut findings = Vec::new();
    for (path, text) in &pages {
        let file = root.join(path);
        match mode {
            Mode::Write => std::fs::write(&file, text).context(*path)?,
            Mode::Check => {
                // A file that is not there is stale like any other.
                let found = std::fs::read_to_string(&file).unwrap_or_default();
                findings.extend(stale(path, &found, text));
            }
        }
    }
    Ok(Report {
        findings,
        looked_at: format!("{} pages", pages.len()),
    })
}

/// The finding about a file that does not hold what is generated now.
fn stale(path: &str, found: &str, generated: &str) -> Option<String> {
    if found == generated {
        return None;
    }
    let same = found
        .lines()
        .zip(generated.lines())
        .take_while(|(here, there)| here == there)
        .count();
    Some(format!(
        "{path}:{}: stale; `cargo xtask docs` writes it anew",
        same + 1
    ))
}

/// A text inside a table, where a bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::stale;

    #[test]
    fn a_stale_page_is_found_with_its_line() {
        assert_eq!(stale("p.md", "a\nb\n", "a\nb\n"), None);
        let line = |found: &str| stale("p.md", found, "a\nb\n").unwrap_or_default();
        assert!(line("a\nc\n").starts_with("p.md:2: "));
        assert!(line("a\nb\nc\n").starts_with("p.md:3: "));
        assert!(line("").starts_with("p.md:1: "));
    }
}
