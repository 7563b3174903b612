//! Texts that everybody may read and only the holder of a key can write: the last line signs all
//! lines before it.

use alloc::{format, string::String};

use subtle::ConstantTimeEq as _;

use super::{Hex, KeyId, Keyring, SealFault, hex::array_from_hex, key::hmac};

/// How the last line begins. It is a comment for whoever reads the text as something else.
const SIGNATURE: &str = "#signed ";

/// Adds the last line. The text ends with an end of line.
///
/// # Errors
/// There is no key.
pub fn sign(mut text: String, keyring: &Keyring) -> Result<String, SealFault> {
    let key = keyring
        .first()
        .ok_or(SealFault::UnknownKey(KeyId([0; 16])))?;
    let mac = hmac(key.sign.bytes(), &[&key.id.0, text.as_bytes()]);
    text.push_str(&format!("{SIGNATURE}{} {}\n", Hex(&key.id.0), Hex(&mac)));
    Ok(text)
}

/// The text looks signed.
#[must_use]
pub fn is_signed(bytes: &[u8]) -> bool {
    split(bytes).is_some()
}

/// The text before the last line, if that is right, and the key that signed it.
///
/// # Errors
/// It is not what was written, or there is no such key.
pub fn verify<'t>(bytes: &'t [u8], keyring: &Keyring) -> Result<(&'t str, KeyId), SealFault> {
    let (text, line) = split(bytes).ok_or(SealFault::Unsigned)?;
    let line = line.strip_suffix(b"\n").ok_or(SealFault::Text)?;
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(id), Some(mac), None) = (words.next(), words.next(), words.next()) else {
        return Err(SealFault::Text);
    };
    let id = KeyId(array_from_hex(id).ok_or(SealFault::Text)?);
    let mac: [u8; 32] = array_from_hex(mac).ok_or(SealFault::Text)?;
    // One way to write it: letters in the other case are a changed file, too.
    if line != format!("{} {}", Hex(&id.0), Hex(&mac)).as_bytes() {
        return Err(SealFault::Text);
    }
    let key = keyring.find(id).ok_or(SealFault::UnknownKey(id))?;
    let right = hmac(key.sign.bytes(), &[&id.0, text]);
    if !bool::from(right.ct_eq(&mac)) {
        return Err(SealFault::Text);
    }
    let text = core::str::from_utf8(text).map_err(|_| SealFault::Text)?;
    Ok((text, id))
}

/// The text, and what follows the beginning of its last line.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let begin = inner
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let (text, line) = bytes.split_at_checked(begin)?;
    Some((text, line.strip_prefix(SIGNATURE.as_bytes())?))
}
