//! Which sockets the kernel is asked to tell about when they take more.
//!
//! Only those that were full: of a Unix socket the kernel tells each time its peer has read
//! something, and every such word would be a turn of the loop for nothing.

use mio::Token;

use crate::{clients::ClientIndex, hub::Hub, shell::CLIENTS_FROM};

/// The number under which the kernel tells of a connection.
pub(crate) const fn token_of(index: ClientIndex) -> Token {
    Token(CLIENTS_FROM.saturating_add(index.0 as usize))
}

impl Hub {
    /// The socket took less than it was given: from now on it is told when it takes more.
    #[cold]
    pub(crate) fn block(&mut self, index: ClientIndex) {
        self.ask(index, true);
    }

    /// Nothing waits for the socket any more.
    #[cold]
    pub(crate) fn unblock(&mut self, index: ClientIndex) {
        self.ask(index, false);
    }

    fn ask(&mut self, index: ClientIndex, is_blocked: bool) {
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if std::mem::replace(&mut client.is_blocked, is_blocked) == is_blocked {
            return;
        }
        let token = token_of(index);
        // The kernel looks at once whether what is asked for holds already, so none is missed.
        if client
            .socket
            .reregister(&self.registry, token, is_blocked)
            .is_err()
        {
            self.doom(index);
        }
    }
}
