//! Replies that are too much before any of them is sent.
//! What waits behind a slow socket is judged by `hub`.

use vk_engine::SessionClass;
use vk_net::limits::OutputLimit;

use crate::{clients::ClientIndex, hub::Hub, settings, usage};

impl Hub {
    /// Whether the collected replies of a connection, `waiting` bytes with what waits already, are
    /// above its hard limit. Then nothing of them is sent, and the connection ends: the engine may
    /// have stopped in the middle of a reply.
    pub(crate) fn exceeds_output(&mut self, index: ClientIndex, waiting: usize) -> bool {
        let limit = self.output_limit(index);
        let is_exceeded = self.reply.is_full() || limit.is_hard_exceeded(waiting as u64);
        if is_exceeded {
            self.reply.clear();
            self.close_at_limit(index);
        }
        is_exceeded
    }

    /// The limit of the class that a connection belongs to now.
    pub(crate) fn output_limit(&mut self, index: ClientIndex) -> OutputLimit {
        let session = self.clients.find(index).and_then(|client| client.session);
        let class = session.map_or(SessionClass::Normal, |session| {
            self.engine.session_class(session)
        });
        settings::output_limit(self.engine.config(), class)
    }

    /// Tells the engine of the buffers of a connection now: they may be too much for it.
    pub(crate) fn report(&mut self, index: ClientIndex) {
        if let Some(client) = self.clients.find(index)
            && let Some(session) = client.session
        {
            let usage = usage::of(client);
            self.engine.handle_usage(session, usage);
        }
    }
}
