//! Tests of listpacks: bytes against the format, edits against a model.

use std::vec::Vec;

use proptest::prelude::*;

use super::check::{check_listpack_bytes, check_listpack_edits};
use super::{EMPTY, Item, Listpack, Malformed, append, insert, prepend, remove, replace, validate};

fn pack_of(items: &[&[u8]]) -> Vec<u8> {
    let mut pack = EMPTY.to_vec();
    let items: Vec<Item<'_>> = items.iter().map(|item| Item::from(*item)).collect();
    append(&mut pack, &items);
    pack
}

fn body_of(items: &[&[u8]]) -> Vec<u8> {
    let pack = pack_of(items);
    pack[6..pack.len() - 1].to_vec()
}

#[test]
fn integers_have_the_bytes_of_the_format() {
    let cases: [(&str, &[u8]); 18] = [
        ("0", &[0x00, 1]),
        ("127", &[0x7F, 1]),
        ("128", &[0xC0, 0x80, 2]),
        ("-1", &[0xDF, 0xFF, 2]),
        ("4095", &[0xCF, 0xFF, 2]),
        ("-4096", &[0xD0, 0x00, 2]),
        ("4096", &[0xF1, 0x00, 0x10, 3]),
        ("-4097", &[0xF1, 0xFF, 0xEF, 3]),
        ("32767", &[0xF1, 0xFF, 0x7F, 3]),
        ("-32768", &[0xF1, 0x00, 0x80, 3]),
        ("32768", &[0xF2, 0x00, 0x80, 0x00, 4]),
        ("-8388608", &[0xF2, 0x00, 0x00, 0x80, 4]),
        ("8388608", &[0xF3, 0x00, 0x00, 0x80, 0x00, 5]),
        ("-2147483648", &[0xF3, 0, 0, 0, 0x80, 5]),
        ("2147483648", &[0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        (
            "9223372036854775807",
            &[0xF4, 255, 255, 255, 255, 255, 255, 255, 0x7F, 9],
        ),
        (
            "-9223372036854775808",
            &[0xF4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9],
        ),
        ("9223372036854775808", b"\x939223372036854775808\x14"),
    ];
    for (text, bytes) in cases {
        assert_eq!(body_of(&[text.as_bytes()]), bytes, "{text}");
    }
}

#[test]
fn what_does_not_print_back_the_same_is_a_string() {
    for text in ["", "-", "-0", "01", "+1", " 1", "1 ", "1.0", "0x1"] {
        let mut bytes = std::vec![0x80 | text.len() as u8];
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(text.len() as u8 + 1);
        assert_eq!(body_of(&[text.as_bytes()]), bytes, "{text}");
    }
}

#[test]
fn strings_have_the_bytes_of_the_format() {
    let cases: [(usize, &[u8], &[u8]); 9] = [
        (63, &[0xBF], &[64]),
        (64, &[0xE0, 64], &[66]),
        (125, &[0xE0, 125], &[127]),
        (126, &[0xE0, 126], &[1, 0x80]),
        (4095, &[0xEF, 0xFF], &[4097_u16.to_be_bytes()[0] << 1, 0x81]),
        (4096, &[0xF0, 0, 16, 0, 0], &[32, 0x85]),
        // 16,383 would fit 14 bits, but the format takes another byte from there on.
        (16_377, &[0xF0, 0xF9, 0x3F, 0, 0], &[0x7F, 0xFE]),
        (16_378, &[0xF0, 0xFA, 0x3F, 0, 0], &[0, 0xFF, 0xFF]),
        (
            2_097_146,
            &[0xF0, 0xFA, 0xFF, 0x1F, 0],
            &[0, 0xFF, 0xFF, 0xFF],
        ),
    ];
    for (len, head, back) in cases {
        let text = std::vec![b'x'; len];
        let mut bytes = head.to_vec();
        bytes.extend_from_slice(&text);
        bytes.extend_from_slice(back);
        assert!(body_of(&[&text]) == bytes, "{len}");
    }
}

#[test]
fn the_frame_counts_bytes_and_items() {
    let pack = pack_of(&[b"1", b"a"]);
    assert_eq!(pack, [12, 0, 0, 0, 2, 0, 1, 1, 0x81, b'a', 2, 0xFF]);
    assert_eq!(validate(&pack), Ok(2));
    assert_eq!(validate(&EMPTY), Ok(0));
    let view = Listpack::new(&EMPTY);
    assert_eq!((view.len(), view.is_empty()), (0, true));
    assert_eq!(
        (view.first(), view.last(), view.seek(0), view.seek(-1)),
        (None, None, None, None)
    );
}

#[test]
fn the_number_of_items_is_unknown_from_65535_on_and_known_again_below() {
    let mut pack = EMPTY.to_vec();
    let items = [Item::Int(1); 65_534];
    append(&mut pack, &items);
    assert_eq!(pack[4..6], [0xFE, 0xFF]);
    append(&mut pack, &items[..2]);
    assert_eq!(pack[4..6], [0xFF, 0xFF]);
    let view = Listpack::new(&pack);
    assert_eq!((view.len(), validate(&pack)), (65_536, Ok(65_536)));
    assert_eq!(view.seek(65_535), view.last());
    assert_eq!(view.seek(65_536), None);
    assert_eq!(view.seek(-65_536), view.first());
    let first = view.end();
    append(&mut pack, &items[..4]);
    remove(&mut pack, first, 7);
    assert_eq!(Listpack::new(&pack).len(), 65_536);
    let first = Listpack::new(&pack).seek(1).unwrap();
    remove(&mut pack, first, 2);
    assert_eq!(
        (&pack[4..6], Listpack::new(&pack).len()),
        (&[0xFE, 0xFF][..], 65_534)
    );
}

#[test]
fn find_compares_every_stride_th_item() {
    let pack = pack_of(&[b"a", b"1", b"b", b"a", b"1", b"b"]);
    let view = Listpack::new(&pack);
    let first = view.first().unwrap();
    assert_eq!(view.find(first, b"a", 2), view.seek(0));
    assert_eq!(view.find(first, b"1", 1), view.seek(1));
    assert_eq!(view.find(first, b"1", 2), view.seek(4));
    assert_eq!(view.find(view.seek(1).unwrap(), b"b", 2), view.seek(5));
    assert_eq!(view.find(first, b"01", 1), None);
    assert_eq!(view.find(view.end(), b"a", 1), None);
}

#[test]
fn broken_bytes_are_refused() {
    let good = pack_of(&[b"abc", b"1000"]);
    let cases: [(usize, u8, Malformed); 8] = [
        (0, 99, Malformed::Frame),
        (4, 3, Malformed::Count),
        (6, 0x84, Malformed::Item(6)),
        (6, 0xFF, Malformed::Item(6)),
        (6, 0xF5, Malformed::Item(6)),
        (10, 5, Malformed::Item(6)),
        (13, 0x82, Malformed::Item(11)),
        (14, 0, Malformed::Frame),
    ];
    for (at, byte, why) in cases {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(validate(&bad), Err(why), "{at}");
    }
    assert_eq!(validate(&good[..6]), Err(Malformed::Frame));
    assert_eq!(validate(&[]), Err(Malformed::Frame));
}

#[test]
fn edits_keep_the_order_of_what_they_add() {
    let mut pack = pack_of(&[b"m"]);
    prepend(&mut pack, &[Item::Bytes(b"a"), Item::Bytes(b"b")]);
    let pos = Listpack::new(&pack).seek(1).unwrap();
    insert(&mut pack, pos, &[Item::Int(1), Item::Int(2)]);
    replace(&mut pack, pos, Item::Bytes(b"one"));
    assert_eq!(pack, pack_of(&[b"a", b"one", b"2", b"b", b"m"]));
    remove(&mut pack, pos, 99);
    assert_eq!(pack, pack_of(&[b"a"]));
}

proptest! {
    #[test]
    fn edits_follow_the_model(script in proptest::collection::vec(any::<u8>(), 0..300)) {
        check_listpack_edits(&script);
    }

    #[test]
    fn any_bytes_can_be_read(
        mut body in proptest::collection::vec(any::<u8>(), 0..60),
        framed in any::<bool>(),
    ) {
        if framed {
            let len = body.len() as u8 + 7;
            body.splice(0..0, [len, 0, 0, 0, 0xFF, 0xFF]);
            body.push(0xFF);
        }
        check_listpack_bytes(&body);
    }

    #[test]
    fn one_wrong_byte_is_no_danger(
        script in proptest::collection::vec(any::<(u8, u8)>(), 0..8),
        at in any::<usize>(),
        byte in any::<u8>(),
    ) {
        let texts: Vec<Vec<u8>> =
            script.iter().map(|(len, byte)| std::vec![b'0' + byte % 20; (*len).into()]).collect();
        let refs: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
        let mut pack = pack_of(&refs);
        check_listpack_bytes(&pack);
        let at = at % pack.len();
        pack[at] = byte;
        check_listpack_bytes(&pack);
    }
}
