//! A key whose value is read in pieces, as a record or as commands.

use alloc::{boxed::Box, vec::Vec};

use vk_data::{
    list::Node,
    num::INT_TEXT_MAX,
    pieces::{Outline, Piece, Shape},
    stream::{StreamPiece, entries_of_node},
};
use vk_rdb::{ValueCode, code_of_shape, save_piece, save_shape};

use super::{
    commands::{self, Series},
    pass::Output,
    record::{self, Manner},
};
use crate::databases::{Databases, PieceStep};

/// A key that has begun and not yet ended.
#[derive(Debug)]
pub(super) struct Opened {
    outline: Box<Outline>,
    /// The form of its record.
    code: ValueCode,
    progress: Progress,
}

/// How far its commands are.
#[derive(Debug)]
struct Progress {
    /// What is under way.
    series: Series,
    /// Fields of the command under way that expire.
    expiring: Vec<(Vec<u8>, i64)>,
    /// The group of a stream that is under way.
    group: Vec<u8>,
}

impl Opened {
    /// Writes everything that stands before the elements.
    pub(super) fn new(outline: Box<Outline>, manner: Manner, output: &mut Output) -> Self {
        let shape = outline.shape();
        let code = code_of_shape(shape, manner.version);
        if let Output::Records(writer) = output {
            record::put_head(outline.head(), code, manner.uses, writer);
            save_shape(shape, code, writer);
        }
        let series = match shape {
            Shape::Hash { len, .. } => Series::new(b"HMSET", len, 2),
            Shape::Set { len } => Series::new(b"SADD", len, 1),
            Shape::ZSet { len } => Series::new(b"ZADD", len, 2),
            Shape::List { len, .. } => Series::new(b"RPUSH", len, 1),
            // Each of its pieces is a command, or nothing. A string is copied first.
            Shape::Stream(_) | Shape::String { .. } => Series::new(b"", 0, 0),
        };
        let progress = Progress {
            series,
            expiring: Vec::new(),
            group: Vec::new(),
        };
        Self {
            outline,
            code,
            progress,
        }
    }

    /// Reads and writes about `elements` elements; with how many there were.
    pub(super) fn go_on(
        &mut self,
        dbs: &mut Databases,
        elements: usize,
        output: &mut Output,
    ) -> (PieceStep, usize) {
        let Self {
            outline,
            code,
            progress,
        } = self;
        let (shape, key) = (outline.shape(), outline.head().key());
        let mut count = 0;
        let step = dbs.read_piece(outline, elements, &mut |piece| {
            count += 1;
            match output {
                Output::Records(writer) => save_piece(shape, *code, piece, writer),
                Output::Commands(out) => progress.put((key, shape), piece, out),
            }
        });
        (step, count)
    }

    /// Writes what stands behind the elements.
    pub(super) fn end(self, output: &mut Output) {
        if let Output::Commands(out) = output {
            commands::put_expiry(self.outline.head(), out);
        }
    }

    /// The key, which is not wanted any more.
    pub(super) fn into_outline(self) -> Outline {
        *self.outline
    }
}

impl Progress {
    fn put(&mut self, (key, shape): (&[u8], Shape), piece: Piece<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Scored { member, score } => {
                commands::put_scored(&mut self.series, (key, member, score), out);
            }
            Piece::Node(Node::Plain(element)) => self.series.add(out, key, &[element]),
            Piece::Node(Node::Packed(pack, _)) => {
                let text = &mut [0; INT_TEXT_MAX];
                for item in pack.iter() {
                    self.series.add(out, key, &[item.bytes(text)]);
                }
            }
            Piece::Stream(piece) => self.put_stream_piece((key, shape), piece, out),
            Piece::Window(bytes) => out.extend_from_slice(bytes),
            Piece::Member(member) => self.series.add(out, key, &[member]),
            Piece::Field {
                name,
                value,
                expire_ms,
            } => {
                let text = &mut [0; INT_TEXT_MAX];
                self.series.add(out, key, &[name, value.bytes(text)]);
                if let Some(at_ms) = expire_ms {
                    self.expiring.push((name.to_vec(), at_ms));
                }
            }
        }
        if self.series.is_between() {
            for (name, at_ms) in self.expiring.drain(..) {
                commands::put_field_expiry(key, &name, at_ms, out);
            }
        }
    }

    fn put_stream_piece(
        &mut self,
        (key, shape): (&[u8], Shape),
        piece: StreamPiece<'_>,
        out: &mut Vec<u8>,
    ) {
        match piece {
            StreamPiece::Node(first, node) => {
                entries_of_node(first, node).for_each(|entry| {
                    commands::put_entry(key, &entry, out);
                });
            }
            StreamPiece::EndOfNodes => {
                if let Shape::Stream(shape) = shape {
                    commands::put_stream_info(key, shape.len, shape.info, out);
                }
            }
            StreamPiece::Group {
                name,
                last_id,
                entries_read,
                ..
            } => {
                self.group = name.to_vec();
                commands::put_group_head(key, name, (last_id, entries_read), out);
            }
            StreamPiece::Pending { pending, owner } => {
                commands::put_pending(key, (&self.group, owner), pending, out);
            }
            StreamPiece::Consumer { name, .. } => {
                commands::put_consumer(key, &self.group, name, out);
            }
            // What is pending of whom is told already.
            StreamPiece::Consumers(_) | StreamPiece::ConsumerPending(_) => {}
        }
    }
}
