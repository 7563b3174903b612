//! Directives of the sizes at which a value changes its encoding.
//!
//! Not limits: a value above one of them is stored all the same, in another form. Every number of
//! Valkey's is taken and shown; what is above the bounds in [`vk_data::bounds`] comes to those, so
//! that no setting makes a command of one element slow.

use super::{INT_MAX, INT_MIN, LONG_MAX, directives};
use vk_spec::config::ConfigSpec as C;

directives! { after super::keyspace::END;
    /// Fields up to which a hash is a listpack.
    HASH_MAX_LISTPACK_ENTRIES = C::int("hash-max-listpack-entries", 0, LONG_MAX, "512")
        .alias("hash-max-ziplist-entries").engine();
    /// Bytes of a field or value up to which a hash is a listpack.
    HASH_MAX_LISTPACK_VALUE = C::memory("hash-max-listpack-value", 0, LONG_MAX, "64")
        .alias("hash-max-ziplist-value").engine();
    /// Size of the nodes of a list: elements, or below zero a class of bytes.
    LIST_MAX_LISTPACK_SIZE = C::int("list-max-listpack-size", INT_MIN, INT_MAX, "-2")
        .alias("list-max-ziplist-size").engine();
    /// Nodes at either end of a list that are not compressed; 0 for no compression.
    LIST_COMPRESS_DEPTH = C::int("list-compress-depth", 0, INT_MAX, "0")
        .tunes("lists are not compressed in this version");
    /// Members up to which a set of integers is an intset.
    SET_MAX_INTSET_ENTRIES = C::int("set-max-intset-entries", 0, LONG_MAX, "512").engine();
    /// Members up to which a set is a listpack.
    SET_MAX_LISTPACK_ENTRIES = C::int("set-max-listpack-entries", 0, LONG_MAX, "128").engine();
    /// Bytes of a member up to which a set is a listpack.
    SET_MAX_LISTPACK_VALUE = C::int("set-max-listpack-value", 0, LONG_MAX, "64").engine();
    /// Members up to which a sorted set is a listpack.
    ZSET_MAX_LISTPACK_ENTRIES = C::int("zset-max-listpack-entries", 0, LONG_MAX, "128")
        .alias("zset-max-ziplist-entries").engine();
    /// Bytes of a member up to which a sorted set is a listpack.
    ZSET_MAX_LISTPACK_VALUE = C::memory("zset-max-listpack-value", 0, LONG_MAX, "64")
        .alias("zset-max-ziplist-value").engine();
    /// Bytes up to which a HyperLogLog is sparse.
    HLL_SPARSE_MAX_BYTES = C::memory("hll-sparse-max-bytes", 0, LONG_MAX, "3000").engine();
    /// Bytes of a node of a stream; 0 for no limit.
    STREAM_NODE_MAX_BYTES = C::memory("stream-node-max-bytes", 0, LONG_MAX, "4096").engine();
    /// Entries of a node of a stream; 0 for no limit.
    STREAM_NODE_MAX_ENTRIES = C::int("stream-node-max-entries", 0, LONG_MAX, "100").engine();
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use crate::testkit::Kit;

    const MOST: &str = "9223372036854775807";

    /// A server with every limit at its most.
    fn boundless() -> Kit {
        let mut kit = Kit::new();
        for name in [
            "hash-max-listpack-entries",
            "hash-max-listpack-value",
            "set-max-intset-entries",
            "set-max-listpack-entries",
            "set-max-listpack-value",
            "zset-max-listpack-entries",
            "zset-max-listpack-value",
            "hll-sparse-max-bytes",
            "stream-node-max-bytes",
            "stream-node-max-entries",
        ] {
            assert_eq!(kit.run(&format!("CONFIG SET {name} {MOST}")), "OK");
            let shown = format!("{{\"{name}\": \"{MOST}\"}}");
            let flat = format!("[\"{name}\", \"{MOST}\"]");
            let told = kit.run(&format!("CONFIG GET {name}"));
            assert!(told == shown || told == flat, "{told}");
            let beyond = kit.run(&format!("CONFIG SET {name} 18446744073709551615"));
            assert!(beyond.starts_with("(error) ERR"), "{name}: {beyond}");
        }
        assert_eq!(
            kit.run("CONFIG SET list-max-listpack-size 2147483647"),
            "OK"
        );
        kit
    }

    fn encoding(kit: &mut Kit, key: &str) -> alloc::string::String {
        kit.run(&format!("OBJECT ENCODING {key}"))
    }

    #[test]
    fn no_setting_lets_a_listpack_have_more_than_its_elements() {
        let mut kit = boundless();
        for element in 0..=2048 {
            for (command, key) in [("SADD s m", "s"), ("HSET h m", "h"), ("ZADD z 1 m", "z")] {
                let value = if key == "h" { " v" } else { "" };
                kit.run(&format!("{command}{element}{value}"));
                let large = if key == "z" {
                    "\"skiplist\""
                } else {
                    "\"hashtable\""
                };
                if element == 2047 {
                    assert_eq!(encoding(&mut kit, key), "\"listpack\"");
                } else if element == 2048 {
                    assert_eq!(encoding(&mut kit, key), large);
                }
            }
        }
        let cards = ["SCARD s", "HLEN h", "ZCARD z"].map(|line| kit.run(line));
        assert!(cards.iter().all(|card| card == "(integer) 2049"));
    }

    #[test]
    fn no_setting_lets_a_listpack_have_more_than_its_bytes() {
        let mut kit = boundless();
        let long = "x".repeat(100_000);
        for element in 0..12 {
            kit.run(&format!("SADD s {element}{long}"));
            kit.run(&format!("HSET h {element} {long}"));
            kit.run(&format!("ZADD z 1 {element}{long}"));
            if element == 8 {
                for key in ["s", "h", "z"] {
                    assert_eq!(encoding(&mut kit, key), "\"listpack\"");
                }
            }
        }
        assert_eq!(encoding(&mut kit, "s"), "\"hashtable\"");
        assert_eq!(encoding(&mut kit, "h"), "\"hashtable\"");
        assert_eq!(encoding(&mut kit, "z"), "\"skiplist\"");
        for line in [
            "SUNIONSTORE to s",
            "ZUNIONSTORE to 1 z",
            "COPY h to REPLACE",
        ] {
            kit.run(line);
            assert_ne!(encoding(&mut kit, "to"), "\"listpack\"", "{line}");
        }
        kit.run(&format!("HSET one f {}", "x".repeat(2_000_000)));
        assert_eq!(encoding(&mut kit, "one"), "\"hashtable\"");
    }

    #[test]
    fn no_setting_lets_an_intset_have_more_than_its_members() {
        let mut kit = boundless();
        for start in (0..16_300).step_by(100) {
            let members: alloc::string::String =
                (start..start + 100).map(|at| format!(" {at}")).collect();
            kit.run(&format!("SADD s{members}"));
        }
        for member in 16_300..16_384 {
            kit.run(&format!("SADD s {member}"));
        }
        assert_eq!(encoding(&mut kit, "s"), "\"intset\"");
        kit.run("SUNIONSTORE to s");
        assert_eq!(encoding(&mut kit, "to"), "\"intset\"");
        kit.run("SADD s 16384");
        assert_eq!(encoding(&mut kit, "s"), "\"hashtable\"");
        kit.run("SUNIONSTORE to s");
        assert_eq!(encoding(&mut kit, "to"), "\"hashtable\"");
        assert_eq!(kit.run("SCARD s"), "(integer) 16385");
    }

    #[test]
    fn no_setting_lets_nodes_grow_without_bound() {
        let mut kit = boundless();
        for _ in 0..8193 {
            kit.run("XADD x * f v");
            kit.run("RPUSH l element");
        }
        let told = kit.run("XINFO STREAM x");
        assert!(told.contains("\"radix-tree-keys\", (integer) 2"), "{told}");
        assert_eq!(encoding(&mut kit, "l"), "\"quicklist\"");
        let long = "x".repeat(600_000);
        kit.run(&format!("XADD y * f {long}"));
        kit.run(&format!("XADD y * f {long}"));
        let told = kit.run("XINFO STREAM y");
        assert!(told.contains("\"radix-tree-keys\", (integer) 2"), "{told}");
        for element in 0..100_000 {
            kit.run(&format!("PFADD p {element}"));
        }
        // Sparse or dense, it has no more registers than it has.
        let told = kit.run("STRLEN p");
        let bytes: Result<usize, _> = told.trim_start_matches("(integer) ").parse();
        assert!(bytes.is_ok_and(|bytes| bytes < 40_000), "{told}");
    }
}
