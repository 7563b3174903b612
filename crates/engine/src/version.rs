//! The versions that the server announces.
//!
//! Clients and tools choose features by them, so they are those of the Valkey and Redis versions
//! whose commands are there, beside our own.

/// Version of Verikey.
pub const VERIKEY: &str = env!("CARGO_PKG_VERSION");
/// The Valkey version whose behaviour is offered.
pub const VALKEY: &str = "8.1.0";
/// The Redis version that Valkey has announced since it began.
pub const REDIS: &str = "7.2.4";
/// Name of the server in HELLO and INFO.
pub const SERVER_NAME: &str = "valkey";
