//! `--eval`: sends a script file with its keys and arguments. The server runs it.

use std::fs;
use std::io::ErrorKind;

use crate::error::{Failure, UsageError, io_text};
use crate::options::Options;
use crate::session::Session;

/// Longest script: a server takes no longer argument.
const SCRIPT_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Runs the script in `path`; a lone comma stands between keys and arguments.
pub(crate) fn run(
    session: &mut Session,
    options: &Options,
    path: &str,
    arguments: &[Vec<u8>],
) -> Result<(), Failure> {
    let fault =
        |text: &str| Failure::Usage(UsageError::new(format!("Can't open file '{path}': {text}")));
    let length = fs::metadata(path)
        .map_err(|error| fault(&io_text(&error)))?
        .len();
    if length > SCRIPT_BYTES_MAX {
        return Err(fault(&ErrorKind::FileTooLarge.to_string()));
    }
    let script = fs::read(path).map_err(|error| fault(&io_text(&error)))?;
    session.run(
        &command(script, arguments),
        options.repeat,
        options.interval,
    )
}

fn command(script: Vec<u8>, arguments: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let comma = arguments.iter().position(|argument| argument == b",");
    let keys = comma.unwrap_or(arguments.len());
    let mut command = vec![b"EVAL".to_vec(), script, keys.to_string().into_bytes()];
    let words = arguments
        .iter()
        .enumerate()
        .filter(|(place, _)| Some(*place) != comma);
    command.extend(words.map(|(_, word)| word.clone()));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_arguments_are_told_apart() {
        let build = |line: &str| {
            let words = crate::words::split(line.as_bytes()).unwrap_or_default();
            let command = command(b"s".to_vec(), &words);
            String::from_utf8_lossy(&command.join(&b' ')).into_owned()
        };
        assert_eq!(build("a b , c d"), "EVAL s 2 a b c d");
        assert_eq!(build("a b"), "EVAL s 2 a b");
        assert_eq!(build(", x , y"), "EVAL s 0 x , y");
        assert_eq!(build(""), "EVAL s 0");
    }
}
