//! Values through the codec.
