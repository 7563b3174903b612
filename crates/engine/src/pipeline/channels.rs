//! Whether a user may use the channels that a request names.

use vk_resp::Request;
use vk_spec::{ChannelAccess, CommandSpec};

use crate::{Engine, Error, users::UserId};

/// Checks the channels of a request. Who stops listening needs no permission.
#[inline]
pub(super) fn authorize_channels(
    engine: &Engine,
    user: UserId,
    spec: &CommandSpec,
    request: Request<'_>,
) -> Result<(), Error> {
    let Some(channels) = spec.channels else {
        return Ok(());
    };
    let is_pattern = match channels.access {
        ChannelAccess::Unsubscribe => return Ok(()),
        ChannelAccess::Publish | ChannelAccess::Subscribe => false,
        ChannelAccess::SubscribePatterns => true,
    };
    let user = engine.users.user(user);
    let count = if channels.to_end { usize::MAX } else { 1 };
    let mut names = request.iter().skip(channels.first).take(count);
    let may = |name: &[u8]| user.is_some_and(|user| user.may_use_channel(name, is_pattern));
    if names.all(may) {
        Ok(())
    } else {
        Err(Error::NO_CHANNEL)
    }
}
