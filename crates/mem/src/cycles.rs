//! The processor's own counter of time. It does not know how fast it runs; who reads it finds out.
#![cfg_attr(
    all(target_arch = "x86_64", not(miri)),
    expect(unsafe_code, reason = "the counter is read by an intrinsic")
)]

/// The counter now, where there is one: x86-64's time-stamp counter. Whether it runs at a constant
/// rate, and alike on all cores, is for the caller to know. Neighbouring instructions may be
/// reordered around the read, by a few nanoseconds.
#[inline(always)]
#[must_use]
pub fn cycle_counter() -> Option<u64> {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // SAFETY: every x86-64 processor has the instruction; it reads and writes no memory.
        // JUSTIFICATION: the kernel's clock costs two to five times as much, for every request.
        Some(unsafe { core::arch::x86_64::_rdtsc() })
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::cycle_counter;

    #[test]
    fn it_counts_where_there_is_one() {
        let is_there = cfg!(all(target_arch = "x86_64", not(miri)));
        let before = cycle_counter();
        assert_eq!(before.is_some(), is_there);
        std::thread::sleep(core::time::Duration::from_millis(2));
        // The slowest counters run at some ten megahertz.
        let passed = cycle_counter()
            .zip(before)
            .map(|(now, then)| now.wrapping_sub(then));
        assert!(passed.is_none_or(|counts| counts > 10_000 && counts < 1 << 40));
    }
}
