//! Packages with more names than a node accepts: refused before the first name becomes an atom.

use pq_term::Atom;

use crate::archive::{Entry, altered, file, good, gzip, tar, with};
use crate::fixture::Fixture;
use crate::hostile::refused;

/// One more than the limit of a release.
const TOO_MANY: usize = 16_384 + 1;

/// A list of `count` names that occur nowhere else.
fn names(of: &str, count: usize) -> String {
    let names: Vec<_> = (0..count).map(|name| format!("{of}_{name}")).collect();
    format!("[{}].\n", names.join(","))
}

fn sentence(fixture: &Fixture, entries: Vec<Entry>) -> String {
    let error = refused(fixture, &gzip(&tar(&entries)));
    assert!(
        error.to_term().to_string().contains("system_limit"),
        "{error}"
    );
    error.to_string()
}

fn nobody_knows(of: &str) {
    for name in [0, TOO_MANY / 2, TOO_MANY - 1] {
        assert_eq!(Atom::known(format!("{of}_{name}").as_bytes()), None);
    }
}

#[test]
fn a_package_with_too_many_names_is_refused_and_none_of_them_is_kept() {
    for round in 0..20 {
        let fixture = Fixture::new();
        let of = format!("flood{round}");
        let text = names(&of, TOO_MANY);
        let change = altered("releases/1.1.0/sys.config", |_| Some(text.clone()));
        let said = sentence(&fixture, change(good(&fixture)));
        assert!(
            said.contains("more than 16384 names are new to the node"),
            "{said}"
        );
        nobody_knows(&of);
    }
}

#[test]
fn names_count_over_all_files_of_a_package_and_over_those_that_nobody_asked_for() {
    let fixture = Fixture::new();
    let half = |of: &str| names(of, TOO_MANY / 2 + 1);
    let mut entries = altered("releases/1.1.0/sys.config", |_| Some(half("here")))(good(&fixture));
    entries = with(file("lib/talk-1.1.0/ebin/more.appup", half("there")))(entries);
    let said = sentence(&fixture, entries);
    assert!(
        said.contains("more than 16384 names are new to the node"),
        "{said}"
    );
    nobody_knows("here");
    nobody_knows("there");
}
