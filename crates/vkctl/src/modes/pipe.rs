//! `--pipe`: copies protocol from standard input to the server while it counts the replies.
//! The bytes are not looked at: the server says what is wrong with them.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use vk_resp::{Reply, encode_command};

use super::{say, unexpected};
use crate::error::{Failure, LinkError};
use crate::link::{Wake, Watch};
use crate::options::Options;
use crate::session::Session;
use crate::terminal;

/// Bytes per read of standard input.
const READ_BYTES: usize = 64 * 1024;

/// Letters of the mark that is echoed after the last command.
const MARK_BYTES: usize = 20;

#[derive(Debug, Default)]
struct Counts {
    replies: u64,
    errors: u64,
}

/// Copies until the input ends and the last reply is there; fails when any reply was an error.
pub(crate) fn run(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let timeout = match options.pipe_timeout_secs {
        0 => None,
        seconds => Some(Duration::from_secs(u64::from(seconds))),
    };
    let mark = mark();
    let mut counts = Counts::default();
    let mut buffer = vec![0; READ_BYTES];
    let mut ended = false;
    let mut last_reply = Instant::now();
    loop {
        let (link, _) = session.link_and_watch()?;
        if !link.has_output() && !ended && input_is_ready()? {
            match read(io::stdin(), &mut buffer) {
                Ok(0) => {
                    ended = true;
                    last_reply = Instant::now();
                    // The line end closes a command that was cut off; a server skips it else.
                    link.queue(b"\r\n")?;
                    link.queue(&encode_command(&[b"ECHO", &mark]))?;
                    say("All data transferred. Waiting for the last reply...\n")?;
                }
                Ok(count) => link.queue(buffer.get(..count).unwrap_or(&[]))?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
        let input = !link.has_output() && !ended;
        let wait = Watch {
            timeout: timeout.filter(|_| ended),
            input,
            ..Watch::default()
        };
        let wake = link.step(wait)?;
        while let Some(reply) = ready(session)? {
            last_reply = Instant::now();
            if ended && reply == Reply::Bulk(mark.clone()) {
                say("Last reply received from server.\n")?;
                return finish(&counts);
            }
            counts.replies = counts.replies.saturating_add(1);
            if let Reply::Error(text) | Reply::BulkError(text) = &reply {
                eprintln!("{}", terminal::escape_line(text));
                counts.errors = counts.errors.saturating_add(1);
            }
        }
        let late = timeout.is_some_and(|timeout| ended && last_reply.elapsed() > timeout);
        if wake == Wake::Timeout || late {
            eprintln!(
                "No replies for {} seconds: exiting.",
                options.pipe_timeout_secs
            );
            counts.errors = counts.errors.saturating_add(1);
            return finish(&counts);
        }
    }
}

fn input_is_ready() -> Result<bool, Failure> {
    let input = io::stdin();
    let mut fds = [PollFd::new(&input, PollFlags::IN)];
    match poll(&mut fds, Some(&Timespec::default())) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

fn ready(session: &mut Session) -> Result<Option<Reply>, Failure> {
    session.ready_reply().map_err(|error| match error {
        LinkError::Closed => Failure::Link(LinkError::Closed),
        _ => unexpected("the commands of standard input"),
    })
}

fn finish(counts: &Counts) -> Result<(), Failure> {
    let Counts { replies, errors } = counts;
    say(&format!("errors: {errors}, replies: {replies}\n"))?;
    if *errors == 0 {
        return Ok(());
    }
    Err(Failure::Reply(String::new()))
}

/// Letters that no reply before will be by accident.
fn mark() -> Vec<u8> {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new();
    let word = |part: u64| format!("{:016x}", random.hash_one(part));
    let mut mark = format!("{}{}", word(0), word(1)).into_bytes();
    mark.truncate(MARK_BYTES);
    mark
}
