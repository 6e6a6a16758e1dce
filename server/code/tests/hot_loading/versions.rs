//! The values of `current`, `old`, `purge` and the epoch while code is exchanged. The libraries are linked into this
//! test; the bookkeeping treats them like loaded ones.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use pq_abi::Module;
use pq_code::{Change, ChangeError, CodeServer, LibraryId, Origin};

use super::support::{Node, V1, V2};

/// A library `linked` with the modules `fix_words` and `fix_more` of one version.
macro_rules! linked {
    ($name:ident, $vsn:literal) => {
        mod $name {
            struct Words;
            impl pq_sdk::Module for Words {
                const NAME: &'static str = "fix_words";
                const VSN: &'static str = $vsn;
            }
            impl pq_sdk::Functions for Words {}

            struct More;
            impl pq_sdk::Module for More {
                const NAME: &'static str = "fix_more";
                const VSN: &'static str = $vsn;
            }
            impl pq_sdk::Functions for More {}

            pq_sdk::library! { application: "linked", vsn: $vsn, functions Words, functions More }
        }
    };
}
linked!(one, "1");
linked!(two, "2");
linked!(three, "3");

fn three_versions() -> (CodeServer, [LibraryId; 3]) {
    let code = CodeServer::new();
    let libraries = [&one::LIBRARY, &two::LIBRARY, &three::LIBRARY];
    let ids = libraries.map(|table| code.link_library(table).expect("it was made by the macro"));
    (code, ids)
}

/// "current/old" of a module.
fn standing(code: &CodeServer, module: &str) -> String {
    let vsn = |module: Option<Module>| module.map_or("-", Module::vsn);
    format!("{}/{}", vsn(code.current(module)), vsn(code.old(module)))
}

fn vsns(modules: impl IntoIterator<Item = Module>) -> Vec<&'static str> {
    modules.into_iter().map(Module::vsn).collect()
}

#[test]
fn loading_makes_nothing_current() {
    let (code, [one, ..]) = three_versions();
    assert_eq!(standing(&code, "fix_words"), "-/-");
    assert!(code.loaded().is_empty());
    assert!(!code.is_current(code.module(one, "fix_words").unwrap()));
}

#[test]
fn what_was_current_becomes_old_and_what_was_old_is_displaced() {
    let (code, [one, two, three]) = three_versions();
    assert_eq!(code.make_current(one, "fix_words"), Ok(None));
    assert_eq!(standing(&code, "fix_words"), "1/-");
    assert_eq!(code.make_current(two, "fix_words"), Ok(None));
    assert_eq!(standing(&code, "fix_words"), "2/1");
    assert_eq!(vsns(code.make_current(three, "fix_words").unwrap()), ["1"]);
    assert_eq!(standing(&code, "fix_words"), "3/2");
    assert_eq!(standing(&code, "fix_more"), "-/-");
}

#[test]
fn going_back_to_the_old_version_exchanges_the_two() {
    let (code, [one, two, _]) = three_versions();
    code.make_current(one, "fix_words").unwrap();
    code.make_current(two, "fix_words").unwrap();
    assert_eq!(code.make_current(one, "fix_words"), Ok(None));
    assert_eq!(standing(&code, "fix_words"), "1/2");
    assert_eq!(code.make_current(one, "fix_words"), Ok(None));
    assert_eq!(standing(&code, "fix_words"), "1/2");
}

#[test]
fn purging_forgets_the_old_version_and_only_that() {
    let (code, [one, two, _]) = three_versions();
    assert_eq!(code.purge("fix_words"), None);
    code.make_all_current(one).unwrap();
    code.make_all_current(two).unwrap();
    let before = code.epoch().load(Ordering::Acquire);
    assert_eq!(vsns(code.purge("fix_words")), ["1"]);
    assert_eq!(
        code.epoch().load(Ordering::Acquire),
        before,
        "what is current has not changed"
    );
    assert_eq!(
        (standing(&code, "fix_words"), standing(&code, "fix_more")),
        ("2/-".into(), "2/1".into())
    );
    assert_eq!(code.purge("fix_words"), None);
}

#[test]
fn a_deleted_module_is_old_until_it_is_purged() {
    let (code, [one, two, _]) = three_versions();
    assert_eq!(code.delete("fix_words"), None);
    code.make_current(one, "fix_words").unwrap();
    code.make_current(two, "fix_words").unwrap();
    assert_eq!(vsns(code.delete("fix_words")), ["1"]);
    assert_eq!(standing(&code, "fix_words"), "-/2");
    assert_eq!(code.which("fix_words"), None);
    assert_eq!(code.make_current(one, "fix_words"), Ok(None));
    assert_eq!(standing(&code, "fix_words"), "1/2");
    code.delete("fix_words");
    assert_eq!(code.make_current(one, "fix_words"), Ok(None));
    assert_eq!(standing(&code, "fix_words"), "1/-");
    code.delete("fix_words");
    assert_eq!(vsns(code.purge("fix_words")), ["1"]);
    assert!(code.loaded().is_empty());
}

#[test]
fn several_changes_happen_together_or_not_at_all() {
    let (code, [one, two, three]) = three_versions();
    code.make_all_current(one).unwrap();
    let before = (
        code.epoch().load(Ordering::Acquire),
        format!("{:?}", code.loaded()),
    );
    let wrong = [
        Change::MakeCurrent(two, "fix_words"),
        Change::MakeCurrent(two, "fix_absent"),
    ];
    let error = code.change(&wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "change code: library #1 has no module `fix_absent`; it has `fix_words`, `fix_more`"
    );
    assert_eq!(
        (
            code.epoch().load(Ordering::Acquire),
            format!("{:?}", code.loaded())
        ),
        before
    );
    let right = [
        Change::MakeCurrent(two, "fix_words"),
        Change::Purge("fix_words"),
        Change::MakeCurrent(three, "fix_words"),
        Change::Delete("fix_more"),
    ];
    assert_eq!(vsns(code.change(&right).unwrap()), ["1"]);
    assert_eq!(
        (standing(&code, "fix_words"), standing(&code, "fix_more")),
        ("3/2".into(), "-/1".into())
    );
}

#[test]
fn a_version_that_the_same_exchange_brings_back_is_not_displaced() {
    let (code, [one, two, three]) = three_versions();
    for library in [one, two] {
        code.make_current(library, "fix_words").unwrap();
    }
    let there_and_back = [
        Change::MakeCurrent(three, "fix_words"),
        Change::MakeCurrent(one, "fix_words"),
    ];
    assert_eq!(vsns(code.change(&there_and_back).unwrap()), ["2"]);
    assert_eq!(standing(&code, "fix_words"), "1/3");
}

#[test]
fn a_library_that_is_not_there_cannot_become_current() {
    let (_, [.., three]) = three_versions();
    let empty = CodeServer::new();
    assert_eq!(
        empty.make_all_current(three),
        Err(ChangeError::NoLibrary(three))
    );
    assert_eq!(
        empty.make_current(three, "fix_words"),
        Err(ChangeError::NoLibrary(three))
    );
    assert!(empty.module(three, "fix_words").is_err());
}

#[test]
fn a_linked_library_is_taken_in_once() {
    let (code, [first, ..]) = three_versions();
    assert_eq!(code.link_library(&one::LIBRARY).unwrap(), first);
    let libraries = code.libraries();
    let line = |library: &pq_code::Library| {
        format!("{} {} {}", library.application, library.vsn, library.origin)
    };
    let lines: Vec<_> = libraries.iter().map(line).collect();
    assert_eq!(
        lines,
        ["linked 1 linked", "linked 2 linked", "linked 3 linked"]
    );
}

#[test]
fn the_server_says_where_each_module_came_from() {
    let node = Node::new();
    let (first, second) = (node.load("a.so", V1.bytes()), node.load("b.so", V2.bytes()));
    node.code.make_all_current(first).unwrap();
    node.code.make_current(second, "fix_words").unwrap();
    let linked = node.code.link_library(&one::LIBRARY).unwrap();
    node.code.make_current(linked, "fix_more").unwrap();
    assert_eq!(
        node.code.which("fix_words"),
        Some(Origin::File(node.path("b.so")))
    );
    assert_eq!(
        node.code.which("fix_counter"),
        Some(Origin::File(node.path("a.so")))
    );
    assert_eq!(node.code.which("fix_more"), Some(Origin::Linked));
    assert_eq!(node.code.which("fix_absent"), None);
    let listed: Vec<_> = node
        .code
        .loaded()
        .into_iter()
        .map(|line| {
            let version =
                |version: Option<pq_code::Version>| version.map(|it| (it.module.vsn(), it.library));
            (line.name, version(line.current), version(line.old))
        })
        .collect();
    assert_eq!(
        listed,
        [
            ("fix_counter", Some(("1.0.0", first)), None),
            ("fix_more", Some(("1", linked)), None),
            ("fix_words", Some(("1.1.0", second)), Some(("1.0.0", first))),
        ]
    );
}

#[test]
fn no_two_states_of_any_servers_have_one_epoch() {
    let servers: Vec<_> = (0..4).map(|_| three_versions()).collect();
    let mut seen = HashSet::new();
    let new = |epoch: u64, seen: &mut HashSet<u64>| {
        assert!(epoch != 0 && seen.insert(epoch), "{epoch} again")
    };
    for (code, _) in &servers {
        new(code.epoch().load(Ordering::Acquire), &mut seen);
    }
    for round in 0..30 {
        let (code, libraries) = &servers[round % servers.len()];
        code.make_all_current(libraries[round % 3]).unwrap();
        new(code.epoch().load(Ordering::Acquire), &mut seen);
        let unchanged = code.epoch().load(Ordering::Acquire);
        code.make_all_current(libraries[round % 3]).unwrap();
        assert_eq!(code.epoch().load(Ordering::Acquire), unchanged);
    }
}

/// With three versions in turn, the table before the current one differs from the one after it. The writer continues
/// until the reader has seen `TURNS_SEEN` epochs.
#[test]
fn who_sees_a_new_epoch_sees_its_table() {
    const TURNS_SEEN: usize = 5_000;
    let (code, libraries) = three_versions();
    code.make_current(libraries[0], "fix_words").unwrap();
    let first = code.epoch().load(Ordering::Acquire);
    let address = libraries.map(|library| code.module(library, "fix_words").unwrap().address());
    let seen_enough = AtomicBool::new(false);
    let (turns, samples) = std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut samples = HashSet::new();
            let mut epochs = HashSet::new();
            while epochs.len() < TURNS_SEEN {
                let epoch = code.epoch().load(Ordering::Acquire);
                let current = code.current("fix_words").expect("one is always current");
                epochs.insert(epoch);
                if code.epoch().load(Ordering::Acquire) == epoch {
                    samples.insert((epoch, current.address()));
                }
            }
            seen_enough.store(true, Ordering::Relaxed);
            samples
        });
        let mut turns = HashMap::from([(first, 0)]);
        while !seen_enough.load(Ordering::Relaxed) {
            let turn = turns.len();
            code.make_current(libraries[turn % 3], "fix_words").unwrap();
            turns.insert(code.epoch().load(Ordering::Acquire), turn);
        }
        (turns, reader.join().expect("the reader does not panic"))
    });
    for (epoch, current) in samples {
        let turn = turns[&epoch];
        assert_ne!(
            current,
            address[(turn + 2) % 3],
            "epoch of turn {turn} with the table before it"
        );
    }
}

#[test]
fn readers_always_find_a_version_while_code_is_exchanged() {
    let (code, libraries) = three_versions();
    code.make_all_current(libraries[0]).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let read = || {
            while !done.load(Ordering::Relaxed) {
                assert!(code.current("fix_words").is_some() && code.current("fix_more").is_some());
            }
        };
        let readers = [threads.spawn(read), threads.spawn(read)];
        for turn in 0..3_000 {
            code.make_all_current(libraries[turn % 3]).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            reader.join().expect("a module was missing for a moment");
        }
    });
}
