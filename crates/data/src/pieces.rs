//! Large values as a cut reads them: piece by piece, while commands change them. Not when a cut
//! begins, and not where a value is found again.
//!
//! When the table saves or reads the entry of a large value, the value begins a cut of its own,
//! which takes constant time, and the entry's image is an [`Outline`]. From then on the value
//! itself keeps what was there before a change, until everything is read with
//! `Object::cut_slice`. The value may meanwhile be renamed, moved or removed: its [`CutId`] goes
//! with it.

use alloc::boxed::Box;

use vk_mem::size_class;

use crate::entry::DbEntry;
use crate::list::Node;
use crate::listpack::Item;
use crate::stream::{StreamPiece, StreamShape};
use crate::table::CutId;
use crate::value::{NewValue, Object, StrRef};
use crate::windows::{WINDOWED_BYTES_MIN, Windows};

/// Values with more elements than this are read in pieces.
const WHOLE_ELEMENTS_MAX: usize = 16;
/// So are values of more bytes.
const WHOLE_BYTES_MAX: usize = 8 * 1024;

/// A key as it was at a cut.
#[derive(Debug)]
pub enum Image {
    /// With its value.
    Whole(DbEntry),
    /// Without: the value is to be read in pieces.
    InPieces(Box<Outline>),
}

/// A key as it was at a cut, without its value.
#[derive(Debug)]
pub struct Outline {
    /// An integer stands in the place of the value.
    head: DbEntry,
    id: CutId,
    shape: Shape,
}

/// What is known of a large value before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A set in a table.
    Set {
        /// Its members.
        len: usize,
    },
    /// A hash in a table.
    Hash {
        /// Its fields.
        len: usize,
        /// Some of them expire.
        expires: bool,
    },
    /// A sorted set in a tree.
    ZSet {
        /// Its elements.
        len: usize,
    },
    /// A list of several nodes.
    List {
        /// Its nodes.
        nodes: usize,
        /// Its elements.
        len: usize,
    },
    /// A stream.
    Stream(StreamShape),
    /// A long string.
    String {
        /// Its bytes.
        len: usize,
    },
}

/// A piece of a large value.
#[derive(Clone, Copy, Debug)]
pub enum Piece<'a> {
    /// A member of a set.
    Member(&'a [u8]),
    /// A field of a hash.
    Field {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: StrRef<'a>,
        /// When it expires: unix time in milliseconds.
        expire_ms: Option<i64>,
    },
    /// An element of a sorted set; they come from the highest to the lowest.
    Scored {
        /// Its member.
        member: Item<'a>,
        /// Its score.
        score: f64,
    },
    /// A node of a list; they come from the head.
    Node(Node<'a>),
    /// A piece of a stream.
    Stream(StreamPiece<'a>),
    /// Bytes of a string; they come from its beginning.
    Window(&'a [u8]),
}

/// What a cut has saved of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutWeight {
    /// Bytes that wait to be read.
    pub held_bytes: usize,
    /// All bytes that were ever saved.
    pub saved_bytes: usize,
}

impl Outline {
    /// The key's name, expiry and record of use. Its value is not the key's.
    #[must_use]
    pub fn head(&self) -> &DbEntry {
        &self.head
    }

    /// The name of the value.
    #[must_use]
    pub fn id(&self) -> CutId {
        self.id
    }

    /// What the value is.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

impl Image {
    /// The image of an entry, which begins the cut of a large value.
    pub(crate) fn of(entry: &mut DbEntry, id: CutId) -> Self {
        let Some(shape) = entry.object_mut().and_then(|object| object.cut_begin(id)) else {
            return Self::Whole(entry.clone());
        };
        let nothing = NewValue::Int(0);
        let head = DbEntry::new(entry.key(), nothing, entry.expire_ms(), entry.access());
        Self::InPieces(Box::new(Outline { head, id, shape }))
    }

    /// Bytes that the image takes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Whole(entry) => entry.allocated_bytes(),
            Self::InPieces(outline) => {
                size_class(size_of::<Outline>()) + outline.head.allocated_bytes()
            }
        }
    }
}

impl Object {
    /// Whether a cut reads the value in pieces.
    pub(crate) fn is_read_in_pieces(&self) -> bool {
        if let Some(blob) = self.as_blob() {
            return blob.len() >= WINDOWED_BYTES_MIN;
        }
        let can_be = !matches!(self, Self::Pack(_));
        can_be
            && (self.element_count() > WHOLE_ELEMENTS_MAX || self.memory_bytes() > WHOLE_BYTES_MAX)
    }

    /// Begins a cut of the value, if it is read in pieces.
    fn cut_begin(&mut self, id: CutId) -> Option<Shape> {
        if !self.is_read_in_pieces() {
            return None;
        }
        // A cut that was given up and not yet cleared away.
        self.cut_stop(usize::MAX);
        match self {
            Self::Set(set) => Some(set.cut_begin(id)),
            Self::Hash(hash) => Some(hash.cut_begin(id)),
            Self::ZSet(zset) => Some(zset.cut_begin(id)),
            Self::List(list) => Some(list.cut_begin(id)),
            Self::Stream(stream) => Some(stream.cut_begin(id)),
            Self::Blob(blob) => {
                let (windows, len) = (Windows::cut_begin(blob.clone(), id), blob.len());
                *self = Self::Windows(Box::new(windows));
                Some(Shape::String { len })
            }
            // There are none without a cut.
            Self::Windows(_) | Self::Pack(_) => None,
        }
    }

    /// The name of the cut that reads the value.
    #[must_use]
    pub fn cut_id(&self) -> Option<CutId> {
        match self {
            Self::Set(set) => set.cut_id(),
            Self::Hash(hash) => hash.cut_id(),
            Self::ZSet(zset) => zset.cut_id(),
            Self::List(list) => list.cut_id(),
            Self::Stream(stream) => stream.cut_id(),
            Self::Windows(windows) => windows.cut_id(),
            Self::Blob(_) | Self::Pack(_) => None,
        }
    }

    /// What the cut has saved.
    pub(crate) fn cut_weight(&self) -> CutWeight {
        match self {
            Self::Set(set) => set.cut_weight(),
            Self::Hash(hash) => hash.cut_weight(),
            Self::ZSet(zset) => zset.cut_weight(),
            Self::List(list) => list.cut_weight(),
            Self::Stream(stream) => stream.cut_weight(),
            Self::Windows(windows) => windows.cut_weight(),
            Self::Blob(_) | Self::Pack(_) => CutWeight::default(),
        }
    }

    /// What [`CutWeight::held_bytes`] has to be: for checks.
    pub(crate) fn recount_held_bytes(&self) -> usize {
        match self {
            Self::Set(set) => set.recount_held_bytes(),
            Self::Hash(hash) => hash.recount_held_bytes(),
            Self::ZSet(zset) => zset.recount_held_bytes(),
            Self::List(list) => list.recount_held_bytes(),
            Self::Stream(stream) => stream.recount_held_bytes(),
            Self::Windows(windows) => windows.recount_held_bytes(),
            Self::Blob(_) | Self::Pack(_) => 0,
        }
    }

    /// Reads about `elements` elements as they were at the cut. `true` when all are read, and the
    /// cut is over.
    pub(crate) fn cut_slice(&mut self, elements: usize, sink: &mut impl FnMut(Piece<'_>)) -> bool {
        match self {
            Self::Set(set) => set.cut_slice(elements, sink),
            Self::Hash(hash) => hash.cut_slice(elements, sink),
            Self::ZSet(zset) => zset.cut_slice(elements, sink),
            Self::List(list) => list.cut_slice(elements, sink),
            Self::Stream(stream) => stream.cut_slice(elements, sink),
            Self::Windows(windows) => {
                let ended = windows.cut_slice(elements, sink);
                if ended {
                    *self = Self::Blob(windows.blob().clone());
                }
                ended
            }
            Self::Blob(_) | Self::Pack(_) => true,
        }
    }

    /// Gives the cut up: clears about `budget` saved elements away. `true` when there is no cut.
    pub(crate) fn cut_stop(&mut self, budget: usize) -> bool {
        match self {
            Self::Set(set) => set.cut_stop(budget),
            Self::Hash(hash) => hash.cut_stop(budget),
            Self::ZSet(zset) => zset.cut_stop(budget),
            Self::List(list) => list.cut_stop(budget),
            Self::Stream(stream) => stream.cut_stop(budget),
            Self::Windows(windows) => {
                *self = Self::Blob(windows.blob().clone());
                true
            }
            Self::Blob(_) | Self::Pack(_) => true,
        }
    }
}
