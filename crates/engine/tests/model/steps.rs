//! The steps of a sequence: commands that mostly are as they should be, with their options in any
//! order, and waiting. Not the machines that the steps are applied to.

use std::fmt;

use proptest::{prelude::*, sample::select};
use vk_model::Model;

use crate::types::on_types;
use crate::words::{
    Part, Word, all, any_word, database, decimal, duration, either, index, key, key_word, literal,
    maybe, odd_number, offset, pattern, repeated, unix_millis, unix_seconds, value,
};

/// The words of one request.
#[derive(Clone, PartialEq)]
pub(crate) struct Words(pub(crate) Vec<Word>);

impl Words {
    /// The arguments at a present time.
    pub(crate) fn at(&self, now_ms: i64) -> Vec<Vec<u8>> {
        self.0.iter().map(|word| word.at(now_ms)).collect()
    }

    /// The request at a present time, for people.
    pub(crate) fn show(&self, now_ms: i64) -> String {
        let words: Vec<String> = self
            .at(now_ms)
            .iter()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        words.join(" ")
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.0.iter().map(|word| format!("{word:?}")).collect();
        f.write_str(&words.join(" "))
    }
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A command.
    Run(Words),
    /// Commands between MULTI and EXEC.
    Together(Vec<Words>),
    /// Time goes by; with `ticks` what is due is done then.
    Wait { ms: i64, ticks: bool },
    /// Time goes by until a key expires, or so much less or more.
    WaitForExpiry {
        key: Word,
        beyond_ms: i64,
        ticks: bool,
    },
}

thread_local! {
    /// Made once: there are many parts.
    static ANY_STEP: BoxedStrategy<Step> = make_any_step();
}

pub(crate) fn any_step() -> BoxedStrategy<Step> {
    ANY_STEP.with(Clone::clone)
}

fn make_any_step() -> BoxedStrategy<Step> {
    let command = any_command();
    let wait = (
        select(&[0, 1, 10, 999, 1000, 1001, 60_000][..]),
        any::<bool>(),
    )
        .prop_map(|(ms, ticks)| Step::Wait { ms, ticks });
    let wait_for_expiry =
        (key_word(), -1_i64..=2, any::<bool>()).prop_map(|(key, beyond_ms, ticks)| {
            Step::WaitForExpiry {
                key,
                beyond_ms,
                ticks,
            }
        });
    // Changes of several databases in one transaction are one group of effects.
    let select = request("SELECT", vec![database()]).prop_map(Words);
    let queued = prop_oneof![3 => command.clone(), 1 => select];
    prop_oneof![
        16 => command.prop_map(Step::Run),
        2 => prop::collection::vec(queued, 1..8).prop_map(Step::Together),
        1 => wait,
        2 => wait_for_expiry,
    ]
    .boxed()
}

fn any_command() -> BoxedStrategy<Words> {
    let wild = all(vec![
        select(Model::commands().collect::<Vec<_>>())
            .prop_map(|name| name.split('|').map(Word::new).collect())
            .boxed(),
        repeated(any_word(), 0..6),
    ]);
    // A word that is lost or added at the end of a good request.
    let torn = (well_formed(), any_word(), any::<bool>())
        .prop_map(|(mut words, more, longer)| {
            if longer {
                words.extend(more);
            } else if words.len() > 1 {
                words.pop();
            }
            words
        })
        .boxed();
    prop_oneof![16 => well_formed(), 1 => wild, 1 => torn]
        .prop_map(Words)
        .boxed()
}

fn well_formed() -> Part {
    prop_oneof![
        6 => writing(),
        5 => reading(),
        4 => counting(),
        5 => expiring(),
        5 => on_keys(),
        2 => on_databases(),
        30 => on_types(),
    ]
    .boxed()
}

/// A request from its name and parts.
pub(crate) fn request(name: &'static str, mut parts: Vec<Part>) -> Part {
    parts.insert(0, literal(name));
    all(parts)
}

fn expire_option() -> Part {
    either(vec![
        all(vec![literal("EX"), duration()]),
        all(vec![literal("PX"), duration()]),
        all(vec![literal("EXAT"), unix_seconds()]),
        all(vec![literal("PXAT"), unix_millis()]),
    ])
}

fn condition() -> Part {
    either(vec![literal("NX"), literal("XX")])
}

fn set_option() -> Part {
    either(vec![
        expire_option(),
        expire_option(),
        literal("KEEPTTL"),
        condition(),
        literal("get"),
        all(vec![literal("IFEQ"), value()]),
    ])
}

fn writing() -> Part {
    let pair = all(vec![key(), value()]);
    let msetex_options = repeated(
        either(vec![expire_option(), literal("KEEPTTL"), condition()]),
        0..3,
    );
    let counted = prop_oneof![
        all(vec![literal("1"), pair.clone()]),
        all(vec![literal("2"), pair.clone(), pair.clone()]),
        all(vec![odd_number(), pair.clone()]),
    ];
    either(vec![
        request("SET", vec![key(), value()]),
        request("SET", vec![key(), value(), repeated(set_option(), 1..4)]),
        request("SETNX", vec![pair.clone()]),
        request("SETEX", vec![key(), duration(), value()]),
        request("PSETEX", vec![key(), duration(), value()]),
        request("GETSET", vec![pair.clone()]),
        request("MSET", vec![repeated(pair.clone(), 1..4)]),
        request("MSETNX", vec![repeated(pair.clone(), 1..4)]),
        request("MSETEX", vec![counted.boxed(), msetex_options]),
        request("APPEND", vec![pair]),
        request("SETRANGE", vec![key(), offset(), value()]),
        request("GETEX", vec![key(), repeated(getex_option(), 0..3)]),
    ])
}

fn getex_option() -> Part {
    either(vec![expire_option(), expire_option(), literal("PERSIST")])
}

fn reading() -> Part {
    let lcs_option = either(vec![
        literal("LEN"),
        literal("IDX"),
        literal("IDX"),
        literal("WITHMATCHLEN"),
        all(vec![literal("MINMATCHLEN"), index()]),
    ]);
    either(vec![
        request("GET", vec![key()]),
        request("MGET", vec![repeated(key(), 1..4)]),
        request("STRLEN", vec![key()]),
        request("GETRANGE", vec![key(), index(), index()]),
        request("SUBSTR", vec![key(), index(), index()]),
        request("GETDEL", vec![key()]),
        request("LCS", vec![key(), key(), repeated(lcs_option, 0..4)]),
    ])
}

fn counting() -> Part {
    let increx_option = either(vec![
        all(vec![literal("BYINT"), odd_number()]),
        all(vec![literal("LBOUND"), index()]),
        all(vec![literal("UBOUND"), index()]),
        literal("SATURATE"),
        literal("ENX"),
        condition(),
        expire_option(),
        literal("PERSIST"),
        literal("KEEPTTL"),
    ]);
    either(vec![
        request("INCR", vec![key()]),
        request("DECR", vec![key()]),
        request("INCRBY", vec![key(), odd_number()]),
        request("DECRBY", vec![key(), odd_number()]),
        request("INCRBYFLOAT", vec![key(), decimal()]),
        request("INCREX", vec![key(), repeated(increx_option, 0..4)]),
    ])
}

fn expiring() -> Part {
    let option = || {
        let one = either(vec![
            literal("NX"),
            literal("XX"),
            literal("gt"),
            literal("LT"),
        ]);
        repeated(one, 0..3)
    };
    either(vec![
        request("EXPIRE", vec![key(), duration(), option()]),
        request("PEXPIRE", vec![key(), duration(), option()]),
        request("EXPIREAT", vec![key(), unix_seconds(), option()]),
        request("PEXPIREAT", vec![key(), unix_millis(), option()]),
        request("TTL", vec![key()]),
        request("PTTL", vec![key()]),
        request("EXPIRETIME", vec![key()]),
        request("PEXPIRETIME", vec![key()]),
        request("PERSIST", vec![key()]),
    ])
}

fn on_keys() -> Part {
    let copy_option = either(vec![
        literal("REPLACE"),
        all(vec![literal("DB"), database()]),
    ]);
    either(vec![
        request("DEL", vec![repeated(key(), 1..3)]),
        request("UNLINK", vec![repeated(key(), 1..3)]),
        request("DELIFEQ", vec![key(), value()]),
        request(
            "DELEX",
            vec![
                key(),
                either(vec![literal("IFEQ"), literal("ifne")]),
                value(),
            ],
        ),
        request("EXISTS", vec![repeated(key(), 1..4)]),
        request("TOUCH", vec![repeated(key(), 1..4)]),
        request("TYPE", vec![key()]),
        request("RENAME", vec![key(), key()]),
        request("RENAMENX", vec![key(), key()]),
        request("COPY", vec![key(), key(), repeated(copy_option, 0..3)]),
        request("MOVE", vec![key(), database()]),
        request("OBJECT", vec![literal("encoding"), key()]),
    ])
}

fn on_databases() -> Part {
    let flush = || maybe(either(vec![literal("ASYNC"), literal("sync")]));
    either(vec![
        request("KEYS", vec![pattern()]),
        request("KEYS", vec![pattern()]),
        request("DBSIZE", vec![]),
        request("SELECT", vec![database()]),
        request("SELECT", vec![literal("0")]),
        request("SWAPDB", vec![database(), database()]),
        request("FLUSHDB", vec![flush()]),
        request("FLUSHALL", vec![flush()]),
    ])
}
