//! One key with its value in one allocation. It knows neither types nor commands: `kind` is the
//! caller's byte, and a value is bytes or one boxed Rust value.
#![expect(
    unsafe_code,
    reason = "an entry is a hand-laid block behind one pointer"
)]

use core::alloc::Layout;
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;

use std_alloc::alloc::{alloc, dealloc, handle_alloc_error};

use crate::layout::{Header, Shape};
use crate::prefetch::prefetch_address;

/// An owned entry: key, value, expiry and access field in one block of a size class.
///
/// `Option<Entry<B>>` is as large as a pointer. `B` is what a boxed value is; its alignment is at
/// most 8 (checked when compiled). A key or value may have any length.
pub struct Entry<B> {
    block: NonNull<u8>,
    owns: PhantomData<B>,
}

// SAFETY: an entry owns its block and its `B` like a `Box` would; nothing is shared.
// JUSTIFICATION: tables of entries are handed to other threads for release.
unsafe impl<B: Send> Send for Entry<B> {}
// SAFETY: through `&Entry` memory is only read.
// JUSTIFICATION: as above.
unsafe impl<B: Sync> Sync for Entry<B> {}

/// The 24 bits that eviction keeps per entry (a clock or a frequency: the caller's business).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access(u32);

impl Access {
    /// Keeps the low 24 bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & 0xFF_FFFF)
    }

    /// The 24 bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// A borrowed value.
#[derive(Debug)]
pub enum ValueRef<'a, B> {
    /// Bytes that lie in the entry.
    Bytes(&'a [u8]),
    /// The boxed value.
    Boxed(&'a B),
}

/// What a new block receives as its value.
enum Body<'a, B> {
    Bytes(&'a [u8]),
    /// These bytes, then zeros up to the length.
    Padded(&'a [u8], usize),
    Boxed(B),
}

impl<B> Entry<B> {
    /// A new entry whose value is a copy of `value`. `expire_ms` is unix time.
    #[must_use]
    pub fn new_bytes(
        key: &[u8],
        kind: u8,
        access: Access,
        expire_ms: Option<i64>,
        value: &[u8],
    ) -> Self {
        Self::build(key, kind, access, expire_ms, Body::Bytes(value))
    }

    /// A new entry that owns `value`.
    #[must_use]
    pub fn new_boxed(
        key: &[u8],
        kind: u8,
        access: Access,
        expire_ms: Option<i64>,
        value: B,
    ) -> Self {
        Self::build(key, kind, access, expire_ms, Body::Boxed(value))
    }

    /// The key.
    #[inline]
    #[must_use]
    pub fn key(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: the key lies at this offset of the block and was written when it was built.
        // JUSTIFICATION: a view into the block.
        unsafe { slice::from_raw_parts(self.at(shape.key_at()), shape.key_len) }
    }

    /// The caller's byte.
    #[inline]
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.header().kind()
    }

    /// Changes the caller's byte alone.
    pub fn set_kind(&mut self, kind: u8) {
        self.set_header(self.header().with_kind(kind));
    }

    /// Unix time in milliseconds at which the entry expires, if it does.
    #[inline]
    #[must_use]
    pub fn expire_ms(&self) -> Option<i64> {
        let shape = self.shape();
        let mut bytes = [0_u8; 8];
        if shape.expire_len == 0 {
            return None;
        }
        // SAFETY: the field lies at this offset and has `expire_len` (at most 8) bytes.
        // JUSTIFICATION: an unaligned field of the block.
        unsafe {
            ptr::copy_nonoverlapping(
                self.at(shape.expire_at()),
                bytes.as_mut_ptr(),
                shape.expire_len,
            );
        }
        Some(i64::from_le_bytes(bytes))
    }

    /// The value.
    #[inline]
    #[must_use]
    pub fn value(&self) -> ValueRef<'_, B> {
        let shape = self.shape();
        if shape.boxed_len.is_some() {
            // SAFETY: a boxed entry holds a live, 8-aligned `B` at this offset.
            // JUSTIFICATION: a view into the block.
            ValueRef::Boxed(unsafe { &*self.at(shape.boxed_at()).cast::<B>() })
        } else {
            // SAFETY: the value lies at this offset of the block and is initialised.
            // JUSTIFICATION: a view into the block.
            ValueRef::Bytes(unsafe {
                slice::from_raw_parts(self.at(shape.value_at()), shape.value_len)
            })
        }
    }

    /// The value's bytes, to be changed in place; `None` if the value is boxed.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        let shape = self.shape();
        if shape.boxed_len.is_some() {
            return None;
        }
        // SAFETY: as in `value`; the entry is borrowed mutably for the life of the slice.
        // JUSTIFICATION: a view into the block.
        Some(unsafe { slice::from_raw_parts_mut(self.at(shape.value_at()), shape.value_len) })
    }

    /// The boxed value, to be changed in place; `None` if the value is bytes.
    pub fn boxed_mut(&mut self) -> Option<&mut B> {
        let shape = self.shape();
        shape.boxed_len?;
        // SAFETY: as in `value`; the entry is borrowed mutably for the life of the reference.
        // JUSTIFICATION: a view into the block.
        Some(unsafe { &mut *self.at(shape.boxed_at()).cast::<B>() })
    }

    /// The access field.
    #[inline]
    #[must_use]
    pub fn access(&self) -> Access {
        Access(self.header().access())
    }

    /// Writes the access field; the line stays clean if nothing changes.
    #[inline]
    pub fn set_access(&mut self, access: Access) {
        if self.header().access() != access.0 {
            self.set_header(self.header().with_access(access.0));
        }
    }

    /// Replaces value, kind and expiry. Keeps the block if the new content has the same size
    /// class. A boxed value that was there is dropped.
    #[inline]
    pub fn overwrite_bytes(&mut self, kind: u8, expire_ms: Option<i64>, value: &[u8]) {
        let old = self.shape();
        let new = Shape::new(None, expire_ms, old.key_len, value.len());
        if !self.fits_in_place(&old, &new) {
            let (key, access) = (self.key(), self.access());
            *self = Self::build(key, kind, access, expire_ms, Body::Bytes(value));
            return;
        }
        // SAFETY: both shapes fit the block; the key moves inside it (regions may overlap, hence
        // `copy`), then the value, which is not part of the block, is written behind it.
        // JUSTIFICATION: overwriting in place makes SET free of allocation.
        unsafe {
            if old.key_at() != new.key_at() {
                ptr::copy(self.at(old.key_at()), self.at(new.key_at()), new.key_len);
            }
            ptr::copy_nonoverlapping(value.as_ptr(), self.at(new.value_at()), value.len());
        }
        self.write_fields(kind, self.access(), expire_ms, &new);
    }

    /// Replaces value, kind and expiry by a boxed value. What was there is dropped.
    pub fn overwrite_boxed(&mut self, kind: u8, expire_ms: Option<i64>, value: B) {
        *self = Self::build(
            self.key(),
            kind,
            self.access(),
            expire_ms,
            Body::Boxed(value),
        );
    }

    /// Sets, changes or removes the expiry (unix time in milliseconds).
    pub fn set_expire_ms(&mut self, expire_ms: Option<i64>) {
        let old = self.shape();
        let new = Shape::new(old.boxed_len, expire_ms, old.key_len, old.value_len);
        let header = self.header();
        if old.block_len() == new.block_len() {
            let tail_len = old.key_len + old.value_len;
            // SAFETY: key and value are adjacent; both places lie in the block (same size class).
            // JUSTIFICATION: an expiry often fits the slack of the block.
            unsafe { ptr::copy(self.at(old.key_at()), self.at(new.key_at()), tail_len) };
            self.write_fields(header.kind(), Access(header.access()), expire_ms, &new);
            return;
        }
        let fresh = Self::allocate(new.block_len());
        // SAFETY: the head (header, lengths, boxed value) and the tail (key, value) have the same
        // sizes in both blocks, which are distinct. The boxed value moves bit by bit: the old
        // block is released without dropping it, and `self` is replaced by the new one.
        // JUSTIFICATION: the field adds bytes to the block.
        unsafe {
            let to = fresh.as_ptr();
            ptr::copy_nonoverlapping(self.at(0), to, old.expire_at());
            let tail_len = old.key_len + old.value_len;
            ptr::copy_nonoverlapping(self.at(old.key_at()), to.add(new.key_at()), tail_len);
            Self::release(self.block, old.block_len());
        }
        self.block = fresh;
        self.write_fields(header.kind(), Access(header.access()), expire_ms, &new);
    }

    /// Gives the value bytes the length `value_len`: cut off, or filled with zeros. Returns the
    /// bytes, or `None` (and changes nothing) if the value is boxed.
    pub fn resize_bytes(&mut self, value_len: usize) -> Option<&mut [u8]> {
        let old = self.shape();
        if old.boxed_len.is_some() {
            return None;
        }
        let header = self.header();
        let expire_ms = self.expire_ms();
        let new = Shape::new(None, expire_ms, old.key_len, value_len);
        if self.fits_in_place(&old, &new) {
            if value_len > old.value_len {
                // SAFETY: the shape fits the block; the bytes behind the old value are slack.
                // JUSTIFICATION: growth inside the size class.
                unsafe {
                    let end = self.at(old.value_at() + old.value_len);
                    ptr::write_bytes(end, 0, value_len - old.value_len);
                }
            }
            self.write_fields(header.kind(), Access(header.access()), expire_ms, &new);
        } else {
            let ValueRef::Bytes(value) = self.value() else {
                return None;
            };
            let kept = value.get(..value_len).unwrap_or(value);
            let body = Body::Padded(kept, value_len);
            *self = Self::build(self.key(), header.kind(), self.access(), expire_ms, body);
        }
        self.bytes_mut()
    }

    /// Takes the boxed value out; the entry itself comes back if its value is bytes.
    ///
    /// # Errors
    ///
    /// The unchanged entry.
    pub fn into_boxed(self) -> Result<B, Self> {
        let shape = self.shape();
        if shape.boxed_len.is_none() {
            return Err(self);
        }
        let this = core::mem::ManuallyDrop::new(self);
        // SAFETY: the `B` is live and read once; the block is released without dropping it, and
        // `ManuallyDrop` keeps `drop` from running.
        // JUSTIFICATION: moving a value out of the block.
        unsafe {
            let value = this.at(shape.boxed_at()).cast::<B>().read();
            Self::release(this.block, shape.block_len());
            Ok(value)
        }
    }

    /// The same entry under another key.
    #[must_use]
    pub fn renamed(self, key: &[u8]) -> Self {
        let (kind, access, expire_ms) = (self.kind(), self.access(), self.expire_ms());
        match self.into_boxed() {
            Ok(value) => Self::new_boxed(key, kind, access, expire_ms, value),
            Err(entry) => match entry.value() {
                ValueRef::Bytes(value) => Self::new_bytes(key, kind, access, expire_ms, value),
                // `into_boxed` has just said that the value is bytes.
                ValueRef::Boxed(_) => entry,
            },
        }
    }

    /// A copy under `key`, with the same kind, access field, expiry and value.
    #[must_use]
    pub fn duplicate(&self, key: &[u8]) -> Self
    where
        B: Clone,
    {
        let body = match self.value() {
            ValueRef::Bytes(value) => Body::Bytes(value),
            ValueRef::Boxed(value) => Body::Boxed(value.clone()),
        };
        Self::build(key, self.kind(), self.access(), self.expire_ms(), body)
    }

    /// Bytes that the block occupies in the allocator (its size class), without what a boxed
    /// value owns elsewhere.
    #[inline]
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.shape().block_len()
    }

    /// Hints that the entry is about to be read.
    #[inline(always)]
    pub fn prefetch(&self) {
        prefetch_address(self.block.as_ptr());
    }

    fn build(
        key: &[u8],
        kind: u8,
        access: Access,
        expire_ms: Option<i64>,
        body: Body<'_, B>,
    ) -> Self {
        const {
            assert!(
                align_of::<B>() <= BLOCK_ALIGN,
                "a boxed value may need alignment 8"
            )
        };
        let (boxed_len, value_len) = match &body {
            Body::Bytes(value) => (None, value.len()),
            Body::Padded(_, len) => (None, *len),
            Body::Boxed(_) => (Some(size_of::<B>()), 0),
        };
        let shape = Shape::new(boxed_len, expire_ms, key.len(), value_len);
        let mut entry = Self {
            block: Self::allocate(shape.block_len()),
            owns: PhantomData,
        };
        // SAFETY: the block has room for every part of the shape, and is distinct from `key` and
        // the value. No `drop` can see the half-built block: nothing here unwinds.
        // JUSTIFICATION: one allocation per entry.
        unsafe {
            ptr::copy_nonoverlapping(key.as_ptr(), entry.at(shape.key_at()), key.len());
            let to = entry.at(shape.value_at());
            match body {
                Body::Bytes(value) => {
                    ptr::copy_nonoverlapping(value.as_ptr(), to, value.len());
                }
                Body::Padded(value, len) => {
                    let copied = value.len().min(len);
                    ptr::copy_nonoverlapping(value.as_ptr(), to, copied);
                    ptr::write_bytes(to.add(copied), 0, len - copied);
                }
                Body::Boxed(value) => entry.at(shape.boxed_at()).cast::<B>().write(value),
            }
        }
        entry.write_fields(kind, access, expire_ms, &shape);
        entry
    }

    /// Writes header, wide lengths and expiry for a shape that the block has room for.
    #[inline]
    fn write_fields(&mut self, kind: u8, access: Access, expire_ms: Option<i64>, shape: &Shape) {
        self.set_header(Header::new(kind, access.0, shape));
        // SAFETY: the shape is that of this block, so both fields lie in it; neither overlaps
        // the key, the value or a boxed value.
        // JUSTIFICATION: unaligned fields of the block.
        unsafe {
            if shape.wide {
                let lengths = [shape.key_len as u64, shape.value_len as u64];
                self.at(crate::layout::HEADER_LEN)
                    .cast::<[u64; 2]>()
                    .write(lengths);
            }
            if let Some(ms) = expire_ms {
                let bytes = ms.to_le_bytes();
                let to = self.at(shape.expire_at());
                ptr::copy_nonoverlapping(bytes.as_ptr(), to, shape.expire_len);
            }
        }
    }

    /// The new content can be written without another block.
    #[inline]
    fn fits_in_place(&self, old: &Shape, new: &Shape) -> bool {
        old.boxed_len.is_none() && old.block_len() == new.block_len() && old.wide == new.wide
    }

    #[inline(always)]
    fn header(&self) -> Header {
        // SAFETY: every block starts with an initialised, 8-aligned header.
        // JUSTIFICATION: a field of the block.
        Header(unsafe { self.block.cast::<u64>().read() })
    }

    #[inline(always)]
    fn set_header(&mut self, header: Header) {
        // SAFETY: as in `header`; the entry is borrowed mutably.
        // JUSTIFICATION: a field of the block.
        unsafe { self.block.cast::<u64>().write(header.0) }
    }

    #[inline(always)]
    fn shape(&self) -> Shape {
        let header = self.header();
        let lengths = header.is_wide().then(|| {
            // SAFETY: a wide block holds two 8-aligned words behind its header.
            // JUSTIFICATION: a field of the block.
            unsafe { self.at(crate::layout::HEADER_LEN).cast::<[u64; 2]>().read() }
        });
        Shape::decode(header, lengths, size_of::<B>())
    }

    /// The address at an offset inside the block.
    #[inline(always)]
    fn at(&self, offset: usize) -> *mut u8 {
        self.block.as_ptr().wrapping_add(offset)
    }

    fn allocate(block_len: usize) -> NonNull<u8> {
        let layout = block_layout(block_len);
        // SAFETY: a block holds at least its header, so the size is not zero.
        // JUSTIFICATION: the layout depends on the content, which no Rust type can say.
        let block = unsafe { alloc(layout) };
        NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
    }

    /// Frees a block without dropping what it holds.
    ///
    /// # Safety
    ///
    /// The block came from `allocate(block_len)` and is not used afterwards.
    unsafe fn release(block: NonNull<u8>, block_len: usize) {
        // SAFETY: promised by the caller.
        // JUSTIFICATION: the counterpart of `allocate`.
        unsafe { dealloc(block.as_ptr(), block_layout(block_len)) }
    }
}

/// Every block has this alignment.
const BLOCK_ALIGN: usize = 8;

fn block_layout(block_len: usize) -> Layout {
    // A size above `isize::MAX` cannot be had; the allocator's error is the fitting one.
    Layout::from_size_align(block_len, BLOCK_ALIGN)
        .unwrap_or_else(|_| handle_alloc_error(Layout::new::<u64>()))
}

impl<B> Drop for Entry<B> {
    #[inline]
    fn drop(&mut self) {
        let shape = self.shape();
        if let Some(value) = self.boxed_mut() {
            // SAFETY: the value is live and nothing uses it afterwards.
            // JUSTIFICATION: the block owns it.
            unsafe { ptr::drop_in_place(value) };
        }
        // SAFETY: the block has this size class and is not used afterwards.
        // JUSTIFICATION: the block is owned.
        unsafe { Self::release(self.block, shape.block_len()) }
    }
}

impl<B: Clone> Clone for Entry<B> {
    fn clone(&self) -> Self {
        self.duplicate(self.key())
    }
}

impl<B: fmt::Debug> fmt::Debug for Entry<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key())
            .field("kind", &self.kind())
            .field("access", &self.access())
            .field("expire_ms", &self.expire_ms())
            .field("value", &self.value())
            .finish()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests;
