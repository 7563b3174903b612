//! Commands of this group.

use alloc::string::String;

use super::Command;
use crate::{Engine, SessionId};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[];

impl Engine {
    /// One line about a session, as CLIENT LIST tells.
    pub(crate) fn client_line(&self, id: SessionId) -> Option<String> {
        self.sessions
            .find(id)
            .map(|session| alloc::format!("id={}", session.client_id))
    }
}
