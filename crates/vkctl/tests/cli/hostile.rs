//! Servers that want to do harm: the program ends with an error, soon and without taking memory,
//! and the terminal is not theirs.

use std::io::{BufReader, Write};
use std::time::{Duration, Instant};

use crate::fake::{Place, request, server, stderr, stdout};

/// Sends `bytes` to whoever asks anything, then closes or waits.
fn sending(bytes: Vec<u8>, waits: bool) -> String {
    let port = server(move |stream| {
        let mut stream = BufReader::new(stream);
        request(&mut stream);
        let _ = stream.get_mut().write_all(&bytes);
        if waits {
            request(&mut stream);
        }
    });
    port.to_string()
}

#[test]
fn replies_that_are_none_end_the_program() {
    let place = Place::new("hostile");
    let deep = b"*1\r\n".repeat(100_000);
    for (bytes, waits) in [
        (b"$-7\r\n".to_vec(), true),
        (b"*99999999999999999999\r\n".to_vec(), true),
        (b"*-2\r\n".to_vec(), true),
        (b":12x\r\n".to_vec(), true),
        (b"?what\r\n".to_vec(), true),
        (b"$3\r\nabcd\r\n".to_vec(), true),
        (deep, true),
        // A promise of much that is not kept must not cost anything.
        (b"*1000000\r\n".to_vec(), false),
        (b"$500000000\r\nabc".to_vec(), false),
        (Vec::new(), false),
    ] {
        let port = sending(bytes.clone(), waits);
        let begin = Instant::now();
        let output = place.run("vkctl", &["-h", "127.0.0.1", "-p", &port, "get", "k"]);
        let shown = String::from_utf8_lossy(bytes.get(..20).unwrap_or(&bytes)).into_owned();
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(
            stderr(&output).starts_with("Error: "),
            "{shown}: {}",
            stderr(&output)
        );
        assert!(begin.elapsed() < Duration::from_secs(10), "{shown}");
    }
}

#[test]
fn messages_on_standard_error_are_escaped() {
    let place = Place::new("escape");
    let port = sending(b"-ERR \x1b]0;owned\x07 \xc2\x9b2J\r\n".to_vec(), true);
    for words in [["-e", "get"], ["-a", "p"]] {
        let output = place.run(
            "vkctl",
            &[
                &["-h", "127.0.0.1", "-p", &port, "--no-auth-warning"],
                &words[..],
                &["k"],
            ]
            .concat(),
        );
        let text = stderr(&output);
        assert!(text.contains("\\x1b]0;owned\\x07 \\xc2\\x9b2J"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
}

#[test]
fn scans_check_what_they_get() {
    let place = Place::new("scan");
    for bytes in [
        "+OK\r\n",
        "*2\r\n:1\r\n+x\r\n",
        "*1\r\n*0\r\n",
        "*2\r\n$1\r\n0\r\n*1\r\n:5\r\n",
    ] {
        let port = sending(bytes.as_bytes().to_vec(), true);
        let output = place.run("vkctl", &["-h", "127.0.0.1", "-p", &port, "--scan"]);
        assert_eq!(output.status.code(), Some(1), "{bytes}");
        assert_eq!(stdout(&output), "", "{bytes}");
    }
}
