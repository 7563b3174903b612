//! AES-256-GCM of aws-lc-rs, which TLS uses too: several times as fast as portable code.

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use vk_persist::seal::{self, Aead, AesGcm, Key, NONCE_BYTES, SealFault, Suite, Tag};

/// The library.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AwsLc;

impl Suite for AwsLc {
    fn aead(&self, key: &Key) -> Box<dyn Aead> {
        match UnboundKey::new(&aead::AES_256_GCM, key.bytes()) {
            Ok(key) => Box::new(Fast(LessSafeKey::new(key))),
            // The library refuses no key of this length; if it did, the other one does the same.
            Err(_) => AesGcm.aead(key),
        }
    }
}

struct Fast(LessSafeKey);

impl Aead for Fast {
    fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<Tag, SealFault> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let sealed = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), data);
        let tag = sealed.map_err(|_| SealFault::TooLong)?;
        let tag = <[u8; seal::TAG_BYTES]>::try_from(tag.as_ref());
        tag.map(Tag).map_err(|_| SealFault::TooLong)
    }

    fn open<'d>(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        data: &'d mut [u8],
    ) -> Option<&'d mut [u8]> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_in_place(nonce, Aad::from(aad), data).ok()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn both_libraries_write_and_read_the_same() {
        let key = Key::new([7; 32]);
        let (fast, portable) = (AwsLc.aead(&key), AesGcm.aead(&key));
        for len in [0, 1, 16, 1000, 65_536] {
            let plain: Vec<u8> = (0..len).map(|at: usize| at.to_le_bytes()[0]).collect();
            let (mut one, mut other) = (plain.clone(), plain.clone());
            let nonce = [5; NONCE_BYTES];
            let tag = fast.seal(&nonce, b"aad", &mut one).unwrap();
            assert_eq!(tag, portable.seal(&nonce, b"aad", &mut other).unwrap());
            assert_eq!(one, other);
            one.extend_from_slice(&tag.0);
            let mut changed = one.clone();
            changed[len] ^= 1;
            assert!(fast.open(&nonce, b"aad", &mut changed).is_none());
            assert!(fast.open(&nonce, b"aae", &mut one.clone()).is_none());
            assert_eq!(fast.open(&nonce, b"aad", &mut one.clone()).unwrap(), plain);
            assert_eq!(portable.open(&nonce, b"aad", &mut one).unwrap(), plain);
        }
        assert!(fast.open(&[0; NONCE_BYTES], b"", &mut [0; 15]).is_none());
    }
}
