//! Writing a large value that is read in pieces: what stands before its elements, and these one by
//! one. The bytes are those of [`save`](crate::save()), but for the order where it does not count.

use vk_data::list::Node;
use vk_data::pieces::{Piece, Shape};
use vk_data::stream::StreamPiece;

use super::{NO_EXPIRY_MS, save_node, stream};
use crate::{ValueCode, Writer, load::stream::Form, transcribe::code_for};

/// The code of the value in a version of the format, as [`code_in`](crate::code_in).
#[must_use]
pub fn code_of_shape(shape: Shape, version: u16) -> ValueCode {
    let code = match shape {
        Shape::Set { .. } => ValueCode::Set,
        Shape::Hash { expires: true, .. } => ValueCode::HashExpiring,
        Shape::Hash { .. } => ValueCode::Hash,
        Shape::ZSet { .. } => ValueCode::ZSet,
        Shape::List { .. } => ValueCode::ListQuicklist2,
        Shape::Stream(_) => ValueCode::Stream3,
        Shape::String { .. } => ValueCode::String,
    };
    code_for(code, version).unwrap_or(code)
}

/// Writes what stands before the elements of a value with this code.
pub fn save_shape(shape: Shape, code: ValueCode, writer: &mut Writer) {
    match shape {
        Shape::List { len, .. } if code == ValueCode::List => writer.count(len),
        Shape::Set { len } | Shape::Hash { len, .. } | Shape::ZSet { len } => writer.count(len),
        Shape::List { nodes, .. } => writer.count(nodes),
        Shape::Stream(stream) => writer.count(stream.nodes),
        Shape::String { len } => writer.count(len),
    }
}

/// Writes an element of a value with this code.
pub fn save_piece(shape: Shape, code: ValueCode, piece: Piece<'_>, writer: &mut Writer) {
    match piece {
        Piece::Member(member) => writer.string(member),
        Piece::Window(bytes) => writer.raw(bytes),
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
        Piece::Node(Node::Plain(element)) if code == ValueCode::List => writer.string(element),
        Piece::Node(Node::Packed(pack, _)) if code == ValueCode::List => {
            pack.iter().for_each(|item| writer.item(item));
        }
        Piece::Node(node) => save_node(node, writer),
        Piece::Stream(piece) => {
            let form = match code {
                ValueCode::Stream1 => Form::First,
                ValueCode::Stream2 => Form::Second,
                _ => Form::Third,
            };
            save_stream_piece(shape, form, piece, writer);
        }
    }
}

fn save_stream_piece(shape: Shape, form: Form, piece: StreamPiece<'_>, writer: &mut Writer) {
    match piece {
        StreamPiece::Node(first, node) => stream::save_node(first, node, writer),
        StreamPiece::EndOfNodes => {
            if let Shape::Stream(shape) = shape {
                stream::save_info(shape.len, shape.info, form, writer);
                writer.count(shape.groups);
            }
        }
        StreamPiece::Group {
            name,
            last_id,
            entries_read,
            pending,
        } => {
            stream::save_head(name, last_id, entries_read, form, writer);
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
            stream::save_consumer(name, seen_ms, active_ms, form, writer);
            writer.count(pending);
        }
        StreamPiece::ConsumerPending(id) => writer.raw(&id.to_be_bytes()),
    }
}
