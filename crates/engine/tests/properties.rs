//! Properties of the machine over random histories; the same check is fuzzed.

use proptest::prelude::*;
use vk_engine::check::check_commands;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn histories_keep_every_property(data in prop::collection::vec(any::<u8>(), 0..1500)) {
        check_commands(&data);
    }
}
