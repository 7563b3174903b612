//! A snapshot that is written while commands go on: the loop reads it out in slices, a thread
//! compresses, sums and writes.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, SyncSender, TryRecvError, TrySendError, channel, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use mio::Waker;
use vk_engine::{MonoMicros, SnapshotChunk, SnapshotId, SnapshotStep, WorkBudget};

use super::file::{Claim, SnapshotFile};
use crate::hub::Hub;

/// Pieces that wait for the thread.
const PIECES_MAX: usize = 8;
/// Keys of a piece at most: between two of them the time is looked at.
const KEYS_PER_PIECE: usize = 256;
/// When the thread is behind, it is looked at again after this time.
const WRITER_WAIT: Duration = Duration::from_millis(1);
/// How much less the thread counts than the loop.
const WRITER_NICE: i32 = 10;

enum Piece {
    Keys(SnapshotChunk),
    End,
}

/// A snapshot in the background.
#[derive(Debug)]
pub(crate) struct Background {
    id: SnapshotId,
    /// To give its file up.
    claim: Claim,
    pieces: SyncSender<Piece>,
    /// Pieces that were written, to be filled again.
    spares: Receiver<SnapshotChunk>,
    result: Receiver<Result<u64, String>>,
    /// A piece for which there was no room.
    waiting: Option<Piece>,
    /// A value could not be found: a defect, which must not become a file.
    is_lost: bool,
    /// The key that was read last is not complete.
    goes_on: bool,
    /// All keys were read out.
    is_read: bool,
    /// The end was handed to the thread.
    is_handed_over: bool,
    /// Nothing is read out before, if keys are to take their time.
    not_before: MonoMicros,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Piece(..)")
    }
}

impl Background {
    /// Begins to write `file` in a thread, which wakes the loop at its end.
    pub(crate) fn begin(
        id: SnapshotId,
        file: SnapshotFile,
        waker: Arc<Waker>,
    ) -> Result<Self, String> {
        let (pieces, received) = sync_channel(PIECES_MAX);
        let (written, spares) = channel();
        let (ended, result) = channel();
        let claim = file.claim();
        let work = move || {
            // Where processors are short, who asks comes first. If it is refused, nothing is lost.
            let _ = rustix::process::nice(WRITER_NICE);
            let result = write(file, &received, &written);
            // A loop that does not listen any more has given the snapshot up.
            if let Some(result) = result
                && ended.send(result).is_ok()
            {
                let _ = waker.wake();
            }
        };
        thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(work)
            .map_err(|error| format!("Can't save in background: {error}"))?;
        Ok(Self {
            id,
            claim,
            pieces,
            spares,
            result,
            waiting: None,
            is_lost: false,
            goes_on: false,
            is_read: false,
            is_handed_over: false,
            not_before: MonoMicros(0),
        })
    }

    pub(crate) fn id(&self) -> SnapshotId {
        self.id
    }

    /// Gives the snapshot up: its file is gone, and the thread ends when it notices.
    pub(crate) fn cancel(self) {
        self.claim.give_up();
    }

    /// How it ended, if it has.
    pub(crate) fn poll_result(&mut self) -> Option<Result<u64, String>> {
        if self.is_lost {
            return Some(Err("Can't save in background: a value was lost".to_owned()));
        }
        match self.result.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(
                "Can't save in background: the writer has ended".to_owned(),
            )),
        }
    }

    /// When it is to be gone on with; nothing if only the thread has something to do. A `delay` is
    /// what every key takes.
    pub(crate) fn due(&self, now: MonoMicros, delay: Duration) -> Option<MonoMicros> {
        if self.waiting.is_some() {
            return Some(now.after(WRITER_WAIT));
        }
        let due = if delay.is_zero() {
            now
        } else {
            self.not_before
        };
        (!self.is_handed_over).then_some(due)
    }

    /// Reads out as much as goes into `slice`; with a `delay` only the least that there is, and
    /// more not before its keys have taken their time.
    pub(crate) fn read_out(&mut self, hub: &mut Hub, slice: Duration, delay: Duration) {
        let now = hub.clock.now();
        if self.not_before > now && !delay.is_zero() {
            return;
        }
        let begun = Instant::now();
        while self.hand_over() && !self.is_handed_over {
            if self.is_read {
                self.waiting = Some(Piece::End);
                continue;
            }
            let mut chunk = self.spares.try_recv().unwrap_or_default();
            // The delay is one between keys, not between the pieces of one.
            let is_delayed = !delay.is_zero() && !self.goes_on;
            let entries_max = if is_delayed { 1 } else { KEYS_PER_PIECE };
            let budget = WorkBudget { entries_max };
            let keys_before = hub.engine.snapshot_keys_done();
            let step = hub.engine.snapshot_poll(self.id, budget, &mut chunk);
            if step == SnapshotStep::Lost {
                self.is_lost = true;
                return;
            }
            self.is_read = step == SnapshotStep::Ended;
            self.goes_on = chunk.goes_on;
            self.waiting = Some(Piece::Keys(chunk));
            if !delay.is_zero() && !self.is_read && !self.goes_on {
                let keys = hub.engine.snapshot_keys_done().saturating_sub(keys_before);
                let keys = u32::try_from(keys.max(1)).unwrap_or(u32::MAX);
                self.not_before = now.after(delay.saturating_mul(keys));
                self.hand_over();
                return;
            }
            if begun.elapsed() >= slice {
                self.hand_over();
                return;
            }
        }
    }

    /// Hands on what waits. `false` if there is no room, or nobody.
    fn hand_over(&mut self) -> bool {
        let Some(piece) = self.waiting.take() else {
            return true;
        };
        let is_end = matches!(piece, Piece::End);
        match self.pieces.try_send(piece) {
            Ok(()) => {
                self.is_handed_over = is_end;
                true
            }
            Err(TrySendError::Full(piece)) => {
                self.waiting = Some(piece);
                false
            }
            Err(TrySendError::Disconnected(_)) => {
                // The result says why.
                self.is_handed_over = true;
                false
            }
        }
    }
}

/// Writes pieces up to the end; nothing if they cease before.
fn write(
    mut file: SnapshotFile,
    pieces: &Receiver<Piece>,
    written: &Sender<SnapshotChunk>,
) -> Option<Result<u64, String>> {
    loop {
        match pieces.recv().ok()? {
            Piece::Keys(mut chunk) => {
                if let Err(text) = file.write(&chunk) {
                    return Some(Err(text));
                }
                // Nothing is shared any longer than it has to be.
                chunk.tail = None;
                // Whether anybody fills it again does not matter.
                let _ = written.send(chunk);
            }
            Piece::End => return Some(file.finish()),
        }
    }
}
