//! INFO has every section and field that Valkey 8.0 answers, in its order, and the listed
//! additions.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::Server;
use vk_resp::Reply;

/// Fields that the recorded server does not have, and why they are here.
const ADDED: &[(&str, &[&str])] = &[
    (
        "our own",
        &["verikey_version", "security_profile", "at_rest_encryption"],
    ),
    (
        "since Valkey 8.1",
        &[
            "valkey_release_stage",
            "paused_reason",
            "paused_actions",
            "paused_timeout_milliseconds",
            "mem_replicas_repl_buffer",
        ],
    ),
    (
        "since Valkey 9.0 or 9.1",
        &["acl_access_denied_tls_cert", "used_active_time_main_thread"],
    ),
];

/// Sections that the recorded server does not have, and their fields.
const ADDED_SECTIONS: &[(&str, &str, &[&str])] = &[(
    "Hotkeys",
    "since Valkey 9.2",
    &[
        "hotkeys_last_window_samples",
        "hotkeys_last_window_duration_ms",
    ],
)];

/// The fields of every section of `INFO everything`, in order.
fn sections(server: &mut Server) -> BTreeMap<String, Vec<String>> {
    let Reply::Bulk(text) = server.call(&["INFO", "everything"]) else {
        panic!("INFO answers a text");
    };
    let text = String::from_utf8(text.to_vec()).unwrap();
    let mut all = BTreeMap::new();
    for section in text.split("\r\n\r\n") {
        let mut lines = section.lines();
        let name = lines.next().unwrap().strip_prefix("# ").unwrap();
        let fields = lines.map(|line| line.split(':').next().unwrap().to_owned());
        all.insert(name.to_owned(), fields.collect());
    }
    all
}

#[test]
fn every_recorded_field_is_there_in_order() {
    let recorded: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("data/info-fields.json")).unwrap();
    let mut server = Server::start();
    server
        .engine
        .handle_listeners(vec!["listener0:name=tcp,bind=127.0.0.1,port=6379".into()]);
    let mut ours = sections(&mut server);
    for (name, _, fields) in ADDED_SECTIONS {
        assert_eq!(ours.remove(*name).unwrap(), *fields, "{name}");
    }
    let names = |map: &BTreeMap<String, Vec<String>>| map.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&recorded));

    let listed: BTreeSet<&str> = ADDED
        .iter()
        .flat_map(|(_, names)| *names)
        .copied()
        .collect();
    let mut added = BTreeSet::new();
    for (section, fields) in &recorded {
        // Sections whose fields are named by what happened.
        if fields.is_empty() {
            continue;
        }
        let (known, more): (Vec<&String>, Vec<&String>) = ours[section]
            .iter()
            .partition(|field| fields.contains(field));
        assert_eq!(known, fields.iter().collect::<Vec<_>>(), "{section}");
        added.extend(more.into_iter().map(String::as_str));
    }
    assert_eq!(added, listed);
}
