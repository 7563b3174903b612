//! The steps of several sessions: few keys of each type, so that sessions meet at them. Not the
//! machines that the steps are applied to.

use std::fmt;

use proptest::{prelude::*, sample::select};
use vk_model::Server;

/// Places for sessions.
pub(crate) const SESSIONS: usize = 5;

/// Databases that are used.
pub(crate) const DATABASES: usize = 2;

/// All keys: those that mostly hold a list, a sorted set, a stream, a string or set.
pub(crate) const KEYS: [&str; 7] = ["l", "m", "z", "y", "x", "s", "t"];

/// A word of a request.
#[derive(Clone, PartialEq)]
pub(crate) enum Word {
    Text(String),
    /// The number of the session in a place.
    IdOf(usize),
}

/// The words of a request.
#[derive(Clone, PartialEq)]
pub(crate) struct Words(Vec<Word>);

impl Words {
    /// The arguments as they are sent now.
    pub(crate) fn at(&self, server: &Server) -> Vec<Vec<u8>> {
        let text = |word: &Word| match word {
            Word::Text(text) => text.clone().into_bytes(),
            Word::IdOf(who) => server.client_id(*who).to_string().into_bytes(),
        };
        self.0.iter().map(text).collect()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::IdOf(who) => write!(f, "<id of {who}>"),
        }
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
    Request(usize, Words),
    Sleep(i64),
    /// Time goes by until a key expires, or a little less or more.
    SleepToExpiry {
        key: &'static str,
        beyond_ms: i64,
    },
    /// What is due is done.
    Tick,
    Connect(usize),
    Disconnect(usize),
}

type Part = BoxedStrategy<Vec<Word>>;

/// A step of the sessions that do not wait.
pub(crate) fn any_step(free: &[usize]) -> BoxedStrategy<Step> {
    let place = || 0..SESSIONS;
    let sleep = select(&[0_i64, 1, 10, 50, 51, 100, 1000][..]).prop_map(Step::Sleep);
    let to_expiry = (select(&KEYS[..]), -1_i64..=2)
        .prop_map(|(key, beyond_ms)| Step::SleepToExpiry { key, beyond_ms });
    let around = prop_oneof![
        3 => sleep,
        3 => to_expiry,
        6 => Just(Step::Tick),
        3 => place().prop_map(Step::Connect),
        1 => place().prop_map(Step::Disconnect),
    ];
    if free.is_empty() {
        return around.boxed();
    }
    let request = (select(free.to_vec()), any_request())
        .prop_map(|(who, words)| Step::Request(who, Words(words)));
    prop_oneof![6 => request, 1 => around].boxed()
}

thread_local! {
    /// Made once: there are many parts.
    static ANY_REQUEST: Part = make_any_request();
}

fn any_request() -> Part {
    ANY_REQUEST.with(Clone::clone)
}

fn make_any_request() -> Part {
    prop_oneof![
        8 => on_lists(),
        5 => on_sorted_sets(),
        5 => on_streams(),
        4 => on_strings(),
        4 => on_keys(),
        2 => on_databases(),
        12 => waiting(),
        9 => in_transactions(),
        4 => on_sessions(),
    ]
    .boxed()
}

/// A request of words divided by spaces; a word that names a kind of word stands for one of it.
fn line(pattern: &'static str) -> Part {
    let parts: Vec<Part> = pattern.split(' ').map(part).collect();
    parts.prop_map(|parts| parts.concat()).boxed()
}

fn part(name: &'static str) -> Part {
    let words = |words: &'static [&'static str]| {
        select(words)
            .prop_map(|words| {
                words
                    .split(' ')
                    .map(|word| Word::Text(word.into()))
                    .collect()
            })
            .boxed()
    };
    let key_of = |own: &'static [&'static str]| prop_oneof![9 => words(own), 1 => words(&KEYS)];
    match name {
        "<list>" => key_of(&["l", "m"]).boxed(),
        "<zset>" => key_of(&["z", "y"]).boxed(),
        "<stream>" => key_of(&["x"]).boxed(),
        "<string>" => key_of(&["s", "t"]).boxed(),
        "<key>" => words(&KEYS),
        "<keys>" => prop_oneof![
            4 => words(&KEYS),
            1 => words(&["l m", "z y", "x s", "l z x", "m l s t", "l l"]),
        ]
        .boxed(),
        "<lists>" => words(&["l", "m", "l m", "m l", "l l", "z l"]),
        "<numlists>" => words(&["1 l", "1 m", "2 l m", "2 m l", "2 z l", "0 l"]),
        "<zsets>" => words(&["z", "y", "z y", "y z", "l z"]),
        "<numzsets>" => words(&["1 z", "1 y", "2 z y", "2 y z", "2 l y"]),
        "<value>" => words(&["a", "b", "1", "2 3", "c d e"]),
        "<member>" => words(&["1 a", "2 b", "3 c", "1 a 2 b", "0 d", "-1 e"]),
        "<side>" => words(&["LEFT", "RIGHT"]),
        "<end>" => words(&["MIN", "MAX"]),
        "<count>" => words(&["COUNT 1", "COUNT 2", "COUNT 9"]),
        "<timeout>" => words(&["0", "0", "0", "0.05", "0.1", "1", "-1", "x"]),
        "<ms>" => words(&["0", "0", "0", "50", "100", "1000"]),
        "<px>" => words(&["10", "50", "100", "1000"]),
        "<id>" => (0_u32..24)
            .prop_map(|n| vec![Word::Text(format!("{}-{}", n / 3, n % 3))])
            .boxed(),
        "<after>" => words(&["$", "$", "0", "2-0", "5-0"]),
        "<group>" => words(&["g", "h"]),
        "<db>" => words(&["0", "0", "1"]),
        "<who>" => (0..SESSIONS).prop_map(|who| vec![Word::IdOf(who)]).boxed(),
        "<how>" => words(&["TIMEOUT", "ERROR", "error"]),
        word => Just(vec![Word::Text(word.into())]).boxed(),
    }
}

fn either(patterns: &[&'static str]) -> Part {
    let lines: Vec<Part> = patterns.iter().map(|pattern| line(pattern)).collect();
    proptest::strategy::Union::new(lines).boxed()
}

fn on_lists() -> Part {
    either(&[
        "RPUSH <list> <value>",
        "LPUSH <list> <value>",
        "RPUSH <list> <value>",
        "LPOP <list>",
        "RPOP <list>",
        "LRANGE <list> 0 -1",
        "LMOVE <list> <list> <side> <side>",
        "RPOPLPUSH <list> <list>",
        "LREM <list> 0 a",
        "LTRIM <list> 1 -1",
    ])
}

fn on_sorted_sets() -> Part {
    either(&[
        "ZADD <zset> <member>",
        "ZADD <zset> <member>",
        "ZINCRBY <zset> <member>",
        "ZPOPMIN <zset>",
        "ZREM <zset> a b",
        "ZUNIONSTORE <zset> 1 <zset>",
        "ZRANGESTORE <zset> <zset> 0 -1",
        "ZRANGE <zset> 0 -1 WITHSCORES",
    ])
}

fn on_streams() -> Part {
    either(&[
        "XADD <stream> <id> f v",
        "XADD <stream> <id> f v",
        "XADD <stream> <id> f v",
        "XDEL <stream> <id>",
        "XLEN <stream>",
        "XREAD STREAMS <stream> <after>",
        "XGROUP CREATE <stream> <group> <after> MKSTREAM",
        "XGROUP CREATE <stream> <group> 0 MKSTREAM",
        "XGROUP DESTROY <stream> <group>",
        "XREADGROUP GROUP <group> c STREAMS <stream> >",
    ])
}

fn on_strings() -> Part {
    either(&[
        "SET <string> <px>",
        "SET <key> v",
        "SET <key> v PX <px>",
        "SETNX <key> w",
        "GET <string>",
        "INCR <string>",
        "APPEND <string> a",
        "SADD <string> <value>",
        "SREM <string> a",
    ])
}

fn on_keys() -> Part {
    either(&[
        "DEL <keys>",
        "DEL <keys>",
        "UNLINK <keys>",
        "EXISTS <keys>",
        "TYPE <key>",
        "RENAME <key> <key>",
        "RENAMENX <key> <key>",
        "COPY <key> <key> REPLACE",
        "COPY <key> <key> DB <db>",
        "MOVE <key> <db>",
        "PEXPIRE <key> <px>",
        "PEXPIRE <key> <px>",
        "PEXPIRE <key> 0",
        "PERSIST <key>",
        "PTTL <key>",
    ])
}

fn on_databases() -> Part {
    either(&[
        "SELECT <db>",
        "SELECT 0",
        "SWAPDB 0 1",
        "FLUSHALL",
        "FLUSHDB",
        "KEYS *",
    ])
}

fn waiting() -> Part {
    either(&[
        "BLPOP <lists> <timeout>",
        "BLPOP <lists> 0",
        "BRPOP <lists> <timeout>",
        "BLMOVE <list> <list> <side> <side> <timeout>",
        "BRPOPLPUSH <list> <list> <timeout>",
        "BLMPOP <timeout> <numlists> <side>",
        "BLMPOP <timeout> <numlists> <side> <count>",
        "BZPOPMIN <zsets> <timeout>",
        "BZPOPMAX <zsets> 0",
        "BZMPOP <timeout> <numzsets> <end>",
        "BZMPOP <timeout> <numzsets> <end> <count>",
        "XREAD BLOCK <ms> STREAMS <stream> <after>",
        "XREAD COUNT 1 BLOCK <ms> STREAMS x l <after> 0",
        "XREADGROUP GROUP <group> c BLOCK <ms> STREAMS <stream> >",
        "XREADGROUP GROUP <group> d COUNT 1 BLOCK 0 STREAMS <stream> >",
    ])
}

fn in_transactions() -> Part {
    either(&[
        "MULTI",
        "MULTI",
        "MULTI",
        "EXEC",
        "EXEC",
        "EXEC",
        "EXEC",
        "DISCARD",
        "WATCH <keys>",
        "WATCH <keys>",
        "WATCH <keys>",
        "UNWATCH",
        "GET",
        "EXEC now",
    ])
}

fn on_sessions() -> Part {
    either(&[
        "CLIENT UNBLOCK <who>",
        "CLIENT UNBLOCK <who> <how>",
        "CLIENT UNBLOCK 999",
        "CLIENT UNBLOCK x",
        "CLIENT KILL ID <who>",
        "CLIENT KILL ID 0",
        "CLIENT ID",
    ])
}
