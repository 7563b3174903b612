//! LOLWUT: a drawing by a cellular automaton, another one each time.

use alloc::{format, string::String};

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, CommandSpec, Flags, Group};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
    version,
};

pub(super) const LOLWUT: Command = Command {
    spec: CommandSpec {
        name: "lolwut",
        group: Group::Server,
        since: "5.0.0",
        summary: "Draws something, and tells the version.",
        complexity: "",
        arity: -1,
        flags: Flags::FAST,
        args: &[ArgSpec::integer("version").token("VERSION").optional()],
        ..CommandSpec::NEW
    },
    run: Run::Read(lolwut),
};

/// Dots of a line; a power of two, the width of the automaton's world.
const WIDTH: usize = 64;
/// Characters of the drawing: each has 2 dots by 4.
const COLUMNS: usize = WIDTH / 2;
const ROWS: usize = 10;
const DOTS_PER_ROW: usize = 4;

/// Rules of one-dimensional automata whose pictures are neither empty nor noise.
const RULES: [u8; 8] = [18, 22, 30, 60, 90, 105, 126, 150];

fn lolwut(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let names_version = request
        .arg(1)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"VERSION"));
    if names_version && let Some(version) = request.arg(2) {
        parse_i64(version).ok_or(Error::NOT_AN_INTEGER)?;
    }
    let pick = ctx.engine.random.next();
    let rule = RULES
        .get(usize::try_from(pick >> 61).unwrap_or(0))
        .copied()
        .unwrap_or(90);
    // A few living cells to begin with: the one in the middle always.
    let start = 1 << (WIDTH / 2) | (pick & pick.rotate_left(17) & pick.rotate_left(31));
    let mut text = drawing(rule, start);
    text.push_str(&format!(
        "\nRule {rule}. Verikey {}\nRedis ver. {}\n",
        version::VERIKEY,
        version::VALKEY
    ));
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

/// The first generations from `start` on, in Braille characters.
fn drawing(rule: u8, start: u64) -> String {
    let mut text = String::new();
    let mut cells = start;
    for _ in 0..ROWS {
        let mut lines = [0_u64; DOTS_PER_ROW];
        for line in &mut lines {
            *line = cells;
            cells = next_generation(rule, cells);
        }
        for column in 0..COLUMNS {
            text.push(braille(&lines, column));
        }
        text.push('\n');
    }
    text
}

/// A cell lives on if the rule's bit for its neighbourhood of three is set; the world is a ring.
fn next_generation(rule: u8, cells: u64) -> u64 {
    let (left, right) = (cells.rotate_left(1), cells.rotate_right(1));
    (0..WIDTH).fold(0, |next, at| {
        let bit = |cells: u64| (cells >> at) & 1;
        let neighbours = bit(left) << 2 | bit(cells) << 1 | bit(right);
        next | u64::from(rule >> neighbours & 1) << at
    })
}

/// The character of 2 by 4 dots. Dots are numbered down the left column, then the right one, the
/// lowest pair last (Unicode, block Braille Patterns).
fn braille(lines: &[u64; DOTS_PER_ROW], column: usize) -> char {
    const BITS: [[u32; 2]; DOTS_PER_ROW] = [[0, 3], [1, 4], [2, 5], [6, 7]];
    let mut dots = 0;
    for (line, bits) in lines.iter().zip(BITS) {
        for (side, bit) in bits.into_iter().enumerate() {
            let cell = line >> (column * 2 + side) & 1;
            dots |= u32::from(cell == 1) << bit;
        }
    }
    char::from_u32(0x2800 + dots).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, ROWS, drawing, next_generation};
    use crate::testkit::Kit;

    #[test]
    fn rule_90_is_the_sum_of_the_neighbours() {
        let cells = 0b1_0000;
        assert_eq!(next_generation(90, cells), 0b10_1000);
        assert_eq!(next_generation(90, 1), 1 << 63 | 0b10);
        let text = drawing(90, cells);
        assert_eq!(text.lines().count(), ROWS);
        assert!(text.lines().all(|line| line.chars().count() == COLUMNS));
    }

    #[test]
    fn ends_with_the_version() {
        let mut kit = Kit::new();
        let first = kit.run("LOLWUT");
        assert!(first.ends_with("Redis ver. 8.1.0\n\""), "{first}");
        assert!(kit.run("LOLWUT VERSION 5 1 2").contains("Redis ver."));
        assert!(kit.run("LOLWUT version x").starts_with("(error) ERR value"));
        assert!((0..100).any(|_| kit.run("LOLWUT") != first));
    }
}
