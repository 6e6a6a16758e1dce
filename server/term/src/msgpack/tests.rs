//! Conversion of terms to bytes and back, plain Rust types read as terms, and bytes that are refused.

use super::ext;
use super::*;
use crate::{NESTING_MAX, Term, read_term};
use expect_test::{Expect, expect};
use serde::Serialize;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(text: &str, expected: Expect) {
    let term = read_term(text).unwrap();
    let (exact, plain) = (to_msgpack(&term), to_plain_msgpack(&term));
    expected.assert_eq(&format!("{} {}", hex(&exact), hex(&plain)));
    assert_eq!(from_msgpack(&exact), Ok(term));
}

#[test]
fn each_kind_has_its_bytes() {
    check("pq.", expect!["d5027071 a27071"]);
    check(
        "[true, false, undefined].",
        expect!["93d60274727565c7050266616c7365c70902756e646566696e6564 93c3c2c0"],
    );
    check(
        "{events, \"Bob\"}.",
        expect!["c70e0392c706026576656e7473a3426f62 92a66576656e7473a3426f62"],
    );
    check("{}.", expect!["d40390 90"]);
    check("[{}, []].", expect!["92d4039090 929090"]);
    check(
        "<1.2.3>.",
        expect!["d7010100000020000003 d7010100000020000003"],
    );
    check(
        "[0, 127, 128, 65535, -1, -33, 4294967296, -9223372036854775808].",
        expect![
            "98007fcc80cdffffffd0dfcf0000000100000000d38000000000000000 98007fcc80cdffffffd0dfcf0000000100000000d38000000000000000"
        ],
    );
    check(
        "18446744073709551615.",
        expect!["cfffffffffffffffff cfffffffffffffffff"],
    );
    check(
        "[18446744073709551616, -9223372036854775809].",
        expect![
            "92c70904010000000000000000c70904ff7fffffffffffffff 92c70904010000000000000000c70904ff7fffffffffffffff"
        ],
    );
    check("1.5.", expect!["cb3ff8000000000000 cb3ff8000000000000"]);
    check(
        "[\"\", \"é\", <<>>, <<1,2>>].",
        expect!["94a0a2c3a9c400c4020102 94a0a2c3a9c400c4020102"],
    );
    check(
        "#{a => 1, \"b\" => 2, \"B c\" => 3, {x} => 4}.",
        expect!["84d4026101d60391d4027804a342206303d4056202 84a1610191a17804a342206303a16202"],
    );
}

#[test]
fn the_bytes_of_ok_are_those_of_the_atom() {
    assert_eq!(OK, *to_msgpack(&Term::atom("ok")));
}

#[test]
fn a_long_tuple_in_a_tuple_keeps_its_heads() {
    for length in [
        0, 1, 14, 15, 16, 250, 251, 252, 255, 256, 65_530, 65_535, 65_536, 70_000,
    ] {
        let text = Term::string("x".repeat(length));
        let term = Term::tuple([Term::tuple([text.clone(), Term::tuple([])]), text]);
        assert_eq!(from_msgpack(&to_msgpack(&term)), Ok(term), "{length}");
    }
}

#[derive(Serialize)]
struct Hero {
    name: &'static str,
    level: u8,
    speed: f32,
    quest: Option<Quest>,
    bag: Vec<(&'static str, u64)>,
    is_alive: bool,
    end: (),
    #[serde(rename = "Not an atom")]
    renamed: char,
}

#[derive(Serialize)]
enum Quest {
    Seek { item: &'static str },
}

#[test]
fn a_plain_rust_type_shows_as_the_nearest_term() {
    let hero = Hero {
        name: "Bob",
        level: 200,
        speed: 0.5,
        quest: Some(Quest::Seek { item: "ring" }),
        bag: vec![("sock", 1), ("gem", u64::MAX)],
        is_alive: true,
        end: (),
        renamed: 'é',
    };
    let bytes = rmp_serde::to_vec_named(&hero).unwrap();
    expect![[r##"#{bag => [["sock",1],["gem",18446744073709551615]],'end' => undefined,is_alive => true,level => 200,name => "Bob",quest => #{"Seek" => #{item => "ring"}},speed => 0.5,"Not an atom" => "é"}"##]].assert_eq(&from_msgpack(&bytes).unwrap().to_string());
    let none = rmp_serde::to_vec_named(&None::<Hero>).unwrap();
    assert_eq!(from_msgpack(&none), Ok(Term::undefined()));
}

#[test]
fn bytes_that_are_no_term_are_refused_each_in_its_way() {
    let check = |bytes: &[u8], expected: Expect| {
        expected.assert_eq(&from_msgpack(bytes).unwrap_err().to_string());
    };
    check(&[], expect!["the bytes end inside a value"]);
    check(&[1, 2, 3], expect!["bytes left behind the value: 2"]);
    check(
        &[0xc1],
        expect!["the marker 0xc1 is not used by MessagePack"],
    );
    check(&[0xd9, 2, b'a'], expect!["the bytes end inside a value"]);
    check(&[0xa1, 0xff], expect!["a text is not UTF-8"]);
    check(&[0xd4, 0xff, 0], expect!["extension type -1 is unknown"]);
    check(
        &[0xd4, ext::PID as u8, 0],
        expect!["the content of extension type 1 is wrong"],
    );
    check(
        &[0xd4, ext::TUPLE as u8, 0],
        expect!["the content of extension type 3 is wrong"],
    );
    check(
        &[0xd5, ext::TUPLE as u8, 0x90, 0],
        expect!["bytes left behind the value: 1"],
    );
    check(
        &[0xd4, ext::TUPLE as u8, 0x91],
        expect!["the bytes end inside a value"],
    );
    check(
        &[&[0xcb], &f64::NAN.to_be_bytes()[..]].concat(),
        expect!["a float is not finite"],
    );
    check(&[0xca, 0x7f, 0x80, 0, 0], expect!["a float is not finite"]);
    check(
        &[&[0xc8, 0x20, 0, ext::INTEGER as u8], &[1; 0x2000][..]].concat(),
        expect!["an integer has more than 32768 bits"],
    );
    check(
        &[&[0xc8, 1, 0, ext::ATOM as u8], &[b'x'; 256][..]].concat(),
        expect!["an atom has at most 255 characters, this one has 256"],
    );
    check(&[0x91; 600], expect!["values nest deeper than 256 levels"]);
}

#[test]
fn a_claimed_length_alone_gets_no_room() {
    let arrays = [0xdd, 0xff, 0xff, 0xff, 0xff].repeat(400);
    assert_eq!(from_msgpack(&arrays), Err(DecodeError::Truncated));
    let maps = [0xdf, 0xff, 0xff, 0xff, 0xff].repeat(400);
    assert_eq!(from_msgpack(&maps), Err(DecodeError::Truncated));
}

#[test]
fn a_tuple_and_its_array_are_one_level() {
    let mut term = Term::tuple([]);
    for _ in 1..NESTING_MAX {
        term = Term::tuple([term]);
    }
    assert_eq!(from_msgpack(&to_msgpack(&term)), Ok(term.clone()));
    let deeper = to_msgpack(&Term::tuple([term]));
    assert_eq!(from_msgpack(&deeper), Err(DecodeError::TooDeep));
}
