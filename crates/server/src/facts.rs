//! What a process tells of itself: identity, entropy, the banner.
//! Nothing here changes while the server runs.

use std::{env, path::Path};

use vk_data::table::HashSeed;
use vk_engine::{Identity, Seeds, config::Config, config::id, version};
use vk_mem::CpuFeatures;

use crate::{allocator, host::system_memory_bytes};

/// Our own version.
pub(crate) const VERSION: &str = version::VERIKEY;

/// The Valkey version that the engine announces.
pub(crate) const VALKEY_VERSION: &str = version::VALKEY;

/// Instructions of this processor that bitmaps and HyperLogLogs make use of.
pub(crate) fn cpu_features() -> CpuFeatures {
    #[cfg(target_arch = "x86_64")]
    {
        CpuFeatures {
            avx2: std::is_x86_feature_detected!("avx2"),
            avx512: std::is_x86_feature_detected!("avx512vpopcntdq"),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        CpuFeatures::default()
    }
}

/// Facts for INFO.
pub(crate) fn identity(config_file: Option<&Path>, supervised: &str) -> Identity {
    let uname = rustix::system::uname();
    let os = [uname.sysname(), uname.release(), uname.machine()]
        .map(|part| part.to_string_lossy().into_owned())
        .join(" ");
    Identity {
        executable: env::current_exe()
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        config_file: config_file
            .map(|path| path.display().to_string())
            .unwrap_or_default(),
        process_id: std::process::id(),
        os,
        compiler: compiler(),
        allocator: allocator::name(),
        supervised: supervised.to_owned(),
        system_memory_bytes: system_memory_bytes(),
        listeners: Vec::new(),
    }
}

/// The release of the compiler as three numbers: tools read fields named `*_version` as such.
fn compiler() -> String {
    let minimum = env!("CARGO_PKG_RUST_VERSION");
    let numbers = minimum.split('.').chain(std::iter::repeat("0"));
    numbers.take(3).collect::<Vec<_>>().join(".")
}

/// Draws the entropy of one run. A `hash-seed` fixes the key of the hash function, for tests.
///
/// # Errors
/// When the system has no entropy to give.
pub(crate) fn seeds(config: &Config) -> Result<Seeds, getrandom::Error> {
    let word = |word: &mut u64| -> Result<(), getrandom::Error> {
        *word = getrandom::u64()?;
        Ok(())
    };
    let mut words = [0; 8];
    words.iter_mut().try_for_each(word)?;
    let [mut k0, mut k1, a, b, c, d, e, f] = words;
    let fixed = config.bytes(id::HASH_SEED);
    if !fixed.is_empty() {
        let digest = vk_engine::sha256(fixed);
        let half = |at: usize| {
            digest
                .iter()
                .skip(at)
                .take(8)
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        (k0, k1) = (half(0), half(8));
    }
    let mut tail = [0; 4];
    getrandom::fill(&mut tail)?;
    let run_id = format!("{e:016x}{f:016x}{:08x}", u32::from_ne_bytes(tail));
    // The generator's state must not be all zero, which chance gives once in 2^256.
    Ok(Seeds {
        hash: HashSeed { k0, k1 },
        random: [a | 1, b, c, d],
        run_id,
    })
}

/// The picture that is shown on a terminal, or when `always-show-logo` asks for it. Tools look
/// for the process id in it.
pub(crate) fn logo(valkey: &str, port: u16) -> String {
    let bits = usize::BITS;
    let pid = std::process::id();
    format!(
        r"
   \\            //
    \\    /\    //      Verikey {VERSION} (Valkey {valkey}) {bits} bit
     \\  /  \  //
      \\/ () \//        Running in standalone mode
       \\ ][ //         Port: {port}
        \\][//          PID: {pid}
         \__/

"
    )
}
