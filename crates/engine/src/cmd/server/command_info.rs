//! One command as COMMAND INFO tells it: arity, flags, keys, categories, tips, subcommands.

use alloc::{format, string::String, vec::Vec};

use vk_resp::ReplyBuf;
use vk_spec::{Begin, Find, Flags, KeyFlags, KeySpec};

use crate::cmd::{Command, CommandId, CommandTable};

/// Flags that clients are not told.
const HIDDEN: Flags = Flags::MAY_REPLICATE
    .union(Flags::PROTECTED)
    .union(Flags::TOUCHES_ARBITRARY_KEYS)
    .union(Flags::SYSCMD);

pub(super) fn write_info(table: &CommandTable, id: CommandId, reply: &mut ReplyBuf) {
    let command = table.command(id);
    let keys = command.spec.keys;
    let range = plain_range(keys);
    reply.array(10);
    reply.bulk(table.full_name(id).as_bytes());
    reply.int(i64::from(command.spec.arity));
    write_set(reply, &flag_names(command));
    reply.int(i64::from(range.first));
    reply.int(i64::from(range.last));
    reply.int(i64::from(range.step));
    let categories = command.categories();
    let categories: Vec<String> = categories
        .iter_names()
        .map(|(name, _)| format!("@{}", name.to_ascii_lowercase()))
        .collect();
    write_set(reply, &categories);
    reply.set(command.spec.tips.len());
    for tip in command.spec.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(keys.len());
    for spec in keys {
        write_key_spec(spec, reply);
    }
    let subcommands = command.subcommands();
    if subcommands.is_empty() {
        reply.set(0);
        return;
    }
    reply.array(subcommands.len());
    for sub in subcommands {
        if let Some(sub) = table.find_sub(id, sub.spec.name.as_bytes()) {
            write_info(table, sub, reply);
        }
    }
}

fn write_set(reply: &mut ReplyBuf, names: &[String]) {
    reply.set(names.len());
    for name in names {
        reply.simple(name);
    }
}

fn flag_names(command: &Command) -> Vec<String> {
    let derived = [
        ("write", command.is_write()),
        ("readonly", command.is_read()),
        ("movablekeys", plain_range(command.spec.keys).movable),
    ];
    let derived = derived
        .into_iter()
        .filter(|(_, holds)| *holds)
        .map(|(name, _)| name.into());
    let declared = command.spec.flags.difference(HIDDEN);
    derived
        .chain(
            declared
                .iter_names()
                .map(|(name, _)| name.to_ascii_lowercase()),
        )
        .collect()
}

/// Keys in the old notation: first, last and step, which cannot say everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct PlainRange {
    first: i32,
    /// Absolute; negative values count from the end.
    last: i32,
    step: i32,
    /// There are keys that the three numbers do not find.
    movable: bool,
}

/// A single range stands for itself; of several, those that follow each other with step 1 are one.
fn plain_range(specs: &[KeySpec]) -> PlainRange {
    let absolute = |first: i32, last: i32| if last >= 0 { first + last } else { last };
    let incomplete = |spec: &KeySpec| spec.flags.contains(KeyFlags::INCOMPLETE);
    if let [spec] = specs
        && let (Begin::Index(first), Find::Range { last, step, .. }) = (spec.begin, spec.find)
    {
        return PlainRange {
            first,
            last: absolute(first, last),
            step,
            movable: incomplete(spec),
        };
    }
    let mut whole = PlainRange::default();
    for spec in specs {
        let (Begin::Index(first), Find::Range { last, step: 1, .. }) = (spec.begin, spec.find)
        else {
            whole.movable = true;
            continue;
        };
        if whole.step == 1 && whole.last != first - 1 {
            whole.movable = true;
            continue;
        }
        whole.movable |= incomplete(spec);
        if whole.step == 0 {
            whole.first = first;
            whole.step = 1;
        }
        // A last key that is counted from the end lies behind every other.
        let last = absolute(first, last);
        if whole.last >= 0 && (last < 0 || last > whole.last) {
            whole.last = last;
        }
    }
    whole.movable |= whole.step == 0 && !specs.is_empty();
    whole
}

/// Names as COMMAND shows them: the four kinds of access in capitals.
pub(super) fn write_key_flags(flags: KeyFlags, reply: &mut ReplyBuf) {
    reply.set(flags.iter_names().count());
    for (name, _) in flags.iter_names() {
        if name.len() == 2 {
            reply.simple(name);
        } else {
            reply.simple(&name.to_ascii_lowercase());
        }
    }
}

fn write_key_spec(spec: &KeySpec, reply: &mut ReplyBuf) {
    reply.map(3 + usize::from(!spec.notes.is_empty()));
    if !spec.notes.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(spec.notes.as_bytes());
    }
    reply.bulk(b"flags");
    write_key_flags(spec.flags, reply);
    reply.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => write_rule(reply, "index", &[("index", index)]),
        Begin::Unknown => write_rule(reply, "unknown", &[]),
        Begin::Keyword(keyword, from) => {
            reply.map(2);
            reply.bulk(b"type");
            reply.bulk(b"keyword");
            reply.bulk(b"spec");
            reply.map(2);
            reply.bulk(b"keyword");
            reply.bulk(keyword.as_bytes());
            reply.bulk(b"startfrom");
            reply.int(i64::from(from));
        }
    }
    reply.bulk(b"find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            let rule = [("lastkey", last), ("keystep", step), ("limit", limit)];
            write_rule(reply, "range", &rule);
        }
        Find::KeyNum { index, first, step } => {
            let rule = [("keynumidx", index), ("firstkey", first), ("keystep", step)];
            write_rule(reply, "keynum", &rule);
        }
        Find::Unknown => write_rule(reply, "unknown", &[]),
    }
}

fn write_rule(reply: &mut ReplyBuf, kind: &str, numbers: &[(&str, i32)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(numbers.len());
    for (name, number) in numbers {
        reply.bulk(name.as_bytes());
        reply.int(i64::from(*number));
    }
}

#[cfg(test)]
mod tests {
    use vk_spec::{Begin, Find, KeyFlags, KeySpec};

    use super::{PlainRange, plain_range};

    fn range(specs: &[KeySpec]) -> (i32, i32, i32, bool) {
        let PlainRange {
            first,
            last,
            step,
            movable,
        } = plain_range(specs);
        (first, last, step, movable)
    }

    #[test]
    fn the_old_notation() {
        let ro = KeyFlags::RO;
        assert_eq!(range(&[]), (0, 0, 0, false));
        assert_eq!(range(&[KeySpec::one(1, ro)]), (1, 1, 1, false));
        assert_eq!(range(&[KeySpec::range(1, -1, 2, ro)]), (1, -1, 2, false));
        // LMOVE, SDIFFSTORE, EVAL, ZUNIONSTORE, SORT in turn.
        let lmove = [KeySpec::one(1, ro), KeySpec::one(2, ro)];
        assert_eq!(range(&lmove), (1, 2, 1, false));
        let sdiffstore = [KeySpec::one(1, ro), KeySpec::range(2, -1, 1, ro)];
        assert_eq!(range(&sdiffstore), (1, -1, 1, false));
        assert_eq!(range(&[KeySpec::counted(2, 1, ro)]), (0, 0, 0, true));
        let zunionstore = [KeySpec::one(1, ro), KeySpec::counted(2, 1, ro)];
        assert_eq!(range(&zunionstore), (1, 1, 1, true));
        let unknown = KeySpec {
            begin: Begin::Unknown,
            find: Find::Unknown,
            flags: ro.union(KeyFlags::INCOMPLETE),
            notes: "",
        };
        assert_eq!(range(&[KeySpec::one(1, ro), unknown]), (1, 1, 1, true));
        let apart = [KeySpec::one(1, ro), KeySpec::one(3, ro)];
        assert_eq!(range(&apart), (1, 1, 1, true));
    }
}
