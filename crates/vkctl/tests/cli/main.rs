//! The program as a whole against servers that play a script in this process. No real server is
//! needed; what one answers is tested elsewhere.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fake;
mod hostile;
mod local;
mod replies;
mod tls;
