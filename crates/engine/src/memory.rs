//! How much memory the data and the sessions take, by the engine's own accounting.

use crate::Engine;

impl Engine {
    /// Bytes of all databases, rounded to size classes.
    pub(crate) fn used_memory_bytes(&self) -> u64 {
        self.dbs.memory_bytes() as u64
    }
}
