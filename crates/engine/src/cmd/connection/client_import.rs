//! CLIENT IMPORT-SOURCE: the session loads data from another server, which says what expires.

use vk_resp::{ReplyBuf, Request};
use vk_spec::CommandSpec;

use super::client::{BASE, ON_OFF, on_off};
use crate::{
    Error,
    cmd::{Command, Run},
    config::id,
    ctx::SessionCtx,
    session::SessionFlags,
};

pub(super) const IMPORT_SOURCE: Command = Command {
    spec: CommandSpec {
        name: "import-source",
        since: "8.1.0",
        summary: "Says that the session is the source of an import, to which nothing has expired.",
        arity: 3,
        args: ON_OFF,
        ..BASE
    },
    run: Run::Session(import_source),
};

const NO_IMPORT: Error = Error::Fixed("ERR Server is not in import mode");

fn import_source(
    ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let ends = request
        .arg(2)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"off"));
    if !ends && !ctx.config().bool(id::IMPORT_MODE) {
        return Err(NO_IMPORT);
    }
    let on = on_off(request)?;
    ctx.session()?.flags.set(SessionFlags::IMPORT_SOURCE, on);
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn a_source_sees_what_has_expired_and_nobody_else_does() {
        let mut kit = Kit::new();
        let no_import = "(error) ERR Server is not in import mode";
        assert_eq!(kit.run("CLIENT IMPORT-SOURCE ON"), no_import);
        assert_eq!(kit.run("CLIENT IMPORT-SOURCE x"), no_import);
        assert_eq!(kit.run("CLIENT IMPORT-SOURCE OFF"), "OK");
        kit.run("CONFIG SET import-mode yes");
        assert!(kit.run("CLIENT IMPORT-SOURCE x").contains("syntax error"));
        let other = kit.connect();
        assert_eq!(kit.run("CLIENT IMPORT-SOURCE ON"), "OK");
        kit.run("SET k v PX 10");
        kit.advance_ms(100);
        assert_eq!(kit.run("GET k"), "\"v\"");
        assert_eq!(kit.run("KEYS *"), "[\"k\"]");
        assert_eq!(kit.run_as(other, "GET k"), "(nil)");
        assert_eq!(kit.run_as(other, "KEYS *"), "[]");
        assert_eq!(kit.run_as(other, "DBSIZE"), "(integer) 1");
        assert!(kit.run("CLIENT LIST").contains(" flags=UI "));
        kit.run("CONFIG SET import-mode no");
        assert_eq!(kit.run("GET k"), "(nil)");
        assert_eq!(kit.run("DBSIZE"), "(integer) 0");
    }

    #[test]
    fn reset_ends_it() {
        let mut kit = Kit::new();
        kit.run("CONFIG SET import-mode yes");
        kit.run("CLIENT IMPORT-SOURCE ON");
        kit.run("RESET");
        kit.run("SET k v PX 10");
        kit.advance_ms(100);
        assert_eq!(kit.run("GET k"), "(nil)");
    }
}
