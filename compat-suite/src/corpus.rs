//! The corpus: cases read from text files. The notation is described in `README.md` beside them.
//! Not the run.

use crate::{Pattern, Version, Word, scan::is_name, split_words};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::path::Path;

/// All cases, in the order of the files' names.
#[derive(Debug, Default)]
pub struct Corpus {
    /// The cases.
    pub cases: Vec<Case>,
}

/// One case: steps that begin with empty databases and fresh connections.
#[derive(Debug)]
pub struct Case {
    /// `file/title`; unique.
    pub id: String,
    /// Line of the title.
    pub line: usize,
    /// The first version that it holds for.
    pub since: Version,
    /// The first version that it no longer holds for.
    pub until: Version,
    /// Whether connections begin with `HELLO 3`.
    pub resp3: bool,
    /// Commands without which it cannot run.
    pub needs: Vec<String>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Commands that put the server's settings back, whatever happened.
    pub finally: Vec<Vec<Word>>,
}

/// One step of a case.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Sends a command and reads what is expected.
    Call {
        /// The connection; empty for the unnamed one.
        connection: String,
        /// Words of the command.
        words: Vec<Word>,
        /// Replies in order.
        expect: Expect,
        /// Line in the file.
        line: usize,
    },
    /// Sends bytes as they are.
    Raw {
        /// The connection.
        connection: String,
        /// The bytes.
        bytes: Vec<u8>,
        /// Replies in order.
        expect: Expect,
        /// Line in the file.
        line: usize,
    },
    /// Reads what is expected without sending.
    Read {
        /// The connection.
        connection: String,
        /// Replies in order.
        expect: Expect,
        /// Line in the file.
        line: usize,
    },
    /// Lets time pass, in milliseconds.
    Wait(u64),
}

/// What a connection should deliver.
#[derive(Debug)]
#[non_exhaustive]
pub enum Expect {
    /// Nothing is read now.
    Nothing,
    /// This reply.
    Reply(Pattern, String),
    /// The end of the stream.
    Closed,
}

impl Corpus {
    /// Reads every `*.txt` of a folder.
    ///
    /// # Errors
    /// A file cannot be read or its notation is broken; the text names file and line.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                files.push(path);
            }
        }
        files.sort();
        let mut corpus = Self::default();
        for path in files {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path
                .file_stem()
                .map(|stem| stem.to_string_lossy())
                .unwrap_or_default();
            corpus.cases.extend(parse(&name, &text)?);
        }
        corpus.check_unique()?;
        Ok(corpus)
    }

    /// The corpus that lies beside this crate's sources.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn own() -> Result<Self> {
        Self::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"))
    }

    /// First words of all commands in capitals, and first two joined by `|`: the commands that have
    /// cases, and more.
    #[must_use]
    pub fn commands(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for step in self.cases.iter().flat_map(|case| &case.steps) {
            let Step::Call { words, .. } = step else {
                continue;
            };
            let mut names = words.iter().map_while(|word| match word {
                Word::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).to_uppercase()),
                Word::Bound(_) => None,
            });
            let Some(first) = names.next() else { continue };
            if let Some(second) = names.next() {
                found.insert(format!("{first}|{second}"));
            }
            found.insert(first);
        }
        found
    }

    fn check_unique(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for case in &self.cases {
            if !seen.insert((&case.id, case.since)) {
                bail!("{}: two cases have this title", case.id);
            }
        }
        Ok(())
    }
}

/// Parses one file.
fn parse(name: &str, text: &str) -> Result<Vec<Case>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .peekable();
    while let Some((number, line)) = lines.next() {
        let at = || format!("{name}.txt:{number}");
        if line.trim().is_empty() || line.starts_with(';') {
            continue;
        }
        if let Some(title) = line.strip_prefix("# ") {
            cases.push(Case::titled(name, title, number).with_context(at)?);
            continue;
        }
        let case = cases
            .last_mut()
            .with_context(|| format!("{}: a title is due", at()))?;
        let mut expected = Vec::new();
        while let Some((_, next)) = lines.next_if(|(_, next)| is_expectation(next)) {
            expected.push(next);
        }
        case.add(line, &expected.join("\n"), number)
            .with_context(at)?;
    }
    Ok(cases)
}

/// Whether a line belongs to the command above it.
fn is_expectation(line: &str) -> bool {
    let ends = line.trim().is_empty()
        || line.starts_with(';')
        || line.starts_with("# ")
        || line.starts_with("wait-ms ")
        || line.starts_with("finally> ");
    !ends && verb(line).is_none()
}

/// What a step's line does.
#[derive(Clone, Copy)]
enum Verb {
    Call,
    Send,
    Raw,
    Read,
}

/// `A> ..`, `A>> ..`, `A! ..`, `A<`: the connection, what is done, and the rest.
fn verb(line: &str) -> Option<(&str, Verb, &str)> {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric())?;
    let (connection, rest) = line.split_at(end);
    if !connection.chars().all(|c| c.is_ascii_uppercase()) {
        return None;
    }
    let verbs = [(">> ", Verb::Send), ("> ", Verb::Call), ("! ", Verb::Raw)];
    for (sign, verb) in verbs {
        if let Some(rest) = rest.strip_prefix(sign) {
            return Some((connection, verb, rest));
        }
    }
    (rest.trim_end() == "<").then_some((connection, Verb::Read, ""))
}

impl Case {
    fn titled(file: &str, line: &str, number: usize) -> Result<Self> {
        let mut title = line.trim();
        let mut case = Self {
            id: String::new(),
            line: number,
            since: Version::default(),
            until: Version::MAX,
            resp3: false,
            needs: Vec::new(),
            steps: Vec::new(),
            finally: Vec::new(),
        };
        while let Some((before, tag)) = title.strip_suffix(']').and_then(|t| t.rsplit_once('[')) {
            let version = |text| Version::parse(text).with_context(|| format!("version {text}"));
            match tag.split_once(' ') {
                Some(("since", text)) => case.since = version(text)?,
                Some(("until", text)) => case.until = version(text)?,
                Some(("needs", command)) => case.needs.push(command.to_uppercase()),
                None if tag == "resp3" => case.resp3 = true,
                _ => bail!("there is no tag [{tag}]"),
            }
            title = before.trim_end();
        }
        if title.is_empty() {
            bail!("a title is due");
        }
        case.id = format!("{file}/{title}");
        Ok(case)
    }

    fn add(&mut self, text: &str, expected: &str, line: usize) -> Result<()> {
        if let Some(time) = text.strip_prefix("wait-ms ") {
            self.steps
                .push(Step::Wait(time.trim().parse().context("a time is due")?));
            return no_reply(expected);
        }
        if let Some(words) = text.strip_prefix("finally> ") {
            self.finally.push(split_words(words)?);
            return no_reply(expected);
        }
        let (connection, verb, rest) = verb(text).context("a step is due")?;
        let connection = connection.to_owned();
        let step = match verb {
            Verb::Send => {
                no_reply(expected)?;
                Step::Call {
                    connection,
                    words: split_words(rest)?,
                    expect: Expect::Nothing,
                    line,
                }
            }
            Verb::Call => {
                let (words, expect) = (split_words(rest)?, Expect::parse(expected)?);
                Step::Call {
                    connection,
                    words,
                    expect,
                    line,
                }
            }
            Verb::Raw => {
                let mut bytes = Vec::new();
                for word in split_words(rest)? {
                    match word {
                        Word::Bytes(more) => bytes.extend(more),
                        Word::Bound(name) => bail!("raw bytes cannot name ${name}"),
                    }
                }
                Step::Raw {
                    connection,
                    bytes,
                    expect: Expect::parse(expected)?,
                    line,
                }
            }
            Verb::Read => Step::Read {
                connection,
                expect: Expect::parse(expected)?,
                line,
            },
        };
        self.steps.push(step);
        Ok(())
    }

    /// Whether it holds for a server of this version.
    #[must_use]
    pub fn applies_to(&self, version: Version) -> bool {
        self.since <= version && version < self.until
    }
}

fn no_reply(expected: &str) -> Result<()> {
    if !expected.is_empty() {
        bail!("no reply can be expected here");
    }
    Ok(())
}

impl Expect {
    fn parse(text: &str) -> Result<Self> {
        Ok(match text.trim() {
            "none" => Self::Nothing,
            "closed" => Self::Closed,
            _ => Self::Reply(Pattern::parse(text)?, text.to_owned()),
        })
    }
}

/// Puts bindings into a command.
///
/// # Errors
/// A name is not bound.
pub(crate) fn resolve(words: &[Word], bindings: &crate::Bindings) -> Result<Vec<Vec<u8>>> {
    let resolved = words.iter().map(|word| match word {
        Word::Bytes(bytes) => Ok(bytes.clone()),
        Word::Bound(name) => {
            debug_assert!(is_name(name));
            bindings
                .get(name)
                .cloned()
                .with_context(|| format!("${name} is not bound"))
        }
    });
    resolved.collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::{Corpus, Expect, Step, parse};
    use crate::Version;

    #[test]
    fn a_file() {
        let text = "; about\n# one [since 8.1] [resp3] [needs get]\n\
                    > SET a 1\n+OK\nA>> GET a\nA<\n[\n \"1\"\n]\n\n\
                    # two [until 9]\nB! \"PING\\r\\n\"\n+PONG\nwait-ms 5\nfinally> CONFIG SET a b\n\
                    > QUIT\nclosed\n";
        let cases = parse("x", text).unwrap();
        assert_eq!(cases.len(), 2);
        assert_eq!((cases[0].id.as_str(), cases[0].line), ("x/one", 2));
        assert_eq!(cases[0].needs, ["GET"]);
        assert!(cases[0].resp3 && !cases[1].resp3);
        assert!(!cases[0].applies_to(Version::parse("8.0").unwrap()));
        assert!(cases[1].applies_to(Version::parse("8.9.9").unwrap()));
        assert!(!cases[1].applies_to(Version::parse("9").unwrap()));
        assert_eq!(
            (
                cases[0].steps.len(),
                cases[1].steps.len(),
                cases[1].finally.len()
            ),
            (3, 3, 1)
        );
        assert!(matches!(&cases[0].steps[1],
            Step::Call { connection, expect: Expect::Nothing, .. } if connection == "A"));
        assert!(matches!(
            &cases[1].steps[2],
            Step::Call {
                expect: Expect::Closed,
                ..
            }
        ));
    }

    #[test]
    fn broken_files_name_the_line() {
        for (text, line) in [
            ("> PING\n+PONG\n", "x.txt:1"),
            ("# a\n> PING\n", "x.txt:2"),
            ("# a\n\nfoo\n", "x.txt:3"),
            ("# a [sinse 1]\n", "x.txt:1"),
            ("# a\n>> PING\n+PONG\n", "x.txt:2"),
        ] {
            let error = parse("x", text).unwrap_err();
            assert!(format!("{error:#}").contains(line), "{error:#}");
        }
    }

    #[test]
    fn the_corpus_reads() {
        let corpus = Corpus::own().unwrap();
        assert!(corpus.cases.iter().all(|case| !case.steps.is_empty()));
        assert!(corpus.commands().contains("CLIENT|ID") && corpus.commands().contains("GET"));
    }
}
