//! DEBUG: the subcommands about the configuration file and the buffers of replies.

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};

use super::debug::switch;
use crate::{Directive, Error, ctx::SessionCtx};

/// CONFIG-REWRITE-FORCE-ALL: the shell writes, since files are its own.
pub(super) fn config_rewrite_force_all(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    _reply: &mut ReplyBuf,
) -> Result<(), Error> {
    if ctx.engine().identity.config_file.is_empty() {
        return Err(Error::NO_CONFIG_FILE);
    }
    ctx.park_for(Directive::RewriteConfig { all: true })?;
    Ok(())
}

/// CLIENT-ENFORCE-REPLY-LIST: replies that wait for a slow reader are blocks in a list anyway.
pub(super) fn client_enforce_reply_list(
    _ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    switch(request)?;
    reply.ok();
    Ok(())
}

/// REPLYBUFFER: one buffer serves all sessions, so there is no size of it to keep or to change.
pub(super) fn reply_buffer(
    _ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let what = request.arg(2).unwrap_or_default();
    let value = request.arg(3).unwrap_or_default();
    let is = |word: &[u8], name: &[u8]| word.eq_ignore_ascii_case(name);
    let is_named = is(value, b"never") || is(value, b"reset");
    if is(what, b"peak-reset-time") {
        if !is_named {
            parse_i64(value).ok_or(Error::NOT_AN_INTEGER)?;
        }
    } else if is(what, b"resizing") {
        parse_i64(value).ok_or(Error::NOT_AN_INTEGER)?;
    } else {
        return Err(Error::SYNTAX);
    }
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Completion, Directive, Output, testkit::Kit};

    #[test]
    fn the_whole_configuration_is_written_by_the_shell() {
        let mut kit = Kit::with_debug();
        assert!(
            kit.run("DEBUG CONFIG-REWRITE-FORCE-ALL")
                .contains("without a config file")
        );
        kit.engine.identity.config_file = "/etc/vkd.conf".into();
        assert_eq!(kit.run("DEBUG CONFIG-REWRITE-FORCE-ALL"), "");
        assert!(kit.outputs.iter().any(|output| matches!(
            output,
            Output::Directive {
                directive: Directive::RewriteConfig { all: true },
                ..
            }
        )));
        kit.complete(Completion::Done);
        assert_eq!(kit.woken(), "OK");
    }

    #[test]
    fn buffers_of_replies() {
        let mut kit = Kit::with_debug();
        for line in [
            "CLIENT-ENFORCE-REPLY-LIST 1",
            "REPLYBUFFER resizing 0",
            "REPLYBUFFER PEAK-RESET-TIME never",
            "REPLYBUFFER peak-reset-time 100",
        ] {
            assert_eq!(kit.run(&alloc::format!("DEBUG {line}")), "OK", "{line}");
        }
        assert!(kit.run("DEBUG REPLYBUFFER x 1").contains("syntax error"));
        assert!(
            kit.run("DEBUG REPLYBUFFER resizing never")
                .contains("not an integer")
        );
    }
}
