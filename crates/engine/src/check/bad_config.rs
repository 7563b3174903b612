//! Bad values for every directive, beside a good one: what is refused, at once or by the shell, has
//! changed nothing at all.

use alloc::{string::String, vec::Vec};

use super::{
    Rig,
    bad_input::{DIGITS, NUMBERS, is_error, settings},
    check_accounts,
};
use crate::{Completion, Disposition, Output, SessionId, config::ConfigId};

/// What no directive takes, or only some.
const WORDS: [&str; 16] = [
    "yes",
    "no",
    "maybe",
    "1gb",
    "-1gb",
    "1kb1",
    "0x10",
    "50%",
    "101%",
    "9223372036854775807gb",
    "a b",
    "a b c d",
    "900 1 300",
    "normal 1mb",
    "\"",
    "\u{1}\u{ff}",
];

/// The directive that is set to something good beside each other one.
const GOOD: [&str; 2] = ["hz", "57"];

/// Checks every directive; returns the number of requests and how many of them were refused.
///
/// # Panics
/// When a refused request has changed something, or accounts do not agree.
pub fn check_bad_config() -> (usize, usize) {
    let digits = "9".repeat(DIGITS);
    let values = NUMBERS.iter().chain(&WORDS).copied();
    let values: Vec<&str> = values.chain([digits.as_str()]).collect();
    let (mut count, mut refused) = (0, 0);
    let (mut rig, mut session) = fresh();
    for id in ConfigId::all() {
        let name = id.spec().name;
        for value in &values {
            let words = ["CONFIG", "SET", GOOD[0], GOOD[1], name, value];
            count += 1;
            if is_refused(&mut rig, session, &words) {
                refused += 1;
            } else {
                (rig, session) = fresh();
            }
        }
    }
    (count, refused)
}

#[expect(clippy::panic, reason = "a check reports by panicking")]
fn fresh() -> (Rig, SessionId) {
    let mut rig = Rig::new();
    let Some(session) = rig.connect() else {
        panic!("a local client is never refused");
    };
    (rig, session)
}

/// Whether the request is refused; then everything is as it was. What the shell has to do fails.
#[expect(clippy::panic, reason = "a check reports by panicking")]
fn is_refused(rig: &mut Rig, session: SessionId, words: &[&str]) -> bool {
    let show = || -> String {
        let short = |word: &&str| String::from(word.get(..40).unwrap_or(word));
        words.iter().map(short).collect::<Vec<_>>().join(" ")
    };
    let before = settings(rig);
    let bytes = words.iter().map(|word| word.as_bytes());
    let (reply, disposition) = rig.request(session, bytes, true);
    let mut has_failed = is_error(&reply);
    while let Some(output) = rig.engine.poll_output() {
        match output {
            Output::Directive { ticket, .. } => {
                let result = Completion::Failed("refused by the test".into());
                rig.with_env(|engine, env| engine.handle_completion(env, ticket, result));
            }
            Output::Wake { reply, .. } => has_failed = is_error(&reply),
            _ => {}
        }
    }
    if disposition != Disposition::Parked && reply.is_empty() {
        panic!("{}: no answer", show());
    }
    if has_failed && settings(rig) != before {
        panic!("{}: refused, and something has changed", show());
    }
    if let Err(why) = check_accounts(&rig.engine) {
        panic!("{}: {why}", show());
    }
    has_failed
}
