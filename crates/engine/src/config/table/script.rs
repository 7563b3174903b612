//! Directives of scripts and functions.
//!
//! Not who may run them: that is a matter of the users' rules.

use super::{LONG_MAX, directives};
use vk_spec::config::ConfigSpec as C;

directives! { after super::observe::END;
    /// Milliseconds after which a script that runs is answered for with BUSY.
    BUSY_REPLY_THRESHOLD = C::int("busy-reply-threshold", 0, LONG_MAX, "5000")
        .alias("lua-time-limit");
    /// Offers functions to scripts that can be misused.
    LUA_ENABLE_INSECURE_API = C::bool("lua-enable-insecure-api", "no")
        .alias("lua-enable-deprecated-api").protected().hidden()
        .tunes("the functions are not offered; change the script");
}
