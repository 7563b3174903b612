//! Fetching ahead: while one request runs, the table lines that the next ones need are on their
//! way into the cache.

use vk_data::table::KeyHash;
use vk_resp::Request;
use vk_spec::Begin;

use crate::{Engine, SessionId};

/// Requests whose lines are fetched at once; a core has about so many fill buffers.
const GROUP: usize = 64;

/// Room for one group, used again and again.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    keys: alloc::vec::Vec<(u32, KeyHash)>,
}

/// Hashes the keys of the batch and fetches first their buckets, then their entries.
pub(crate) fn prepare(engine: &mut Engine, batch: &[(SessionId, Request<'_>)]) {
    let mut keys = core::mem::take(&mut engine.prepared.keys);
    for group in batch.chunks(GROUP) {
        keys.clear();
        for (session, request) in group {
            note_keys(engine, *session, *request, &mut keys);
        }
        for (db, hash) in &keys {
            if let Some(db) = engine.dbs.db(*db) {
                db.prefetch_bucket(*hash);
            }
        }
        for (db, hash) in &keys {
            if let Some(db) = engine.dbs.db(*db) {
                db.prefetch_entry(*hash);
            }
        }
    }
    engine.prepared.keys = keys;
}

fn note_keys(
    engine: &Engine,
    session: SessionId,
    request: Request<'_>,
    keys: &mut alloc::vec::Vec<(u32, KeyHash)>,
) {
    let Some(state) = engine.sessions.find(session) else {
        return;
    };
    let Some(id) = request.arg(0).and_then(|name| engine.commands.find(name)) else {
        return;
    };
    let Some(spec) = engine.commands.command(id).spec.keys.first() else {
        return;
    };
    let Begin::Index(first) = spec.begin else {
        return;
    };
    if let Some(key) = request.arg(first.unsigned_abs() as usize) {
        keys.push((state.db, engine.dbs.seed().hash(key)));
    }
}
