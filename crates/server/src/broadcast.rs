//! Messages on their way to the connections that they are for.
//!
//! Each is only queued here; a connection is written to once per turn at most, however many came.
//! Where there are many to write to, each turn sees to some of them: nobody waits until a thousand
//! subscribers have been sent theirs, and what is published meanwhile goes to the others in the
//! same write.

use std::collections::VecDeque;

use vk_engine::{REPLY_BYTES_UNLIMITED, SessionId};
use vk_resp::ReplyBuf;

use crate::{
    clients::{ClientIndex, Phase},
    hub::Hub,
};

/// As many connections are written to in one turn without a look at others.
const WRITES_MIN: usize = 64;
/// And such a part of those that wait, so that what is queued for them meanwhile stays little.
const WRITES_PART: usize = 16;

/// Connections with messages that are not sent, in the order in which they are written to.
#[derive(Debug, Default)]
pub(crate) struct Fanout {
    waiting: VecDeque<ClientIndex>,
    /// So much waits for one of them that all are written to before there is more.
    is_urgent: bool,
}

impl Fanout {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// All of them, in order; they are on no list any more.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = ClientIndex> + use<> {
        self.is_urgent = false;
        std::mem::take(&mut self.waiting).into_iter()
    }

    /// The next one of this turn's share, of which `left` are left.
    fn next(&mut self, left: &mut usize) -> Option<ClientIndex> {
        *left = left.checked_sub(1)?;
        self.waiting.pop_front()
    }

    /// How many are written to in this turn.
    fn share(&mut self, is_all: bool) -> usize {
        let waiting = self.waiting.len();
        if std::mem::take(&mut self.is_urgent) || is_all {
            waiting
        } else {
            (waiting / WRITES_PART).max(WRITES_MIN)
        }
    }
}

impl Hub {
    /// Writes to this turn's share of those who have messages, or to all of them.
    pub(crate) fn flush_fanout(&mut self, is_all: bool) {
        let mut left = self.fanout.share(is_all);
        while let Some(index) = self.fanout.next(&mut left) {
            if let Some(client) = self.clients.find(index) {
                client.is_in_dirty = false;
                self.flush(index);
            }
        }
    }

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
            self.fanout.waiting.push_back(index);
        }
        self.fanout.is_urgent |= is_much && !is_blocked;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: u32) -> Fanout {
        Fanout {
            waiting: (0..number).map(ClientIndex).collect(),
            is_urgent: false,
        }
    }

    /// Who is written to in one turn.
    fn turn(fanout: &mut Fanout, is_all: bool) -> Vec<u32> {
        let mut left = fanout.share(is_all);
        std::iter::from_fn(|| fanout.next(&mut left))
            .map(|index| index.0)
            .collect()
    }

    #[test]
    fn each_turn_sees_to_some_and_all_are_seen_to_in_order() {
        let mut fanout = of(1000);
        let first = turn(&mut fanout, false);
        assert_eq!(first, (0..64).collect::<Vec<_>>());
        fanout.waiting.push_back(ClientIndex(0));
        let mut rest = Vec::new();
        for _ in 0..15 {
            rest.extend(turn(&mut fanout, false));
        }
        assert!(fanout.is_empty());
        assert_eq!(rest, (64..1000).chain([0]).collect::<Vec<_>>());
        assert_eq!(turn(&mut of(3), false), [0, 1, 2]);
    }

    #[test]
    fn of_very_many_each_turn_sees_to_more() {
        assert_eq!(turn(&mut of(16_000), false).len(), 1000);
    }

    #[test]
    fn where_much_waits_all_are_written_to_at_once() {
        let mut fanout = of(1000);
        fanout.is_urgent = true;
        assert_eq!(turn(&mut fanout, false).len(), 1000);
        fanout.waiting.extend((0..1000).map(ClientIndex));
        assert_eq!(turn(&mut fanout, false).len(), 64, "once");
        assert_eq!(turn(&mut fanout, true).len(), 936);
    }

    #[test]
    fn who_is_held_is_on_the_list_no_more() {
        let mut fanout = of(100);
        fanout.is_urgent = true;
        assert_eq!(fanout.take().count(), 100);
        assert!(fanout.is_empty());
        fanout.waiting.extend((0..100).map(ClientIndex));
        assert_eq!(turn(&mut fanout, false).len(), 64);
    }
}
