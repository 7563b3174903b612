//! The texts of the configuration: the file, the standard input, and included files.
//!
//! Bytes and names; their grammar is the engine's.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::args::Invocation;

/// No configuration is this large; a mistyped path may lead to a device.
const TEXT_BYTES_MAX: u64 = 16 << 20;

/// The texts that a command line names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    /// The absolute path and the text of the configuration file.
    pub(crate) file: Option<(PathBuf, Vec<u8>)>,
    /// What came in by the standard input.
    pub(crate) stdin: Option<Vec<u8>>,
}

/// Reads what a command line names.
///
/// # Errors
///
/// One line that says what cannot be read.
pub(crate) fn read(invocation: &Invocation, stdin: impl Read) -> Result<Texts, String> {
    let mut texts = Texts::default();
    if let Some(path) = &invocation.config_file {
        let fail = |error: io::Error| {
            format!(
                "Fatal error, can't open config file '{}': {error}",
                path.display()
            )
        };
        // CONFIG REWRITE needs it after the working directory has changed.
        let absolute = std::path::absolute(path).map_err(fail)?;
        let text = read_file(&absolute).map_err(fail)?;
        texts.file = Some((absolute, text));
    }
    if invocation.read_stdin {
        let text = read_all(stdin);
        let fail = |error| format!("Fatal error, can't read the configuration from stdin: {error}");
        texts.stdin = Some(text.map_err(fail)?);
    }
    Ok(texts)
}

/// The files of an `include` line, in the order of their names: what the loader asks for.
///
/// # Errors
///
/// A file that was named is not there or cannot be read; a pattern may match nothing.
pub(crate) fn include(pattern: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let Ok(text) = std::str::from_utf8(pattern) else {
        return Err("the path of an include line must be UTF-8".to_owned());
    };
    let paths = if text.contains(['*', '?', '[']) {
        let found = glob::glob(text)
            .map_err(|error| format!("Fatal error, bad include pattern '{text}': {error}"))?;
        found.flatten().collect()
    } else {
        vec![PathBuf::from(text)]
    };
    let read = |path: PathBuf| {
        let shown = path.display().to_string();
        match read_file(&path) {
            Ok(text) => Ok((shown, text)),
            Err(error) => Err(format!(
                "Fatal error, can't open config file '{shown}': {error}"
            )),
        }
    };
    paths.into_iter().map(read).collect()
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    // A pipe (a shell's process substitution) is fine here.
    read_all(File::open(path)?)
}

fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(TEXT_BYTES_MAX.saturating_add(1))
        .read_to_end(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > TEXT_BYTES_MAX) {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::args::{Mode, Program};
    use crate::test_dir::TestDir;
    use std::fs;

    fn invocation(file: Option<PathBuf>, read_stdin: bool) -> Invocation {
        Invocation {
            program: Program::Vkd,
            mode: Mode::Serve,
            dev: false,
            config_file: file,
            read_stdin,
            directives: Vec::new(),
            has_valkey_directive: false,
        }
    }

    #[test]
    fn the_texts_of_a_command_line() {
        let dir = TestDir::new();
        let path = dir.path().join("v.conf");
        let text = b"port 1\n# \xe9";
        fs::write(&path, text).unwrap();
        let texts = read(&invocation(Some(path.clone()), true), &b"port 2"[..]).unwrap();
        assert_eq!(texts.file, Some((path, text.to_vec())));
        assert_eq!(texts.stdin.as_deref(), Some(&b"port 2"[..]));
        let error = read(&invocation(Some("no.conf".into()), false), &b""[..]).unwrap_err();
        assert!(error.starts_with("Fatal error, can't open config file 'no.conf': No such"));
        let endless = read(&invocation(None, true), io::repeat(b'x')).unwrap_err();
        assert!(endless.contains("stdin"), "{endless}");
        assert_eq!(
            read(&invocation(None, false), io::repeat(b'x')).unwrap(),
            Texts::default()
        );
    }

    #[test]
    fn includes_match_in_order() {
        let dir = TestDir::new();
        for name in ["b.conf", "a.conf", "c.txt"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let shown = dir.path().display();
        let found = include(format!("{shown}/*.conf").as_bytes()).unwrap();
        let names: Vec<&[u8]> = found.iter().map(|(_, text)| text.as_slice()).collect();
        assert_eq!(names, [b"a.conf", b"b.conf"]);
        assert_eq!(include(format!("{shown}/x*.conf").as_bytes()).unwrap(), []);
        assert_eq!(
            include(format!("{shown}/c.txt").as_bytes()).unwrap().len(),
            1
        );
        let error = include(format!("{shown}/d.txt").as_bytes()).unwrap_err();
        assert!(error.contains("d.txt"), "{error}");
        assert!(include(shown.to_string().as_bytes()).is_err());
    }
}
