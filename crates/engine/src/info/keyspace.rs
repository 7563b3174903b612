//! The section Keyspace.

use super::Lines;
use crate::Engine;

pub(super) fn keyspace(engine: &Engine, lines: &mut Lines) {
    lines.heading("Keyspace");
    for (index, db) in engine.dbs.iter().filter(|(_, db)| !db.is_empty()) {
        let ttl = db.avg_ttl_ms(engine.now_ms());
        lines.field(
            &alloc::format!("db{index}"),
            format_args!(
                "keys={},expires={},avg_ttl={ttl}",
                db.len(),
                db.volatile_len()
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn counts_keys_of_databases_that_have_some() {
        let mut kit = Kit::with_debug();
        assert_eq!(kit.run("INFO keyspace"), "\"# Keyspace\r\n\"");
        kit.run("SELECT 9");
        kit.run("DEBUG POPULATE 3");
        assert_eq!(
            kit.run("INFO keyspace"),
            "\"# Keyspace\r\ndb9:keys=3,expires=0,avg_ttl=0\r\n\""
        );
    }
}
