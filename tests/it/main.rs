//! End-to-end tests: real `vkd` and `vkctl` processes, spoken to as clients, service managers and
//! operators do. One binary, so that it links once. What machines can be asked without a
//! process is tested in their own crates.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod aof;
mod aof_rewrite;
mod apps;
mod backup;
mod clients;
mod config;
mod coverage;
mod faults;
mod files;
mod limits;
mod log_files;
mod peer;
mod process;
mod pubsub;
mod sealed;
mod sealed_tools;
mod snapshot;
mod start;
mod strict;
mod tls;
mod tools;
mod transactions;
mod vkctl;
mod wire;

use vk_resp::Reply;

/// A status line.
fn simple(text: &str) -> Reply {
    Reply::Simple(text.as_bytes().to_vec())
}

/// A bulk string.
fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

/// The text of a bulk or verbatim string, a status or an error.
fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(text) | Reply::Simple(text) | Reply::Error(text) => {
            String::from_utf8_lossy(text).into_owned()
        }
        Reply::Verbatim { data, .. } => String::from_utf8_lossy(data).into_owned(),
        other => panic!("no text: {other:?}"),
    }
}

/// A field of INFO.
fn info(client: &mut vk_compat::Client, field: &str) -> String {
    let all = text(&client.run("INFO everything").unwrap());
    let line = all
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("INFO has no {field}:\n{all}"))
        .to_owned()
}
