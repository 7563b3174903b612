//! All databases as they are now, in one go: for what holds everything else up anyway.

use super::{SnapshotChunk, SnapshotForm, pass::Output, shared};
use crate::{Engine, config::id};

impl Engine {
    /// Hands all keys to `sink`, in pieces of a little more than `chunk_bytes`. Unbounded work.
    pub fn snapshot_walk(
        &self,
        form: SnapshotForm,
        chunk_bytes: usize,
        sink: &mut dyn FnMut(&SnapshotChunk),
    ) {
        let mut output = Output::new(form, self.config.bool(id::RDBCOMPRESSION));
        let mut chunk = SnapshotChunk::default();
        let manner = self.saved_manner();
        for (number, db) in self.dbs.iter() {
            if db.is_empty() {
                continue;
            }
            output.begin(number, db.len(), db.volatile_len());
            db.for_each(&mut |entry| {
                match shared::long_string(entry) {
                    None => output.put(entry, manner),
                    Some(string) => {
                        shared::begin(entry, string.len(), manner.uses, &mut output);
                        output.hand_over(&mut chunk);
                        chunk.tail = Some(string.clone());
                        sink(&chunk);
                        chunk.tail = None;
                        shared::end(entry, &mut output);
                    }
                }
                if output.bytes().len() >= chunk_bytes {
                    output.hand_over(&mut chunk);
                    sink(&chunk);
                }
            });
        }
        output.hand_over(&mut chunk);
        sink(&chunk);
    }
}
