//! Replies that wait until what they acknowledge is written.

use crate::{clients::ClientIndex, hub::Hub};

/// Connections whose replies wait until effects are written.
#[derive(Debug, Default)]
pub(crate) struct Held {
    clients: Vec<ClientIndex>,
    /// The number of the last write that connections were held for.
    round: u32,
    /// How many of them were held for the write before, too.
    returned: usize,
}

impl Held {
    /// How many there are, and how many of them were held for the write before, too.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.clients.len(), self.returned)
    }
}

impl Hub {
    /// Effects of this turn are not written: what is queued stays until they are.
    pub(crate) fn hold_dirty(&mut self) {
        let messages = self.fanout.take();
        for index in std::mem::take(&mut self.dirty).into_iter().chain(messages) {
            if let Some(client) = self.clients.find(index) {
                client.is_in_dirty = false;
                if !std::mem::replace(&mut client.is_held, true) {
                    self.held.clients.push(index);
                    self.held.returned += usize::from(client.held_round == self.held.round);
                }
            }
        }
    }

    /// Effects are written: what was held may leave.
    #[inline]
    pub(crate) fn release_held(&mut self) {
        if self.held.clients.is_empty() {
            return;
        }
        self.held.round = self.held.round.wrapping_add(1);
        self.held.returned = 0;
        for index in std::mem::take(&mut self.held.clients) {
            if let Some(client) = self.clients.find(index) {
                client.is_held = false;
                client.held_round = self.held.round;
                self.make_dirty(index);
            }
        }
    }
}
