//! The look at what both servers hold at the end of a sequence: every key of every database with
//! its type, expiry, value and encoding.

use super::{BATCH, Pair, Words, compare::Judge, session::Answer};
use anyhow::Result;
use vk_resp::Reply;

/// Databases of both servers.
const DATABASES: usize = 16;

/// The first difference: the command that shows it and both answers.
pub(super) fn compare(pair: &mut Pair) -> Result<Option<(Words, Answer, Answer)>> {
    // A transaction or a subscription of the sequence may be open.
    pair.exchange(&[words(&["DISCARD"])]);
    let looks: Vec<Words> = (0..DATABASES)
        .flat_map(|db| [words(&["SELECT", &db.to_string()]), words(&["KEYS", "*"])])
        .collect();
    let (ours, peer) = pair.exchange(&looks);
    if let Some(found) = first(pair, &looks, &ours, &peer) {
        return Ok(Some(found));
    }
    for (db, answer) in peer.iter().skip(1).step_by(2).enumerate() {
        let Answer::Reply(Reply::Array(keys)) = answer else {
            continue;
        };
        let keys: Vec<&[u8]> = keys.iter().filter_map(bytes).collect();
        if keys.is_empty() {
            continue;
        }
        let select = words(&["SELECT", &db.to_string()]);
        let types: Vec<Words> = std::iter::once(select)
            .chain(keys.iter().map(|key| with_key(&["TYPE"], key, &[])))
            .collect();
        let (ours, peer) = pair.exchange(&types);
        if let Some(found) = first(pair, &types, &ours, &peer) {
            return Ok(Some(found));
        }
        let mut looks = Vec::new();
        for (key, answer) in keys.iter().zip(peer.iter().skip(1)) {
            if let Answer::Reply(Reply::Simple(kind)) = answer {
                looks.extend(looks_at(&String::from_utf8_lossy(kind), key));
            }
        }
        for batch in looks.chunks(BATCH) {
            let (ours, peer) = pair.exchange(batch);
            if let Some(found) = first(pair, batch, &ours, &peer) {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// The first of several answers that differ.
fn first(
    pair: &mut Pair,
    all: &[Words],
    ours: &[Answer],
    peer: &[Answer],
) -> Option<(Words, Answer, Answer)> {
    let mut judge = Judge::new();
    let mut answers = all.iter().zip(ours.iter().zip(peer));
    let found =
        answers.find(|(words, (ours, peer))| !judge.same(&mut pair.known, words, ours, peer));
    found.map(|(words, (ours, peer))| (words.clone(), ours.clone(), peer.clone()))
}

/// The commands that show everything of a key.
fn looks_at(kind: &str, key: &[u8]) -> Vec<Words> {
    let mut looks = vec![
        with_key(&["OBJECT", "ENCODING"], key, &[]),
        with_key(&["PEXPIRETIME"], key, &[]),
    ];
    match kind {
        "string" => looks.push(with_key(&["GET"], key, &[])),
        "list" => looks.push(with_key(&["LRANGE"], key, &["0", "-1"])),
        "set" => looks.push(with_key(&["SMEMBERS"], key, &[])),
        "hash" => looks.push(with_key(&["HGETALL"], key, &[])),
        "zset" => {
            looks.push(with_key(&["ZRANGE"], key, &["0", "-1", "WITHSCORES"]));
            looks.push(with_key(&["ZCARD"], key, &[]));
        }
        "stream" => {
            looks.push(with_key(&["XRANGE"], key, &["-", "+"]));
            looks.push(with_key(&["XINFO", "STREAM"], key, &["FULL", "COUNT", "0"]));
        }
        _ => {}
    }
    looks
}

fn words(all: &[&str]) -> Words {
    all.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn with_key(before: &[&str], key: &[u8], behind: &[&str]) -> Words {
    let mut all = words(before);
    all.push(key.to_vec());
    all.extend(words(behind));
    all
}

fn bytes(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Bulk(bytes) => Some(bytes),
        _ => None,
    }
}
