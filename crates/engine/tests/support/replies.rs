//! Replies of the machine against those of the model. Nothing about how either is asked.

use vk_model::ModelReply;
use vk_resp::{Reply, ReplyBuf, ReplyLimits, ReplyParser};

/// The one reply that these bytes are.
pub(crate) fn only_reply(bytes: &ReplyBuf) -> Reply {
    let mut parser = ReplyParser::new(ReplyLimits::default());
    for chunk in bytes.chunks() {
        parser.feed(chunk);
    }
    let reply = parser.poll().expect("well formed").expect("a whole reply");
    assert!(parser.is_idle(), "more than one reply");
    reply
}

/// Compares a reply with what the model says.
pub(crate) fn assert_same(what: &str, expected: &ModelReply, reply: &Reply) {
    let (reply, expected) = in_one_order(as_model(reply), expected.clone());
    assert_eq!(
        reply, expected,
        "left: the machine, right: the model; {what}"
    );
}

/// Both sides with the same order of what has none, in an EXEC too.
fn in_one_order(reply: ModelReply, expected: ModelReply) -> (ModelReply, ModelReply) {
    match (reply, expected) {
        (ModelReply::Array(got), ModelReply::Bag(items, together)) => {
            (sorted(&got, together), sorted(&items, together))
        }
        (ModelReply::Array(got), ModelReply::Array(items)) if got.len() == items.len() => {
            let pairs = got.into_iter().zip(items);
            let (got, items) = pairs.map(|(got, item)| in_one_order(got, item)).unzip();
            (ModelReply::Array(got), ModelReply::Array(items))
        }
        other => other,
    }
}

/// What belongs together, in one order.
fn sorted(items: &[ModelReply], together: usize) -> ModelReply {
    let mut parts: Vec<ModelReply> = items
        .chunks(together)
        .map(|part| ModelReply::Array(part.to_vec()))
        .collect();
    parts.sort_by_cached_key(|part| format!("{part:?}"));
    ModelReply::Array(parts)
}

fn as_model(reply: &Reply) -> ModelReply {
    match reply {
        Reply::Simple(text) if text == b"OK" => ModelReply::Ok,
        Reply::Simple(text) => ModelReply::Simple(String::from_utf8_lossy(text).into_owned()),
        Reply::Error(text) => ModelReply::Error(String::from_utf8_lossy(text).into_owned()),
        Reply::Int(number) => ModelReply::Int(*number),
        Reply::Bulk(bytes) => ModelReply::Bulk(Some(bytes.clone())),
        Reply::Null => ModelReply::Bulk(None),
        Reply::NullArray => ModelReply::NilArray,
        Reply::Array(items) => ModelReply::Array(items.iter().map(as_model).collect()),
        other => panic!("no reply of the old protocol: {other:?}"),
    }
}
