//! Commands on lists, sets, hashes, sorted sets, streams, bits and HyperLogLogs. Not on strings and
//! keys, which are in `steps`.

use proptest::prelude::*;

use crate::steps::request;
use crate::words::{
    Part, Word, all, duration, either, index, key_of, literal, maybe, member, odd_number, one_of,
    repeated, score, unix_millis, unix_seconds,
};

pub(crate) fn on_types() -> Part {
    prop_oneof![
        5 => on_lists(),
        5 => on_sets(),
        4 => on_hashes(),
        4 => on_fields_that_expire(),
        3 => changing_sorted_sets(),
        3 => ranges_of_sorted_sets(),
        2 => combining_sorted_sets(),
        4 => on_streams(),
        2 => on_groups(),
        3 => on_bits(),
        1 => on_hyperloglogs(),
    ]
    .boxed()
}

/// A number of elements.
fn count() -> Part {
    let near = (-3_i64..9).prop_map(|n| vec![Word::new(n.to_string())]);
    prop_oneof![8 => near, 1 => odd_number()].boxed()
}

/// Several members, sometimes so many that the form of storage changes.
fn members() -> Part {
    let many = prop_oneof![
        12 => repeated(member(), 1..5),
        1 => repeated(member(), 12..20),
    ];
    let row = (0_i64..600, 100_usize..140).prop_map(|(from, len)| {
        (from..)
            .take(len)
            .map(|n| Word::new(n.to_string()))
            .collect()
    });
    prop_oneof![24 => many, 1 => row].boxed()
}

fn numkeys(letter: char) -> Part {
    prop_oneof![
        4 => all(vec![literal("1"), key_of(letter)]),
        8 => all(vec![literal("2"), key_of(letter), key_of(letter)]),
        2 => all(vec![literal("3"), key_of(letter), key_of(letter), key_of(letter)]),
    ]
    .boxed()
}

fn on_lists() -> Part {
    let key = || key_of('l');
    let side = || one_of(&["LEFT", "RIGHT", "left"]);
    let lpos_option = either(vec![
        all(vec![literal("RANK"), count()]),
        all(vec![literal("COUNT"), count()]),
        all(vec![literal("MAXLEN"), count()]),
    ]);
    either(vec![
        request("RPUSH", vec![key(), members()]),
        request("LPUSH", vec![key(), members()]),
        request("RPUSH", vec![key(), members()]),
        request("LPUSHX", vec![key(), members()]),
        request("RPUSHX", vec![key(), members()]),
        request("LPOP", vec![key(), maybe(count())]),
        request("RPOP", vec![key(), maybe(count())]),
        request("LLEN", vec![key()]),
        request("LINDEX", vec![key(), index()]),
        request("LSET", vec![key(), index(), member()]),
        request("LRANGE", vec![key(), index(), index()]),
        request("LTRIM", vec![key(), index(), index()]),
        request("LREM", vec![key(), count(), member()]),
        request(
            "LINSERT",
            vec![key(), one_of(&["BEFORE", "after", "x"]), member(), member()],
        ),
        request("LPOS", vec![key(), member(), repeated(lpos_option, 0..3)]),
        request("RPOPLPUSH", vec![key(), key()]),
        request("LMOVE", vec![key(), key(), side(), side()]),
        request(
            "LMPOP",
            vec![
                numkeys('l'),
                side(),
                maybe(all(vec![literal("COUNT"), count()])),
            ],
        ),
    ])
}

fn on_sets() -> Part {
    let key = || key_of('t');
    let keys = || repeated(key_of('t'), 1..4);
    either(vec![
        request("SADD", vec![key(), members()]),
        request("SADD", vec![key(), members()]),
        request("SREM", vec![key(), members()]),
        request("SCARD", vec![key()]),
        request("SISMEMBER", vec![key(), member()]),
        request("SMISMEMBER", vec![key(), members()]),
        request("SMEMBERS", vec![key()]),
        request("SMOVE", vec![key(), key(), member()]),
        request(
            "SPOP",
            vec![key(), maybe(one_of(&["1000", "0", "-1", "x", "1"]))],
        ),
        request("SRANDMEMBER", vec![key(), one_of(&["1000", "0", "x"])]),
        request("SUNION", vec![keys()]),
        request("SINTER", vec![keys()]),
        request("SDIFF", vec![keys()]),
        request("SUNIONSTORE", vec![key(), keys()]),
        request("SINTERSTORE", vec![key(), keys()]),
        request("SDIFFSTORE", vec![key(), keys()]),
        request(
            "SINTERCARD",
            vec![numkeys('t'), maybe(all(vec![literal("LIMIT"), count()]))],
        ),
    ])
}

/// Fields are members, values too.
fn pairs() -> Part {
    repeated(all(vec![member(), member()]), 1..4)
}

fn on_hashes() -> Part {
    let key = || key_of('h');
    either(vec![
        request("HSET", vec![key(), pairs()]),
        request("HSET", vec![key(), pairs()]),
        request("HMSET", vec![key(), pairs()]),
        request("HSETNX", vec![key(), member(), member()]),
        request("HGET", vec![key(), member()]),
        request("HMGET", vec![key(), repeated(member(), 1..4)]),
        request("HGETALL", vec![key()]),
        request("HKEYS", vec![key()]),
        request("HVALS", vec![key()]),
        request("HLEN", vec![key()]),
        request("HSTRLEN", vec![key(), member()]),
        request("HEXISTS", vec![key(), member()]),
        request("HDEL", vec![key(), repeated(member(), 1..4)]),
        request("HINCRBY", vec![key(), member(), odd_number()]),
        request("HINCRBYFLOAT", vec![key(), member(), score()]),
        request("HRANDFIELD", vec![key()]),
    ])
}

fn fields() -> Part {
    prop_oneof![
        all(vec![literal("FIELDS"), literal("1"), member()]),
        all(vec![literal("FIELDS"), literal("2"), member(), member()]),
    ]
    .boxed()
}

fn field_expiry() -> Part {
    either(vec![
        all(vec![literal("EX"), duration()]),
        all(vec![literal("px"), duration()]),
        all(vec![literal("EXAT"), unix_seconds()]),
        all(vec![literal("PXAT"), unix_millis()]),
    ])
}

fn on_fields_that_expire() -> Part {
    let key = || key_of('h');
    let condition = || maybe(one_of(&["NX", "xx", "GT", "LT"]));
    let ask = |name| request(name, vec![key(), fields()]);
    let one_pair = all(vec![literal("FIELDS"), literal("1"), member(), member()]);
    let kept = |word| prop_oneof![2 => field_expiry(), 1 => literal(word)].boxed();
    either(vec![
        request("HEXPIRE", vec![key(), duration(), condition(), fields()]),
        request("HPEXPIRE", vec![key(), duration(), condition(), fields()]),
        request(
            "HEXPIREAT",
            vec![key(), unix_seconds(), condition(), fields()],
        ),
        request(
            "HPEXPIREAT",
            vec![key(), unix_millis(), condition(), fields()],
        ),
        ask("HTTL"),
        ask("HPTTL"),
        ask("HEXPIRETIME"),
        ask("HPEXPIRETIME"),
        ask("HPERSIST"),
        ask("HGETDEL"),
        request("HGETEX", vec![key(), maybe(kept("PERSIST")), fields()]),
        request(
            "HSETEX",
            vec![
                key(),
                maybe(one_of(&["FNX", "fxx"])),
                maybe(kept("KEEPTTL")),
                one_pair,
            ],
        ),
    ])
}

fn changing_sorted_sets() -> Part {
    let key = || key_of('z');
    let flag = one_of(&["NX", "XX", "gt", "LT", "CH", "INCR"]);
    let scored = || {
        prop_oneof![
            12 => repeated(all(vec![score(), member()]), 1..5),
            1 => repeated(all(vec![score(), member()]), 12..20),
        ]
        .boxed()
    };
    let end = || one_of(&["MIN", "max"]);
    either(vec![
        request("ZADD", vec![key(), scored()]),
        request("ZADD", vec![key(), scored()]),
        request("ZADD", vec![key(), repeated(flag, 0..3), scored()]),
        request("ZINCRBY", vec![key(), score(), member()]),
        request("ZSCORE", vec![key(), member()]),
        request("ZMSCORE", vec![key(), repeated(member(), 1..4)]),
        request("ZCARD", vec![key()]),
        request("ZREM", vec![key(), repeated(member(), 1..4)]),
        request("ZRANK", vec![key(), member(), maybe(literal("WITHSCORE"))]),
        request(
            "ZREVRANK",
            vec![key(), member(), maybe(literal("WITHSCORE"))],
        ),
        request("ZPOPMIN", vec![key(), maybe(count())]),
        request("ZPOPMAX", vec![key(), maybe(count())]),
        request(
            "ZMPOP",
            vec![
                numkeys('z'),
                end(),
                maybe(all(vec![literal("COUNT"), count()])),
            ],
        ),
    ])
}

fn ranges_of_sorted_sets() -> Part {
    let key = || key_of('z');
    let by_score = || {
        let open = score().prop_map(|words| match words.first() {
            Some(word) => {
                let mut bytes = b"(".to_vec();
                bytes.extend_from_slice(word.bytes());
                vec![Word::Bytes(bytes)]
            }
            None => Vec::new(),
        });
        prop_oneof![3 => score(), 2 => open].boxed()
    };
    let by_lex = || one_of(&["-", "+", "[a", "(a", "[b", "(d", "[5", "(", "x", "[f"]);
    let limit = || maybe(all(vec![literal("LIMIT"), count(), count()]));
    let scores = || maybe(literal("WITHSCORES"));
    let rev = || maybe(literal("REV"));
    let by_rank = |name| request(name, vec![key(), index(), index(), scores()]);
    let scored = |name| request(name, vec![key(), by_score(), by_score(), scores(), limit()]);
    let lexed = |name| request(name, vec![key(), by_lex(), by_lex(), limit()]);
    either(vec![
        request("ZRANGE", vec![key(), index(), index(), rev(), scores()]),
        request(
            "ZRANGE",
            vec![
                key(),
                by_score(),
                by_score(),
                literal("BYSCORE"),
                rev(),
                limit(),
                scores(),
            ],
        ),
        request(
            "ZRANGE",
            vec![key(), by_lex(), by_lex(), literal("bylex"), rev(), limit()],
        ),
        request("ZRANGESTORE", vec![key(), key(), index(), index(), rev()]),
        request(
            "ZRANGESTORE",
            vec![
                key(),
                key(),
                by_score(),
                by_score(),
                literal("BYSCORE"),
                rev(),
                limit(),
            ],
        ),
        by_rank("ZREVRANGE"),
        scored("ZRANGEBYSCORE"),
        scored("ZREVRANGEBYSCORE"),
        lexed("ZRANGEBYLEX"),
        lexed("ZREVRANGEBYLEX"),
        request("ZCOUNT", vec![key(), by_score(), by_score()]),
        request("ZLEXCOUNT", vec![key(), by_lex(), by_lex()]),
        request("ZREMRANGEBYRANK", vec![key(), index(), index()]),
        request("ZREMRANGEBYSCORE", vec![key(), by_score(), by_score()]),
        request("ZREMRANGEBYLEX", vec![key(), by_lex(), by_lex()]),
    ])
}

fn combining_sorted_sets() -> Part {
    let mixed = || prop_oneof![6 => key_of('z'), 1 => key_of('t')].boxed();
    let two = || all(vec![literal("2"), mixed(), mixed()]);
    let options = || {
        all(vec![
            maybe(all(vec![literal("WEIGHTS"), score(), score()])),
            maybe(all(vec![
                literal("AGGREGATE"),
                one_of(&["SUM", "min", "MAX"]),
            ])),
        ])
    };
    let scores = || maybe(literal("WITHSCORES"));
    let key = || key_of('z');
    either(vec![
        request("ZUNION", vec![two(), options(), scores()]),
        request("ZINTER", vec![two(), options(), scores()]),
        request("ZDIFF", vec![two(), scores()]),
        request("ZUNIONSTORE", vec![key(), two(), options()]),
        request("ZINTERSTORE", vec![key(), two(), options()]),
        request("ZDIFFSTORE", vec![key(), two()]),
        request(
            "ZINTERCARD",
            vec![two(), maybe(all(vec![literal("LIMIT"), count()]))],
        ),
    ])
}

/// An id that is mostly higher than others before it.
fn id() -> Part {
    let near = (0_u64..40, 0_u64..3).prop_map(|(ms, seq)| vec![Word::new(format!("{ms}-{seq}"))]);
    let short = (0_u64..40).prop_map(|ms| vec![Word::new(ms.to_string())]);
    prop_oneof![6 => near, 1 => short, 1 => one_of(&["x", "1-x", "", "0-0"])].boxed()
}

fn on_streams() -> Part {
    let key = || key_of('x');
    let trim = || {
        all(vec![
            one_of(&["MAXLEN", "minid"]),
            maybe(literal("=")),
            one_of(&["0", "1", "2", "5", "10", "7-0"]),
        ])
    };
    let auto = (0_u64..40).prop_map(|ms| vec![Word::new(format!("{ms}-*"))]);
    let new_id = || prop_oneof![2 => id(), 3 => auto.clone()].boxed();
    let bound =
        |end| prop_oneof![2 => literal(end), 2 => id(), 1 => one_of(&["(3-0", "(7"])].boxed();
    let counted = || maybe(all(vec![literal("COUNT"), count()]));
    either(vec![
        request("XADD", vec![key(), new_id(), pairs()]),
        request("XADD", vec![key(), new_id(), pairs()]),
        request("XADD", vec![key(), new_id(), pairs()]),
        request(
            "XADD",
            vec![
                key(),
                maybe(literal("NOMKSTREAM")),
                maybe(trim()),
                new_id(),
                pairs(),
            ],
        ),
        request("XLEN", vec![key()]),
        request("XRANGE", vec![key(), bound("-"), bound("+"), counted()]),
        request("XREVRANGE", vec![key(), bound("+"), bound("-"), counted()]),
        request("XDEL", vec![key(), repeated(id(), 1..4)]),
        request("XTRIM", vec![key(), trim()]),
        request(
            "XREAD",
            vec![counted(), literal("STREAMS"), key(), key(), id(), id()],
        ),
        request(
            "XREAD",
            vec![counted(), literal("STREAMS"), key(), literal("$")],
        ),
    ])
}

fn on_groups() -> Part {
    let key = || key_of('x');
    let group = || one_of(&["g", "g", "k"]);
    let consumer = || one_of(&["c", "d"]);
    let from = || prop_oneof![literal("$"), literal("0"), id()].boxed();
    either(vec![
        request(
            "XGROUP",
            vec![
                literal("CREATE"),
                key(),
                group(),
                from(),
                maybe(literal("MKSTREAM")),
            ],
        ),
        request("XGROUP", vec![literal("setid"), key(), group(), from()]),
        request("XGROUP", vec![literal("DESTROY"), key(), group()]),
        request(
            "XGROUP",
            vec![literal("CREATECONSUMER"), key(), group(), consumer()],
        ),
        request(
            "XGROUP",
            vec![literal("DELCONSUMER"), key(), group(), consumer()],
        ),
        request(
            "XREADGROUP",
            vec![
                literal("GROUP"),
                group(),
                consumer(),
                maybe(all(vec![literal("COUNT"), count()])),
                literal("STREAMS"),
                key(),
                literal(">"),
            ],
        ),
        request("XACK", vec![key(), group(), repeated(id(), 1..4)]),
        request("XPENDING", vec![key(), group()]),
    ])
}

fn on_bits() -> Part {
    let key = || key_of('s');
    let offset = || {
        let near = (0_u64..90).prop_map(|n| vec![Word::new(n.to_string())]);
        prop_oneof![8 => near, 1 => one_of(&["-1", "4294967296", "x"])].boxed()
    };
    let bit = || one_of(&["0", "1", "1", "2"]);
    let unit = || maybe(one_of(&["BIT", "byte"]));
    let kind = || one_of(&["u1", "u8", "i5", "i8", "u63", "i64", "u7"]);
    let place = || {
        let near = (0_u64..70).prop_map(|n| vec![Word::new(n.to_string())]);
        prop_oneof![3 => near, 1 => one_of(&["#0", "#1", "#5"])].boxed()
    };
    let change = either(vec![
        all(vec![literal("GET"), kind(), place()]),
        all(vec![literal("SET"), kind(), place(), count()]),
        all(vec![literal("INCRBY"), kind(), place(), odd_number()]),
        all(vec![literal("OVERFLOW"), one_of(&["WRAP", "sat", "FAIL"])]),
    ]);
    either(vec![
        request("SETBIT", vec![key(), offset(), bit()]),
        request("SETBIT", vec![key(), offset(), bit()]),
        request("GETBIT", vec![key(), offset()]),
        request(
            "BITCOUNT",
            vec![key(), maybe(all(vec![index(), index(), unit()]))],
        ),
        request(
            "BITPOS",
            vec![key(), bit(), maybe(all(vec![index(), maybe(index())]))],
        ),
        request("BITPOS", vec![key(), bit(), index(), index(), unit()]),
        request(
            "BITOP",
            vec![one_of(&["AND", "or", "XOR"]), key(), repeated(key(), 1..4)],
        ),
        request("BITOP", vec![literal("NOT"), key(), key()]),
        request("BITFIELD", vec![key(), repeated(change, 0..4)]),
    ])
}

fn on_hyperloglogs() -> Part {
    let key = || key_of('p');
    either(vec![
        request("PFADD", vec![key(), member()]),
        request("PFADD", vec![key()]),
        request("PFCOUNT", vec![repeated(key(), 1..3)]),
        request("PFMERGE", vec![key(), repeated(key(), 0..3)]),
    ])
}
