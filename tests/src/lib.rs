//! The harness of the end-to-end tests: the binaries, servers that end with their owner, clients
//! over TCP, TLS and Unix sockets, certificates, memory figures. No tests.
//!
//! `VKD` and `VKCTL` name the binaries; without them those of the target folder are taken.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness of tests fails by panicking, with the reason"
)]

mod certificates;
mod launch;
mod process;
mod tls;

pub use certificates::Certificates;
pub use launch::{Ended, Launch, run_bounded};
pub use process::{Server, wait_until};
pub use tls::{TlsClient, tls_client};

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The server's binary.
#[must_use]
pub fn vkd() -> PathBuf {
    binary("VKD", "vkd")
}

/// The CLI's binary.
#[must_use]
pub fn vkctl() -> PathBuf {
    binary("VKCTL", "vkctl")
}

fn binary(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    // The test binary lies in <target>/<profile>/deps.
    let own = std::env::current_exe().expect("a test has a path");
    let target = own
        .ancestors()
        .nth(3)
        .expect("a test lies in the target folder");
    let candidates = ["quick", "debug", "release"].map(|profile| target.join(profile).join(name));
    let found = candidates.iter().find(|path| path.is_file());
    found
        .unwrap_or_else(|| panic!("no {name}: build it, or name it in {variable}"))
        .clone()
}

/// Held by tests that measure memory or time, so that they do not measure each other.
pub fn quiet() -> MutexGuard<'static, ()> {
    static QUIET: Mutex<()> = Mutex::new(());
    QUIET.lock().unwrap_or_else(PoisonError::into_inner)
}
