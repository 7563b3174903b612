//! Reading the configuration: sources (file, standard input, arguments) to values and warnings.
//!
//! Pure: the text of files is given, and included ones are asked for. What this version does not
//! do is told as data; the caller logs it.

use super::words::split_words;
use super::{Config, ConfigId, Value, settle, table};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use vk_spec::config::{ConfigSpec, ConfigState, Profile};

/// How deep files may include files.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// How many files may be included in all.
pub const INCLUDED_FILES_MAX: usize = 1000;

/// Directives of earlier versions that are read over.
const RETIRED: [&str; 4] = [
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "lua-replicate-commands",
    "io-threads-do-reads",
];

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A file, or standard input.
    File,
    /// The command line.
    Arguments,
    /// CONFIG SET.
    Set,
}

/// One text of directives; later sources win.
#[derive(Clone, Copy, Debug)]
pub struct Source<'t> {
    /// The name for messages: a path, or what stands for it.
    pub name: &'t str,
    /// The text.
    pub text: &'t [u8],
    /// What its values are marked with.
    pub origin: Origin,
}

/// Finds what an `include` means: every file of the pattern, by name and text. No file is fine
/// for a pattern with `*`, `?` or `[`; else it is an error, as is one that cannot be read.
pub type Include<'f> = dyn FnMut(&[u8]) -> Result<Vec<(String, Vec<u8>)>, String> + 'f;

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// What was asked for and is not done.
    pub warnings: Vec<Warning>,
}

/// A directive that this version does not act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The directive.
    pub directive: &'static str,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Durability, access or memory depend on it.
    pub loud: bool,
    /// What to do.
    pub cure: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            directive,
            file,
            line,
            cure,
            ..
        } = self;
        write!(
            f,
            "{file}, line {line}: '{directive}' has no effect: {cure}"
        )
    }
}

/// Why a configuration cannot be used. Shown as Valkey shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file, the line from 1, and its text without secrets; none for the configuration as a
    /// whole.
    pub at: Option<(String, usize, String)>,
    /// What is wrong, and what to do.
    pub reason: String,
    /// What else is refused.
    pub more: Vec<Warning>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n*** FATAL CONFIG FILE ERROR (Verikey {}) ***",
            env!("CARGO_PKG_VERSION")
        )?;
        if let Some((file, line, text)) = &self.at {
            writeln!(f, "Reading the configuration file, at line {line}")?;
            writeln!(f, ">>> '{text}'")?;
            write!(f, "{} ({file})", self.reason)?;
        } else {
            f.write_str(&self.reason)?;
        }
        for warning in &self.more {
            write!(f, "\n{warning}")?;
        }
        Ok(())
    }
}

impl core::error::Error for LoadError {}

/// Reads sources in order into the defaults of a profile: the one that a `security-profile` line
/// names, else `profile`.
///
/// # Errors
/// The first line that is wrong; in the strict profile also what it cannot do without.
pub fn load(
    profile: Profile,
    sources: &[Source<'_>],
    include: &mut Include<'_>,
) -> Result<Loaded, LoadError> {
    let mut reader = Reader {
        files: Vec::new(),
        lines: Vec::new(),
        include,
    };
    for source in sources {
        reader.read(source.name.into(), source.text, source.origin, 0)?;
    }
    let Reader { files, lines, .. } = reader;
    let mut loader = Loader {
        config: Config::new(named_profile(&lines).unwrap_or(profile)),
        files,
        set_by: alloc::vec![None; table::COUNT],
        warnings: Vec::new(),
    };
    for (at, line) in lines.iter().enumerate() {
        loader
            .apply(at, line)
            .map_err(|reason| loader.error(line, reason))?;
    }
    loader.finish(&lines)
}

/// One directive of a source.
struct Line {
    file: usize,
    number: usize,
    origin: Origin,
    text: Vec<u8>,
    words: Vec<Vec<u8>>,
}

struct Reader<'r, 'f> {
    files: Vec<String>,
    lines: Vec<Line>,
    include: &'r mut Include<'f>,
}

impl Reader<'_, '_> {
    fn read(
        &mut self,
        name: String,
        text: &[u8],
        origin: Origin,
        depth: usize,
    ) -> Result<(), LoadError> {
        let file = self.files.len();
        self.files.push(name);
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let text = line.trim_ascii().to_vec();
            if matches!(text.first(), None | Some(b'#')) {
                continue;
            }
            let mut line = Line {
                file,
                number: index.saturating_add(1),
                origin,
                text,
                words: Vec::new(),
            };
            if line.text.contains(&0) {
                return Err(self.error(&line, "NUL byte in configuration line".into()));
            }
            match split_words(&line.text) {
                Ok(words) => line.words = words,
                Err(_) => {
                    return Err(self.error(&line, "Unbalanced quotes in configuration line".into()));
                }
            }
            match line.words.as_mut_slice() {
                [] => {}
                [name, pattern] if name.eq_ignore_ascii_case(b"include") => {
                    let pattern = core::mem::take(pattern);
                    self.include(&line, &pattern, depth)?;
                }
                [name, ..] => {
                    name.make_ascii_lowercase();
                    self.lines.push(line);
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, line: &Line, pattern: &[u8], depth: usize) -> Result<(), LoadError> {
        if depth >= INCLUDE_DEPTH_MAX {
            let reason = format!("Files include each other more than {INCLUDE_DEPTH_MAX} deep");
            return Err(self.error(line, reason));
        }
        let found = (self.include)(pattern).map_err(|reason| self.error(line, reason))?;
        for (name, text) in found {
            if self.files.len() >= INCLUDED_FILES_MAX {
                let reason = format!("More than {INCLUDED_FILES_MAX} files are included");
                return Err(self.error(line, reason));
            }
            self.read(name, &text, line.origin, depth.saturating_add(1))?;
        }
        Ok(())
    }

    fn error(&self, line: &Line, reason: String) -> LoadError {
        LoadError {
            at: Some(line.place(&self.files)),
            reason,
            more: Vec::new(),
        }
    }
}

impl Line {
    fn place(&self, files: &[String]) -> (String, usize, String) {
        let file = files.get(self.file).cloned().unwrap_or_default();
        (file, self.number, redacted(&self.text))
    }
}

/// The text of a line for messages: only its name when it may hold a secret.
fn redacted(text: &[u8]) -> String {
    let first = text
        .split(u8::is_ascii_whitespace)
        .next()
        .unwrap_or_default();
    let name = first.strip_prefix(b"\"").unwrap_or(first);
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    let secret = table::TABLE
        .iter()
        .chain(table::LINES_ONLY)
        .any(|spec| spec.sensitive && spec.is_named(name));
    let shown = if secret { name } else { text };
    let suffix = if secret { " (redacted)" } else { "" };
    format!("{}{suffix}", String::from_utf8_lossy(shown))
}

fn named_profile(lines: &[Line]) -> Option<Profile> {
    let spec = table::process::SECURITY_PROFILE.spec();
    lines
        .iter()
        .rev()
        .find_map(|line| match line.words.as_slice() {
            [name, value] if spec.is_named(name) => [Profile::Strict, Profile::Compatible]
                .into_iter()
                .find(|profile| profile.name().as_bytes().eq_ignore_ascii_case(value)),
            _ => None,
        })
}

struct Loader {
    config: Config,
    files: Vec<String>,
    /// By directive, the line that set it last.
    set_by: Vec<Option<usize>>,
    warnings: Vec<Warning>,
}

impl Loader {
    fn apply(&mut self, at: usize, line: &Line) -> Result<(), String> {
        let Some((name, words)) = line.words.split_first() else {
            return Ok(());
        };
        let Some(id) = ConfigId::find(name) else {
            return self.apply_line_only(line, name, words);
        };
        let spec = id.spec();
        if !spec.multi_word && words.len() != 1 {
            return Err("wrong number of arguments".into());
        }
        let split;
        let words = match words {
            [only] if spec.multi_word && !only.is_empty() => {
                split = split_words(only)
                    .map_err(|_| String::from("Unbalanced quotes in configuration line"))?;
                split.as_slice()
            }
            _ => words,
        };
        let value = Value::parse(spec, words, Some(self.config.value(id)))?;
        let value = self.merge(id, words, settle(id, value));
        self.config.put(id, value, line.origin);
        if let Some(slot) = self.set_by.get_mut(id.index()) {
            *slot = Some(at);
        }
        Ok(())
    }

    /// Lines that add to earlier ones: `save` points, and a working folder relative to another.
    fn merge(&self, id: ConfigId, words: &[Vec<u8>], value: Value) -> Value {
        let again = self.set_by.get(id.index()).is_some_and(Option::is_some);
        if !again {
            return value;
        }
        match (self.config.value(id), value) {
            (Value::Save(earlier), Value::Save(points)) => {
                let reset = matches!(words, [only] if only.is_empty());
                let kept = if reset { &[][..] } else { earlier.as_slice() };
                Value::Save([kept, points.as_slice()].concat())
            }
            (Value::Text(earlier), Value::Text(folder))
                if id == table::process::DIR && !folder.starts_with(b"/") =>
            {
                Value::Text([earlier.as_slice(), b"/", folder.as_slice()].concat())
            }
            (_, value) => value,
        }
    }

    fn apply_line_only(
        &mut self,
        line: &Line,
        name: &[u8],
        words: &[Vec<u8>],
    ) -> Result<(), String> {
        const BAD: &str = "Bad directive or wrong number of arguments";
        let one = words.len() == 1;
        if one && RETIRED.iter().any(|retired| retired.as_bytes() == name) {
            return Ok(());
        }
        let known = table::LINES_ONLY.iter().find(|spec| spec.is_named(name));
        match (known, name) {
            (Some(spec), b"user") if !words.is_empty() => self.warn(spec, line),
            (Some(_), b"rename-command") => match words {
                [old, new] => {
                    let names = &mut self.config.command_names;
                    names.rename(old, new).map_err(|why| why.to_string())?;
                }
                _ => return Err(BAD.into()),
            },
            (Some(spec), b"loadmodule") if !words.is_empty() => return Err(spec.cure.into()),
            (Some(spec), b"sentinel") if words.is_empty() => return Err(spec.cure.into()),
            (Some(_), b"sentinel") => {
                return Err("sentinel directive while not in sentinel mode".into());
            }
            _ if name.contains(&b'.') && words.is_empty() => {
                return Err("Module config specified without value".into());
            }
            _ if name.contains(&b'.') => {
                return Err(
                    "Module configuration for a module that is not loaded; native \
                            modules are not supported, remove the line"
                        .into(),
                );
            }
            _ => return Err(BAD.into()),
        }
        Ok(())
    }

    fn warn(&mut self, spec: &'static ConfigSpec, line: &Line) {
        let (file, number, _) = line.place(&self.files);
        self.warnings.push(Warning {
            directive: spec.name,
            file,
            line: number,
            loud: spec.state == ConfigState::Guards,
            cure: spec.cure,
        });
    }

    fn finish(mut self, lines: &[Line]) -> Result<Loaded, LoadError> {
        let ignored: Vec<_> = ConfigId::all()
            .filter(|id| self.config.is_ignored(*id))
            .collect();
        for id in ignored {
            let line = self
                .set_by
                .get(id.index())
                .copied()
                .flatten()
                .and_then(|at| lines.get(at));
            if let Some(line) = line {
                self.warn(id.spec(), line);
            }
        }
        let follows = *self.config.value(table::replication::REPLICAOF) != Value::Primary(None);
        if follows && self.config.bool(table::cluster::CLUSTER_ENABLED) {
            let reason = "replicaof directive not allowed in cluster mode".to_string();
            return Err(LoadError {
                at: None,
                reason,
                more: Vec::new(),
            });
        }
        if self.config.profile() == Profile::Strict {
            self.refuse_guards(lines)?;
        }
        Ok(Loaded {
            config: self.config,
            warnings: self.warnings,
        })
    }

    fn refuse_guards(&mut self, lines: &[Line]) -> Result<(), LoadError> {
        let (refused, warnings): (Vec<Warning>, _) = core::mem::take(&mut self.warnings)
            .into_iter()
            .partition(|warning| warning.loud);
        self.warnings = warnings;
        let mut refused = refused.into_iter();
        let Some(first) = refused.next() else {
            return Ok(());
        };
        let line = lines.iter().find(|line| {
            line.number == first.line && self.files.get(line.file) == Some(&first.file)
        });
        let at = line.map(|line| line.place(&self.files));
        let reason = format!(
            "The strict profile refuses '{}': {}",
            first.directive, first.cure
        );
        Err(LoadError {
            at,
            reason,
            more: refused.collect(),
        })
    }

    fn error(&self, line: &Line, reason: String) -> LoadError {
        LoadError {
            at: Some(line.place(&self.files)),
            reason,
            more: Vec::new(),
        }
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
