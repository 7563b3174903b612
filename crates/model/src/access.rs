//! How commands reach keys: by copy, so that nothing is changed before a command is done.

use crate::db::{Collection, Entry, Value};
use crate::{Call, ModelReply, naive};

/// The options for indexes: where they are in something of `len` elements.
pub(crate) fn span(start: i64, stop: i64, len: usize) -> std::ops::Range<usize> {
    let len = len as i128;
    let place = |index: i64| {
        let index = i128::from(index);
        if index < 0 { index + len } else { index }
    };
    let (start, stop) = (place(start).max(0), place(stop).min(len - 1));
    if start > stop || start >= len {
        return 0..0;
    }
    start as usize..stop as usize + 1
}

pub(crate) fn wrong_type() -> ModelReply {
    ModelReply::Error("WRONGTYPE Operation against a key holding the wrong kind of value".into())
}

impl Call<'_> {
    /// The live entry of the key at `position`.
    pub(crate) fn entry(&mut self, position: usize) -> Option<&mut Entry> {
        let now_ms = self.now_ms;
        let key = self.args[position].clone();
        self.db().find(now_ms, &key)
    }

    /// The live string of the key at `position`.
    pub(crate) fn value(&mut self, position: usize) -> Result<Option<Vec<u8>>, ModelReply> {
        match self.entry(position).map(|entry| &entry.value) {
            None => Ok(None),
            Some(Value::String(bytes, _)) => Ok(Some(bytes.clone())),
            Some(Value::HyperLogLog(_)) => Err(ModelReply::Unsure),
            Some(_) => Err(wrong_type()),
        }
    }

    /// A copy of the collection of the key at `position`.
    pub(crate) fn read<T: Collection>(&mut self, position: usize) -> Result<Option<T>, ModelReply> {
        let now_ms = self.now_ms;
        let Some(entry) = self.entry(position) else {
            return Ok(None);
        };
        if let Value::Hash(hash) = &mut entry.value {
            hash.look(now_ms)?;
        }
        T::of(&entry.value)
            .cloned()
            .map(Some)
            .ok_or_else(wrong_type)
    }

    /// Puts the collection back; the key keeps its expiry, or goes with its last element.
    pub(crate) fn write<T: Collection>(&mut self, position: usize, collection: T) {
        let expire_ms = self.entry(position).and_then(|entry| entry.expire_ms);
        self.replace(position, collection, expire_ms);
    }

    /// Stores a result over whatever is there.
    pub(crate) fn store_result<T: Collection>(&mut self, position: usize, collection: T) {
        self.replace(position, collection, None);
    }

    fn replace<T: Collection>(&mut self, position: usize, collection: T, expire_ms: Option<i64>) {
        let (now_ms, key) = (self.now_ms, self.args[position].clone());
        if collection.is_gone() {
            self.db().take(now_ms, &key);
        } else {
            let value = collection.into_value();
            self.db().put(&key, Entry { value, expire_ms });
        }
    }

    /// The words from `position` to the end.
    pub(crate) fn rest(&self, position: usize) -> Vec<Vec<u8>> {
        self.args.get(position..).unwrap_or_default().to_vec()
    }

    /// A number that must not be negative.
    pub(crate) fn count(&self, position: usize) -> Result<usize, ModelReply> {
        let out_of_range = || ModelReply::error("value is out of range, must be positive");
        let number = naive::parse_int(&self.args[position]).ok_or_else(out_of_range)?;
        usize::try_from(number).map_err(|_| out_of_range())
    }

    /// The keys behind a count at `position`, as positions, and the position behind them. What
    /// is said about a wrong count is not known for certain.
    pub(crate) fn keys_of(&self, position: usize) -> Result<std::ops::Range<usize>, ModelReply> {
        let count = self.int(position).map_err(|_| ModelReply::Unsure)?;
        let count = usize::try_from(count).map_err(|_| ModelReply::Unsure)?;
        let keys = position + 1..position + 1 + count.min(self.args.len());
        (count > 0 && keys.end <= self.args.len())
            .then_some(keys)
            .ok_or(ModelReply::Unsure)
    }
}

/// Infinity, or plain decimal text that every format holds exactly.
pub(crate) fn float_of(text: &[u8], error: &str) -> Result<f64, ModelReply> {
    match text {
        b"inf" | b"+inf" => return Ok(f64::INFINITY),
        b"-inf" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    match naive::parse_float(text) {
        // The zero below zero is shown in one encoding and not in the other.
        naive::Float::Exact(0) if text.starts_with(b"-") => Err(ModelReply::Unsure),
        naive::Float::Exact(units) => Ok(units as f64 / f64::from(1_u32 << naive::FRACTION_BITS)),
        naive::Float::Invalid => Err(ModelReply::error(error)),
        naive::Float::Unsure => Err(ModelReply::Unsure),
    }
}

/// A double as a bulk string, where its shortest text has no exponent.
pub(crate) fn double(value: f64) -> Result<ModelReply, ModelReply> {
    if value.is_infinite() {
        return Ok(ModelReply::bulk(if value > 0.0 { b"inf" } else { b"-inf" }));
    }
    let size = value.abs();
    if value == 0.0 && value.is_sign_negative() || (size != 0.0 && !(0.001..1e15).contains(&size)) {
        return Err(ModelReply::Unsure);
    }
    Ok(ModelReply::bulk(value.to_string().as_bytes()))
}
