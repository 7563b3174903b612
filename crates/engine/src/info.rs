//! INFO. Being built.
