//! The table of directives: every one of Valkey up to 9.2 and our own.
//!
//! Not their current values (see [`super::Config`]). One file per area; each declares its
//! directives in order, and their ids follow from the order.

use vk_spec::config::ConfigSpec;

pub mod aof;
pub mod at_rest;
pub mod cluster;
pub mod encoding;
pub mod keyspace;
pub mod limits;
pub mod network;
pub mod observe;
pub mod process;
pub mod replication;
pub mod script;
pub mod snapshot;
pub mod tls;

/// The place of a directive in the table; ids are the constants of the area modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigId(u16);

/// How many directives there are.
pub const COUNT: usize = at_rest::END as usize;

/// Every directive that has a value, by id.
pub static TABLE: [ConfigSpec; COUNT] = assemble();

/// The directives that are lines of a file only.
pub static LINES_ONLY: &[ConfigSpec] = process::LINES;

impl ConfigId {
    /// The place in [`TABLE`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The directive of this id.
    #[must_use]
    pub fn spec(self) -> &'static ConfigSpec {
        // Ids are made in this module alone, so the place exists; the first directive stands in
        // for the branch that cannot be.
        TABLE.get(self.index()).unwrap_or(&FIRST)
    }

    /// Finds a directive by name or alias, in any case.
    #[must_use]
    pub fn find(name: &[u8]) -> Option<Self> {
        TABLE
            .iter()
            .position(|spec| spec.is_named(name))
            .and_then(Self::from_index)
    }

    /// Every id, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COUNT).filter_map(Self::from_index)
    }

    fn from_index(index: usize) -> Option<Self> {
        u16::try_from(index).ok().map(Self)
    }
}

static FIRST: ConfigSpec = network::SPECS[0];

const fn assemble() -> [ConfigSpec; COUNT] {
    let areas: [&[ConfigSpec]; 13] = [
        network::SPECS,
        process::SPECS,
        limits::SPECS,
        keyspace::SPECS,
        encoding::SPECS,
        observe::SPECS,
        script::SPECS,
        snapshot::SPECS,
        aof::SPECS,
        replication::SPECS,
        cluster::SPECS,
        tls::SPECS,
        at_rest::SPECS,
    ];
    let mut table = [network::SPECS[0]; COUNT];
    let (mut area, mut at) = (0, 0);
    while area < areas.len() {
        let mut row = 0;
        while row < areas[area].len() {
            table[at] = areas[area][row];
            at += 1;
            row += 1;
        }
        area += 1;
    }
    assert!(
        at == COUNT,
        "the areas are assembled in the order of their bases"
    );
    table
}

/// Declares the directives of one area: an id constant and a row each. The doc comment is the
/// summary of the reference.
macro_rules! directives {
    (after $base:expr; $($(#[doc = $doc:literal])+ $id:ident = $spec:expr;)+) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms,
                reason = "positions, named like the constants that they number")]
        #[repr(u16)]
        enum Place { $($id,)+ End }

        $($(#[doc = $doc])+
        pub const $id: $crate::config::table::ConfigId =
            $crate::config::table::ConfigId::at($base, Place::$id as u16);)+

        /// One past the last id of this area.
        pub(in $crate::config) const END: u16 = $base + Place::End as u16;

        /// The rows of this area.
        pub(in $crate::config) const SPECS: &[vk_spec::config::ConfigSpec] =
            &[$($spec.summary(concat!($($doc),+).trim_ascii())),+];
    };
}
use directives;

impl ConfigId {
    const fn at(base: u16, place: u16) -> Self {
        Self(base + place)
    }
}

/// The greatest value of an upstream `int`.
const INT_MAX: i128 = i32::MAX as i128;
/// The smallest value of an upstream `int`.
const INT_MIN: i128 = i32::MIN as i128;
/// The greatest value of an upstream `unsigned int`.
const UINT_MAX: i128 = u32::MAX as i128;
/// The greatest value of an upstream `long`.
const LONG_MAX: i128 = i64::MAX as i128;
/// The greatest value of an upstream `unsigned long long`.
const ULONG_MAX: i128 = u64::MAX as i128;
/// The highest port.
const PORT_MAX: i128 = u16::MAX as i128;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::Config;
    use alloc::collections::BTreeSet;
    use vk_spec::config::{ConfigState, Profile};

    #[test]
    fn names_are_unique_lower_case_and_found() {
        let mut seen = BTreeSet::new();
        for id in ConfigId::all() {
            let spec = id.spec();
            for name in [Some(spec.name), spec.alias].into_iter().flatten() {
                assert!(seen.insert(name), "{name} twice");
                assert_eq!(name, name.to_ascii_lowercase());
                assert_eq!(
                    ConfigId::find(name.to_ascii_uppercase().as_bytes()),
                    Some(id)
                );
            }
        }
        for line in LINES_ONLY {
            assert!(seen.insert(line.name), "{} twice", line.name);
        }
        assert!(ConfigId::find(b"nonsense").is_none());
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for profile in [Profile::Strict, Profile::Compatible] {
            let config = Config::new(profile);
            for id in ConfigId::all() {
                let text = alloc::string::String::from_utf8(config.render(id)).unwrap();
                assert_eq!(text, id.spec().default_for(profile), "{}", id.spec().name);
            }
        }
    }

    #[test]
    fn what_is_not_done_says_what_to_do() {
        for id in ConfigId::all() {
            let spec = id.spec();
            assert_eq!(
                spec.cure.is_empty(),
                spec.state == ConfigState::Implemented,
                "{}",
                spec.name
            );
            assert!(spec.summary.ends_with('.'), "{}", spec.name);
        }
    }
}
