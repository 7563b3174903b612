//! SORT by everything that it can sort by.

use alloc::{format, string::String, vec::Vec};

use crate::{cmd::string::effects_of, testkit::Kit};

fn kit() -> Kit {
    let mut kit = Kit::new();
    kit.run("SADD s 3 10 -2 1");
    kit.run("MSET w_3 1 w_10 0 w_1 7 x_3 b x_10 a x_-2 aa");
    kit
}

#[test]
fn numbers_and_texts_are_sorted() {
    let mut kit = kit();
    assert_eq!(kit.run("SORT s"), "[\"-2\", \"1\", \"3\", \"10\"]");
    assert_eq!(kit.run("SORT s desc"), "[\"10\", \"3\", \"1\", \"-2\"]");
    assert_eq!(kit.run("SORT s ALPHA"), "[\"-2\", \"1\", \"10\", \"3\"]");
    assert_eq!(
        kit.run("SORT_RO s ALPHA DESC"),
        "[\"3\", \"10\", \"1\", \"-2\"]"
    );
    assert_eq!(kit.run("SORT s LIMIT 1 2"), "[\"1\", \"3\"]");
    assert_eq!(kit.run("SORT s LIMIT 0 0"), "[]");
    assert_eq!(kit.run("SORT s LIMIT 9 9"), "[]");
    assert_eq!(kit.run("SORT s LIMIT -5 1 DESC"), "[\"10\"]");
    assert_eq!(kit.run("SORT s LIMIT 2 -1"), "[\"3\", \"10\"]");
    assert_eq!(kit.run("SORT missing"), "[]");
    kit.run("SADD t a b");
    let refused = "(error) ERR One or more scores can't be converted into double";
    assert_eq!(kit.run("SORT t"), refused);
    kit.run("SET str 1");
    assert!(kit.run("SORT str").starts_with("(error) WRONGTYPE"));
}

#[test]
fn named_keys_decide_and_are_told() {
    let mut kit = kit();
    // What is not there counts as 0; equal weights leave it to the elements' bytes.
    assert_eq!(kit.run("SORT s BY w_*"), "[\"-2\", \"10\", \"3\", \"1\"]");
    assert_eq!(kit.run("SORT s BY w_* DESC LIMIT 0 2"), "[\"1\", \"3\"]");
    assert_eq!(
        kit.run("SORT s BY x_* ALPHA"),
        "[\"1\", \"10\", \"-2\", \"3\"]"
    );
    assert_eq!(
        kit.run("SORT s BY x_* ALPHA GET # GET w_* LIMIT 2 9"),
        "[\"-2\", (nil), \"3\", \"1\"]"
    );
    assert_eq!(kit.run("SORT s GET w_3 LIMIT 0 1"), "[(nil)]");
    assert_eq!(
        kit.run("SORT s BY x_*"),
        "(error) ERR One or more scores can't be converted into double"
    );
    kit.run("HSET h_3 weight 5 name three");
    kit.run("HSET h_10 weight -5 name ten");
    assert_eq!(
        kit.run("SORT s BY h_*->weight GET h_*->name"),
        "[\"ten\", (nil), (nil), \"three\"]"
    );
    assert_eq!(kit.run("SORT s BY w_*->f GET h_* LIMIT 0 1"), "[(nil)]");
}

#[test]
fn without_sorting_the_order_is_the_collections() {
    let mut kit = Kit::new();
    kit.run("ZADD z 3 a 1 b 2 c 4 d");
    assert_eq!(kit.run("SORT z BY nosort"), "[\"b\", \"c\", \"a\", \"d\"]");
    assert_eq!(
        kit.run("SORT z BY nosort DESC"),
        "[\"d\", \"a\", \"c\", \"b\"]"
    );
    assert_eq!(kit.run("SORT z BY nosort LIMIT 1 2"), "[\"c\", \"a\"]");
    assert_eq!(kit.run("SORT z BY nosort DESC LIMIT 1 1"), "[\"a\"]");
    assert_eq!(kit.run("SORT z ALPHA DESC LIMIT 0 1"), "[\"d\"]");
    kit.run("RPUSH l 3 1 2");
    assert_eq!(kit.run("SORT l"), "[\"1\", \"2\", \"3\"]");
    assert_eq!(kit.run("SORT l BY x"), "[\"3\", \"1\", \"2\"]");
    assert_eq!(kit.run("SORT l BY x DESC LIMIT 0 2"), "[\"2\", \"1\"]");
    kit.run("SADD s b a");
    assert_eq!(kit.run("SORT s BY x GET #"), "[\"b\", \"a\"]");
    assert_eq!(kit.run("SORT s BY x STORE to"), "(integer) 2");
    assert_eq!(kit.run("LRANGE to 0 -1"), "[\"a\", \"b\"]");
}

#[test]
fn results_are_stored() {
    let mut kit = kit();
    kit.run("SET to x EX 100");
    assert_eq!(kit.run("SORT s STORE to"), "(integer) 4");
    assert_eq!(kit.run("LRANGE to 0 -1"), "[\"-2\", \"1\", \"3\", \"10\"]");
    assert_eq!(kit.run("TTL to"), "(integer) -1");
    assert_eq!(kit.run("SORT s GET w_* LIMIT 0 2 STORE to"), "(integer) 2");
    assert_eq!(kit.run("LRANGE to 0 -1"), "[\"\", \"7\"]");
    assert_eq!(effects_of(&mut kit, "SORT s STORE s"), "SORT s STORE s");
    assert_eq!(kit.run("TYPE s"), "list");
    assert_eq!(kit.run("SORT missing STORE to"), "(integer) 0");
    assert_eq!(kit.run("EXISTS to"), "(integer) 0");
    assert_eq!(effects_of(&mut kit, "SORT missing STORE to"), "");
}

#[test]
fn a_long_result_becomes_a_long_list() {
    let mut kit = Kit::new();
    for i in 0..3000 {
        kit.run(&format!("SADD s {}", (i * 7919) % 3000));
    }
    assert_eq!(kit.run("SORT s STORE to"), "(integer) 3000");
    assert_eq!(kit.run("OBJECT ENCODING to"), "\"quicklist\"");
    assert_eq!(kit.run("LRANGE to 1000 1001"), "[\"1000\", \"1001\"]");
    let all: Vec<String> = (0..3000).rev().map(|i| format!("\"{i}\"")).collect();
    assert_eq!(kit.run("SORT to DESC"), format!("[{}]", all.join(", ")));
    assert_eq!(
        kit.run("SORT to BY nosort LIMIT 2998 9"),
        "[\"2998\", \"2999\"]"
    );
}

#[test]
fn options_are_checked() {
    let mut kit = kit();
    let syntax = "(error) ERR syntax error";
    for options in ["LIMIT 1", "BY", "GET", "STORE", "WHAT", "ASC DESC ALPHA x"] {
        assert_eq!(kit.run(&format!("SORT s {options}")), syntax, "{options}");
    }
    assert_eq!(kit.run("SORT_RO s STORE to"), syntax);
    let no_int = "(error) ERR value is not an integer or out of range";
    assert_eq!(kit.run("SORT s LIMIT a 1"), no_int);
    assert_eq!(kit.run("SORT s LIMIT 1 b"), no_int);
    assert_eq!(
        kit.run("COMMAND GETKEYS SORT s BY STORE STORE to"),
        "[\"s\", \"to\"]"
    );
}
