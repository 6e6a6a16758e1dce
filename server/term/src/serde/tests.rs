//! Terms, atoms and pids in Rust types, written and read with rmp-serde.

use super::*;
use crate::msgpack::{from_msgpack, to_msgpack, to_plain_msgpack};
use crate::{NESTING_MAX, atom, read_term};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Login {
    hero: String,
    player: Pid,
    state: Atom,
    last: Term,
    #[serde(default)]
    parent: Option<Pid>,
}

fn login() -> Login {
    Login {
        hero: "Bob".into(),
        player: Pid::new(1, 2, 3),
        state: atom!("market"),
        last: read_term("{sold, [\"sock\", 3], #{\"a\" => <<1>>, b => 1.5}}.").unwrap(),
        parent: Some(Pid::new(0, 1, 0)),
    }
}

#[test]
fn a_rust_struct_shows_the_pids_and_terms_it_holds() {
    let bytes = rmp_serde::to_vec_named(&login()).unwrap();
    let shown = from_msgpack(&bytes).unwrap();
    expect_test::expect![[r##"#{hero => "Bob",last => {sold,["sock",3],#{b => 1.5,"a" => <<1>>}},parent => <0.1.0>,player => <1.2.3>,state => market}"##]].assert_eq(&shown.to_string());
    assert_eq!(rmp_serde::from_slice::<Login>(&bytes).unwrap(), login());
}

#[test]
fn a_typed_function_reads_atoms_from_plain_text() {
    let term = read_term(
        "#{hero => \"Bob\", player => <1.2.3>, state => market, last => undefined, parent => undefined}.",
    );
    let bytes = to_plain_msgpack(&term.unwrap());
    let login: Login = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(login.state, atom!("market"));
    assert_eq!((login.last, login.parent), (Term::undefined(), None));
}

#[test]
fn a_pid_is_read_from_nothing_else() {
    let bytes = to_msgpack(&Term::from(7));
    let error = rmp_serde::from_slice::<Pid>(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "found 7, expected a pid");
}

#[test]
fn depth_is_bounded_through_serde_too() {
    let nested = |depth: usize| [vec![0x91; depth - 1], vec![0x90]].concat();
    assert!(rmp_serde::from_slice::<Term>(&nested(NESTING_MAX)).is_ok());
    assert!(rmp_serde::from_slice::<Term>(&nested(NESTING_MAX + 1)).is_err());
}

#[test]
fn a_pid_is_found_in_an_untagged_enum_too() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Target {
        Name(String),
        Pid(Pid),
    }
    let target = Target::Pid(Pid::new(1, 2, 3));
    let bytes = rmp_serde::to_vec_named(&target).unwrap();
    assert_eq!(rmp_serde::from_slice::<Target>(&bytes).unwrap(), target);
}
