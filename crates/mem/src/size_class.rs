//! The size classes of jemalloc with a quantum of 8 bytes. Not an allocator and not a query of one:
//! accounting must give the same figure on every machine.

/// The bytes that a request of `size` occupies: multiples of 8 up to 64, then four classes per
/// doubling (80, 96, 112, 128, 160, ...). Zero stays zero; a size whose class does not fit a
/// `usize` is returned as it is (no such request can succeed).
///
/// Source: jemalloc(3), "Size classes", with `--with-lg-quantum=3`.
#[must_use]
pub const fn size_class(size: usize) -> usize {
    let delta = if size <= 64 {
        8
    } else {
        // size lies in (2^lg, 2^(lg+1)]: the four classes there are 2^(lg-2) apart.
        let lg = (size - 1).ilog2();
        1_usize << (lg - 2)
    };
    // The step is a power of two; rounding by mask spares the hot path a division.
    match size.checked_add(delta - 1) {
        Some(end) => end & !(delta - 1),
        None => size,
    }
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn classes_follow_the_manual() {
        let classes = [
            8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448,
            512, 640, 768, 896, 1024, 1280,
        ];
        let mut size = 1;
        for class in classes {
            while size <= class {
                assert_eq!(size_class(size), class, "size {size}");
                size += 1;
            }
        }
        assert_eq!(size_class(0), 0);
        assert_eq!(size_class(4096), 4096);
        assert_eq!(size_class(4097), 5120);
        assert_eq!(size_class(usize::MAX), usize::MAX);
    }
}
