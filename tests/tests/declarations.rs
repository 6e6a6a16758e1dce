//! What modules declare of themselves for upgrades is true: whom they call, which states they convert and keep.
//!
//! | room | what lives there |
//! |---|---|
//! | `source` | a library's sources as the compiler parses them: functions, calls, migrations |
//! | `states` | states of processes that run, moved to a newer library |
//!
//! The manifest is made of constants, and a constant can be forgotten: here the sources themselves are asked.
#![allow(clippy::unwrap_used)]

#[path = "declarations/source.rs"]
mod source;
#[path = "declarations/states.rs"]
mod states;

use std::collections::BTreeSet;
use std::path::Path;

use pq_code::{Declared, Manifest};
use source::Source;

/// The sources of a library, those of the version before it, and its manifest.
struct Library {
    folder: &'static str,
    before: Option<&'static str>,
    manifest: &'static str,
}

const LIBRARIES: [Library; 5] = [
    Library {
        folder: "game-plugins/processquest-1.0.0",
        before: None,
        manifest: processquest_1_0_0::MANIFEST,
    },
    Library {
        folder: "game-plugins/processquest-1.1.0",
        before: Some("game-plugins/processquest-1.0.0"),
        manifest: processquest_1_1_0::MANIFEST,
    },
    Library {
        folder: "sockserv/plugins/sockserv-1.0.0",
        before: None,
        manifest: sockserv_1_0_0::MANIFEST,
    },
    Library {
        folder: "sockserv/plugins/sockserv-1.0.1",
        before: Some("sockserv/plugins/sockserv-1.0.0"),
        manifest: sockserv_1_0_1::MANIFEST,
    },
    Library {
        folder: "regis/application",
        before: None,
        manifest: regis_application::MANIFEST,
    },
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Library {
    fn source(&self) -> Source {
        let before = self
            .before
            .map(|folder| Source::read(&root().join(folder), None));
        Source::read(&root().join(self.folder), before)
    }

    fn declared(&self, module: &str) -> Declared {
        let manifest = Manifest::read(self.manifest.as_bytes()).unwrap();
        let mut modules = manifest.modules.into_iter();
        let entry = modules.find(|entry| entry.name == module);
        entry.unwrap().declared.unwrap()
    }
}

/// A source of one file, and perhaps of the version before it.
fn sample(text: &str, before: Option<&str>) -> Source {
    let files = |text: &str| [("src/quest.rs".to_string(), text.to_string())];
    let before = before.map(|text| Box::new(Source::of(&files(text), None).unwrap()));
    Source::of(&files(text), before).unwrap()
}

const MODULE: &str = "impl Module for Quest { const NAME: &'static str = \"quest\"; }\n";

fn calls(text: &str) -> BTreeSet<String> {
    sample(&format!("{MODULE}{text}"), None)
        .calls("quest")
        .unwrap()
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(ToString::to_string).collect()
}

#[test]
fn every_call_is_found_whichever_way_it_is_written() {
    let dice = "static ROLL: Remote<(u8, (u8,)), u8> = Remote::new(\"dice\", \"roll\");";
    for body in [
        "fn f() { ROLL.call(ctx, (1, (2,))); }",
        "fn f() -> u8 { g(|| ROLL.try_call(ctx, &(1, (2,)))) }",
        "fn f() { let roll = &ROLL; roll.call(ctx, args); }",
        "impl Quest { fn f() { Remote::call(&self::ROLL, ctx, args); } }",
    ] {
        assert_eq!(
            calls(&format!("{dice}\n{body}")),
            set(&["dice:roll/2"]),
            "{body}"
        );
    }
    let inside = "fn f() { static NOTE: Remote<(), ()> = Remote::new(\"journal\", \"note\"); NOTE.call(ctx, ()) }";
    assert_eq!(calls(inside), set(&["journal:note/0"]));
    let own = "static ASK: Function<(), ()> = Function::new(\"quest\", \"ask\", |ctx, ()| ROLL.call(ctx, (1, (2,))));";
    assert_eq!(calls(&format!("{dice}\n{own}")), set(&["dice:roll/2"]));
    let listed = "impl Module for Other { const NAME: &'static str = \"other\"; const FUNCTIONS: &'static [&'static dyn Export] = &[&ROLL]; }";
    assert_eq!(calls(&format!("{dice}\n{listed}")), set(&[]));
}

#[test]
fn what_cannot_be_read_is_refused() {
    for (text, why) in [
        (
            "fn f() { Remote::new(\"dice\", \"roll\").call(ctx, ()); }",
            "is no static",
        ),
        ("static ROLL: Remote<(), ()> = roll();", "names no function"),
        (
            "static ROLL: Remote<(), ()> = Remote::new(\"dice\", \"roll\");\nfn f() { note!(ROLL.call(ctx, ())); }",
            "inside of a macro",
        ),
        ("fn f() { other::FETCH.call(ctx, ()); }", "nobody defines"),
    ] {
        let files = [("src/quest.rs".to_string(), format!("{MODULE}{text}"))];
        let refused = Source::of(&files, None).and_then(|source| source.calls("quest"));
        let refused = refused.expect_err(text);
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

#[test]
fn who_takes_code_from_the_version_before_takes_its_calls() {
    let dice = "static ROLL: Remote<(), u8> = Remote::new(\"dice\", \"roll\");";
    let before = format!("{MODULE}{dice}\nfn f() {{ ROLL.call(ctx, ()) }}");
    let alone = sample(MODULE, Some(&before));
    assert_eq!(alone.calls("quest").unwrap(), set(&[]));
    let heir = format!("use crate::v1_0_0::quest as old;\n{MODULE}");
    let heir = sample(&heir, Some(&before));
    assert_eq!(heir.calls("quest").unwrap(), set(&["dice:roll/0"]));
}

#[test]
fn every_module_declares_exactly_what_it_calls() {
    for library in LIBRARIES {
        let source = library.source();
        for module in source.modules() {
            let declared = library.declared(&module).calls;
            let declared: Vec<String> = declared.iter().map(ToString::to_string).collect();
            let found: Vec<String> = source.calls(&module).unwrap().into_iter().collect();
            let mut sorted = declared.clone();
            sorted.sort();
            assert_eq!(sorted, found, "CALLS of {module} in {}", library.folder);
        }
    }
}

#[test]
fn every_migration_is_of_a_version_that_is_declared_and_the_other_way_round() {
    for library in LIBRARIES {
        let source = library.source();
        for module in source.modules() {
            let declared = library.declared(&module);
            let of = |list: &str, versions: &[String]| -> Vec<String> {
                (0..versions.len())
                    .map(|at| format!("Self::{list}[{at}]"))
                    .collect()
            };
            let wanted = [
                of("CONVERTS", &declared.converts),
                of("KEEPS", &declared.keeps),
            ]
            .concat();
            let found = source.migrations(&module);
            assert_eq!(
                found, wanted,
                "migrations of {module} in {}",
                library.folder
            );
        }
    }
}

#[test]
fn no_library_is_left_out() {
    let mut folders = BTreeSet::new();
    for above in ["game-plugins", "sockserv/plugins"] {
        for entry in std::fs::read_dir(root().join(above)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.contains('-') {
                folders.insert(format!("{above}/{name}"));
            }
        }
    }
    let known: BTreeSet<String> = LIBRARIES
        .iter()
        .map(|library| library.folder.to_string())
        .collect();
    assert!(folders.is_subset(&known), "{folders:?}");
}
