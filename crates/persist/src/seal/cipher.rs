//! The cipher as the formats need it: authenticated encryption with a nonce of 12 bytes and a tag
//! of 16. The formats use AES-256-GCM; whoever has a faster one than [`AesGcm`] brings it.

use alloc::boxed::Box;
use core::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{AeadInOut as _, Tag as GcmTag},
};

use super::{Key, SealFault};

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Bytes of a tag.
pub const TAG_BYTES: usize = 16;

/// What authenticates a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tag(pub [u8; TAG_BYTES]);

/// AES-256-GCM under one key.
pub trait Aead: Send + Sync {
    /// Encrypts `data` in place. A nonce is used once.
    ///
    /// # Errors
    /// It is too long for the cipher.
    fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<Tag, SealFault>;

    /// Decrypts `data` in place, which ends with the tag, and gives the bytes before the tag. If it
    /// is not authentic there is nothing, and `data` is of no use.
    fn open<'d>(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        data: &'d mut [u8],
    ) -> Option<&'d mut [u8]>;
}

/// Makes ciphers of keys.
pub trait Suite: Send + Sync {
    /// The cipher under a key.
    fn aead(&self, key: &Key) -> Box<dyn Aead>;
}

/// The cipher in portable code, which uses the processor's instructions where they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct AesGcm;

impl Suite for AesGcm {
    fn aead(&self, key: &Key) -> Box<dyn Aead> {
        Box::new(Portable(Aes256Gcm::new(key.bytes().into())))
    }
}

struct Portable(Aes256Gcm);

impl fmt::Debug for Portable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Portable(..)")
    }
}

impl Aead for Portable {
    fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<Tag, SealFault> {
        let nonce: &Nonce<_> = nonce.into();
        let tag = self.0.encrypt_inout_detached(nonce, aad, data.into());
        tag.map(|tag| Tag(tag.into()))
            .map_err(|_| SealFault::TooLong)
    }

    fn open<'d>(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        data: &'d mut [u8],
    ) -> Option<&'d mut [u8]> {
        let nonce: &Nonce<_> = nonce.into();
        let (data, tag) = data.split_last_chunk_mut::<TAG_BYTES>()?;
        let tag: &GcmTag<Aes256Gcm> = (&*tag).into();
        self.0
            .decrypt_inout_detached(nonce, aad, (&mut *data).into(), tag)
            .ok()?;
        Some(data)
    }
}
