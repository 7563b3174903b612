//! The numbered databases, with expiry on access.
//!
//! What a change of a key entails (WATCH, notification, effect) is in `ctx`; here is only storage.

mod cut;

use alloc::vec::Vec;

use vk_data::{
    entry::DbEntry,
    keyspace::{Detached, Keyspace},
    list::ELEMENTS_PER_NODE,
    table::HashSeed,
    value::Object,
};

use crate::access::KeyRef;
use cut::CutState;

pub(crate) use cut::PieceStep;

/// All databases, and what is left of flushed ones.
#[derive(Debug)]
pub(crate) struct Databases {
    all: Vec<Keyspace>,
    /// The database that was lent for a change last.
    open: u32,
    /// Bytes of all others, so that the sum is at hand after every change.
    others_bytes: usize,
    seed: HashSeed,
    /// The cut in progress.
    cut: CutState,
    /// Emptied tables that are freed bit by bit, once no cut reads them any more.
    detached: Vec<Flushed>,
    /// Big values that were removed and are freed bit by bit.
    buried: Vec<Buried>,
    /// Their bytes.
    buried_bytes: usize,
    /// Of flushed databases and buried values: how many entries were freed so far.
    pub(crate) freed_entries: u64,
}

/// What a flushed database held.
#[derive(Debug)]
struct Flushed {
    contents: Detached,
    /// The number that it had at the cut that still reads it.
    cut_number: Option<u32>,
}

/// A value on its way to be freed.
#[derive(Debug)]
struct Buried {
    object: Object,
    /// Its memory, as far as it is known not to be freed yet.
    bytes: usize,
}

/// Values with more elements than this are freed bit by bit.
const FREE_AT_ONCE_ELEMENTS: usize = 64;
/// So are values of more bytes. Few elements may be much work: groups and pending entries of a
/// stream are no elements of it.
const FREE_AT_ONCE_BYTES: usize = 64 * 1024;
/// Of a list so many nodes are freed at once: no more work than a removal may cause anyway, and
/// their memory is used again while it is warm.
const FREE_AT_ONCE_NODES: usize = FREE_PER_REMOVAL / ELEMENTS_PER_NODE;
/// While more values than this wait to be freed, whoever removes one more frees something.
const BURIED_MAX: usize = 1024;
/// How much that is, in elements.
const FREE_PER_REMOVAL: usize = 512;
/// Bytes that count as much as an element.
const BYTES_PER_ELEMENT: usize = 256;

/// What it costs to free a value, in elements. Bytes and packs are one piece of memory.
fn cost_of(object: &Object) -> usize {
    match object {
        Object::Blob(_) | Object::Windows(_) | Object::Pack(_) => 1,
        Object::List(list) => list.node_count().saturating_mul(ELEMENTS_PER_NODE),
        large => {
            let by_bytes = large.memory_bytes() / BYTES_PER_ELEMENT;
            large.element_count().max(by_bytes).saturating_add(1)
        }
    }
}

impl Flushed {
    /// No cut reads it.
    fn is_free(&self) -> bool {
        self.cut_number.is_none() && !self.contents.contents().cut_is_active()
    }
}

/// What it costs to go on with giving up the cut of a value, in elements.
const GIVE_UP_COST: usize = 64;

fn is_big(object: &Object) -> bool {
    match object {
        Object::Blob(_) | Object::Windows(_) | Object::Pack(_) => false,
        // Its nodes are few, however many elements and bytes they hold.
        Object::List(list) => list.node_count() > FREE_AT_ONCE_NODES,
        large => {
            large.element_count() > FREE_AT_ONCE_ELEMENTS
                || large.memory_bytes() > FREE_AT_ONCE_BYTES
        }
    }
}

impl Databases {
    pub(crate) fn new(count: usize, seed: HashSeed) -> Self {
        let all = (0..count).map(|_| Keyspace::new(seed)).collect();
        Self {
            all,
            open: 0,
            others_bytes: 0,
            seed,
            cut: CutState::new(count),
            detached: Vec::new(),
            buried: Vec::new(),
            buried_bytes: 0,
            freed_entries: 0,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn seed(&self) -> HashSeed {
        self.seed
    }

    pub(crate) fn db(&self, index: u32) -> Option<&Keyspace> {
        self.all.get(index as usize)
    }

    #[inline]
    pub(crate) fn db_mut(&mut self, index: u32) -> Option<&mut Keyspace> {
        if index != self.open {
            self.open_another(index);
        }
        self.all.get_mut(index as usize)
    }

    fn open_another(&mut self, index: u32) {
        if let Some(next) = self.db(index) {
            let bytes = self.memory_bytes() - next.memory_bytes();
            self.others_bytes = bytes;
            self.open = index;
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Keyspace)> {
        self.all
            .iter()
            .enumerate()
            .map(|(index, db)| (index as u32, db))
    }

    /// The entry of a key, expired or not.
    pub(crate) fn find(&self, key: &KeyRef<'_>) -> Option<&DbEntry> {
        self.db(key.db)?.find(key.hash, key.bytes)
    }

    pub(crate) fn remove(&mut self, key: &KeyRef<'_>) -> Option<DbEntry> {
        self.db_mut(key.db)?.remove(key.hash, key.bytes)
    }

    /// Removes a key whose value nobody wants; tells whether it was there.
    pub(crate) fn delete(&mut self, key: &KeyRef<'_>) -> bool {
        let removed = self.remove(key);
        let was_there = removed.is_some();
        self.bury(removed.and_then(DbEntry::into_object));
        was_there
    }

    /// SWAPDB.
    pub(crate) fn swap(&mut self, a: u32, b: u32) {
        let count = self.all.len();
        if (a as usize) < count && (b as usize) < count {
            let bytes = self.memory_bytes();
            self.all.swap(a as usize, b as usize);
            self.cut.swap(a as usize, b as usize);
            let open = self.db(self.open).map_or(0, Keyspace::memory_bytes);
            self.others_bytes = bytes - open;
        }
    }

    /// Empties a database at once; the memory is freed by [`Databases::free_slice`]. Returns how
    /// many keys there were.
    pub(crate) fn flush(&mut self, index: u32) -> usize {
        let Some(db) = self.db_mut(index) else {
            return 0;
        };
        let keys = db.len();
        let contents = db.take();
        let cut_number = self.cut.take_number(index as usize);
        let is_read = cut_number.is_some() || contents.contents().cut_is_active();
        if !contents.is_empty() || is_read {
            self.detached.push(Flushed {
                contents,
                cut_number,
            });
        }
        keys
    }

    /// Frees a value that no key has any more: at once if it is small, else by
    /// [`Databases::free_slice`].
    #[inline]
    pub(crate) fn bury(&mut self, object: Option<Object>) {
        if let Some(object) = object
            && let Some(object) = self.unless_read(object)
            && is_big(&object)
        {
            self.keep(object);
            if self.buried.len() > BURIED_MAX {
                self.free_slice(FREE_PER_REMOVAL);
            }
        }
    }

    fn keep(&mut self, object: Object) {
        let bytes = object.memory_bytes();
        self.buried_bytes = self.buried_bytes.saturating_add(bytes);
        self.buried.push(Buried { object, bytes });
    }

    /// Frees some of what was flushed and removed: about so many entries and elements.
    pub(crate) fn free_slice(&mut self, entries_max: usize) {
        let mut left = entries_max;
        while left > 0 && self.is_giving_up() {
            self.give_up_slice(left);
            left = left.saturating_sub(GIVE_UP_COST);
        }
        while left > 0 {
            let cost = if self.buried.is_empty() {
                self.free_detached()
            } else {
                self.free_buried(left)
            };
            match cost {
                Some(cost) => left = left.saturating_sub(cost.max(1)),
                None => return,
            }
        }
    }

    /// Frees up to about `left` elements of the last buried value; what it cost.
    fn free_buried(&mut self, left: usize) -> Option<usize> {
        let last = self.buried.last_mut()?;
        let cost = cost_of(&last.object).min(left);
        let ended = last.object.drop_slice(left);
        let bytes = if ended { 0 } else { last.object.memory_bytes() };
        self.buried_bytes -= last.bytes.saturating_sub(bytes);
        last.bytes = last.bytes.min(bytes);
        if ended {
            self.buried.pop();
            self.freed_entries += 1;
            return Some(cost);
        }
        Some(left)
    }

    /// Frees some entries of a flushed database; what it cost. `None` if there is nothing that may
    /// be freed.
    fn free_detached(&mut self) -> Option<usize> {
        let at = self.detached.iter().rposition(Flushed::is_free)?;
        let last = &mut self.detached.get_mut(at)?.contents;
        let before = last.len();
        let (mut cost, mut big) = (0, Vec::new());
        let ended = last.drop_slice(1, &mut |object| {
            if is_big(&object) {
                big.push(object);
            } else {
                cost += cost_of(&object);
            }
        });
        let freed = before - last.len();
        self.freed_entries += freed as u64;
        if ended {
            self.detached.remove(at);
        }
        big.into_iter().for_each(|object| self.keep(object));
        (ended || freed > 0).then_some(cost + freed)
    }

    /// Whether something waits that can be freed now.
    pub(crate) fn is_freeing(&self) -> bool {
        !self.buried.is_empty() || self.is_giving_up() || self.detached.iter().any(Flushed::is_free)
    }

    fn flushed(&self) -> impl Iterator<Item = &Detached> {
        self.detached.iter().map(|flushed| &flushed.contents)
    }

    /// Entries that wait to be freed.
    pub(crate) fn pending_entries(&self) -> usize {
        self.flushed().map(Detached::len).sum::<usize>() + self.buried.len()
    }

    /// Bytes that wait to be freed.
    pub(crate) fn pending_bytes(&self) -> usize {
        let detached = self.flushed().map(Detached::memory_bytes);
        detached.sum::<usize>() + self.buried_bytes + self.cut_held_bytes()
    }

    /// Bytes of all entries and tables.
    #[inline]
    pub(crate) fn memory_bytes(&self) -> usize {
        let open = self.db(self.open).map_or(0, Keyspace::memory_bytes);
        self.others_bytes + open
    }

    /// What [`Databases::memory_bytes`] and [`Databases::pending_bytes`] have to be together, by a
    /// walk over everything but buried values.
    pub(crate) fn recount_bytes(&self) -> usize {
        let all = self.all.iter().map(Keyspace::recount_bytes);
        let detached = self.flushed().map(Detached::recount_bytes);
        all.chain(detached).sum::<usize>() + self.buried_bytes + self.recount_held_bytes()
    }

    /// Keys in all databases.
    pub(crate) fn keys(&self) -> usize {
        self.all.iter().map(Keyspace::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use super::{Databases, FREE_PER_REMOVAL};
    use crate::testkit::Kit;

    /// Runs slices until nothing is left; how many they were.
    fn slices(dbs: &mut Databases, entries_max: usize) -> usize {
        let mut count = 0;
        while dbs.is_freeing() {
            let bytes = dbs.pending_bytes();
            dbs.free_slice(entries_max);
            assert!(dbs.pending_bytes() <= bytes, "memory comes back");
            count += 1;
            assert!(count < 100_000, "every slice frees something");
        }
        assert_eq!(dbs.pending_bytes(), 0);
        assert_eq!(dbs.pending_entries(), 0);
        count
    }

    fn fill(kit: &mut Kit, command: &str, key: &str, elements: usize) {
        for start in (0..elements).step_by(100) {
            let mut line = format!("{command} {key}");
            for element in start..start + 100 {
                let (text, number) = (format!(" m:{element:040}"), format!(" {element}"));
                match command {
                    "HSET" => line.extend([text, number]),
                    "ZADD" => line.extend([number, text]),
                    _ => line.extend([text]),
                }
            }
            kit.run(&line);
        }
    }

    #[test]
    fn every_big_value_is_freed_in_slices_however_it_goes() {
        for command in ["SADD", "HSET", "ZADD", "RPUSH"] {
            for removal in [
                "DEL big",
                "UNLINK big",
                "SET big x",
                "RENAME small big",
                "COPY small big REPLACE",
                "SUNIONSTORE big small",
                "ZUNIONSTORE big 1 small",
                "SORT small STORE big",
                "FLUSHDB",
                "FLUSHALL",
            ] {
                let mut kit = Kit::new();
                kit.run("SADD small 1 2 3");
                // A list has few nodes.
                let elements = if command == "RPUSH" { 40_000 } else { 5000 };
                fill(&mut kit, command, "big", elements);
                kit.run(removal);
                assert!(kit.engine.dbs.is_freeing(), "{command} {removal}");
                assert!(kit.engine.dbs.pending_bytes() > 100_000);
                // A list is freed by nodes, of which it has few.
                let entries_max = if command == "RPUSH" { 40 } else { 500 };
                let count = slices(&mut kit.engine.dbs, entries_max);
                assert!((3..200).contains(&count), "{command} {removal}: {count}");
            }
        }
    }

    #[test]
    fn a_whole_range_of_a_sorted_set_goes_as_a_value() {
        let mut kit = Kit::new();
        for range in ["RANK z 0 -1", "SCORE z -inf +inf", "LEX z - +"] {
            fill(&mut kit, "ZADD", "z", 5000);
            let reply = kit.run(&format!("ZREMRANGEBY{range}"));
            assert_eq!(reply, "(integer) 5000");
            assert_eq!(kit.run("EXISTS z"), "(integer) 0");
            assert!(slices(&mut kit.engine.dbs, 500) >= 3, "{range}");
        }
    }

    fn pending_stream(kit: &mut Kit) {
        for id in 1..=20_000 {
            kit.run(&format!("XADD x {id} f v"));
        }
        kit.run("XGROUP CREATE x g 0");
        kit.run("XREADGROUP GROUP g c STREAMS x >");
    }

    #[test]
    fn what_a_stream_loses_is_freed_in_slices() {
        let mut kit = Kit::new();
        pending_stream(&mut kit);
        assert_eq!(kit.run("XTRIM x MAXLEN 3"), "(integer) 19997");
        assert!(slices(&mut kit.engine.dbs, 5) >= 2, "nodes");
        assert_eq!(kit.run("XGROUP DESTROY x g"), "(integer) 1");
        assert!(slices(&mut kit.engine.dbs, 5) >= 4, "a group");
        assert_eq!(kit.run("XLEN x"), "(integer) 3");

        let mut kit = Kit::new();
        pending_stream(&mut kit);
        kit.run("XTRIM x MAXLEN 3");
        slices(&mut kit.engine.dbs, 5);
        kit.run("DEL x");
        assert!(
            slices(&mut kit.engine.dbs, 5) >= 4,
            "few entries, much pending"
        );
    }

    #[test]
    fn removals_pay_when_much_waits() {
        let mut kit = Kit::new();
        let members: String = (0..200).map(|at| format!(" m:{at:060}")).collect();
        for key in 0..4000 {
            kit.run(&format!("SADD s:{key}{members}"));
        }
        let mut most = 0;
        for key in 0..4000 {
            kit.run(&format!("DEL s:{key}"));
            most = most.max(kit.engine.dbs.pending_entries());
        }
        assert!((1000..1200).contains(&most), "{most}");
        assert!(slices(&mut kit.engine.dbs, FREE_PER_REMOVAL) > 10);
    }

    #[test]
    fn many_values_are_freed_in_one_slice() {
        let mut kit = Kit::new();
        for key in 0..50 {
            fill(&mut kit, "SADD", &format!("s:{key}"), 100);
        }
        kit.run("FLUSHALL");
        assert!(slices(&mut kit.engine.dbs, 4096) <= 4);
    }
}
