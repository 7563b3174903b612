//! The terminal: is there one, what may be printed on it, asking for a password.
//! Not the line editor; `prompt` has it.

use std::env;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::secret::Secret;
use crate::words;

/// Longest password line that is read.
const PASSWORD_BYTES_MAX: usize = 64 * 1024;

/// Is standard output a terminal, so that control characters would be obeyed?
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Should replies be printed for people? `FAKETTY` says so without a terminal, for tests.
pub(crate) fn prints_for_people() -> bool {
    stdout_is_terminal() || env::var_os("FAKETTY").is_some()
}

/// Is standard input a terminal, so that a person can be asked?
pub(crate) fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// Does the terminal understand colours?
pub(crate) fn has_colors() -> bool {
    env::var_os("TERM").is_some_and(|term| term.to_string_lossy().contains("xterm"))
}

/// Makes bytes from a server harmless on a terminal.
///
/// Control characters, the C1 ones in UTF-8 included, and bytes that are not UTF-8 become `\xHH`;
/// newlines, tabs and a carriage return before a newline stay. `colors` lets sequences through
/// that do nothing but choose colours.
pub(crate) fn escape(bytes: &[u8], colors: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut text = chunk.valid();
        while let Some(character) = text.chars().next() {
            let rest = text.get(character.len_utf8()..).unwrap_or("");
            text = rest;
            match character {
                '\n' | '\t' => out.push(character as u8),
                '\r' if rest.starts_with('\n') => out.push(b'\r'),
                '\x1b' if colors && color_sequence(rest).is_some() => {
                    let length = color_sequence(rest).unwrap_or(0);
                    out.push(0x1b);
                    out.extend_from_slice(rest.get(..length).unwrap_or("").as_bytes());
                    text = rest.get(length..).unwrap_or("");
                }
                control if control.is_control() || is_format(control) => {
                    let mut utf8 = [0; 4];
                    for byte in control.encode_utf8(&mut utf8).bytes() {
                        words::push_hex(byte, &mut out);
                    }
                }
                other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            words::push_hex(*byte, &mut out);
        }
    }
    out
}

/// The same for a message of one line on standard error.
pub(crate) fn escape_line(bytes: &[u8]) -> String {
    let mut line = escape(bytes, false);
    line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
    String::from_utf8_lossy(&line).into_owned()
}

/// Marks that turn the direction of the text around and so hide what it says.
fn is_format(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Length of `[digits;...m` at the start of what follows an escape character.
fn color_sequence(rest: &str) -> Option<usize> {
    let parameters = rest.strip_prefix('[')?;
    let end = parameters.find(|character: char| !matches!(character, '0'..='9' | ';'))?;
    parameters
        .get(end..)?
        .starts_with('m')
        .then_some(end.checked_add(2)?)
}

/// Asks for a password without showing it. From a pipe it reads one line.
pub(crate) fn ask_password(prompt: &str) -> io::Result<Secret> {
    let input = io::stdin();
    if !stdin_is_terminal() {
        return read_password(&mut input.lock());
    }
    let mut stderr = io::stderr();
    stderr.write_all(prompt.as_bytes())?;
    stderr.flush()?;
    let before = tcgetattr(input.as_fd())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent
        .local_modes
        .insert(LocalModes::ICANON | LocalModes::ISIG);
    tcsetattr(input.as_fd(), OptionalActions::Flush, &silent)?;
    let password = read_password(&mut input.lock());
    tcsetattr(input.as_fd(), OptionalActions::Flush, &before)?;
    stderr.write_all(b"\n")?;
    password
}

/// Reads up to the end of a line; the line's end is no part of the password.
pub(crate) fn read_password(input: &mut dyn Read) -> io::Result<Secret> {
    let mut password = Vec::new();
    let mut byte = [0; 1];
    while input.read(&mut byte)? == 1 && byte != *b"\n" {
        if password.len() == PASSWORD_BYTES_MAX {
            return Err(io::Error::other("The password is too long"));
        }
        password.extend_from_slice(&byte);
    }
    if password.last() == Some(&b'\r') {
        password.pop();
    }
    Ok(Secret::new(password))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        String::from_utf8(escape(bytes, false)).unwrap()
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(escaped(b"a\tb\r\nc"), "a\tb\r\nc");
        assert_eq!(escaped(b"\x1b]0;title\x07"), "\\x1b]0;title\\x07");
        assert_eq!(escaped(b"fake\rline"), "fake\\x0dline");
        assert_eq!(escaped("\u{9b}2J".as_bytes()), "\\xc2\\x9b2J");
        assert_eq!(escaped("\u{202e}abc".as_bytes()), "\\xe2\\x80\\xaeabc");
        assert_eq!(escaped(b"\xff\x7f"), "\\xff\\x7f");
        assert_eq!(escaped("gr\u{fc}n".as_bytes()), "gr\u{fc}n");
        assert_eq!(escape_line(b"a\nb\x1b"), "ab\\x1b");
    }

    #[test]
    fn colors_pass_where_they_are_wanted() {
        assert_eq!(
            escape(b"\x1b[0;31mred\x1b[0m", true),
            b"\x1b[0;31mred\x1b[0m"
        );
        assert_eq!(escape(b"\x1b[2J\x1b[", true), b"\\x1b[2J\\x1b[");
        assert_eq!(escape(b"\x1b[0m", false), b"\\x1b[0m");
    }

    #[test]
    fn a_password_is_one_line() {
        let read = |text: &str| read_password(&mut text.as_bytes()).unwrap();
        assert_eq!(
            read("pass word\r\nmore"),
            Secret::new(b"pass word".to_vec())
        );
        assert_eq!(read(""), Secret::new(Vec::new()));
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        assert!(read_password(&mut long.as_bytes()).is_err());
    }
}
