//! What waits to be sent, and the one way in which bytes leave.
//!
//! Big values stay references until the kernel copies them. Encryption is `tls`'s part.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice, Write},
};

use vk_resp::ReplyBuf;

use crate::limits::{
    QUEUE_TAIL_BYTES_MAX, QUEUE_TAIL_BYTES_MIN, WRITE_BYTES_PER_TURN_MAX, WRITE_SLICES_MAX,
};

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing waits any more.
    Drained,
    /// The sink takes no more for now; it will become writable.
    Blocked,
    /// The turn's share is used up though the sink would take more.
    Budget,
}

/// Bytes in order, taken from the front.
pub(crate) trait Source {
    /// Bytes left.
    fn remaining(&self) -> usize;
    /// The first contiguous bytes; empty only if nothing is left.
    fn first(&self) -> &[u8];
    /// Fills `slices` with at most `bytes_max` bytes from the front; returns the number of slices
    /// and bytes.
    fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>], bytes_max: usize) -> (usize, usize);
    /// Forgets `count` bytes at the front.
    fn advance(&mut self, count: usize);
}

/// Writes from `source` until it is empty, the sink is full, or the turn's share is used up.
/// On a stream socket a short write is proof of a full buffer, so none is tried again.
pub(crate) fn transmit<S: Source, W: Write + ?Sized>(
    source: &mut S,
    sink: &mut W,
    written: &mut u64,
) -> io::Result<Progress> {
    let mut budget = WRITE_BYTES_PER_TURN_MAX;
    while source.remaining() > 0 {
        if budget == 0 {
            return Ok(Progress::Budget);
        }
        let (asked, result) = write_once(source, sink, budget);
        match result {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                source.advance(count);
                *written = written.saturating_add(count as u64);
                if count < asked {
                    return Ok(Progress::Blocked);
                }
                budget = budget.saturating_sub(count);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Blocked),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Progress::Drained)
}

/// One system call; returns how much was asked for, too.
fn write_once<S: Source, W: Write + ?Sized>(
    source: &S,
    sink: &mut W,
    bytes_max: usize,
) -> (usize, io::Result<usize>) {
    let first = source.first();
    if first.len() == source.remaining() || first.len() >= bytes_max {
        let slice = first.get(..bytes_max).unwrap_or(first);
        return (slice.len(), sink.write(slice));
    }
    let mut slices = [IoSlice::new(&[]); WRITE_SLICES_MAX];
    let (count, asked) = source.gather(&mut slices, bytes_max);
    (
        asked,
        sink.write_vectored(slices.get(..count).unwrap_or_default()),
    )
}

/// Fills `slices` from the chunks of one reply, without its first `skip` bytes.
fn gather_reply<'a>(
    reply: &'a ReplyBuf,
    mut skip: usize,
    slices: &mut [IoSlice<'a>],
    bytes_max: usize,
) -> (usize, usize) {
    let (mut count, mut bytes) = (0, 0);
    for chunk in reply.chunks() {
        if skip >= chunk.len() {
            skip = skip.saturating_sub(chunk.len());
            continue;
        }
        let chunk = chunk.get(skip..).unwrap_or_default();
        skip = 0;
        let Some(slot) = slices.get_mut(count) else {
            break;
        };
        let chunk = chunk
            .get(..bytes_max.saturating_sub(bytes))
            .unwrap_or(chunk);
        if chunk.is_empty() {
            break;
        }
        *slot = IoSlice::new(chunk);
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(chunk.len());
    }
    (count, bytes)
}

/// The first contiguous bytes of one reply, without its first `skip` bytes.
fn first_of(reply: &ReplyBuf, mut skip: usize) -> &[u8] {
    for chunk in reply.chunks() {
        if skip < chunk.len() {
            return chunk.get(skip..).unwrap_or_default();
        }
        skip = skip.saturating_sub(chunk.len());
    }
    &[]
}

/// A reply that is sent from where it was encoded.
#[derive(Debug)]
pub(crate) struct Direct<'r> {
    reply: &'r ReplyBuf,
    sent: usize,
}

impl<'r> Direct<'r> {
    pub(crate) fn new(reply: &'r ReplyBuf) -> Self {
        Self { reply, sent: 0 }
    }

    pub(crate) fn sent(&self) -> usize {
        self.sent
    }
}

impl Source for Direct<'_> {
    fn remaining(&self) -> usize {
        self.reply.len().saturating_sub(self.sent)
    }

    fn first(&self) -> &[u8] {
        first_of(self.reply, self.sent)
    }

    fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>], bytes_max: usize) -> (usize, usize) {
        gather_reply(self.reply, self.sent, slices, bytes_max)
    }

    fn advance(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count);
    }
}

/// Replies in order, the first perhaps sent in part. Holds no memory while empty.
#[derive(Debug, Default)]
pub(crate) struct OutputQueue {
    pieces: VecDeque<Piece>,
    /// Unsent bytes of all pieces.
    bytes: usize,
}

#[derive(Debug)]
struct Piece {
    reply: ReplyBuf,
    sent: usize,
}

impl OutputQueue {
    /// Appends what is left of `reply` after its first `sent` bytes, and leaves it empty. Small
    /// rests are copied, so that the caller's buffer keeps its memory; others move.
    pub(crate) fn push(&mut self, reply: &mut ReplyBuf, sent: usize) {
        let left = reply.len().saturating_sub(sent);
        if left == 0 {
            reply.clear();
            return;
        }
        self.bytes = self.bytes.saturating_add(left);
        if left > QUEUE_TAIL_BYTES_MAX {
            let fresh = ReplyBuf::new(reply.protocol());
            let reply = std::mem::replace(reply, fresh);
            self.pieces.push_back(Piece { reply, sent });
            return;
        }
        self.copy_to_tail(reply, sent, left);
        reply.clear();
    }

    /// Appends what others are sent, too: copied if it is small, else what `shared` refers to is
    /// referred to here as well.
    pub(crate) fn push_shared(&mut self, shared: &ReplyBuf) {
        let left = shared.len();
        self.bytes = self.bytes.saturating_add(left);
        if left > QUEUE_TAIL_BYTES_MAX {
            let reply = shared.clone();
            self.pieces.push_back(Piece { reply, sent: 0 });
        } else if left > 0 {
            self.copy_to_tail(shared, 0, left);
        }
    }

    /// Copies the `left` bytes of `reply` behind its first `sent` ones.
    fn copy_to_tail(&mut self, reply: &ReplyBuf, sent: usize, left: usize) {
        let has_room =
            |piece: &Piece| piece.reply.len().saturating_add(left) <= QUEUE_TAIL_BYTES_MAX;
        if !self.pieces.back().is_some_and(has_room) {
            let mut reply = ReplyBuf::new(reply.protocol());
            reply.reserve(left.max(QUEUE_TAIL_BYTES_MIN));
            self.pieces.push_back(Piece { reply, sent: 0 });
        }
        if let Some(tail) = self.pieces.back_mut() {
            let mut skip = sent;
            for chunk in reply.chunks() {
                tail.reply.raw(chunk.get(skip..).unwrap_or_default());
                skip = skip.saturating_sub(chunk.len());
            }
        }
    }

    /// Number of separate buffers.
    pub(crate) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Source for OutputQueue {
    fn remaining(&self) -> usize {
        self.bytes
    }

    fn first(&self) -> &[u8] {
        self.pieces
            .front()
            .map_or(&[], |piece| first_of(&piece.reply, piece.sent))
    }

    fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>], bytes_max: usize) -> (usize, usize) {
        let (mut count, mut bytes) = (0_usize, 0_usize);
        for piece in &self.pieces {
            let Some(free @ [_, ..]) = slices.get_mut(count..) else {
                break;
            };
            let rest = bytes_max.saturating_sub(bytes);
            let (more, more_bytes) = gather_reply(&piece.reply, piece.sent, free, rest);
            count = count.saturating_add(more);
            bytes = bytes.saturating_add(more_bytes);
            if bytes >= bytes_max {
                break;
            }
        }
        (count, bytes)
    }

    fn advance(&mut self, count: usize) {
        self.bytes = self.bytes.saturating_sub(count);
        let mut count = count;
        while let Some(piece) = self.pieces.front_mut() {
            let left = piece.reply.len().saturating_sub(piece.sent);
            if count < left {
                piece.sent = piece.sent.saturating_add(count);
                return;
            }
            count = count.saturating_sub(left);
            self.pieces.pop_front();
        }
        self.pieces = VecDeque::new();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use vk_resp::{Blob, Protocol};

    /// Takes `room` bytes and then blocks.
    struct Sink {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let count = bytes.len().min(self.room);
            self.taken.extend_from_slice(&bytes[..count]);
            self.room -= count;
            Ok(count)
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let mut count = 0;
            for slice in slices {
                match self.write(slice) {
                    Ok(more) => count += more,
                    Err(_) if count > 0 => break,
                    Err(error) => return Err(error),
                }
            }
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn replies() -> (OutputQueue, Vec<u8>) {
        let mut queue = OutputQueue::default();
        let mut expected = Vec::new();
        for size in [1, 100, 5_000, 20_000, 3, 70_000, 9] {
            let mut reply = ReplyBuf::new(Protocol::Resp2);
            reply.int(size);
            let bytes: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let blob = Blob::from(bytes);
            reply.blob(&blob, 0..blob.len());
            reply.ok();
            for chunk in reply.chunks() {
                expected.extend_from_slice(chunk);
            }
            queue.push(&mut reply, 0);
            assert!(reply.is_empty());
        }
        (queue, expected)
    }

    #[test]
    fn any_short_write_resumes_where_it_stopped() {
        for room in [7, 64, 1_000, 16_384, 40_000, usize::MAX] {
            let (mut queue, expected) = replies();
            let mut sink = Sink {
                taken: Vec::new(),
                room,
            };
            let mut written = 0;
            for _ in 0..200_000 {
                match transmit(&mut queue, &mut sink, &mut written).unwrap() {
                    Progress::Drained => break,
                    Progress::Blocked => sink.room = room,
                    Progress::Budget => {}
                }
            }
            assert!(sink.taken == expected, "room {room}");
            assert_eq!(written, expected.len() as u64);
            assert_eq!((queue.remaining(), queue.pieces()), (0, 0));
        }
    }

    #[test]
    fn a_rest_is_queued_from_where_the_sink_stopped() {
        for sent in 0..40 {
            let mut reply = ReplyBuf::new(Protocol::Resp2);
            reply.bulk(b"0123456789");
            reply.bulk(b"abcdefghij");
            let expected: Vec<u8> = reply.chunks().flatten().copied().skip(sent).collect();
            let mut queue = OutputQueue::default();
            queue.push(&mut reply, sent);
            let mut sink = Sink {
                taken: Vec::new(),
                room: usize::MAX,
            };
            transmit(&mut queue, &mut sink, &mut 0).unwrap();
            assert_eq!(sink.taken, expected);
        }
    }

    #[test]
    fn what_is_shared_is_sent_to_each_and_referred_to_if_it_is_big() {
        for size in [3, 5_000, 70_000] {
            let mut shared = ReplyBuf::new(Protocol::Resp3);
            let blob = Blob::from(vec![b'x'; size]);
            shared.push(2);
            shared.bulk(b"message");
            shared.blob(&blob, 0..size);
            for _ in 0..3 {
                let mut queue = OutputQueue::default();
                queue.push_shared(&shared);
                assert_eq!(queue.remaining(), shared.len());
                let is_copied = !queue.first().is_empty() && queue.pieces() == 1;
                assert!(is_copied);
                let mut sink = Sink {
                    taken: Vec::new(),
                    room: usize::MAX,
                };
                transmit(&mut queue, &mut sink, &mut 0).unwrap();
                assert_eq!(sink.taken, shared.to_vec());
            }
            let mut queue = OutputQueue::default();
            queue.push_shared(&shared);
            let is_shared = blob.try_unwrap().is_err();
            drop(shared);
            assert_eq!(is_shared, size >= vk_resp::BLOB_REFERENCE_BYTES_MIN);
        }
    }

    #[test]
    fn small_replies_share_a_buffer() {
        let mut queue = OutputQueue::default();
        for _ in 0..1000 {
            let mut reply = ReplyBuf::new(Protocol::Resp2);
            reply.ok();
            queue.push(&mut reply, 0);
        }
        assert_eq!((queue.pieces(), queue.remaining()), (1, 5000));
    }

    #[test]
    fn a_sink_that_takes_nothing_is_an_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Ok(0)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (mut queue, _) = replies();
        assert!(transmit(&mut queue, &mut Closed, &mut 0).is_err());
    }
}
