//! What the processor can do: told from outside, kept for the whole process. There is no detection
//! here; what is told is believed only as far as the processor itself says the same.

use core::sync::atomic::{AtomicU8, Ordering};

/// Sets of instructions that the kernels may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuFeatures {
    /// AVX2 with POPCNT and BMI.
    pub avx2: bool,
    /// AVX-512 F, BW, VL and VPOPCNTDQ.
    pub avx512: bool,
}

/// Which copy of the kernels runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Portable,
    Avx2,
    Avx512,
}

/// One fact about the machine, the same for all threads; results do not depend on it.
static LEVEL: AtomicU8 = AtomicU8::new(PORTABLE);

const PORTABLE: u8 = 0;
const AVX2: u8 = 1;
const AVX512: u8 = 2;

/// The level in use.
#[inline]
#[cfg_attr(
    any(not(target_arch = "x86_64"), miri),
    expect(dead_code, reason = "there is one level there")
)]
pub(super) fn level() -> Level {
    match LEVEL.load(Ordering::Relaxed) {
        AVX512 => Level::Avx512,
        AVX2 => Level::Avx2,
        _ => Level::Portable,
    }
}

/// Allows these instructions, as far as the processor has them. Called once at the start by whoever
/// may look at the machine; without it the portable code runs.
pub fn set_cpu_features(allowed: CpuFeatures) {
    let present = present();
    let level = if allowed.avx512 && present.avx512 {
        AVX512
    } else if allowed.avx2 && present.avx2 {
        AVX2
    } else {
        PORTABLE
    };
    LEVEL.store(level, Ordering::Relaxed);
}

/// What the processor says and the operating system lets programs use. A caller that is mistaken
/// would otherwise make safe code execute instructions that are not there.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn present() -> CpuFeatures {
    use core::arch::x86_64::{__cpuid, __cpuid_count};

    let has = |register: u32, bits: &[u32]| bits.iter().all(|bit| register >> bit & 1 == 1);
    if __cpuid(0).eax < 7 {
        return CpuFeatures::default();
    }
    let (basic, extended) = (__cpuid(1), __cpuid_count(7, 0));
    // SSE4.2 and POPCNT, OSXSAVE, AVX.
    if !has(basic.ecx, &[20, 23, 27, 28]) {
        return CpuFeatures::default();
    }
    let saved = saved_state();
    // BMI1, AVX2, BMI2; the state of XMM and YMM is kept.
    let avx2 = has(extended.ebx, &[3, 5, 8]) && saved & 0x6 == 0x6;
    // F, DQ, CD, BW, VL; VPOPCNTDQ; the masks and both halves of ZMM are kept.
    let avx512 = avx2
        && has(extended.ebx, &[16, 17, 28, 30, 31])
        && has(extended.ecx, &[14])
        && saved & 0xe0 == 0xe0;
    CpuFeatures { avx2, avx512 }
}

/// The registers that the operating system keeps for each thread.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[expect(unsafe_code, reason = "the register is read by an intrinsic")]
fn saved_state() -> u64 {
    #[target_feature(enable = "xsave")]
    fn read() -> u64 {
        // SAFETY: register 0 exists wherever OSXSAVE is reported, which the caller has looked at.
        // JUSTIFICATION: the only way to learn it without the standard library.
        unsafe { core::arch::x86_64::_xgetbv(0) }
    }
    // SAFETY: OSXSAVE was reported, so the instruction is there.
    // JUSTIFICATION: see above.
    unsafe { read() }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
const fn present() -> CpuFeatures {
    CpuFeatures {
        avx2: false,
        avx512: false,
    }
}
