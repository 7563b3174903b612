//! How much one node of a list may hold. Not where the figures come from.

/// What the configuration says about nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// `list-max-listpack-size`: items per node, or -1 to -5 for 4, 8, 16, 32, 64 KiB per node.
    pub fill: i32,
    /// Elements from this many bytes on get a node of their own, whatever `fill` says; `None` is
    /// by `fill`.
    pub large_bytes: Option<usize>,
}

/// No element may be longer than this many bytes.
pub const ELEMENT_BYTES_MAX: usize = u32::MAX as usize - 64;

/// Bytes of a node whose limit is a number of items.
const COUNTED_NODE_BYTES_MAX: usize = 8192;
/// The limits of bytes that -1 to -5 stand for.
const NODE_BYTES_MAX: [usize; 5] = [4096, 8192, 16_384, 32_768, 65_536];
/// What an item takes in a listpack beyond its bytes, roughly.
const ITEM_OVERHEAD_BYTES: usize = 8;

impl ListLimits {
    /// Valkey's defaults.
    pub const DEFAULT: Self = Self {
        fill: -2,
        large_bytes: None,
    };

    /// A listpack of `bytes` bytes and `count` items would be more than one node.
    #[inline]
    #[must_use]
    pub fn exceeds(self, bytes: usize, count: usize) -> bool {
        match self.node_bytes_max() {
            Some(bytes_max) => bytes > bytes_max,
            None => bytes > COUNTED_NODE_BYTES_MAX || count > self.node_items_max(),
        }
    }

    /// A single node of so little that the list may become one listpack again; `shrinking` asks
    /// for half of the limit, so that a list at the limit does not change at every step.
    pub(super) fn suits_one(self, bytes: usize, count: usize, shrinking: bool) -> bool {
        let part = if shrinking { 2 } else { 1 };
        match self.node_bytes_max() {
            Some(bytes_max) => bytes <= bytes_max / part,
            None => count <= self.node_items_max() / part,
        }
    }

    /// An element of so many bytes gets a node of its own.
    #[inline]
    pub(super) fn is_large(self, bytes: usize) -> bool {
        match self.large_bytes {
            Some(large) => bytes >= large,
            None => bytes > self.node_bytes_max().unwrap_or(COUNTED_NODE_BYTES_MAX),
        }
    }

    /// A node of `node_bytes` and `count` items has room for an element of `bytes`, which is not
    /// large.
    #[inline]
    pub(super) fn has_room(self, node_bytes: usize, count: usize, bytes: usize) -> bool {
        let after = node_bytes
            .saturating_add(bytes)
            .saturating_add(ITEM_OVERHEAD_BYTES);
        !self.exceeds(after, count.saturating_add(1))
    }

    #[inline]
    fn node_bytes_max(self) -> Option<usize> {
        let class = usize::try_from(self.fill.saturating_add(1).unsigned_abs()).unwrap_or(0);
        (self.fill < 0).then(|| match NODE_BYTES_MAX.get(class) {
            Some(bytes) => *bytes,
            None => NODE_BYTES_MAX[4],
        })
    }

    #[inline]
    fn node_items_max(self) -> usize {
        usize::try_from(self.fill).unwrap_or(1).max(1)
    }
}
