//! Unit tests of the reply encoder.

use super::*;
use alloc::vec;

fn both(write: impl Fn(&mut ReplyBuf)) -> (Vec<u8>, Vec<u8>) {
    let encode = |protocol| {
        let mut out = ReplyBuf::new(protocol);
        write(&mut out);
        out.to_vec()
    };
    (encode(Protocol::Resp2), encode(Protocol::Resp3))
}

#[test]
fn types_in_both_protocols() {
    type Write = fn(&mut ReplyBuf);
    let cases: [(Write, &[u8], &[u8]); 18] = [
        (|o| o.ok(), b"+OK\r\n", b"+OK\r\n"),
        (|o| o.simple("a\r\nb"), b"+a  b\r\n", b"+a  b\r\n"),
        (
            |o| o.error("ERR \0no\n"),
            b"-ERR  no \r\n",
            b"-ERR  no \r\n",
        ),
        (|o| o.int(-5), b":-5\r\n", b":-5\r\n"),
        (|o| o.bulk(b"ab"), b"$2\r\nab\r\n", b"$2\r\nab\r\n"),
        (|o| o.bulk_int(1234), b"$4\r\n1234\r\n", b"$4\r\n1234\r\n"),
        (|o| o.null(), b"$-1\r\n", b"_\r\n"),
        (|o| o.null_array(), b"*-1\r\n", b"_\r\n"),
        (|o| o.array(3), b"*3\r\n", b"*3\r\n"),
        (|o| o.map(3), b"*6\r\n", b"%3\r\n"),
        (|o| o.set(1000), b"*1000\r\n", b"~1000\r\n"),
        (|o| o.push(2), b"*2\r\n", b">2\r\n"),
        (|o| o.double(1.5), b"$3\r\n1.5\r\n", b",1.5\r\n"),
        (
            |o| o.double(f64::NEG_INFINITY),
            b"$4\r\n-inf\r\n",
            b",-inf\r\n",
        ),
        (|o| o.bool(true), b":1\r\n", b"#t\r\n"),
        (|o| o.big_number("-12"), b"$3\r\n-12\r\n", b"(-12\r\n"),
        (
            |o| o.verbatim("txt", b"hi"),
            b"$2\r\nhi\r\n",
            b"=6\r\ntxt:hi\r\n",
        ),
        (|o| o.verbatim("m", b""), b"$0\r\n\r\n", b"=4\r\nm  :\r\n"),
    ];
    for (write, resp2, resp3) in cases {
        assert_eq!(both(write), (resp2.to_vec(), resp3.to_vec()));
    }
    let attribute = both(|out| assert_eq!(out.attribute(1), out.protocol() == Protocol::Resp3));
    assert_eq!(attribute, (vec![], b"|1\r\n".to_vec()));
}

#[test]
fn big_blobs_go_by_reference_and_survive_everything() {
    let blob = Blob::from(vec![b'x'; BLOB_REFERENCE_BYTES_MIN + 10]);
    let mut out = ReplyBuf::new(Protocol::Resp2);
    out.blob(&blob, 0..5);
    assert_eq!(out.chunks().count(), 1);
    let deferred = out.deferred_array();
    for _ in 0..10 {
        out.blob(&blob, 5..usize::MAX);
    }
    let mark = out.mark();
    out.blob(&blob, 0..blob.len());
    out.rollback(mark);
    out.finish(deferred, 10);
    let mut expected = b"$5\r\nxxxxx\r\n*10\r\n".to_vec();
    for _ in 0..10 {
        expected.extend_from_slice(b"$16389\r\n");
        expected.resize(expected.len() + 16389, b'x');
        expected.extend_from_slice(b"\r\n");
    }
    assert_eq!(
        (out.to_vec() == expected, out.len()),
        (true, expected.len())
    );
    let shared = out.chunks().filter(|chunk| chunk.len() > 1000).count();
    assert_eq!(shared, 10);
    assert!(out.bytes.len() < 1000, "a blob was copied");
    for sent in [
        0,
        1,
        17,
        30,
        20_000,
        expected.len() - 1,
        expected.len(),
        usize::MAX,
    ] {
        let rest = out.chunks_from(sent).collect::<Vec<_>>().concat();
        assert!(rest == expected.get(sent..).unwrap_or_default(), "{sent}");
    }
    let taken = out.take();
    assert_eq!((out.len(), taken.len()), (0, expected.len()));
}

#[test]
fn nested_deferred_headers_of_any_length() {
    let mut out = ReplyBuf::new(Protocol::Resp3);
    let outer = out.deferred_map();
    out.bulk(b"k");
    let inner = out.deferred_set();
    for number in 0..12 {
        out.int(number);
    }
    out.finish(inner, 12);
    out.finish(outer, 1);
    assert!(
        out.to_vec()
            .starts_with(b"%1\r\n$1\r\nk\r\n~12\r\n:0\r\n:1\r\n")
    );
    let mark = out.mark();
    let dropped = out.deferred_push();
    out.rollback(mark);
    out.finish(dropped, 12_345);
    assert_eq!(out.len_since(mark), 0);
}
