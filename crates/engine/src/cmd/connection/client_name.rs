//! What may stand in the names that clients give themselves.

use alloc::string::String;

use crate::Error;

/// Printable ASCII without spaces, so that CLIENT LIST can be read line by line.
fn is_plain(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// A name for CLIENT SETNAME and HELLO.
pub(super) fn check_name(name: &[u8]) -> Result<String, Error> {
    if !is_plain(name) {
        return Err(Error::Fixed(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// A value for CLIENT SETINFO.
pub(super) fn check_attribute(attribute: &str, value: &[u8]) -> Result<String, Error> {
    if !is_plain(value) {
        return Err(Error::told(format_args!(
            "ERR {attribute} cannot contain spaces, newlines or special characters."
        )));
    }
    Ok(String::from_utf8_lossy(value).into_owned())
}
