//! The compatibility corpus as data and as a run: the parser of `corpus/*.txt`, the patterns that
//! replies are held against, a blocking client, a server process on a free port, and the runner.
//!
//! It knows nothing of the server's code: any server that speaks RESP on a port can be held against
//! the corpus, and the real one must be, for an expectation that it does not meet is wrong.

mod client;
mod corpus;
mod deviations;
pub mod differential;
mod pattern;
mod process;
mod report;
mod runner;
mod scan;
mod version;

pub use client::Client;
pub use corpus::{Case, Corpus, Expect, Step};
pub use deviations::Deviations;
pub use pattern::{Bindings, Pattern};
pub use process::{ServerProcess, TempDir, free_port};
pub use report::{Failure, Report, render};
pub use runner::Runner;
pub use scan::{Word, split_words};
pub use version::Version;
