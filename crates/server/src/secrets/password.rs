//! The generated password of the admin and its verifier.
//!
//! A fixed prefix lets scanners find a leaked one; 256 random bits make a plain SHA-256 of it as
//! good a verifier as a slow one. Passwords that people choose are not handled here.

use std::path::Path;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{AdminPassword, SecretsError, store};

/// What every generated password of the admin begins with.
pub(crate) const PREFIX: &str = "vks_admin_";
const RANDOM_BYTES: usize = 32;
/// Three bytes of checksum make the base32 text come out even.
const CHECKSUM_BYTES: usize = 3;
/// Lower case without 0, 1, 8 and 9: safe to read out and to select with a double click.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A new password from the system's random source.
pub(super) fn generate() -> Result<AdminPassword, SecretsError> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(&mut *bytes).map_err(|error| SecretsError::Crypto {
        what: "password",
        why: error.to_string(),
    })?;
    Ok(AdminPassword(from_random(&bytes)))
}

fn from_random(random: &[u8; RANDOM_BYTES]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(PREFIX.to_owned());
    let digest = Sha256::new()
        .chain_update(PREFIX)
        .chain_update(random)
        .finalize();
    let checksum = digest.iter().take(CHECKSUM_BYTES);
    let (mut pending, mut bits) = (0_u32, 0_u32);
    for &byte in random.iter().chain(checksum) {
        pending = (pending << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let digit = usize::try_from((pending >> bits) & 31).unwrap_or_default();
            text.extend(ALPHABET.get(digit).map(|&byte| char::from(byte)));
        }
        pending &= 31;
    }
    text
}

/// The SHA-256 of a password.
pub(crate) fn verifier(password: &str) -> [u8; 32] {
    Sha256::digest(password).into()
}

/// The verifier as the file holds it.
pub(super) fn verifier_text(password: &str) -> String {
    verifier(password)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .chain(["\n".to_owned()])
        .collect()
}

/// Reads a verifier file.
pub(super) fn read_verifier(path: &Path) -> Result<[u8; 32], SecretsError> {
    let text = store::read(path)?;
    parse_verifier(text.trim_end()).ok_or_else(|| SecretsError::Damaged {
        path: path.to_owned(),
    })
}

fn parse_verifier(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; 32];
    for (index, byte) in out.iter_mut().enumerate() {
        let at = index * 2;
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn passwords_are_long_plain_and_different() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        assert_ne!(*one.0, *two.0);
        let body = one.0.strip_prefix(PREFIX).unwrap();
        assert_eq!(body.len(), 56);
        assert!(body.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert!(!format!("{one:?}").contains(body));
    }

    #[test]
    fn the_text_carries_every_bit() {
        let zero = from_random(&[0; 32]);
        assert!(zero.starts_with("vks_admin_aaaaaaaa"));
        for bit in 0..256 {
            let mut random = [0; 32];
            random[bit / 8] = 1 << (bit % 8);
            let text = from_random(&random);
            assert_ne!(text[10..62], zero[10..62], "{bit}");
        }
    }

    #[test]
    fn verifiers_round_trip() {
        let text = verifier_text("abc");
        assert!(text.starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert_eq!(parse_verifier(text.trim_end()), Some(verifier("abc")));
        assert_eq!(parse_verifier("ba"), None);
        assert_eq!(parse_verifier(&"+".repeat(64)), None);
    }
}
