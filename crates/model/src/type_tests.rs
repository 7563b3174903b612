//! Tests of the model's collections, bits and HyperLogLogs: the documented examples and the corners
//! of each command.

use crate::tests::Script;
use crate::{Limits, Model};

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn lists() {
    Script::new().check(&[
        ("RPUSH l a b c", "3"),
        ("LPUSH l z", "4"),
        ("LRANGE l 0 -1", "[\"z\" \"a\" \"b\" \"c\"]"),
        ("LRANGE l 3 1", "[]"),
        ("LINDEX l -1", "\"c\""),
        ("LINDEX l 4", "nil"),
        ("LSET l 9 x", "-ERR index out of range"),
        ("LSET none 0 x", "-ERR no such key"),
        ("LINSERT l BEFORE a y", "5"),
        ("LINSERT l AFTER q y", "-1"),
        ("LPOS l a", "2"),
        ("LPOS l a RANK -1 COUNT 0", "[2]"),
        ("LREM l -1 a", "1"),
        ("LMOVE l m LEFT RIGHT", "\"z\""),
        ("RPOPLPUSH l l", "\"c\""),
        ("LMPOP 2 none m LEFT", "[\"m\" [\"z\"]]"),
        ("LPOP m 1", "nil[]"),
        ("LPOP l 5", "[\"c\" \"y\" \"b\"]"),
        ("EXISTS l", "0"),
        ("LPUSHX l a", "0"),
        ("SET s 1", "OK"),
        ("LPUSH s 1", WRONG_TYPE),
        ("LPOP s -1", "-ERR value is out of range, must be positive"),
    ]);
}

#[test]
fn sets() {
    Script::new().check(&[
        ("SADD s 1 2 3 3", "3"),
        ("OBJECT ENCODING s", "\"intset\""),
        ("SADD s a", "1"),
        ("OBJECT ENCODING s", "\"listpack\""),
        ("SMEMBERS s", "{\"1\" \"2\" \"3\" \"a\"}"),
        ("SADD t 2 a b", "3"),
        ("SINTER s t", "{\"2\" \"a\"}"),
        ("SDIFF s t", "{\"1\" \"3\"}"),
        ("SUNIONSTORE u s t", "5"),
        ("SINTERCARD 2 s t LIMIT 1", "1"),
        ("SMOVE s t 1", "1"),
        ("SMOVE s t 1", "0"),
        ("SMISMEMBER t 1 9", "[1 0]"),
        ("SPOP u 2", "?"),
        ("SPOP u 9", "{\"1\" \"2\" \"3\" \"a\" \"b\"}"),
        ("SCARD u", "0"),
        ("SINTERSTORE s none t", "0"),
        ("TYPE s", "+none"),
    ]);
}

#[test]
fn hashes() {
    let mut script = Script::new();
    script.check(&[
        ("HSET h a 1 b 2", "2"),
        (
            "HSET h a 3 a",
            "-ERR wrong number of arguments for 'hset' command",
        ),
        ("HGETALL h", "{\"a\" \"1\" \"b\" \"2\"}"),
        ("HINCRBY h a 41", "42"),
        ("HINCRBYFLOAT h b 0.5", "\"2.5\""),
        ("HINCRBY h b 1", "-ERR hash value is not an integer"),
        ("HEXPIRE h 10 FIELDS 2 a x", "[1 -2]"),
        ("HTTL h FIELDS 3 a b x", "[10 -1 -2]"),
        ("HSETEX h FNX EX 5 FIELDS 1 a 0", "0"),
        ("HPERSIST h FIELDS 1 b", "[-1]"),
        ("HMGET h a b", "[\"42\" \"2.5\"]"),
    ]);
    script.now_ms += 10_001;
    script.check(&[
        ("HMGET h a b", "[nil \"2.5\"]"),
        ("HLEN h", "?"),
        ("HGETDEL h FIELDS 1 b", "[\"2.5\"]"),
        ("EXISTS h", "0"),
        ("HSET g a 1", "1"),
        ("HEXPIRE g 1 FIELDS 1 a", "[1]"),
    ]);
    script.now_ms += 2_000;
    script.check(&[("EXISTS g", "?"), ("DBSIZE", "?")]);
    script.model.sweep(script.now_ms);
    script.check(&[("EXISTS g", "0"), ("DBSIZE", "0")]);
}

#[test]
fn sorted_sets() {
    Script::new().check(&[
        ("ZADD z 1 a 2 b 2 c", "3"),
        ("ZADD z XX CH 5 a 1 q", "1"),
        (
            "ZADD z NX XX 1 a",
            "-ERR XX and NX options at the same time are not compatible",
        ),
        (
            "ZRANGE z 0 -1 WITHSCORES",
            "[\"b\" \"2\" \"c\" \"2\" \"a\" \"5\"]",
        ),
        ("ZRANGE z (2 +inf BYSCORE", "[\"a\"]"),
        ("ZRANGE z +inf -inf BYSCORE REV LIMIT 1 1", "[\"c\"]"),
        ("ZRANK z a WITHSCORE", "[2 \"5\"]"),
        ("ZINCRBY z 0.5 a", "\"5.5\""),
        ("ZCOUNT z 2 (5.5", "2"),
        ("ZADD y 1 b 1 d", "2"),
        ("ZUNIONSTORE u 2 z y WEIGHTS 1 10", "4"),
        ("ZSCORE u b", "\"12\""),
        ("ZINTER 2 z y WITHSCORES", "[\"b\" \"3\"]"),
        ("ZDIFF 2 z y", "[\"c\" \"a\"]"),
        ("ZPOPMAX u", "[\"b\" \"12\"]"),
        (
            "ZMPOP 1 u MIN COUNT 9",
            "[\"u\" [[\"c\" \"2\"] [\"a\" \"5.5\"] [\"d\" \"10\"]]]",
        ),
        ("ZRANGEBYLEX y [b (d", "[\"b\"]"),
        ("ZREMRANGEBYRANK z 0 -1", "3"),
        ("EXISTS z u", "0"),
    ]);
}

#[test]
fn streams() {
    Script::new().check(&[
        ("XADD x 1-1 f v", "\"1-1\""),
        ("XADD x 1-* f w", "\"1-2\""),
        (
            "XADD x 1-2 f v",
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
        ),
        (
            "XADD x 0-0 f v",
            "-ERR The ID specified in XADD must be greater than 0-0",
        ),
        ("XADD x MAXLEN = 2 5 g u", "\"5-0\""),
        ("XLEN x", "2"),
        ("XRANGE x (1-2 +", "[[\"5-0\" [\"g\" \"u\"]]]"),
        (
            "XREAD COUNT 1 STREAMS x 0",
            "[[\"x\" [[\"1-2\" [\"f\" \"w\"]]]]]",
        ),
        ("XREAD STREAMS x $", "nil[]"),
        ("XGROUP CREATE x g 0", "OK"),
        (
            "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
            "[[\"x\" [[\"1-2\" [\"f\" \"w\"]]]]]",
        ),
        ("XPENDING x g", "[1 \"1-2\" \"1-2\" [[\"c\" \"1\"]]]"),
        ("XACK x g 1-2 9-9", "1"),
        ("XPENDING x g", "[0 nil nil nil[]]"),
        ("XDEL x 1-2 5-0", "2"),
        ("EXISTS x", "1"),
        ("XADD x * a b", "?"),
    ]);
}

#[test]
fn bits_and_counting() {
    Script::new().check(&[
        ("SETBIT b 7 1", "0"),
        ("GET b", "\"\\u{1}\""),
        ("SETBIT b 7 1", "1"),
        ("SET k foobar", "OK"),
        ("BITCOUNT k", "26"),
        ("BITCOUNT k 5 30 BIT", "17"),
        ("BITPOS k 1 2 -1", "17"),
        ("BITOP NOT n b", "1"),
        ("BITCOUNT n", "7"),
        ("BITFIELD f INCRBY i5 100 1 GET u4 0", "[1 0]"),
        (
            "BITFIELD o OVERFLOW SAT INCRBY u2 0 9 OVERFLOW FAIL INCRBY u2 0 1",
            "[3 nil]",
        ),
        ("PFADD p a a", "1"),
        ("PFADD p a", "0"),
        ("PFADD p b", "?"),
        ("PFCOUNT p none", "1"),
        ("GET p", "?"),
        ("TYPE p", "+string"),
    ]);
}

#[test]
fn encodings_follow_the_limits() {
    let limits = Limits {
        set_ints: 1,
        set_entries: 2,
        hash_entries: 1,
        hash_bytes: 2,
        zset_entries: 1,
        ..Limits::DEFAULT
    };
    let mut script = Script::new();
    script.model = Model::new().with_limits(limits);
    script.check(&[
        ("SADD s 1", "1"),
        ("OBJECT ENCODING s", "\"intset\""),
        ("SADD s 2", "1"),
        ("OBJECT ENCODING s", "\"hashtable\""),
        ("HSET h a 1", "1"),
        ("OBJECT ENCODING h", "\"listpack\""),
        ("HSET h a 123", "0"),
        ("OBJECT ENCODING h", "\"hashtable\""),
        ("ZADD z 1 a", "1"),
        ("OBJECT ENCODING z", "\"listpack\""),
        ("ZADD z 1 b", "1"),
        ("OBJECT ENCODING z", "\"skiplist\""),
    ]);
}
