//! Prefetch hints. They change no result; on other processors they are nothing.
#![cfg_attr(
    all(
        not(miri),
        any(
            all(target_arch = "x86_64", target_feature = "sse"),
            target_arch = "aarch64"
        )
    ),
    expect(
        unsafe_code,
        reason = "the prefetch instruction is reached through unsafe only"
    )
)]

/// Asks the processor to bring the cache line at the start of `target` near. Never faults.
#[inline(always)]
pub fn prefetch_read<T: ?Sized>(target: &T) {
    let address = core::ptr::from_ref(target).cast::<u8>();
    prefetch_address(address);
}

/// As [`prefetch_read`], for an address inside one of this crate's allocations.
#[inline(always)]
pub(crate) fn prefetch_address(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
    // SAFETY: the instruction is a hint: it neither reads nor writes as far as the language is
    // concerned and does not fault on any address. SSE is part of the target.
    // JUSTIFICATION: batches overlap their cache misses, which is most of a command's cost.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: PRFM is a hint that does not fault; it changes no register, flag or memory.
    // JUSTIFICATION: as above; the intrinsic is not stable on this architecture.
    unsafe {
        core::arch::asm!(
            "prfm pldl1keep, [{0}]",
            in(reg) address,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(any(
        miri,
        not(any(
            all(target_arch = "x86_64", target_feature = "sse"),
            target_arch = "aarch64"
        ))
    ))]
    let _ = address;
}
