//! The allocator's figures and settings.
//!
//! Its figures are read by a thread of their own: reading them takes locks that the allocator's
//! thread holds while it gives memory back to the system, for tens of milliseconds after gigabytes
//! were freed.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use tikv_jemalloc_ctl::{Access as _, AsName as _, arenas, background_thread, epoch, stats};
use vk_engine::HostFacts;

/// How much less the allocator's own thread counts than the loop, and the one that reads its
/// figures. Not much less: the loop waits for locks that they hold.
const NICE: i32 = 5;

/// What the allocator tells of all that it holds, in bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    allocated: u64,
    active: u64,
    resident: u64,
}

/// Reads the figures whenever it is asked, and keeps the last ones.
#[derive(Debug)]
pub(crate) struct Sampler {
    last: Arc<Mutex<Figures>>,
    /// A request that waits stands for all that come before it is served. Without a thread there is
    /// nobody who listens.
    requests: Option<SyncSender<()>>,
}

impl Sampler {
    /// Reads them for the first time, and begins to wait for requests.
    pub(crate) fn begin() -> Self {
        let last = Arc::new(Mutex::new(Figures::read()));
        let (requests, received) = sync_channel(1);
        let kept = Arc::clone(&last);
        let thread = thread::Builder::new().name("allocator".to_owned());
        let begun = thread.spawn(move || serve(&received, &kept));
        Self {
            last,
            requests: begun.is_ok().then_some(requests),
        }
    }

    /// Puts the last figures in, and asks for those of this moment.
    pub(crate) fn tell(&self, facts: &mut HostFacts) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &self.requests {
            // Full: the request before has not been served yet.
            Some(requests) => drop(requests.try_send(())),
            None => *last = Figures::read(),
        }
        facts.allocator_allocated_bytes = last.allocated;
        facts.allocator_active_bytes = last.active;
        facts.allocator_resident_bytes = last.resident;
    }
}

/// Reads the figures at every request, until nobody can ask any more.
fn serve(requests: &Receiver<()>, last: &Mutex<Figures>) {
    let _ = rustix::process::nice(NICE);
    while requests.recv().is_ok() {
        let figures = Figures::read();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = figures;
    }
}

impl Figures {
    fn read() -> Self {
        // They are those of the last time that the epoch was advanced.
        let _ = epoch::advance();
        Self {
            allocated: stats::allocated::read().unwrap_or(0) as u64,
            active: stats::active::read().unwrap_or(0) as u64,
            resident: stats::resident::read().unwrap_or(0) as u64,
        }
    }
}

/// Whether the allocator has the size classes that this build counts on, 8 bytes apart.
pub(crate) fn quantum_bytes() -> Option<usize> {
    b"arenas.quantum\0".name().read().ok()
}

/// Name and version of the allocator, such as `jemalloc-5.3.0`.
pub(crate) fn name() -> String {
    let version = tikv_jemalloc_ctl::version::read().unwrap_or("unknown");
    let number = version.split(['-', '\0']).next().unwrap_or(version);
    format!("jemalloc-{number}")
}

/// Lets the allocator give memory back to the system from a thread of its own, so that the loop
/// does not wait until some megabytes of what was freed are unmapped.
pub(crate) fn set_thread(is_wanted: bool) -> Result<(), String> {
    let set = move || {
        // The allocator's thread gets this from the one that has it begin. If it is refused,
        // nothing is lost.
        let _ = rustix::process::nice(NICE);
        background_thread::write(is_wanted).map_err(|error| error.to_string())
    };
    let setter = thread::Builder::new().spawn(set);
    let result = setter.map_err(|error| error.to_string())?.join();
    result.unwrap_or_else(|_| Err("the thread that sets it has failed".to_owned()))
}

/// Gives pages that hold nothing back to the kernel: a decay time of zero does it at once.
pub(crate) fn purge() {
    let arenas = arenas::narenas::read().unwrap_or(1);
    for arena in 0..arenas {
        for kind in ["dirty", "muzzy"] {
            let key = format!("arena.{arena}.{kind}_decay_ms\0");
            let name = key.as_bytes().name();
            let before: Result<isize, _> = name.read();
            if let Ok(before) = before {
                let _ = name.write(0_isize);
                let _ = name.write(before);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn figures_follow_what_is_allocated() {
        const ADDED: u64 = 64 << 20;
        let sampler = Sampler::begin();
        let told = || {
            let mut facts = HostFacts::default();
            sampler.tell(&mut facts);
            facts.allocator_allocated_bytes
        };
        let before = told();
        assert!(before > 0);
        let block = vec![1_u8; usize::try_from(ADDED).unwrap()];
        let end = Instant::now() + Duration::from_secs(10);
        // Other tests free some at the same time.
        while told() < before + ADDED / 2 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(told() >= before + ADDED / 2);
        assert_eq!(block.len() as u64, ADDED);
    }
}
