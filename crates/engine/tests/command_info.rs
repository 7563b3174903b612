//! COMMAND INFO and COMMAND DOCS of every command that is built, against the recorded answers of
//! Valkey 8.0, but for the listed additions.
//!
//! Not compared and not recorded: summaries, remarks, costs and the texts of the history, which are
//! our own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod support;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use support::Server;
use vk_resp::Reply;

/// Commands and subcommands that the recorded server does not have, and the version that has them.
const ADDED: &[(&str, &str)] = &[
    ("client|import-source", "since Valkey 8.1"),
    ("commandlog", "since Valkey 8.1"),
    ("commandlog|get", "since Valkey 8.1"),
    ("commandlog|help", "since Valkey 8.1"),
    ("commandlog|len", "since Valkey 8.1"),
    ("commandlog|reset", "since Valkey 8.1"),
    ("delex", "since Valkey 9.2"),
    ("delifeq", "since Valkey 9.0"),
    ("hexpire", "since Valkey 9.0"),
    ("hexpireat", "since Valkey 9.0"),
    ("hexpiretime", "since Valkey 9.0"),
    ("hgetdel", "since Valkey 9.1"),
    ("hgetex", "since Valkey 9.0"),
    ("hotkeys", "since Valkey 9.2"),
    ("hotkeys|get", "since Valkey 9.2"),
    ("hotkeys|help", "since Valkey 9.2"),
    ("hotkeys|reset", "since Valkey 9.2"),
    ("hpersist", "since Valkey 9.0"),
    ("hpexpire", "since Valkey 9.0"),
    ("hpexpireat", "since Valkey 9.0"),
    ("hpexpiretime", "since Valkey 9.0"),
    ("hpttl", "since Valkey 9.0"),
    ("hsetex", "since Valkey 9.0"),
    ("httl", "since Valkey 9.0"),
    ("increx", "since Valkey 9.2"),
    ("msetex", "since Valkey 9.1"),
    ("xackdel", "since Valkey 9.2"),
    ("xdelex", "since Valkey 9.2"),
];

/// Arguments that a recorded command gained later: the command, the path of argument names.
const ADDED_ARGUMENTS: &[(&str, &str, &str)] = &[
    ("client|list", "username", "since Valkey 8.1"),
    ("client|list", "addr", "since Valkey 8.1"),
    ("client|list", "laddr", "since Valkey 8.1"),
    ("client|list", "skipme", "since Valkey 8.1"),
    ("client|list", "maxage", "since Valkey 8.1"),
    ("client|list", "name", "since Valkey 9.0"),
    ("client|kill", "filter/new-format/name", "since Valkey 9.0"),
    ("client|list", "idle", "since Valkey 9.0"),
    ("client|kill", "filter/new-format/idle", "since Valkey 9.0"),
    ("client|list", "flags", "since Valkey 9.0"),
    ("client|kill", "filter/new-format/flags", "since Valkey 9.0"),
    ("client|list", "lib-name", "since Valkey 9.0"),
    (
        "client|kill",
        "filter/new-format/lib-name",
        "since Valkey 9.0",
    ),
    ("client|list", "lib-ver", "since Valkey 9.0"),
    (
        "client|kill",
        "filter/new-format/lib-ver",
        "since Valkey 9.0",
    ),
    ("client|list", "db", "since Valkey 9.0"),
    ("client|kill", "filter/new-format/db", "since Valkey 9.0"),
    ("client|list", "capa", "since Valkey 9.0"),
    ("client|kill", "filter/new-format/capa", "since Valkey 9.0"),
    ("client|list", "ip", "since Valkey 9.0"),
    ("client|kill", "filter/new-format/ip", "since Valkey 9.0"),
    ("geosearch", "by/polygon", "BYPOLYGON, since Valkey 9.0"),
    (
        "geosearchstore",
        "by/polygon",
        "BYPOLYGON, since Valkey 9.0",
    ),
    (
        "set",
        "condition/comparison-value",
        "IFEQ, since Valkey 8.1",
    ),
    (
        "shutdown",
        "abort-selector/save-selector-block/safe",
        "since Valkey 9.0",
    ),
    (
        "shutdown",
        "abort-selector/save-selector-block/failover",
        "since Valkey 9.0",
    ),
];

/// Flags that a recorded command gained later.
const ADDED_FLAGS: &[(&str, &str, &str)] = &[("client|reply", "no_multi", "since Valkey 9.0")];

/// Commands of which the record has the changes of 8.1, because they were made before it was taken.
const RECORDED_OF_8_1: &[&str] = &["bgsave"];

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(bytes) | Reply::Simple(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("no text: {other:?}"),
    }
}

fn items(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::Array(items) => items,
        other => panic!("no array: {other:?}"),
    }
}

fn plain(reply: &Reply) -> Value {
    match reply {
        Reply::Int(number) => json!(number),
        Reply::Array(items) => items.iter().map(plain).collect(),
        other => json!(text(other)),
    }
}

fn sorted(reply: &Reply) -> Value {
    let mut words: Vec<String> = items(reply).iter().map(text).collect();
    words.sort();
    json!(words)
}

/// A key spec without its remark, its flags sorted.
fn key_spec(spec: &Reply) -> Value {
    let mut told = Vec::new();
    for pair in items(spec).chunks(2) {
        let name = text(&pair[0]);
        match name.as_str() {
            "notes" => continue,
            "flags" => told.extend([json!(name), sorted(&pair[1])]),
            _ => told.extend([json!(name), plain(&pair[1])]),
        }
    }
    Value::Array(told)
}

/// One entry of COMMAND INFO in the form of the record, by full name, and those of subcommands.
fn collect_info(entry: &Reply, all: &mut BTreeMap<String, Value>) {
    let [
        name,
        arity,
        flags,
        first,
        last,
        step,
        categories,
        tips,
        keys,
        subcommands,
    ] = items(entry)
    else {
        panic!("ten elements: {entry:?}");
    };
    let keys: Vec<Value> = items(keys).iter().map(key_spec).collect();
    let command = text(name);
    let mut flags = sorted(flags);
    if let Some(flags) = flags.as_array_mut() {
        flags.retain(|flag| {
            !ADDED_FLAGS
                .iter()
                .any(|(c, f, _)| *c == command && flag == f)
        });
    }
    let facts = json!({
        "arity": plain(arity), "flags": flags, "first": plain(first), "last": plain(last),
        "step": plain(step), "categories": sorted(categories), "tips": sorted(tips),
        "key_specs": keys,
    });
    all.insert(text(name), facts);
    for sub in items(subcommands) {
        collect_info(sub, all);
    }
}

fn collect_recorded(entry: &Value, all: &mut BTreeMap<String, Value>) {
    let mut facts = entry.as_object().unwrap().clone();
    let name = facts.remove("name").unwrap().as_str().unwrap().to_owned();
    if let Some(subs) = facts.remove("subcommands") {
        for sub in subs.as_array().unwrap() {
            collect_recorded(sub, all);
        }
    }
    all.insert(name, Value::Object(facts));
}

/// What is in the record is as in the record, and the rest is what is listed.
fn compare(ours: &BTreeMap<String, Value>, recorded: &BTreeMap<String, Value>) {
    assert!(ours.len() > 100, "{}", ours.len());
    let mut wrong = Vec::new();
    let mut added = Vec::new();
    for (name, facts) in ours {
        match recorded.get(name) {
            Some(recorded) if recorded == facts => {}
            Some(recorded) => wrong.push(format!("{name}:\n  {facts}\n  {recorded:?}")),
            None => added.push(name.as_str()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: Vec<&str> = ADDED.iter().map(|(name, _)| *name).collect();
    assert_eq!(added, listed);
}

#[test]
fn info_is_the_recorded_one() {
    let record: Value = serde_json::from_str(include_str!("data/command-info.json")).unwrap();
    let mut recorded = BTreeMap::new();
    for entry in record.as_array().unwrap() {
        collect_recorded(entry, &mut recorded);
    }
    let mut ours = BTreeMap::new();
    for entry in items(&Server::start().call(&["COMMAND"])) {
        collect_info(entry, &mut ours);
    }
    compare(&ours, &recorded);
}

/// The pairs of a map.
fn pairs(reply: &Reply) -> BTreeMap<String, &Reply> {
    items(reply)
        .chunks(2)
        .map(|pair| (text(&pair[0]), &pair[1]))
        .collect()
}

/// The arguments in the form of the record, without those that came later.
fn arguments(command: &str, path: &str, reply: &Reply) -> Value {
    let mut all = Vec::new();
    for argument in items(reply) {
        let facts = pairs(argument);
        let name = text(facts["name"]);
        let path = format!("{path}{name}");
        if ADDED_ARGUMENTS
            .iter()
            .any(|(c, p, _)| *c == command && *p == path)
        {
            continue;
        }
        let mut plain_facts = Map::new();
        for (key, value) in &facts {
            match key.as_str() {
                "flags" => {
                    for flag in items(value) {
                        plain_facts.insert(text(flag), json!(true));
                    }
                }
                "arguments" => {
                    let inner = arguments(command, &format!("{path}/"), value);
                    plain_facts.insert(key.clone(), inner);
                }
                "display_text" if text(value) == name => {}
                "display_text" => {
                    plain_facts.insert("display".into(), json!(text(value)));
                }
                _ => {
                    plain_facts.insert(key.clone(), plain(value));
                }
            }
        }
        all.push(Value::Object(plain_facts));
    }
    Value::Array(all)
}

/// One entry of COMMAND DOCS in the form of the record, by full name, and those of subcommands.
fn collect_docs(name: &str, docs: &Reply, all: &mut BTreeMap<String, Value>) {
    let docs = pairs(docs);
    assert!(!text(docs["summary"]).is_empty(), "{name} has no summary");
    let mut facts = Map::new();
    for (key, value) in docs {
        let value = match key.as_str() {
            "summary" | "complexity" => continue,
            "subcommands" => {
                for (name, docs) in pairs(value) {
                    collect_docs(&name, docs, all);
                }
                continue;
            }
            "arguments" => arguments(name, "", value),
            "history" => {
                let versions = items(value).iter().map(|change| {
                    let [version, change] = items(change) else {
                        panic!("{change:?}")
                    };
                    assert!(!text(change).is_empty(), "{name} changed, but how?");
                    json!(text(version))
                });
                versions
                    .filter(|version| !version.as_str().unwrap().starts_with('9'))
                    .filter(|version| version != "8.1.0" || RECORDED_OF_8_1.contains(&name))
                    .collect()
            }
            "doc_flags" => sorted(value),
            _ => plain(value),
        };
        // A history of later versions alone is none in the record.
        if key != "history" || value != json!([]) {
            facts.insert(key, value);
        }
    }
    all.insert(name.to_owned(), Value::Object(facts));
}

#[test]
fn docs_are_the_recorded_ones() {
    let recorded: BTreeMap<String, Value> =
        serde_json::from_str(include_str!("data/commands.json")).unwrap();
    let mut ours = BTreeMap::new();
    let reply = Server::start().call(&["COMMAND", "DOCS"]);
    for (name, docs) in pairs(&reply) {
        collect_docs(&name, docs, &mut ours);
    }
    compare(&ours, &recorded);
}
