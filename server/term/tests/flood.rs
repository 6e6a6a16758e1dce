//! A flood of new names from outside, which must not fill the atom table. The test is a process of its own because the
//! table is global.
#![allow(clippy::unwrap_used)]

use pq_term::msgpack::{from_msgpack, to_msgpack, to_plain_msgpack};
use pq_term::{ATOMS_MAX, Atom, OUTSIDE_MAX, Term, read_one, read_outside};

/// A term with many names that are not used elsewhere.
fn flood(of: &str, count: usize) -> String {
    let names: Vec<_> = (0..count).map(|name| format!("{of}_{name}")).collect();
    format!("[{}]", names.join(","))
}

/// A map with one plain key, as a library writes it.
fn with_key(key: &str) -> Term {
    let atom = Term::Map(
        [(Term::Atom(Atom::new(key).unwrap()), Term::from(1))]
            .into_iter()
            .collect(),
    );
    from_msgpack(&to_plain_msgpack(&atom)).unwrap()
}

#[test]
fn a_flood_from_outside_leaves_the_names_of_modules_and_releases_their_room() {
    assert!(read_outside(&flood("one", OUTSIDE_MAX / 2)).is_ok());
    let error = read_outside(&flood("two", OUTSIDE_MAX)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("text from outside has made 65536 new names already"),
        "{error}"
    );
    // Known names are found, and terms without names need no budget.
    assert!(read_outside(&flood("one", OUTSIDE_MAX / 2)).is_ok());
    assert!(read_outside(r#"{one_0, "two", 3, <<"four">>}"#).is_ok());
    assert!(read_outside("unheard_of").is_err());
    assert!(Atom::room() > ATOMS_MAX - 2 * OUTSIDE_MAX);
    // An unknown plain key stays a string; a known one becomes an atom.
    let mut unknown = vec![0x81, 0xa9];
    unknown.extend_from_slice(b"unheard_2\x01");
    assert_eq!(
        from_msgpack(&unknown).unwrap().to_string(),
        r#"#{"unheard_2" => 1}"#
    );
    assert_eq!(with_key("heard").to_string(), "#{heard => 1}");
    // Files of releases and messages of modules do not use the budget.
    let file = read_one(&format!("{}.", flood("three", OUTSIDE_MAX * 2))).unwrap();
    assert_eq!(from_msgpack(&to_msgpack(&file)), Ok(file));
}
