//! Names that imitate other names, and names that are different from all others.

use proptest::prelude::{ProptestConfig, proptest};

use super::*;

fn shown(name: &str) -> String {
    String::from_utf8(skeleton(name).as_bytes().to_vec()).expect("a skeleton is UTF-8")
}

fn is_same_in_any_case(one: &str, other: &str) -> bool {
    Likeness::of(one).is_like(&Likeness::of(other))
}

#[test]
fn names_that_look_alike_are_the_same() {
    let pairs = [
        ("Ann", "Ann\u{fe0f}"),
        ("Ann", "A\u{200b}n\u{200d}n"),
        ("Ann", "\u{3164}Ann\u{ffa0}"),
        ("Ann", "Ann\u{2800}"),
        ("Ann", " Ann\u{a0}"),
        ("Ann", "\u{202d}Ann\u{202c}"),
        ("Ann", "Ann\u{e0061}\u{e0fff}"),
        ("Ann", "Ａｎｎ"),
        ("Ann", "𝐀𝐧𝐧"),
        ("Ann", "Аnn"),
        ("Zoë", "Zoe\u{308}"),
        ("paypal", "раураl"),
        ("Ian", "lan"),
        ("Tom", "Torn"),
        ("B0b", "BOb"),
        ("a  b", "a\u{3000}b"),
        ("ﬁn", "fin"),
    ];
    for (one, other) in pairs {
        assert!(
            is_same(one, other),
            "{one:?} {other:?}: {} {}",
            shown(one),
            shown(other)
        );
        assert!(is_same_in_any_case(one, other), "{one:?} {other:?}");
    }
}

#[test]
fn names_that_differ_are_two() {
    for (one, other) in [
        ("Ann", "Anne"),
        ("Ann", "ann"),
        ("Zoë", "Zoe"),
        ("ab", "a b"),
        ("bot-10", "bot-1"),
        ("Ann", ""),
        ("李", "季"),
    ] {
        assert!(!is_same(one, other), "{one:?} {other:?}");
    }
}

#[test]
fn in_any_case_means_also_what_another_script_capitalises() {
    for (one, other) in [
        ("Ann", "aNN"),
        ("Straße", "STRASSE"),
        ("Ian", "ІАN"),
        ("Tom", "ＴＯＭ"),
        ("Ünn", "üNN "),
        ("bob", "Воb"),
    ] {
        assert!(is_same_in_any_case(one, other), "{one:?} {other:?}");
        assert!(is_same_in_any_case(other, one), "{other:?} {one:?}");
    }
    assert!(!is_same_in_any_case("Ann", "Anne"));
}

#[test]
fn the_short_way_for_ascii_is_that_of_all_others() {
    for byte in 0..128_u8 {
        for name in [
            format!("a{}b", char::from(byte)),
            char::from(byte).to_string(),
        ] {
            assert_eq!(skeleton(&name), unicode(&name), "{name:?}");
        }
    }
}

#[test]
fn the_tables_are_of_one_version_which_is_written_down() {
    assert_eq!(unicode_version(), (18, 0, 0));
    let (major, minor, micro) = unicode_normalization::UNICODE_VERSION;
    assert_eq!(
        (u64::from(major), u64::from(minor), u64::from(micro)),
        unicode_version()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ascii_of_any_kind_goes_the_short_way_to_the_same(name in "[ -~\t\x0b]{0,24}") {
        assert_eq!(skeleton(&name), unicode(&name));
    }

    #[test]
    fn an_invisible_character_anywhere_changes_nothing(name in "\\PC{0,12}", at in 0..13_usize) {
        let mut characters: Vec<char> = name.chars().collect();
        characters.insert(at.min(characters.len()), '\u{200b}');
        let with: String = characters.into_iter().collect();
        assert!(is_same(&name, &with), "{name:?} {with:?}");
    }
}
