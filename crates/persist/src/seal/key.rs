//! The operator's keys: where they come from, what is derived of them, and which of several is
//! meant. A key is wiped when it is dropped and never shown.

use alloc::{borrow::ToOwned as _, string::String, vec::Vec};
use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::hex::from_hex;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// A secret key.
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

/// Names a key without telling it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 16]);

/// Names a dataset: all that one server has written since its first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetId(pub [u8; 16]);

/// Names a file, wherever it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId(pub [u8; 16]);

impl Key {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key of a passphrase, for this dataset: the same words give every dataset another key.
    ///
    /// scrypt with 128 MiB; it takes a good part of a second.
    #[must_use]
    pub fn of_passphrase(passphrase: &[u8], dataset: DatasetId) -> Option<Self> {
        // RFC 7914. The figures are those that OWASP's cheat sheet on passwords recommends.
        const LOG_N: u8 = 17;
        const R: u32 = 8;
        const P: u32 = 1;
        let params = scrypt::Params::new(LOG_N, R, P).ok()?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        scrypt::scrypt(passphrase, &dataset.0, &params, key.as_mut_slice()).ok()?;
        Some(Self(key))
    }

    /// The bytes, for a cipher.
    #[must_use]
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Another key that tells nothing about this one (HKDF-SHA-256, RFC 5869).
    #[must_use]
    pub fn derive(&self, salt: &[u8], purpose: &[&[u8]]) -> Self {
        let extracted = Zeroizing::new(hmac(salt, &[self.bytes()]));
        let mut parts = purpose.to_vec();
        parts.push(&[1]);
        Self::new(hmac(&*extracted, &parts))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// HMAC-SHA-256 of parts one behind the other.
pub(super) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Keys of the operator: the first one encrypts, all of them decrypt.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Derived>,
}

/// What is used of a key.
#[derive(Debug)]
pub(super) struct Derived {
    pub(super) id: KeyId,
    /// Wraps the keys of files.
    pub(super) wrap: Key,
    /// Signs texts.
    pub(super) sign: Key,
}

impl Keyring {
    /// Adds a key, unless it is there already.
    pub fn add(&mut self, key: &Key) {
        let id = id(key);
        if self.find(id).is_some() {
            return;
        }
        self.keys.push(Derived {
            id,
            wrap: key.derive(b"", &[b"verikey at rest 1 wrap"]),
            sign: key.derive(b"", &[b"verikey at rest 1 sign"]),
        });
    }

    /// The key that encrypts.
    #[must_use]
    pub fn current(&self) -> Option<KeyId> {
        self.keys.first().map(|key| key.id)
    }

    /// The names of all keys.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|key| key.id)
    }

    pub(super) fn first(&self) -> Option<&Derived> {
        self.keys.first()
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&Derived> {
        self.keys.iter().find(|key| key.id == id)
    }
}

/// The name of a key.
fn id(key: &Key) -> KeyId {
    let derived = key.derive(b"", &[b"verikey at rest 1 id"]);
    let (id, _) = derived
        .bytes()
        .split_first_chunk()
        .unwrap_or((&[0; 16], &[]));
    KeyId(*id)
}

/// What is wrong with a file of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyFileFault {
    /// There is none in it.
    Empty,
    /// This line is none.
    Line(usize),
}

impl fmt::Display for KeyFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("holds no key"),
            Self::Line(line) => write!(
                f,
                "has a line {line} that is no key of 64 hexadecimal digits"
            ),
        }
    }
}

impl core::error::Error for KeyFileFault {}

impl Key {
    /// The keys of a file: 32 bytes, or a key of 64 hexadecimal digits per line, where empty lines
    /// and those that begin with `#` mean nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse_file(bytes: &[u8]) -> Result<Vec<Self>, KeyFileFault> {
        if let Ok(key) = <[u8; KEY_BYTES]>::try_from(bytes) {
            return Ok(alloc::vec![Self::new(key)]);
        }
        let mut keys = Vec::new();
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let digits = from_hex(line).map(Zeroizing::new);
            let key = digits.and_then(|digits| <[u8; KEY_BYTES]>::try_from(digits.as_slice()).ok());
            keys.push(Self::new(key.ok_or(KeyFileFault::Line(at + 1))?));
        }
        if keys.is_empty() {
            return Err(KeyFileFault::Empty);
        }
        Ok(keys)
    }

    /// The passphrase of a file: its first line, or nothing if that is empty.
    #[must_use]
    pub fn parse_passphrase(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.is_empty()).then(|| Zeroizing::new(line.to_owned()))
    }
}

impl KeyId {
    /// The name as digits.
    #[must_use]
    pub fn text(&self) -> String {
        alloc::format!("{}", super::Hex(&self.0))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn derivation_is_hkdf() {
        // RFC 5869, test case 3: the first 32 bytes of its output. Its key has 22 bytes, so that
        // it is asked of the two steps.
        let extracted = hmac(b"", &[&[0x0b; 22]]);
        let okm = hmac(&extracted, &[b"", &[1]]);
        let wanted = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        assert_eq!(okm.to_vec(), from_hex(wanted.as_bytes()).unwrap());
        let key = Key::new([0x0b; 32]);
        let by_steps = hmac(&hmac(b"salt", &[&[0x0b; 32]]), &[b"purpose", &[1]]);
        assert_eq!(key.derive(b"salt", &[b"pur", b"pose"]).bytes(), &by_steps);
    }

    #[test]
    fn files_of_keys() {
        let one = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let keys = |text: &str| {
            let keys = Key::parse_file(text.as_bytes())?;
            Ok::<_, KeyFileFault>(keys.iter().map(|key| key.bytes()[1]).collect::<Vec<_>>())
        };
        assert_eq!(keys(one), Ok(alloc::vec![0x11]));
        let two = format!(
            "# of today\n  {}\r\n\n{}\n",
            one.to_uppercase(),
            "77".repeat(32)
        );
        assert_eq!(keys(&two), Ok(alloc::vec![0x11, 0x77]));
        assert_eq!(Key::parse_file(&[7; 32]).unwrap()[0].bytes(), &[7; 32]);
        assert_eq!(keys("\n# nothing\n"), Err(KeyFileFault::Empty));
        assert_eq!(keys(""), Err(KeyFileFault::Empty));
        for bad in [
            "x",
            &one[1..],
            &one[2..],
            &format!("{one}00"),
            &one.replace('0', "g"),
        ] {
            let text = format!("#\n{bad}");
            assert_eq!(keys(&text), Err(KeyFileFault::Line(2)), "{bad}");
        }
        assert_eq!(
            Key::parse_passphrase(b"correct horse\r\nbattery")
                .unwrap()
                .as_slice(),
            b"correct horse"
        );
        assert!(Key::parse_passphrase(b"\nx").is_none());
        assert!(!format!("{:?}", Key::new([7; 32])).contains('7'));
    }

    #[test]
    fn the_same_words_give_another_dataset_another_key() {
        let key = |byte| Key::of_passphrase(b"words", DatasetId([byte; 16])).unwrap();
        assert_eq!(key(1).bytes(), key(1).bytes());
        assert_ne!(key(1).bytes(), key(2).bytes());
    }

    #[test]
    fn keys_are_named_and_found() {
        let mut ring = Keyring::default();
        assert_eq!(ring.current(), None);
        ring.add(&Key::new([1; 32]));
        ring.add(&Key::new([2; 32]));
        ring.add(&Key::new([1; 32]));
        let ids: Vec<KeyId> = ring.ids().collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ring.current(), Some(ids[0]));
        assert!(ring.find(ids[1]).is_some());
        assert!(ring.find(KeyId([0; 16])).is_none());
        assert_eq!(ids[0].text().len(), 32);
    }
}
