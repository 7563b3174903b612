//! Keyspace notifications: what happens to keys, told as messages.

use alloc::vec::Vec;

use super::Message;
use crate::{Engine, config::EventFlags};

impl Engine {
    /// Announces an event of a key to whoever listens to its class: first on the channel of the
    /// key, then on that of the event.
    #[inline]
    pub(crate) fn notify(&mut self, db: u32, class: EventFlags, event: &'static str, key: &[u8]) {
        if self.notify.contains(class) && self.pubsub.sessions > 0 {
            self.publish_event(db, event, key);
        }
    }

    fn publish_event(&mut self, db: u32, event: &'static str, key: &[u8]) {
        let mut channel = core::mem::take(&mut self.pubsub.event_channel);
        if self.notify.contains(EventFlags::KEYSPACE) {
            put_channel(&mut channel, b"__keyspace@", db, key);
            self.publish(Message::new(&channel, event.as_bytes()));
        }
        if self.notify.contains(EventFlags::KEYEVENT) {
            put_channel(&mut channel, b"__keyevent@", db, event.as_bytes());
            self.publish(Message::new(&channel, key));
        }
        channel.clear();
        channel.shrink_to(CHANNEL_BYTES_KEPT);
        self.pubsub.event_channel = channel;
    }
}

/// Room that stays for the channel of the next event.
const CHANNEL_BYTES_KEPT: usize = 1024;

fn put_channel(channel: &mut Vec<u8>, space: &[u8], db: u32, about: &[u8]) {
    channel.clear();
    channel.extend_from_slice(space);
    channel.extend_from_slice(itoa::Buffer::new().format(db).as_bytes());
    channel.extend_from_slice(b"__:");
    channel.extend_from_slice(about);
}
