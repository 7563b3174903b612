//! CONFIG GET `*` of a server that was told nothing, against the recorded answer of Valkey 8.0.
//!
//! Not the strict profile, whose defaults differ on purpose.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use vk_engine::config::Config;
use vk_spec::config::Profile;

/// Directives that the recorded server does not know, and why they are here.
const ADDED: &[(&str, &[&str])] = &[
    (
        "our own",
        &[
            "at-rest-accept-older",
            "at-rest-accept-plain",
            "at-rest-encryption",
            "at-rest-key-credential",
            "at-rest-key-file",
            "at-rest-old-key-file",
            "at-rest-passphrase-file",
            "rdb-version",
            "secrets-dir",
            "security-profile",
            "tls-san",
        ],
    ),
    (
        "since Valkey 8.1",
        &[
            "active-defrag-cycle-us",
            "cluster-databases",
            "cluster-manual-failover-timeout",
            "commandlog-execution-slower-than",
            "commandlog-large-reply-max-len",
            "commandlog-large-request-max-len",
            "commandlog-reply-larger-than",
            "commandlog-request-larger-than",
            "commandlog-slow-execution-max-len",
            "hash-seed",
            "import-mode",
            "rdb-version-check",
            "rdma-bind",
            "rdma-completion-vector",
            "rdma-port",
            "rdma-rx-size",
        ],
    ),
    (
        "since Valkey 9.0 or 9.1",
        &[
            "cluster-announce-client-port",
            "cluster-announce-client-tls-port",
            "cluster-config-save-behavior",
            "cluster-message-gossip-perc",
            "cluster-slot-migration-log-max-len",
            "mptcp",
            "repl-mptcp",
            "slot-migration-max-failover-repl-bytes",
            "tls-auth-clients-user",
            "tls-auto-reload-interval",
        ],
    ),
    (
        "since Valkey 9.2",
        &[
            "bgsave-default-method",
            "forkless-infrastructure-enabled",
            "hotkey-sampling-percentage",
            "hotkey-top-k",
            "hotkey-window-seconds",
            "hotkeys-sampling-percentage",
            "hotkeys-top-k",
            "hotkeys-window-seconds",
            "maxclients-reserved",
            "maxmemory-scripts",
            "priority-preemptive-poll-interval-us",
            "priority-subnets",
            "repl-compression",
            "repl-throttling-enabled",
            "tls-alt-cert-file",
            "tls-alt-key-file",
            "tls-alt-key-file-pass",
        ],
    ),
];

/// Directives whose value differs, ours, and why.
const DIFFERENT: &[(&str, &str, &str)] = &[(
    "dir",
    ".",
    "the shell puts in the absolute folder when it starts",
)];

#[test]
fn defaults_are_the_recorded_ones_but_for_the_listed_differences() {
    let recorded: BTreeMap<String, String> =
        serde_json::from_str(include_str!("data/config-defaults.json")).unwrap();
    let ours: BTreeMap<String, String> = Config::new(Profile::Compatible)
        .get(&[b"*"])
        .into_iter()
        .map(|(name, value)| (name.into_owned(), String::from_utf8(value).unwrap()))
        .collect();

    let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<BTreeSet<_>>();
    let missing: Vec<_> = names(&recorded)
        .difference(&names(&ours))
        .cloned()
        .collect();
    assert_eq!(missing, Vec::<String>::new(), "recorded but not here");

    let added: BTreeSet<String> = names(&ours)
        .difference(&names(&recorded))
        .cloned()
        .collect();
    let listed: BTreeSet<String> = ADDED
        .iter()
        .flat_map(|(_, names)| names.iter().map(|name| name.to_string()))
        .collect();
    assert_eq!(added, listed, "here but not recorded");

    let different: Vec<(&str, &str)> = recorded
        .iter()
        .filter(|(name, value)| ours.get(*name) != Some(value))
        .map(|(name, _)| (name.as_str(), ours[name].as_str()))
        .collect();
    let listed: Vec<(&str, &str)> = DIFFERENT
        .iter()
        .map(|(name, value, _)| (*name, *value))
        .collect();
    assert_eq!(different, listed, "other values");
}
