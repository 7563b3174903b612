//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys of a request by the key specs of its command.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{Flags, KeyFlags};

use super::command_info::write_key_flags;
use crate::{
    Error,
    cmd::CommandTable,
    ctx::SessionCtx,
    pipeline::{FoundKeys, find_keys},
};

pub(super) fn getkeys(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let inner = request.skip(2);
    let keys = keys_of(&ctx.engine().commands, inner)?;
    reply.array(keys.len());
    for key in keys {
        reply.bulk(inner.arg(key.word).unwrap_or_default());
    }
    Ok(())
}

pub(super) fn getkeysandflags(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let inner = request.skip(2);
    let keys = keys_of(&ctx.engine().commands, inner)?;
    reply.array(keys.len());
    for key in keys {
        reply.array(2);
        reply.bulk(inner.arg(key.word).unwrap_or_default());
        write_key_flags(key.flags, reply);
    }
    Ok(())
}

fn keys_of(table: &CommandTable, inner: Request<'_>) -> Result<FoundKeys, Error> {
    let name = inner.arg(0).ok_or(Error::GETKEYS_INVALID_COMMAND)?;
    let mut id = table.find(name).ok_or(Error::GETKEYS_INVALID_COMMAND)?;
    if let Some(sub) = inner.arg(1)
        && !table.command(id).subcommands().is_empty()
    {
        id = table
            .find_sub(id, sub)
            .ok_or(Error::GETKEYS_INVALID_COMMAND)?;
    }
    let spec = &table.command(id).spec;
    if !spec.keys.iter().any(|spec| is_key(spec.flags)) {
        return Err(Error::GETKEYS_NO_KEYS);
    }
    if !spec.accepts_words(inner.len()) {
        return Err(Error::GETKEYS_ARITY);
    }
    let mut found = find_keys(spec, inner).unwrap_or_default();
    found.retain(|key| is_key(key.flags));
    if found.is_empty() && !spec.flags.contains(Flags::NO_MANDATORY_KEYS) {
        return Err(Error::GETKEYS_INVALID_ARGUMENTS);
    }
    for key in &mut found {
        key.flags = settled(spec.name, inner, key.flags);
    }
    Ok(found)
}

const fn is_key(flags: KeyFlags) -> bool {
    !flags.contains(KeyFlags::NOT_KEY)
}

/// What is done to a key where that depends on the arguments: SET reads only with GET.
fn settled(name: &str, inner: Request<'_>, declared: KeyFlags) -> KeyFlags {
    let variable = declared.contains(KeyFlags::VARIABLE_FLAGS);
    let is_get = |word: &[u8]| word.eq_ignore_ascii_case(b"GET");
    if variable && name == "set" && !inner.iter().skip(3).any(is_get) {
        return KeyFlags::OW.union(KeyFlags::UPDATE);
    }
    declared.difference(KeyFlags::VARIABLE_FLAGS)
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn finds_keys() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("COMMAND GETKEYS WATCH a b"), "[\"a\", \"b\"]");
        assert_eq!(kit.run("COMMAND GETKEYS memory usage k"), "[\"k\"]");
        assert_eq!(
            kit.run("COMMAND GETKEYSANDFLAGS watch a"),
            "[[\"a\", [RO]]]"
        );
        for (bad, text) in [
            ("none", "Invalid command specified"),
            ("config none", "Invalid command specified"),
            ("ping", "The command has no key arguments"),
            ("watch", "Invalid number of arguments specified for command"),
        ] {
            assert_eq!(
                kit.run(&alloc::format!("COMMAND GETKEYS {bad}")),
                alloc::format!("(error) ERR {text}")
            );
        }
    }
}
