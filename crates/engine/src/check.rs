//! Properties of the whole machine, for property tests and fuzzers alike. Not part of the API.
//!
//! Any bytes become a history: sessions send requests that the command table's grammar gives,
//! time goes by or jumps, connections come and go, work outside ends well or badly. Whatever
//! happens: equal inputs give equal replies, digests and effects, whether or not anything was
//! fetched ahead or anybody listened; every request gets one well-formed reply; effects bring an
//! empty machine to the same state, however late; an error changes nothing; and the accounts agree
//! with a recount.

mod answers;
mod bad_config;
mod bad_input;
mod copying;
mod grammar;
mod history;
mod large;
mod rig;

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};

use vk_data::num::INT_TEXT_MAX;
use vk_resp::{Batch, Limits, Parser};

use crate::{EffectBuf, EffectGroup, Engine};

pub use bad_config::check_bad_config;
pub use bad_input::check_bad_input;
use history::{History, Manner};
pub use large::check_large_values;
pub use rig::{Rig, START_MS};

/// Runs the history that `data` stands for and checks every property.
///
/// # Panics
/// When a property does not hold.
pub fn check_commands(data: &[u8]) {
    check_history(data, None);
}

/// As [`check_commands`], in a machine whose memory is bounded tightly, under the policy that the
/// first byte chooses. Then keys vanish whenever room is needed, and room is found wherever the
/// policy allows it.
///
/// # Panics
/// When a property does not hold.
pub fn check_bounded_memory(data: &[u8]) {
    if let Some((policy, data)) = data.split_first() {
        check_history(data, Some(policy % 8));
    }
}

fn check_history(data: &[u8], bounded_by: Option<u8>) {
    let plain = Manner {
        prepares: true,
        listens: true,
        looks: true,
        bounded_by,
    };
    // What must make no difference differs in the second run; listening only now and then, so that
    // effects are compared too.
    let other = Manner {
        prepares: false,
        listens: data.len().is_multiple_of(2),
        looks: false,
        bounded_by,
    };
    let (first, second) = (History::run(data, plain), History::run(data, other));
    if first.transcript != second.transcript {
        first.fail("the same history gave other replies");
    }
    let digest = first.rig.engine.digest();
    if digest != second.rig.engine.digest() {
        first.fail("the same history gave another digest");
    }
    if other.listens && first.effects.bytes != second.effects.bytes {
        first.fail("the same history gave other effects");
    }
    let copy = match replay(&first.effects, first.rig.mono_micros()) {
        Ok(copy) => copy,
        Err(why) => first.fail(&why),
    };
    if digest != copy.engine.digest() {
        let found = differences(&first.rig.engine, &copy.engine);
        first.fail(&format!(
            "effects did not bring an empty machine to the same state: {found}"
        ));
    }
    for engine in [&first.rig.engine, &copy.engine] {
        if let Err(why) = check_accounts(engine) {
            first.fail(&why);
        }
    }
}

/// How much later than the last effect a replay takes place: nothing of it may depend on the time.
const REPLAY_DELAY_MICROS: u64 = 400 * 24 * 3600 * 1_000_000;

/// An empty machine to which the effects were applied, long after `mono_micros`.
///
/// # Errors
/// Which effect is no request, or was refused and why.
pub fn replay(effects: &EffectBuf, mono_micros: u64) -> Result<Rig, String> {
    let mut rig = Rig::new();
    rig.sleep(mono_micros.saturating_add(REPLAY_DELAY_MICROS));
    let mut from = 0;
    for group in &effects.groups {
        let bytes = effects.bytes.get(from..group.end).unwrap_or_default();
        from = group.end;
        let text = || String::from_utf8_lossy(bytes).into_owned();
        let mut batch = Batch::default();
        let parsed = Parser::new().parse(bytes, 0, &Limits::DEFAULT, usize::MAX, &mut batch);
        if parsed.ok() != Some(bytes.len()) || batch.len() != group.count as usize {
            return Err(format!("an effect is no request: {:?}", text()));
        }
        let requests: Vec<_> = (0..batch.len())
            .map(|at| batch.request(at, bytes))
            .collect();
        let group = EffectGroup {
            db: group.db,
            effects: &requests,
        };
        if let Err(error) = rig.with_env(|engine, env| engine.handle_effects(env, group)) {
            return Err(format!("an effect was refused: {error:?}: {:?}", text()));
        }
    }
    Ok(rig)
}

/// Checks that the running totals of everything are what a recount gives, and that sessions and
/// the tables of keys and channels know the same of each other. Holds between calls, once
/// [`Engine::handle_turn_end`] was called.
///
/// # Errors
/// What does not agree.
pub fn check_accounts(engine: &Engine) -> Result<(), String> {
    engine.check_memory()?;
    engine.check_references()?;
    for (index, db) in engine.dbs.iter() {
        let (mut bytes, mut keys, mut volatile) = (0, 0, 0);
        db.for_each(&mut |entry| {
            bytes += entry.allocated_bytes();
            keys += 1;
            volatile += usize::from(entry.expire_ms().is_some());
        });
        let counted = (bytes, keys, volatile);
        let entry_bytes = db.memory_bytes().saturating_sub(db.table_bytes());
        let accounted = (entry_bytes, db.len(), db.volatile_len());
        if counted != accounted {
            return Err(format!(
                "database {index} has bytes, keys, keys with an expiry {counted:?}, and accounts \
                 for {accounted:?}"
            ));
        }
    }
    Ok(())
}

/// The keys that differ, with value and expiry on both sides.
fn differences(here: &Engine, there: &Engine) -> String {
    let (here, mut there) = (contents(here), contents(there));
    let mut found = Vec::new();
    for (key, value) in &here {
        let other = there.remove(key);
        if other.as_ref() != Some(value) {
            found.push(format!("{key} is {value}, and {other:?} in the copy"));
        }
    }
    found.extend(
        there
            .iter()
            .map(|(key, value)| format!("{key} is {value} in the copy alone")),
    );
    found.join("; ")
}

fn contents(engine: &Engine) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (index, db) in engine.dbs.iter() {
        db.for_each(&mut |entry| {
            let key = format!("{index}:{:?}", String::from_utf8_lossy(entry.key()));
            let expire = entry.expire_ms();
            let value = match entry.str() {
                Some(value) => {
                    String::from_utf8_lossy(value.bytes(&mut [0; INT_TEXT_MAX])).into_owned()
                }
                None => format!("a {:?}: {:?}", entry.value_type(), entry.body()),
            };
            all.insert(key, format!("{value} until {expire:?}"));
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{History, Manner};
    use crate::random::Random;

    /// The histories of bounded memory do fill it: keys are evicted, requests refused.
    #[test]
    fn bounded_memory_is_full_at_times() {
        let mut random = Random::new([1, 2, 3, 4]);
        let (mut evicted, mut refused) = (0, 0);
        for case in 0..128_u8 {
            let data: Vec<u8> = (0..3000).map(|_| random.next() as u8).collect();
            let manner = Manner {
                prepares: true,
                listens: false,
                looks: false,
                bounded_by: Some(case % 8),
            };
            let history = History::run(&data, manner);
            let stats = &history.rig.engine.stats;
            evicted += stats.evicted_keys;
            refused += stats.errors.get("OOM").copied().unwrap_or(0);
        }
        assert!(evicted > 64 && refused > 64, "{evicted} {refused}");
    }
}
