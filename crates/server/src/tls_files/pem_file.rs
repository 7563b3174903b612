//! Reading a PEM file from a path that a person wrote down.
//!
//! Bytes only: what is in the file is judged elsewhere.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use zeroize::Zeroizing;

/// No certificate chain or key is this large; a mistyped path may lead to anything.
const PEM_BYTES_MAX: u64 = 4 << 20;

/// The file's bytes, or why not, with the cure.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let explain = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file; check the path".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "permission denied; let the server's user read it".to_owned()
        }
        _ => error.to_string(),
    };
    // Asked before opening, since opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(explain)?;
    if !metadata.is_file() {
        return Err("not a regular file; check the path".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(explain)?;
    file.take(PEM_BYTES_MAX.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(explain)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > PEM_BYTES_MAX) {
        return Err(format!("larger than {PEM_BYTES_MAX} bytes; check the path"));
    }
    Ok(bytes)
}
