//! Looking into HyperLogLogs, and testing them: PFDEBUG, PFSELFTEST.

use vk_data::{
    hll::{Hll, HllBuf, REGISTERS, Registers, self_test},
    num::INT_TEXT_MAX,
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{count::replace, sparse_bytes_max};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::{SessionCtx, WriteCtx},
};

pub(super) const PFDEBUG: Command = Command {
    spec: CommandSpec {
        name: "pfdebug",
        group: Group::HyperLogLog,
        since: "2.8.9",
        summary: "Shows the inside of a HyperLogLog, for tests.",
        complexity: "N/A",
        arity: 3,
        flags: Flags::DENYOOM.union(Flags::ADMIN).union(Flags::SYSCMD),
        categories: Categories::HYPERLOGLOG,
        keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::ACCESS))],
        args: &[ArgSpec::string("subcommand"), ArgSpec::key("key", 0)],
        ..CommandSpec::NEW
    },
    run: Run::Write(pfdebug),
};

pub(super) const PFSELFTEST: Command = Command {
    spec: CommandSpec {
        name: "pfselftest",
        group: Group::HyperLogLog,
        since: "2.8.9",
        summary: "Tests HyperLogLogs with ten million elements, which takes a moment.",
        complexity: "N/A",
        arity: 1,
        flags: Flags::ADMIN.union(Flags::SYSCMD),
        categories: Categories::HYPERLOGLOG,
        ..CommandSpec::NEW
    },
    run: Run::Session(pfselftest),
};

fn pfdebug(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let name = request.arg(1).unwrap_or_default();
    let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    let key = ctx.key(0)?;
    let mut writer = ctx.write(key);
    let value = writer.string()?.ok_or(Error::PFDEBUG_NO_KEY)?;
    let mut text = [0; INT_TEXT_MAX];
    let hll = Hll::new(value.bytes(&mut text))?;
    if is("ENCODING") {
        reply.simple(hll.encoding().name());
    } else if is("DECODE") {
        let runs = hll.runs().ok_or(Error::HLL_NOT_SPARSE)?;
        reply.bulk(runs.as_bytes());
    } else if is("GETREG") || is("TODENSE") {
        if is("GETREG") {
            let mut registers = Registers::new();
            registers.merge(hll);
            reply.array(REGISTERS);
            for value in registers.values() {
                reply.int(i64::from(*value));
            }
        }
        let mut hll = HllBuf::of(hll);
        let converted = hll.make_dense();
        if converted {
            replace(&mut writer, &hll);
            writer.commit(&[]);
        }
        if is("TODENSE") {
            reply.int(converted.into());
        }
    } else {
        // As much of it as a C string would show.
        let shown = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let name = alloc::string::String::from_utf8_lossy(shown);
        return Err(Error::told(format_args!(
            "ERR Unknown PFDEBUG subcommand '{name}'"
        )));
    }
    Ok(())
}

fn pfselftest(
    ctx: &mut SessionCtx<'_>,
    _request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let limit = sparse_bytes_max(&ctx.base);
    let engine = ctx.engine();
    self_test(&mut || engine.random.next(), limit)
        .map_err(|text| Error::told(format_args!("ERR {text}")))?;
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn the_inside_is_shown() {
        let mut kit = Kit::new();
        kit.run("PFADD k a b c");
        assert_eq!(
            kit.run("PFDEBUG DECODE k"),
            "\"Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\""
        );
        assert_eq!(kit.run("PFDEBUG encoding k"), "sparse");
        assert_eq!(
            effects_of(&mut kit, "PFDEBUG TODENSE k"),
            "PFDEBUG TODENSE k"
        );
        assert_eq!(kit.run("PFDEBUG TODENSE k"), "(integer) 0");
        let registers = kit.run("PFDEBUG GETREG k");
        assert_eq!(registers.matches("(integer)").count(), 16_384);
        assert_eq!(registers.matches("(integer) 0").count(), 16_381);
        assert_eq!(
            kit.run("PFDEBUG DECODE k"),
            "(error) ERR HLL encoding is not sparse"
        );
        assert_eq!(
            kit.run("PFDEBUG none k"),
            "(error) ERR Unknown PFDEBUG subcommand 'none'"
        );
        assert_eq!(
            kit.run("PFDEBUG DECODE none"),
            "(error) ERR The specified key does not exist"
        );
    }

    #[test]
    fn the_test_passes() {
        assert_eq!(Kit::new().run("PFSELFTEST"), "OK");
    }
}
