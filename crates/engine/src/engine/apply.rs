//! Putting changed configuration into force inside the machine.

use crate::{
    Engine,
    config::{Changed, id},
};

impl Engine {
    /// Everything counts as changed: at the start.
    pub(crate) fn config_changed_all(&mut self) {
        self.notify = self.config.events();
        self.users
            .set_requirepass(self.config.bytes(id::REQUIREPASS));
    }

    /// What the machine derives from directives follows them.
    pub(crate) fn config_changed(&mut self, changed: &[Changed]) {
        for change in changed {
            if change.id == id::NOTIFY_KEYSPACE_EVENTS {
                self.notify = self.config.events();
            } else if change.id == id::REQUIREPASS {
                self.users
                    .set_requirepass(self.config.bytes(id::REQUIREPASS));
            }
        }
    }
}
