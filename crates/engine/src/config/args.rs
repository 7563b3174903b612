//! Directives on the command line: `--port 7000 --save 900 1` as the text of a file.
//!
//! Not the options that are no directives (`--version`, `--dev`): the shell takes those out first.

use super::words::{push_quoted, split_words};
use alloc::vec::Vec;

/// Turns arguments into lines of a configuration file.
///
/// A word that begins with `--` starts a line where the one before it has a value; other words
/// are values. `--save` without a value means `save ""`, and `--sentinel` needs none. A word may
/// hold name and value at once: `"--port 7000"`.
#[must_use]
pub fn arguments_to_text<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut text: Vec<u8> = Vec::new();
    // Whether the line so far has a value, so that `--` begins another one.
    let mut complete = true;
    for (at, argument) in arguments.iter().enumerate() {
        let argument = argument.as_ref();
        let Some(name) = argument.strip_prefix(b"--").filter(|_| complete) else {
            push_quoted(&mut text, argument);
            text.push(b' ');
            complete = true;
            continue;
        };
        if !text.is_empty() {
            text.push(b'\n');
        }
        text.extend(
            name.iter()
                .map(|byte| if *byte == b'\n' { b' ' } else { *byte }),
        );
        text.push(b' ');
        complete = split_words(argument).is_ok_and(|words| words.len() > 1);
        if complete {
            continue;
        }
        let next = arguments.get(at.saturating_add(1)).map(AsRef::as_ref);
        let no_value = next.is_none_or(|next| next.starts_with(b"--"));
        if name.eq_ignore_ascii_case(b"save") && no_value {
            text.extend_from_slice(b"\"\"");
            complete = true;
        } else if name.eq_ignore_ascii_case(b"sentinel") && no_value {
            complete = true;
        }
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use alloc::string::String;

    fn text(arguments: &[&str]) -> String {
        String::from_utf8(arguments_to_text(arguments)).unwrap()
    }

    #[test]
    fn names_start_lines_and_words_are_values() {
        assert_eq!(
            text(&["--port", "7000", "--hz", "5"]),
            "port \"7000\" \nhz \"5\" "
        );
        assert_eq!(text(&["--save", "900", "1"]), "save \"900\" \"1\" ");
        assert_eq!(
            text(&["--port 7000", "--bind", "a b"]),
            "port 7000 \nbind \"a b\" "
        );
        assert_eq!(text(&[]), "");
    }

    #[test]
    fn values_may_look_like_names() {
        assert_eq!(
            text(&["--requirepass", "--x", "--hz", "1"]),
            "requirepass \"--x\" \nhz \"1\" "
        );
        assert_eq!(text(&["--save", "--hz", "1"]), "save \"\"\nhz \"1\" ");
        assert_eq!(text(&["--save", "", "--save"]), "save \"\" \nsave \"\"");
        assert_eq!(
            text(&["--sentinel", "--port", "1"]),
            "sentinel \nport \"1\" "
        );
    }

    #[test]
    fn no_argument_makes_two_lines() {
        assert_eq!(text(&["--a\nport 1", "x\ny"]), "a port 1 \"x\\ny\" ");
    }
}
