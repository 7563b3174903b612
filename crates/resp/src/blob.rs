//! A big value that several owners share without copying it. Not a string type: small values
//! live inside their entries.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

/// Immutable shared bytes: cloning costs one counter, writing copies if somebody else looks on.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Arc<Vec<u8>>);

impl Blob {
    /// The bytes if this is the only owner, else the blob again.
    ///
    /// # Errors
    /// The blob itself, when it is shared.
    pub fn try_unwrap(self) -> Result<Vec<u8>, Self> {
        Arc::try_unwrap(self.0).map_err(Self)
    }

    /// The bytes for writing; copies them first when the blob is shared.
    pub fn make_mut(&mut self) -> &mut Vec<u8> {
        Arc::make_mut(&mut self.0)
    }

    /// Whether both are one allocation.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Bytes allocated for the content.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }
}

/// Shows the length alone: contents are users' data and do not belong in logs.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn writing_to_a_shared_blob_leaves_the_other_owner_alone() {
        let mut a = Blob::from(vec![1, 2, 3]);
        let b = a.clone();
        assert!(a.ptr_eq(&b));
        a.make_mut().push(4);
        assert_eq!((&*a, &*b), (&[1, 2, 3, 4][..], &[1, 2, 3][..]));
        assert!(!a.ptr_eq(&b));
    }

    #[test]
    fn unwraps_only_when_alone() {
        let a = Blob::from(vec![7]);
        let b = a.clone();
        let a = a.try_unwrap();
        assert!(a.is_err());
        drop(a);
        assert_eq!(b.try_unwrap(), Ok(vec![7]));
    }
}
