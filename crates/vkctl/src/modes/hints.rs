//! `--test_hint` and `--test_hint_file`: prints or checks hints without a prompt. For tests of
//! the command line; undocumented, as in Valkey's client.

use std::fs;

use super::say;
use crate::catalog::Catalog;
use crate::error::{Failure, UsageError, io_text};
use crate::hint;
use crate::terminal;
use crate::words;

/// Prints the hint for one line.
pub(crate) fn one(catalog: &Catalog, line: &[u8]) -> Result<(), Failure> {
    say(&format!(
        "{}\n",
        hint::hint(catalog, line).unwrap_or_default()
    ))
}

/// Checks the cases of a file: on every line the input and its hint, both quoted.
pub(crate) fn file(catalog: &Catalog, path: &str, verbose: bool) -> Result<(), Failure> {
    let fault = |text: String| Failure::Usage(UsageError::new(text));
    let cases = fs::read(path)
        .map_err(|error| fault(format!("Can't open file '{path}': {}", io_text(&error))))?;
    let (mut passed, mut failed) = (0_u32, 0_u32);
    for line in cases
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"#"))
    {
        let words = words::split(line).unwrap_or_default();
        let (input, expected) = match words.as_slice() {
            [] => continue,
            [input] => {
                let input = terminal::escape_line(input);
                return Err(fault(format!("Missing expected hint for input '{input}'")));
            }
            [input, expected, ..] => (input, String::from_utf8_lossy(expected)),
        };
        let hint = hint::hint(catalog, input).unwrap_or_default();
        let shown = terminal::escape_line(input);
        if verbose {
            say(&format!(
                "Input: '{shown}', Expected: '{expected}', Hint: '{hint}'\n"
            ))?;
        }
        if hint.trim_end_matches(' ') == expected {
            passed = passed.saturating_add(1);
        } else {
            eprintln!("Test case '{shown}' FAILED: expected '{expected}', got '{hint}'");
            failed = failed.saturating_add(1);
        }
    }
    let verdict = if failed == 0 { "SUCCESS" } else { "FAILURE" };
    let all = passed.saturating_add(failed);
    say(&format!("{verdict}: {passed}/{all} passed\n"))?;
    if failed == 0 {
        Ok(())
    } else {
        Err(fault(format!("{failed} hints are wrong")))
    }
}
