//! The codes of values, the byte that stands before each, and the versions of the format.

/// The newest version of the format that is read but for [`VERSION_VALKEY`]: that of Redis 7.2 and
/// Valkey 7.2 to 8.1, which have most values.
pub const VERSION_REDIS_MAX: u16 = 11;
/// The version of Valkey 9.0, the newest. Those between belong to another server, whose types are
/// other ones.
pub const VERSION_VALKEY: u16 = 80;

/// The type and encoding of a value in RDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum ValueCode {
    /// A string.
    String = 0,
    /// Elements one by one.
    List = 1,
    /// Members one by one.
    Set = 2,
    /// Members with their scores as text.
    ZSetText = 3,
    /// Fields and values one by one.
    Hash = 4,
    /// Members with their scores in 8 bytes.
    ZSet = 5,
    /// A hash as a zipmap, up to version 2.4.
    HashZipmap = 9,
    /// A list as a ziplist.
    ListZiplist = 10,
    /// A set as an intset.
    SetIntset = 11,
    /// A sorted set as a ziplist.
    ZSetZiplist = 12,
    /// A hash as a ziplist.
    HashZiplist = 13,
    /// A list of ziplists.
    ListQuicklist = 14,
    /// A stream, up to version 6.2.
    Stream1 = 15,
    /// A hash as a listpack.
    HashListpack = 16,
    /// A sorted set as a listpack.
    ZSetListpack = 17,
    /// A list of listpacks and single elements.
    ListQuicklist2 = 18,
    /// A stream of version 7.0.
    Stream2 = 19,
    /// A set as a listpack.
    SetListpack = 20,
    /// A stream.
    Stream3 = 21,
    /// Fields and values with their expiry, since Valkey 9.0.
    HashExpiring = 22,
}

impl ValueCode {
    const ALL: [Self; 20] = [
        Self::String,
        Self::List,
        Self::Set,
        Self::ZSetText,
        Self::Hash,
        Self::ZSet,
        Self::HashZipmap,
        Self::ListZiplist,
        Self::SetIntset,
        Self::ZSetZiplist,
        Self::HashZiplist,
        Self::ListQuicklist,
        Self::Stream1,
        Self::HashListpack,
        Self::ZSetListpack,
        Self::ListQuicklist2,
        Self::Stream2,
        Self::SetListpack,
        Self::Stream3,
        Self::HashExpiring,
    ];

    /// The code that this byte is, if it is one.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|code| *code as u8 == byte)
    }
}
