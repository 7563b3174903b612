//! Messages on their way to the connections that they are for.
//!
//! Each is only queued here; a connection is written to once per turn, however many came.

use vk_engine::{REPLY_BYTES_UNLIMITED, SessionId};
use vk_resp::ReplyBuf;

use crate::{clients::Phase, hub::Hub};

impl Hub {
    /// Queues the same bytes for all receivers but one.
    pub(crate) fn broadcast(
        &mut self,
        receivers: &[SessionId],
        except: Option<SessionId>,
        bytes: &ReplyBuf,
    ) {
        for session in receivers {
            if Some(*session) != except {
                self.queue_for(*session, |conn| conn.queue_shared(bytes));
            }
        }
    }

    /// Queues bytes for one session.
    pub(crate) fn push(&mut self, session: SessionId, bytes: &mut ReplyBuf) {
        self.queue_for(session, |conn| conn.queue(bytes));
    }

    #[inline]
    fn queue_for(&mut self, session: SessionId, queue: impl FnOnce(&mut vk_net::Connection)) {
        let Some(index) = self.clients.of(session) else {
            return;
        };
        let Some(client) = self.clients.find(index) else {
            return;
        };
        if client.phase == Phase::Doomed {
            return;
        }
        queue(&mut client.conn);
        let is_much = client.conn.queued_bytes() > REPLY_BYTES_UNLIMITED;
        let is_blocked = client.is_blocked;
        // A full socket tells when it takes more; until then there is nothing to try.
        if !is_blocked && !std::mem::replace(&mut client.is_in_dirty, true) {
            self.dirty.push(index);
        }
        // Who looks at the clients sees what piles up, not what did at the last tick; what nobody
        // tries to send would not be told of otherwise.
        if is_much || is_blocked {
            self.report(index);
        }
        if is_much {
            self.check_output_limit(index);
        }
    }
}
