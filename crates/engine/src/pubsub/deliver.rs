//! From a message to its receivers: encoded once for each protocol, handed out once for each topic.

use alloc::{collections::VecDeque, sync::Arc};

use vk_resp::{BLOB_REFERENCE_BYTES_MIN, Blob, Protocol, ReplyBuf};

use super::{Kind, Topic};
use crate::{
    Engine, Output, SessionId,
    session::{Session, Sessions},
};

/// What is sent, and on which channel.
#[derive(Debug)]
pub(crate) struct Message<'m> {
    channel: Part<'m>,
    payload: Part<'m>,
}

/// Bytes of a message. Long ones are shared by all who receive them.
#[derive(Debug)]
struct Part<'m> {
    bytes: &'m [u8],
    shared: Option<Blob>,
}

impl<'m> Message<'m> {
    pub(crate) const fn new(channel: &'m [u8], payload: &'m [u8]) -> Self {
        Self {
            channel: Part::new(channel),
            payload: Part::new(payload),
        }
    }

    /// The same with a payload that is shared already.
    pub(crate) fn with_blob(mut self, blob: Option<&Blob>) -> Self {
        self.payload.shared = blob.cloned();
        self
    }

    /// Writes the message as a topic of this kind sends it.
    fn encode(&mut self, kind: Kind, topic: &[u8], out: &mut ReplyBuf) {
        let (channel, payload) = (self.channel.bytes.len(), self.payload.bytes.len());
        let inline = |len: usize| len.min(BLOB_REFERENCE_BYTES_MIN);
        out.reserve(HEADERS_BYTES_MAX + topic.len() + inline(channel) + inline(payload));
        match kind {
            Kind::Channel => {
                out.push(3);
                out.raw(b"$7\r\nmessage\r\n");
            }
            Kind::Shard => {
                out.push(3);
                out.raw(b"$8\r\nsmessage\r\n");
            }
            Kind::Pattern => {
                out.push(4);
                out.raw(b"$8\r\npmessage\r\n");
                out.bulk(topic);
            }
        }
        self.channel.put(out);
        self.payload.put(out);
    }
}

/// The most that the lines around the parts of a message take.
const HEADERS_BYTES_MAX: usize = 128;

impl<'m> Part<'m> {
    const fn new(bytes: &'m [u8]) -> Self {
        Self {
            bytes,
            shared: None,
        }
    }

    fn put(&mut self, out: &mut ReplyBuf) {
        if self.bytes.len() < BLOB_REFERENCE_BYTES_MIN {
            return out.bulk(self.bytes);
        }
        let bytes = self.bytes;
        let blob = self
            .shared
            .get_or_insert_with(|| Blob::from(bytes.to_vec()));
        out.blob(blob, 0..blob.len());
    }
}

/// Where messages are put.
struct Post<'e> {
    sessions: &'e Sessions,
    outputs: &'e mut VecDeque<Output>,
    own_pushes: &'e mut ReplyBuf,
    /// The session whose request runs, if it listens to anything.
    own: Option<(SessionId, Protocol)>,
    epoch: u64,
}

impl Post<'_> {
    /// Sends a message to the subscribers of a topic; returns how many there are.
    fn deliver(&mut self, kind: Kind, topic: &mut Topic, message: &mut Message<'_>) -> usize {
        let name = topic.name().clone();
        let own = self.own.filter(|(id, _)| topic.has(*id));
        if let Some((_, protocol)) = own {
            self.own_pushes.set_protocol(protocol);
            message.encode(kind, &name, self.own_pushes);
        }
        let except = own.map(|(id, _)| id);
        let receivers = topic.subscribers();
        for (protocol, group) in topic.audience(self.sessions, self.epoch) {
            let is_own_alone = || matches!(**group, [only] if Some(only) == except);
            if group.is_empty() || is_own_alone() {
                continue;
            }
            if let Some(bytes) = last_to(self.outputs, group, except) {
                message.encode(kind, &name, bytes);
                continue;
            }
            let mut bytes = ReplyBuf::new(*protocol);
            message.encode(kind, &name, &mut bytes);
            self.outputs.push_back(Output::Broadcast {
                receivers: group.clone(),
                except,
                bytes,
            });
        }
        receivers
    }
}

/// Bytes up to which messages to the same receivers are one output.
const TOGETHER_BYTES_MAX: usize = 8 * 1024;

/// The bytes of the last output, if it is for these receivers and has room for more.
fn last_to<'o>(
    outputs: &'o mut VecDeque<Output>,
    group: &Arc<[SessionId]>,
    but: Option<SessionId>,
) -> Option<&'o mut ReplyBuf> {
    match outputs.back_mut()? {
        Output::Broadcast {
            receivers,
            except,
            bytes,
        } if Arc::ptr_eq(receivers, group) && *except == but => {
            (bytes.len() < TOGETHER_BYTES_MAX).then_some(bytes)
        }
        _ => None,
    }
}

impl Engine {
    /// Sends a message to the subscribers of its channel and of the patterns that it matches;
    /// returns how many there are.
    pub(crate) fn publish(&mut self, mut message: Message<'_>) -> usize {
        let Some((pubsub, mut post)) = self.post() else {
            return 0;
        };
        let channel = message.channel.bytes;
        let mut receivers = 0;
        if let Some(topic) = pubsub.channels.find_mut(channel) {
            receivers += post.deliver(Kind::Channel, topic, &mut message);
        }
        pubsub.patterns.for_each_match(channel, |topic| {
            receivers += post.deliver(Kind::Pattern, topic, &mut message);
        });
        receivers
    }

    /// Sends a message to the subscribers of its shard channel; returns how many there are.
    pub(crate) fn publish_to_shard(&mut self, mut message: Message<'_>) -> usize {
        let Some((pubsub, mut post)) = self.post() else {
            return 0;
        };
        let topic = pubsub.shards.find_mut(message.channel.bytes);
        topic.map_or(0, |topic| post.deliver(Kind::Shard, topic, &mut message))
    }

    /// `None` if nobody listens to anything.
    fn post(&mut self) -> Option<(&mut super::PubSub, Post<'_>)> {
        if self.pubsub.sessions == 0 {
            return None;
        }
        let (sessions, epoch) = (&self.sessions, self.pubsub.epoch);
        let running = self.running.and_then(|id| Some((id, sessions.find(id)?)));
        let listens = |(_, state): &(SessionId, &Session)| state.is_subscribed();
        let own = running.filter(listens);
        let post = Post {
            sessions,
            outputs: &mut self.outputs,
            own_pushes: &mut self.own_pushes,
            own: own.map(|(id, state)| (id, state.protocol)),
            epoch,
        };
        Some((&mut self.pubsub, post))
    }
}
