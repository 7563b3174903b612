//! Rules that need no more than the lines of a file: length, header, width, ASCII, markers. Code
//! and comments are not told apart here.

use super::Finding;

/// Longest file, in lines.
const FILE_LINES_MAX: usize = 600;
/// Longest line, in characters.
const WIDTH_MAX: usize = 100;
/// Words that promise work; each needs the number of an issue (`#12`) on its line.
const MARKERS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Applies every rule of this file to `text`.
pub(super) fn check(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        findings.push(Finding::new(
            FILE_LINES_MAX + 1,
            format!("file of {lines} lines, {FILE_LINES_MAX} are allowed"),
        ));
    }
    if !text.starts_with("//! ") {
        findings.push(Finding::new(
            1,
            "file does not open with `//! ` and what it is",
        ));
    }
    for (index, line) in text.lines().enumerate() {
        check_line(line, index + 1, &mut findings);
    }
    findings
}

fn check_line(line: &str, number: usize, findings: &mut Vec<Finding>) {
    let width = line.chars().count();
    if width > WIDTH_MAX && !has_url(line) {
        let what = format!("line of {width} characters, {WIDTH_MAX} are allowed");
        findings.push(Finding::new(number, what));
    }
    if let Some(odd) = line.chars().find(|c| !c.is_ascii()) {
        let what = format!(
            "character {} is not ASCII; use an escape",
            odd.escape_unicode()
        );
        findings.push(Finding::new(number, what));
    }
    if !names_issue(line) {
        for marker in MARKERS {
            if has_word(line, marker) {
                let what = format!("{marker} without the number of an issue");
                findings.push(Finding::new(number, what));
            }
        }
    }
}

/// A line that holds an address may be wider: it cannot be broken.
fn has_url(line: &str) -> bool {
    line.contains("https://") || line.contains("http://")
}

/// Whether `line` holds `#` followed by a digit.
fn names_issue(line: &str) -> bool {
    line.split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether `word` stands in `line` with no letter, digit or underscore at either side.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line.get(..start).and_then(|text| text.chars().next_back());
        let after = line
            .get(start + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(text: &str) -> Vec<(usize, String)> {
        check(text)
            .into_iter()
            .map(|finding| (finding.line, finding.what))
            .collect()
    }

    fn only(text: &str, line: usize, part: &str) {
        let found = whats(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, line, "{found:?}");
        assert!(found[0].1.contains(part), "{found:?}");
    }

    #[test]
    fn a_clean_file_has_no_finding() {
        assert_eq!(whats("//! A file.\n\nfn f() {}\n"), []);
    }

    #[test]
    fn length() {
        let allowed = format!("//! A file.\n{}", "\n".repeat(599));
        assert_eq!(whats(&allowed), []);
        only(&format!("{allowed}\n"), 601, "file of 601 lines");
    }

    #[test]
    fn header() {
        only("fn f() {}\n", 1, "does not open");
        only("\n//! Late.\n", 1, "does not open");
        only("//!\n", 1, "does not open");
        only("", 1, "does not open");
    }

    #[test]
    fn width() {
        let allowed = format!("//! A file.\n// {}\n", "a".repeat(97));
        assert_eq!(whats(&allowed), []);
        only(
            &format!("//! A file.\n// {}\n", "a".repeat(98)),
            2,
            "line of 101 characters",
        );
        let address = format!("//! A file.\n// https://example.org/{}\n", "a".repeat(98));
        assert_eq!(whats(&address), []);
    }

    #[test]
    fn ascii() {
        only("//! A file.\n// caf\u{e9}\n", 2, "character \\u{e9}");
    }

    #[test]
    fn markers() {
        for marker in MARKERS {
            only(&format!("//! A file.\n// {marker}: later\n"), 2, marker);
            only(&format!("//! A file.\n// ({marker})\n"), 2, marker);
            assert_eq!(
                whats(&format!("//! A file.\n// {marker}(#12): later\n")),
                []
            );
            assert_eq!(
                whats(&format!("//! A file.\n// {marker}_x{marker}{marker}\n")),
                []
            );
        }
    }
}
