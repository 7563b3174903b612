//! Putting changed configuration into force inside the machine.

use crate::{
    Engine,
    config::{Changed, id},
    users::DEFAULT_USER,
};

impl Engine {
    /// Everything counts as changed: at the start.
    pub(crate) fn config_changed_all(&mut self) {
        self.notify = self.config.events();
        self.track_keys_max();
        self.users
            .set_requirepass(self.config.bytes(id::REQUIREPASS));
        self.memory_limits_changed();
        self.observe.configure(&self.config);
    }

    /// What the machine derives from directives follows them.
    pub(crate) fn config_changed(&mut self, changed: &[Changed]) {
        self.track_keys_max();
        let limits = [
            id::MAXMEMORY,
            id::MAXMEMORY_POLICY,
            id::MAXMEMORY_CLIENTS,
            id::CLIENT_OUTPUT_BUFFER_LIMIT,
        ];
        if changed.iter().any(|change| limits.contains(&change.id)) {
            self.memory_limits_changed();
        }
        self.observe.configure(&self.config);
        for change in changed {
            if change.id == id::NOTIFY_KEYSPACE_EVENTS {
                self.notify = self.config.events();
            } else if change.id == id::REQUIREPASS {
                self.users
                    .set_requirepass(self.config.bytes(id::REQUIREPASS));
                self.close_unpermitted_subscribers(DEFAULT_USER);
            }
        }
    }

    fn track_keys_max(&mut self) {
        let keys_max = self.config.int(id::TRACKING_TABLE_MAX_KEYS);
        self.tracking
            .set_keys_max(usize::try_from(keys_max).unwrap_or(usize::MAX));
    }
}
