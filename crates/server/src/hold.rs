//! Replies that wait until what they acknowledge is written.

use crate::hub::Hub;

impl Hub {
    /// Effects of this turn are not written: what is queued stays until they are.
    pub(crate) fn hold_dirty(&mut self) {
        for index in std::mem::take(&mut self.dirty) {
            if let Some(client) = self.clients.find(index) {
                client.is_in_dirty = false;
                if !std::mem::replace(&mut client.is_held, true) {
                    self.held.push(index);
                }
            }
        }
    }

    /// Effects are written: what was held may leave.
    #[inline]
    pub(crate) fn release_held(&mut self) {
        for index in std::mem::take(&mut self.held) {
            if let Some(client) = self.clients.find(index) {
                client.is_held = false;
                self.make_dirty(index);
            }
        }
    }
}
