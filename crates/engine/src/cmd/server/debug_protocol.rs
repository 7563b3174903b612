//! DEBUG PROTOCOL: one reply of every type, for the tests of clients.

use vk_resp::{Protocol, ReplyBuf, Request};

use crate::{Error, ctx::SessionCtx};

#[expect(
    clippy::approx_constant,
    reason = "the number that tests of clients know"
)]
pub(super) fn protocol(
    _ctx: &mut SessionCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let name = request.arg(2).unwrap_or_default().to_ascii_lowercase();
    match name.as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.int(12345),
        b"double" => reply.double(3.141),
        b"bignum" => reply.big_number("1234567999999999999999999999999999999"),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|n| reply.int(n));
        }
        b"map" => {
            reply.map(3);
            for n in 0..3 {
                reply.int(n);
                reply.bool(n == 1);
            }
        }
        b"attrib" => attribute(reply),
        b"push" => push(reply)?,
        b"true" => reply.bool(true),
        b"false" => reply.bool(false),
        b"verbatim" => reply.verbatim("txt", b"This is a verbatim\nstring"),
        _ => return Err(Error::DEBUG_PROTOCOL_TYPE),
    }
    Ok(())
}

/// Attributes stand before a reply and are none themselves.
fn attribute(reply: &mut ReplyBuf) {
    if reply.attribute(1) {
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.int(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

/// A push is no reply, so that one follows.
fn push(reply: &mut ReplyBuf) -> Result<(), Error> {
    if reply.protocol() != Protocol::Resp3 {
        return Err(Error::DEBUG_RESP2);
    }
    reply.push(2);
    reply.bulk(b"server-cpu-usage");
    reply.int(42);
    reply.bulk(b"Some real reply following the push reply");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn every_type_in_both_protocols() {
        let mut kit = Kit::with_debug();
        let mut ask = |name: &str| kit.run(&alloc::format!("DEBUG PROTOCOL {name}"));
        assert_eq!(ask("string"), "\"Hello World\"");
        assert_eq!(ask("DOUBLE"), "\"3.141\"");
        assert_eq!(ask("true"), "(integer) 1");
        assert_eq!(
            ask("push"),
            "(error) ERR RESP2 is not supported by this command"
        );
        assert!(ask("none").contains("string|integer|double|bignum|null"));
        kit.run("HELLO 3");
        let mut ask = |name: &str| kit.run(&alloc::format!("DEBUG PROTOCOL {name}"));
        assert_eq!(ask("set"), "~[(integer) 0, (integer) 1, (integer) 2]");
        assert!(ask("push").starts_with(">[\"server-cpu-usage\", (integer) 42]"));
        assert!(ask("map").starts_with('{'));
        for name in ["attrib", "bignum", "false", "verbatim", "null", "array"] {
            assert!(!ask(name).starts_with("(error)"), "{name}");
        }
    }
}
