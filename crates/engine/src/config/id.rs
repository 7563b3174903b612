//! The ids of all directives in one place: `id::PORT`, `id::DATABASES`.

pub use super::table::{
    aof::*, at_rest::*, cluster::*, encoding::*, keyspace::*, limits::*, network::*, observe::*,
    process::*, replication::*, script::*, snapshot::*, tls::*,
};
