//! The beginning of an encrypted file, 128 bytes:
//!
//! ```text
//!   0  VKSEALED
//!   8  version, 1
//!   9  kind of file
//!  10  0 0
//!  12  dataset                      what is fixed for the life of the file,
//!  28  generation, big endian       and part of the derivation of its key
//!  36  file
//!  52  name of the operator's key   what another key changes
//!  68  nonce
//!  80  key of the file, encrypted under the operator's, with its tag
//! ```

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

use super::{
    Aead, DatasetId, FileId, KEY_BYTES, Key, KeyId, Keyring, NONCE_BYTES, SealFault, Suite,
    TAG_BYTES,
};

/// How every encrypted file begins.
pub const MAGIC: [u8; 8] = *b"VKSEALED";
/// The version that is written, and the only one so far.
const VERSION: u8 = 1;
/// Bytes that are fixed for the life of a file.
const FIXED_BYTES: usize = 52;
/// Bytes of the key of the file as it is stored.
const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// What a file is for: none can take the place of one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A snapshot.
    Snapshot,
    /// The base of an append-only file.
    Base,
    /// An increment of an append-only file.
    Increment,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Snapshot, Self::Base, Self::Increment];

    const fn number(self) -> u8 {
        match self {
            Self::Snapshot => 1,
            Self::Base => 2,
            Self::Increment => 3,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Snapshot => "a snapshot",
            Self::Base => "the base of an append-only file",
            Self::Increment => "an increment of an append-only file",
        })
    }
}

/// What a new file needs of chance.
pub struct FileRandom {
    /// Names it.
    pub file: [u8; 16],
    /// Encrypts it.
    pub key: Zeroizing<[u8; KEY_BYTES]>,
    /// For wrapping that key.
    pub nonce: [u8; NONCE_BYTES],
}

impl fmt::Debug for FileRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileRandom(..)")
    }
}

/// The beginning of an encrypted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    kind: u8,
    /// The dataset it belongs to.
    pub dataset: DatasetId,
    /// Grows with every file of the dataset.
    pub generation: u64,
    /// Its name, which it keeps.
    pub file: FileId,
    /// The operator's key.
    pub key: KeyId,
    nonce: [u8; NONCE_BYTES],
    wrapped: [u8; WRAPPED_BYTES],
}

impl Header {
    /// Bytes of a header.
    pub const BYTES: usize = FIXED_BYTES + 16 + NONCE_BYTES + WRAPPED_BYTES;

    /// The header of a new file, and the key that its contents are encrypted under.
    ///
    /// # Errors
    /// There is no key of the operator.
    pub fn begin(
        kind: Kind,
        dataset: DatasetId,
        generation: u64,
        random: FileRandom,
        suite: &dyn Suite,
        keyring: &Keyring,
    ) -> Result<(Self, Box<dyn Aead>), SealFault> {
        let file_key = Key::new(*random.key);
        let mut header = Self {
            kind: kind.number(),
            dataset,
            generation,
            file: FileId(random.file),
            key: KeyId([0; 16]),
            nonce: random.nonce,
            wrapped: [0; WRAPPED_BYTES],
        };
        header.wrap(&file_key, suite, keyring)?;
        let aead = header.contents(&file_key, suite);
        Ok((header, aead))
    }

    /// Reads the beginning of a file. What it says is to be believed after [`Header::open`].
    ///
    /// # Errors
    /// It is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, SealFault> {
        if !bytes.starts_with(&MAGIC) {
            return Err(SealFault::Plain);
        }
        let (bytes, _) = bytes
            .split_first_chunk::<{ Self::BYTES }>()
            .ok_or(SealFault::ShortHeader)?;
        let mut rest = bytes.as_slice();
        let _magic: [u8; 8] = take(&mut rest)?;
        let [version, kind, zeros @ ..] = take::<4>(&mut rest)?;
        if version != VERSION {
            return Err(SealFault::Version(version));
        }
        if zeros != [0; 2] {
            return Err(SealFault::Header);
        }
        Ok(Self {
            kind,
            dataset: DatasetId(take(&mut rest)?),
            generation: u64::from_be_bytes(take(&mut rest)?),
            file: FileId(take(&mut rest)?),
            key: KeyId(take(&mut rest)?),
            nonce: take(&mut rest)?,
            wrapped: take(&mut rest)?,
        })
    }

    /// What the file is for, if that is known.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.number() == self.kind)
    }

    /// The key that the contents are encrypted under. The header is authentic then.
    ///
    /// # Errors
    /// Why there is none: no such key of the operator, a header that was changed, another kind of
    /// file.
    pub fn open(
        &self,
        wanted: Kind,
        suite: &dyn Suite,
        keyring: &Keyring,
    ) -> Result<Box<dyn Aead>, SealFault> {
        let file_key = self.unwrap_key(suite, keyring)?;
        if self.kind != wanted.number() {
            let found = self.kind;
            return Err(SealFault::Kind { found, wanted });
        }
        Ok(self.contents(&file_key, suite))
    }

    /// Wraps the key of the file anew under the key that encrypts; its contents stay.
    ///
    /// # Errors
    /// As [`Header::open`].
    pub fn rewrap(
        &mut self,
        nonce: [u8; NONCE_BYTES],
        suite: &dyn Suite,
        keyring: &Keyring,
    ) -> Result<(), SealFault> {
        let file_key = self.unwrap_key(suite, keyring)?;
        self.nonce = nonce;
        self.wrap(&file_key, suite, keyring)
    }

    fn unwrap_key(&self, suite: &dyn Suite, keyring: &Keyring) -> Result<Key, SealFault> {
        let key = keyring
            .find(self.key)
            .ok_or(SealFault::UnknownKey(self.key))?;
        let mut wrapped = Zeroizing::new(self.wrapped);
        let aead = suite.aead(&key.wrap);
        let opened = aead.open(&self.nonce, &self.wrapping_aad(), wrapped.as_mut_slice());
        let bytes = opened.and_then(|bytes| <[u8; KEY_BYTES]>::try_from(&*bytes).ok());
        bytes.map(Key::new).ok_or(SealFault::Header)
    }

    fn wrap(
        &mut self,
        file_key: &Key,
        suite: &dyn Suite,
        keyring: &Keyring,
    ) -> Result<(), SealFault> {
        let key = keyring
            .first()
            .ok_or(SealFault::UnknownKey(KeyId([0; 16])))?;
        self.key = key.id;
        let mut bytes = Zeroizing::new(*file_key.bytes());
        let aead = suite.aead(&key.wrap);
        let tag = aead.seal(&self.nonce, &self.wrapping_aad(), bytes.as_mut_slice())?;
        let (first, last) = self.wrapped.split_at_mut(KEY_BYTES);
        first.copy_from_slice(bytes.as_slice());
        last.copy_from_slice(&tag.0);
        Ok(())
    }

    /// Whatever of the header never changes is part of the key, and so bound to every piece of the
    /// contents.
    fn contents(&self, file_key: &Key, suite: &dyn Suite) -> Box<dyn Aead> {
        let purpose: [&[u8]; 2] = [b"verikey at rest 1 contents", &self.fixed()];
        suite.aead(&file_key.derive(&self.file.0, &purpose))
    }

    fn wrapping_aad(&self) -> Vec<u8> {
        let mut aad = self.fixed().to_vec();
        aad.extend_from_slice(&self.key.0);
        aad
    }

    fn fixed(&self) -> [u8; FIXED_BYTES] {
        let mut bytes = [0; FIXED_BYTES];
        let parts: [&[u8]; 5] = [
            &MAGIC,
            &[VERSION, self.kind, 0, 0],
            &self.dataset.0,
            &self.generation.to_be_bytes(),
            &self.file.0,
        ];
        let source = parts.into_iter().flatten();
        bytes
            .iter_mut()
            .zip(source)
            .for_each(|(to, from)| *to = *from);
        bytes
    }

    /// The header as it is written.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.wrapping_aad();
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.wrapped);
        out
    }
}

/// Takes the first bytes off.
fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], SealFault> {
    let (first, rest) = bytes.split_first_chunk().ok_or(SealFault::ShortHeader)?;
    *bytes = rest;
    Ok(*first)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::seal::{AesGcm, check};

    fn header() -> (Header, Keyring) {
        let ring = check::keyring(&[1]);
        let (header, _) = Header::begin(
            Kind::Snapshot,
            DatasetId([3; 16]),
            7,
            check::random(1),
            &AesGcm,
            &ring,
        )
        .unwrap();
        (header, ring)
    }

    #[test]
    fn it_survives_and_opens() {
        let (header, ring) = header();
        let bytes = header.encode();
        assert_eq!(bytes.len(), Header::BYTES);
        assert_eq!(Header::BYTES, 128);
        let again = Header::parse(&bytes).unwrap();
        assert_eq!(again, header);
        assert_eq!(again.kind(), Some(Kind::Snapshot));
        assert!(again.open(Kind::Snapshot, &AesGcm, &ring).is_ok());
        let fault = again.open(Kind::Base, &AesGcm, &ring).err().unwrap();
        assert!(matches!(fault, SealFault::Kind { found: 1, .. }));
        let fault = again
            .open(Kind::Snapshot, &AesGcm, &check::keyring(&[2]))
            .err();
        assert_eq!(fault, Some(SealFault::UnknownKey(header.key)));
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let (header, ring) = header();
        let bytes = header.encode();
        let opens = |bytes: &[u8]| {
            let header = Header::parse(bytes)?;
            header.open(Kind::Snapshot, &AesGcm, &ring).map(|_| ())
        };
        assert_eq!(opens(&bytes), Ok(()));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(opens(&changed).is_err(), "{bit}");
        }
        for end in 0..bytes.len() {
            let wanted = if end < MAGIC.len() {
                SealFault::Plain
            } else {
                SealFault::ShortHeader
            };
            assert_eq!(opens(&bytes[..end]), Err(wanted), "{end}");
        }
    }

    #[test]
    fn another_key_changes_the_header_alone() {
        let (header, _) = header();
        let both = check::keyring(&[2, 1]);
        let mut next = header.clone();
        next.rewrap([9; 12], &AesGcm, &both).unwrap();
        assert_ne!(next.key, header.key);
        let new = check::keyring(&[2]);
        let aead = next.open(Kind::Snapshot, &AesGcm, &new).unwrap();
        let before = header.open(Kind::Snapshot, &AesGcm, &both).unwrap();
        let mut data = *b"the same contents";
        let tag = before.seal(&[0; 12], b"", &mut data).unwrap();
        let mut sealed = data.to_vec();
        sealed.extend_from_slice(&tag.0);
        let opened = aead.open(&[0; 12], b"", &mut sealed).unwrap();
        assert_eq!(opened, b"the same contents");
        let fault = header.clone().rewrap([9; 12], &AesGcm, &new).err();
        assert_eq!(fault, Some(SealFault::UnknownKey(header.key)));
    }
}
