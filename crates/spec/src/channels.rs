//! Which arguments of a command name channels of publish and subscribe, and what is done to them.
//!
//! Not the check itself: the engine's authorisation stage applies these specs to a request.

/// What a command does to the channels that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelAccess {
    /// Sends to them.
    Publish,
    /// Listens to them.
    Subscribe,
    /// Listens to whatever the patterns match.
    SubscribePatterns,
    /// Stops listening, which needs no permission.
    Unsubscribe,
}

/// Where the channels of a command are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Number of the first argument that names one, command name = 0.
    pub first: usize,
    /// Whether all arguments behind it name channels, too.
    pub to_end: bool,
    /// What is done to them.
    pub access: ChannelAccess,
}
