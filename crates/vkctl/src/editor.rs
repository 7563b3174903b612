//! What helps while a line is typed: completion and hints. Not the line editor itself.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::catalog::Catalog;
use crate::hint;

/// Known to the prompt and to the editor.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) catalog: Catalog,
    /// Hints are shown.
    pub(crate) hints: bool,
}

/// Completes names of commands and hints at their arguments.
#[derive(Debug)]
pub(crate) struct Assistant(pub(crate) Rc<RefCell<Shared>>);

impl Helper for Assistant {}

impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..pos).unwrap_or(line);
        Ok(complete(&self.0.borrow().catalog, typed))
    }
}

/// Shown, and never put into the line: it is a grammar, not an argument.
#[derive(Debug)]
pub(crate) struct Shown(String);

impl Hint for Shown {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Shown;

    fn hint(&self, line: &str, pos: usize, _context: &Context<'_>) -> Option<Shown> {
        let shared = self.0.borrow();
        if !shared.hints || pos < line.len() || line.is_empty() {
            return None;
        }
        let hint = hint::hint(&shared.catalog, line.as_bytes()).filter(|hint| !hint.is_empty())?;
        Some(Shown(if line.ends_with(' ') {
            hint
        } else {
            format!(" {hint}")
        }))
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }
}

/// Where the completion begins, and what may stand there.
fn complete(catalog: &Catalog, typed: &str) -> (usize, Vec<String>) {
    let helps = typed
        .get(..5)
        .is_some_and(|head| head.eq_ignore_ascii_case("help "));
    let start = if helps {
        typed
            .len()
            .saturating_sub(typed.get(5..).unwrap_or("").trim_start().len())
    } else {
        0
    };
    let wanted = typed.get(start..).unwrap_or("");
    let begins = |name: &String| {
        name.get(..wanted.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(wanted))
    };
    let mut names: Vec<String> = catalog
        .docs
        .iter()
        .map(crate::catalog::Doc::name)
        .filter(begins)
        .collect();
    if helps {
        names.extend(
            catalog
                .groups()
                .iter()
                .map(|group| format!("@{group}"))
                .filter(begins),
        );
    }
    (start, names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Doc;

    #[test]
    fn names_and_groups_are_completed() {
        let doc = |name: &str| Doc {
            words: name.split(' ').map(str::to_owned).collect(),
            summary: String::new(),
            since: String::new(),
            group: "server".to_owned(),
            args: Vec::new(),
        };
        let catalog = Catalog::sorted(vec![doc("CONFIG"), doc("CONFIG SET"), doc("GET")]);
        let names = |typed: &str| complete(&catalog, typed);
        assert_eq!(
            names("con"),
            (0, vec!["CONFIG".to_owned(), "CONFIG SET".to_owned()])
        );
        assert_eq!(names("config s"), (0, vec!["CONFIG SET".to_owned()]));
        assert_eq!(names("help  g"), (6, vec!["GET".to_owned()]));
        assert_eq!(names("help @"), (5, vec!["@server".to_owned()]));
        assert_eq!(names("@"), (0, Vec::new()));
        assert_eq!(names("get \u{e9}"), (0, Vec::new()));
    }
}
