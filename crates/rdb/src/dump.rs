//! DUMP payloads: code, value, and a footer with the version and a checksum, both little-endian.

use alloc::vec::Vec;

use vk_data::entry::DbEntry;

use crate::{
    Compression, LoadLimits, Loaded, RdbError, Reader, VERSION_REDIS_MAX, VERSION_VALKEY,
    ValueCode, Writer, crc64, load, save, version_for,
};

/// The newest version that is read.
pub const DUMP_VERSION_MAX: u16 = VERSION_VALKEY;

const VERSION_BYTES: usize = 2;
const CHECKSUM_BYTES: usize = 8;

/// Whether the checksum of a payload is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It has to be right, or 0, which says that there is none.
    Checked,
    /// It may be anything.
    Ignored,
}

/// Why a payload is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The version is unknown, or the checksum wrong.
    Footer,
    /// The value is.
    Value(RdbError),
}

impl From<RdbError> for RestoreError {
    fn from(error: RdbError) -> Self {
        Self::Value(error)
    }
}

/// The value of an entry as a payload.
#[must_use]
pub fn dump(entry: &DbEntry, compression: Compression) -> Vec<u8> {
    let mut writer = Writer::new(compression);
    // The place of the code, which is known afterwards.
    writer.raw(&[0]);
    let code = save(entry, &mut writer);
    writer.raw(&version_for(entry).to_le_bytes());
    let mut payload = writer.take();
    if let Some(first) = payload.first_mut() {
        *first = code as u8;
    }
    let checksum = crc64(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// The value of a payload.
///
/// # Errors
/// If its footer or its value is wrong.
pub fn restore(
    payload: &[u8],
    checksum: Checksum,
    limits: &LoadLimits,
) -> Result<Loaded, RestoreError> {
    let body = verify(payload, checksum).ok_or(RestoreError::Footer)?;
    let mut reader = Reader::new(body);
    let code = reader.byte()?;
    let code = ValueCode::of(code).ok_or(RdbError::Type(code))?;
    let loaded = load(code, &mut reader, limits)?;
    reader.end()?;
    Ok(loaded)
}

/// The payload without its footer, if that is right.
fn verify(payload: &[u8], checksum: Checksum) -> Option<&[u8]> {
    let (summed, sum) = payload.split_last_chunk::<CHECKSUM_BYTES>()?;
    let (body, version) = summed.split_last_chunk::<VERSION_BYTES>()?;
    let version = u16::from_le_bytes(*version);
    if version > VERSION_REDIS_MAX && version != VERSION_VALKEY {
        return None;
    }
    let sum = u64::from_le_bytes(*sum);
    let right = checksum == Checksum::Ignored || sum == crc64(summed);
    right.then_some(body)
}
