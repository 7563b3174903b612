//! Writing a large value that is read in pieces: what stands before its elements, and these one by
//! one. The bytes are those of [`save`](crate::save()), but for the order where it does not count.

use vk_data::pieces::{Piece, Shape};
use vk_data::stream::StreamPiece;

use super::{NO_EXPIRY_MS, save_node, stream};
use crate::{ValueCode, Writer, load::stream::Form};

/// The code of the value.
#[must_use]
pub fn code_of_shape(shape: Shape) -> ValueCode {
    match shape {
        Shape::Set { .. } => ValueCode::Set,
        Shape::Hash { expires: true, .. } => ValueCode::HashExpiring,
        Shape::Hash { .. } => ValueCode::Hash,
        Shape::ZSet { .. } => ValueCode::ZSet,
        Shape::List { .. } => ValueCode::ListQuicklist2,
        Shape::Stream(_) => ValueCode::Stream3,
    }
}

/// Writes what stands before the elements.
pub fn save_shape(shape: Shape, writer: &mut Writer) {
    match shape {
        Shape::Set { len } | Shape::Hash { len, .. } | Shape::ZSet { len } => writer.count(len),
        Shape::List { nodes, .. } => writer.count(nodes),
        Shape::Stream(stream) => writer.count(stream.nodes),
    }
}

/// Writes an element.
pub fn save_piece(shape: Shape, piece: Piece<'_>, writer: &mut Writer) {
    match piece {
        Piece::Member(member) => writer.string(member),
        Piece::Field {
            name,
            value,
            expire_ms,
        } => {
            writer.string(name);
            writer.value(value);
            if matches!(shape, Shape::Hash { expires: true, .. }) {
                writer.time_ms(expire_ms.unwrap_or(NO_EXPIRY_MS));
            }
        }
        Piece::Scored { member, score } => {
            writer.item(member);
            writer.double(score);
        }
        Piece::Node(node) => save_node(node, writer),
        Piece::Stream(piece) => save_stream_piece(shape, piece, writer),
    }
}

fn save_stream_piece(shape: Shape, piece: StreamPiece<'_>, writer: &mut Writer) {
    match piece {
        StreamPiece::Node(first, node) => stream::save_node(first, node, writer),
        StreamPiece::EndOfNodes => {
            if let Shape::Stream(shape) = shape {
                stream::save_info(shape.len, shape.info, Form::Third, writer);
                writer.count(shape.groups);
            }
        }
        StreamPiece::Group {
            name,
            last_id,
            entries_read,
            pending,
        } => {
            stream::save_head(name, last_id, entries_read, Form::Third, writer);
            writer.count(pending);
        }
        StreamPiece::Pending { pending, .. } => stream::save_pending(pending, writer),
        StreamPiece::Consumers(count) => writer.count(count),
        StreamPiece::Consumer {
            name,
            seen_ms,
            active_ms,
            pending,
        } => {
            stream::save_consumer(name, seen_ms, active_ms, Form::Third, writer);
            writer.count(pending);
        }
        StreamPiece::ConsumerPending(id) => writer.raw(&id.to_be_bytes()),
    }
}
