//! A thread that gives what was written to the disk, so that the loop does not wait for it.

use std::{
    fs::File,
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use mio::Waker;

/// The thread, seen from the loop. One file at a time.
#[derive(Debug)]
pub(super) struct Syncer {
    files: Sender<(u64, File)>,
    results: Receiver<(u64, io::Result<()>)>,
    /// The number of the last order.
    order: u64,
}

impl Syncer {
    /// Begins the thread, which ends with this value.
    pub(super) fn begin(waker: Arc<Waker>) -> io::Result<Self> {
        let (files, wanted) = channel::<(u64, File)>();
        let (done, results) = channel();
        thread::Builder::new()
            .name("aof-fsync".to_owned())
            .spawn(move || {
                for (order, file) in wanted {
                    if done.send((order, file.sync_data())).is_err() {
                        return;
                    }
                    // A loop that is not woken looks in its next turn.
                    let _ = waker.wake();
                }
            })?;
        Ok(Self {
            files,
            results,
            order: 0,
        })
    }

    /// Gives a file to the disk; `false` if there is no thread any more.
    pub(super) fn sync(&mut self, file: File) -> bool {
        self.order += 1;
        self.files.send((self.order, file)).is_ok()
    }

    /// What has become of it, if that is known.
    pub(super) fn poll(&mut self) -> Option<io::Result<()>> {
        let mut last = None;
        while let Ok((order, result)) = self.results.try_recv() {
            if order == self.order {
                last = Some(result);
            }
        }
        last
    }

    /// Waits for it; nothing if there is no thread any more.
    pub(super) fn wait(&mut self) -> Option<io::Result<()>> {
        loop {
            match self.results.recv() {
                Ok((order, result)) if order == self.order => return Some(result),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Nobody wants to know what becomes of the last one.
    pub(super) fn forget(&mut self) {
        self.order += 1;
    }
}
