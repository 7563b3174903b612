//! The way of an invalidation to the session that is to get it.

use alloc::vec::Vec;

use vk_resp::{Protocol, ReplyBuf};

use super::Modes;
use crate::{Engine, SessionId, session::SessionFlags};

/// The channel on which a RESP2 session gets the invalidations of others.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// Names of keys, with the array that tells them.
#[derive(Debug)]
pub(super) struct Names<'k> {
    all: Vec<&'k [u8]>,
    /// The same in both protocols.
    encoded: ReplyBuf,
}

impl<'k> Names<'k> {
    pub(super) fn new(names: impl Iterator<Item = &'k [u8]>) -> Self {
        let all: Vec<&[u8]> = names.collect();
        let mut encoded = ReplyBuf::new(Protocol::Resp3);
        encoded.array(all.len());
        for name in &all {
            encoded.bulk(name);
        }
        Self { all, encoded }
    }
}

/// How a session is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A RESP3 push.
    Push,
    /// A message of a channel, as RESP2 has it.
    Message,
}

impl Engine {
    /// Tells a session that tracks, or whom it named instead, which keys it may hold no longer;
    /// `None` for all of them.
    pub(super) fn send_invalidation(&mut self, session: SessionId, stale: Option<&Names<'_>>) {
        let Some((receiver, form)) = self.receiver(session) else {
            return;
        };
        let Some(names) = stale else {
            self.push(receiver, |reply| write(reply, form, ReplyBuf::null));
            return;
        };
        let is_told = |name: &&[u8]| self.may_be_told(receiver, name);
        if names.all.iter().all(&is_told) {
            if !names.all.is_empty() {
                self.push(receiver, |reply| {
                    write(reply, form, |reply| reply.append(&names.encoded));
                });
            }
            return;
        }
        let told = Names::new(names.all.iter().copied().filter(is_told));
        if !told.all.is_empty() {
            self.push(receiver, |reply| {
                write(reply, form, |reply| reply.append(&told.encoded));
            });
        }
    }

    /// Who is told, and how. A RESP2 session cannot be told itself.
    fn receiver(&mut self, session: SessionId) -> Option<(SessionId, Form)> {
        let state = self.sessions.find(session)?;
        let protocol = state.protocol;
        let Some(redirect) = state.tracking.as_ref()?.redirect else {
            return (protocol == Protocol::Resp3).then_some((session, Form::Push));
        };
        if let Some(target) = self.sessions.find(redirect.session) {
            let form = match target.protocol {
                Protocol::Resp3 => Form::Push,
                Protocol::Resp2 if self.listens_to(redirect.session, CHANNEL) => Form::Message,
                Protocol::Resp2 => return None,
            };
            return Some((redirect.session, form));
        }
        let state = self.sessions.find_mut(session)?;
        state.tracking.as_mut()?.modes.insert(Modes::BROKEN);
        if protocol == Protocol::Resp3 {
            let client_id = i64::try_from(redirect.client_id).unwrap_or(i64::MAX);
            self.push(session, |reply| {
                reply.push(2);
                reply.bulk(b"tracking-redir-broken");
                reply.int(client_id);
            });
        }
        None
    }

    /// Whether a session may know of a key. Every user may read every key; who has not said who it
    /// is may read none.
    fn may_be_told(&self, receiver: SessionId, _key: &[u8]) -> bool {
        let state = self.sessions.find(receiver);
        state.is_some_and(|state| state.flags.contains(SessionFlags::AUTHENTICATED))
    }
}

fn write(reply: &mut ReplyBuf, form: Form, stale: impl FnOnce(&mut ReplyBuf)) {
    match form {
        Form::Push => {
            reply.push(2);
            reply.bulk(b"invalidate");
        }
        Form::Message => {
            reply.array(3);
            reply.bulk(b"message");
            reply.bulk(CHANNEL);
        }
    }
    stale(reply);
}

#[cfg(test)]
mod tests {
    use vk_resp::{Protocol, ReplyBuf};

    use super::{Form, Names, write};

    #[test]
    fn forms() {
        let names = Names::new([b"a".as_slice(), b"b"].into_iter());
        let mut reply = ReplyBuf::new(Protocol::Resp2);
        write(&mut reply, Form::Message, |reply| {
            reply.append(&names.encoded)
        });
        write(&mut reply, Form::Message, ReplyBuf::null);
        let head = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";
        let expected = alloc::format!("{head}*2\r\n$1\r\na\r\n$1\r\nb\r\n{head}$-1\r\n");
        assert_eq!(reply.to_vec(), expected.as_bytes());
        let mut reply = ReplyBuf::new(Protocol::Resp3);
        write(&mut reply, Form::Push, |reply| reply.append(&names.encoded));
        write(&mut reply, Form::Push, ReplyBuf::null);
        let head = ">2\r\n$10\r\ninvalidate\r\n";
        let expected = alloc::format!("{head}*2\r\n$1\r\na\r\n$1\r\nb\r\n{head}_\r\n");
        assert_eq!(reply.to_vec(), expected.as_bytes());
    }
}
