//! Bytes for a session that are no reply: messages, invalidations, what MONITOR shows.
//!
//! Whoever causes a push to itself gets it right behind the reply of the request that caused it.

use vk_resp::{Protocol, ReplyBuf};

use crate::{Engine, Output, SessionId};

impl Engine {
    /// Sends a session what `encode` writes, in the session's protocol. One that is gone gets
    /// nothing.
    pub(crate) fn push(&mut self, session: SessionId, encode: impl FnOnce(&mut ReplyBuf)) {
        let Some(state) = self.sessions.find(session) else {
            return;
        };
        let protocol = state.protocol;
        if self.running == Some(session) {
            self.own_pushes.set_protocol(protocol);
            encode(&mut self.own_pushes);
            return;
        }
        let mut bytes = ReplyBuf::new(protocol);
        encode(&mut bytes);
        self.outputs.push_back(Output::Push { session, bytes });
    }

    /// Moves what the session of the running request caused to itself behind its reply.
    #[inline]
    pub(crate) fn take_own_pushes(&mut self, reply: &mut ReplyBuf) {
        if !self.own_pushes.is_empty() {
            reply.append(&self.own_pushes);
            self.own_pushes.clear();
        }
    }

    /// Sends what a session caused to itself behind what was sent to it before.
    pub(crate) fn push_taken(&mut self, session: SessionId, bytes: ReplyBuf) {
        if !bytes.is_empty() {
            self.outputs.push_back(Output::Push { session, bytes });
        }
    }

    /// An empty buffer for them.
    pub(crate) fn no_pushes() -> ReplyBuf {
        ReplyBuf::new(Protocol::Resp3)
    }
}
