//! Where keys could get out of memory: core dumps and other processes, which are shut out, and
//! swap space, which the operator is told of. Not locked memory: that needs unsafe code.

use std::fs;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::{
    listen::system_text,
    log::{Level, Logger},
};

/// The kernel's list of swap spaces.
const SWAPS_FILE: &str = "/proc/swaps";
/// Swap in memory, and devices that are likely to be encrypted.
const NOT_PLAIN: [&str; 2] = ["/dev/zram", "/dev/dm-"];

/// From now on no core dump of this process is written, and no other process of its user can look
/// into it.
pub(super) fn shut(log: &Logger) {
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        let text = system_text(&error.into());
        let text = format!("WARNING core dumps cannot be switched off ({text}): they hold keys");
        log.log(Level::Warning, &text);
    }
    // Where the kernel tells nothing of swap nothing can be said of it.
    let swaps = fs::read_to_string(SWAPS_FILE).unwrap_or_default();
    if let Some(name) = plain_swap(&swaps) {
        let text = format!(
            "WARNING memory can be swapped out to {name}, where keys and data are in the clear: \
             encrypt the swap space or switch it off"
        );
        log.log(Level::Warning, &text);
    }
}

/// The first swap space of the list that may be a plain one.
fn plain_swap(list: &str) -> Option<&str> {
    let names = list.lines().skip(1);
    let mut names = names.filter_map(|line| line.split_whitespace().next());
    names.find(|name| !NOT_PLAIN.iter().any(|part| name.starts_with(part)))
}

#[cfg(test)]
mod tests {
    use super::plain_swap;

    #[test]
    fn swap_that_may_be_plain_is_found() {
        let head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert_eq!(plain_swap(""), None);
        assert_eq!(plain_swap(head), None);
        let safe = format!("{head}/dev/zram0 partition 100 0 100\n/dev/dm-1 partition 100 0 -2\n");
        assert_eq!(plain_swap(&safe), None);
        let plain =
            format!("{safe}/swapfile                               file\t\t100\t\t0\t\t-3\n");
        assert_eq!(plain_swap(&plain), Some("/swapfile"));
    }
}
