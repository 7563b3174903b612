//! Encryption at rest: files that only the holder of a key can read, and that nobody else can
//! change unnoticed. Files, clocks and randomness are not known here: bytes go in and come out.
//!
//! Every file has a random key of its own, which its [`Header`] holds wrapped under a key of the
//! operator ([`Keyring`]), so that another key of the operator changes the header alone. Behind the
//! header a file that is written in one go is a [`stream`], one that grows is a row of [`frames`].
//! Short texts that say which files there are remain readable and are [`signed`].

pub mod check;
mod cipher;
mod fault;
pub mod frames;
mod header;
mod hex;
mod key;
mod list;
mod register;
pub mod signed;
pub mod stream;

pub use cipher::{Aead, AesGcm, NONCE_BYTES, Suite, TAG_BYTES, Tag};
pub use fault::SealFault;
pub use header::{FileRandom, Header, Kind, MAGIC};
pub use hex::{Hex, from_hex};
pub use key::{DatasetId, FileId, KEY_BYTES, Key, KeyFileFault, KeyId, Keyring};
pub use list::{Closed, FileNote, LogList};
pub use register::{LogNote, Register, SnapshotNote};
