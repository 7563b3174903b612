//! Blocks of a size class: getting, resizing and freeing them, and copying into them. What lies in
//! them is the business of their owners.
#![expect(unsafe_code, reason = "the allocator's interface is unsafe")]

use core::alloc::Layout;
use core::ptr::NonNull;

use std_alloc::alloc::{alloc, dealloc, handle_alloc_error, realloc};

/// Every block has this alignment.
const BLOCK_ALIGN: usize = 8;

/// A block of `size` bytes, which is a size class and not zero.
pub(crate) fn allocate(size: usize) -> NonNull<u8> {
    let layout = layout(size.max(BLOCK_ALIGN));
    // SAFETY: the size is not zero.
    // JUSTIFICATION: the size depends on the content, which no Rust type can say.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// The block with another size (a size class, not zero); what fits both sizes is kept.
///
/// # Safety
///
/// The block came from [`allocate`] or `resize` with the size `old`, and is not used afterwards.
pub(crate) unsafe fn resize(block: NonNull<u8>, old: usize, new: usize) -> NonNull<u8> {
    let (old, new) = (layout(old.max(BLOCK_ALIGN)), layout(new.max(BLOCK_ALIGN)));
    // SAFETY: the block has the old layout, as the caller promises; the new size is not zero and
    // was a valid layout just now.
    // JUSTIFICATION: large blocks may grow where they are.
    let moved = unsafe { realloc(block.as_ptr(), old, new.size()) };
    NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(new))
}

/// Frees a block.
///
/// # Safety
///
/// The block came from [`allocate`] or [`resize`] with this size, and is not used afterwards.
pub(crate) unsafe fn release(block: NonNull<u8>, size: usize) {
    // SAFETY: promised by the caller.
    // JUSTIFICATION: the counterpart of `allocate`.
    unsafe { dealloc(block.as_ptr(), layout(size.max(BLOCK_ALIGN))) }
}

fn layout(size: usize) -> Layout {
    // A size above `isize::MAX` cannot be had; the allocator's error is the fitting one.
    Layout::from_size_align(size, BLOCK_ALIGN)
        .unwrap_or_else(|_| handle_alloc_error(Layout::new::<u64>()))
}
