//! From a command line to a running loop, in the order that tools which watch the log expect.
//! What strict needs on a first start is made by `boot`.

use std::{
    ffi::OsString,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::SystemTime,
};

use mio::Poll;
use vk_data::HashSeed;
use vk_engine::{
    BootUsers, Engine, EngineConfig, Identity, ListenerKind, Seeds,
    config::{Config, Loaded, Origin, Source, id, load},
};
use vk_resp::{Batch, Protocol, ReplyBuf};
use vk_spec::config::Profile;

use crate::{
    accept::Doors,
    apply::Settings,
    args::{self, Action, Invocation, Mode, Program, version::VersionFacts},
    clients::Clients,
    descriptors,
    host::{Clock, Counters, LoopHost, allocator_quantum_bytes, system_memory_bytes},
    hub::Hub,
    listen::{ListenError, Wanted, kind_name, open_tcp, open_unix},
    log::{Level, Logger},
    notify::{ManagerVariables, Supervision, Supervisor},
    settings,
    shell::{Exit, LISTENERS_FROM, Shell},
    signals::Signals,
    tls_files,
};
