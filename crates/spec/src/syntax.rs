//! The usual notation of a command's arguments: `key value [NX | XX] [GET]`.
//!
//! For people; nothing parses it.

use core::fmt;

use crate::{ArgFlags, ArgKind, ArgSpec};

/// Arguments in the notation of manuals.
#[derive(Debug, Clone, Copy)]
pub struct Syntax(pub &'static [ArgSpec]);

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_all(f, self.0, " ")
    }
}

fn write_all(f: &mut fmt::Formatter<'_>, args: &[ArgSpec], between: &str) -> fmt::Result {
    for (at, arg) in args.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write_arg(f, arg)?;
    }
    Ok(())
}

fn write_arg(f: &mut fmt::Formatter<'_>, arg: &ArgSpec) -> fmt::Result {
    let optional = arg.flags.contains(ArgFlags::OPTIONAL);
    if optional {
        f.write_str("[")?;
    }
    write_once(f, arg)?;
    if arg.flags.contains(ArgFlags::MULTIPLE) {
        f.write_str(" [")?;
        if arg.flags.contains(ArgFlags::MULTIPLE_TOKEN) {
            write_once(f, arg)?;
        } else {
            write_value(f, arg)?;
        }
        f.write_str(" ...]")?;
    }
    if optional {
        f.write_str("]")?;
    }
    Ok(())
}

fn write_once(f: &mut fmt::Formatter<'_>, arg: &ArgSpec) -> fmt::Result {
    let token = arg.token.unwrap_or_default();
    if token.is_empty() {
        return write_value(f, arg);
    }
    f.write_str(token)?;
    if arg.kind != ArgKind::PureToken {
        f.write_str(" ")?;
        write_value(f, arg)?;
    }
    Ok(())
}

fn write_value(f: &mut fmt::Formatter<'_>, arg: &ArgSpec) -> fmt::Result {
    match arg.kind {
        ArgKind::OneOf(inner) if arg.flags.contains(ArgFlags::OPTIONAL) => {
            write_all(f, inner, " | ")
        }
        ArgKind::OneOf(inner) => {
            f.write_str("<")?;
            write_all(f, inner, " | ")?;
            f.write_str(">")
        }
        ArgKind::Block(inner) => write_all(f, inner, " "),
        ArgKind::PureToken => f.write_str(arg.token.unwrap_or_default()),
        _ if arg.display.is_empty() => f.write_str(arg.name),
        _ => f.write_str(arg.display),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::Syntax;
    use crate::ArgSpec;

    #[test]
    fn writes_every_kind() {
        const ARGS: &[ArgSpec] = &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "c",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("x", "XX"),
                ],
            )
            .optional(),
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::block(
                "data",
                &[ArgSpec::string("field"), ArgSpec::string("value")],
            )
            .multiple(),
        ];
        let text = Syntax(ARGS).to_string();
        assert_eq!(
            text,
            "key [NX | XX] [COUNT count] field value [field value ...]"
        );
    }
}
