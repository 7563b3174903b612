//! Every command of the table has cases in the compatibility corpus.

use vk_compat::Corpus;

#[test]
fn every_command_has_cases() {
    let covered = Corpus::own().unwrap().commands();
    let mut missing = Vec::new();
    for command in vk_engine::specs() {
        let name = command.spec.name.to_uppercase();
        if !covered.contains(&name) {
            missing.push(name.clone());
        }
        for sub in command.subcommands() {
            let full = format!("{name}|{}", sub.spec.name.to_uppercase());
            if !covered.contains(&full) {
                missing.push(full);
            }
        }
    }
    assert!(missing.is_empty(), "no case for: {missing:?}");
}
