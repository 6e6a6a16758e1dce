//! The usual mistakes of authors. Each is found before anything is installed; its message names the file, the cause and the next
//! step.
//!
//! The lamp has two versions and no dependencies, so that a build takes half a second.

use std::fs;

use crate::author::lamp_sources::{CONFIG, REL, package};
use crate::authors::desk::Desk;

const NEW: &str = "pq release 1.1.0 --root rel";

const APP: &str = "lamp-1.1.0/lamp.app";
const LIB: &str = "lamp-1.1.0/src/lib.rs";
const SOURCE: &str = "lamp-1.1.0/src/lamp.rs";
const RELEASE: &str = "releases/1.1.0/lamp.rel";

/// A workspace with two versions of the lamp, the first of which is in the tree of a node.
fn lamps() -> Desk {
    let desk = Desk::empty();
    desk.write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"lamp-1.0.0\", \"lamp-1.1.0\"]\n",
    );
    desk.write(".cargo/config.toml", CONFIG);
    for vsn in ["1.0.0", "1.1.0"] {
        for (file, text) in package(vsn) {
            desk.write(&format!("lamp-{vsn}/{file}"), &text);
        }
        let rel = REL.replace("{\"lamp\", \"1.0.0\"}", &format!("{{\"lamp\", \"{vsn}\"}}"));
        let rel = rel.replace("{lamp, \"1.0.0\"}", &format!("{{lamp, \"{vsn}\"}}"));
        let sasl = rel.replace("{lamp,", "{sasl, \"1.0.0\"}, {lamp,");
        desk.write(&format!("releases/{vsn}/lamp.rel"), &sasl);
    }
    desk.edit(SOURCE, "{ 1 }", "{ 2 }");
    desk.does("pq build releases/1.0.0/lamp.rel --root rel");
    desk
}

#[test]
fn a_forgotten_appup_is_made_and_the_next_release_checks_it() {
    let desk = lamps();
    let said = desk.does(NEW);
    assert!(
        said.contains("written     ") && said.contains("installs    from 1.0.0"),
        "{said}"
    );
    let appup = desk.read("lamp-1.1.0/lamp.appup");
    assert!(appup.contains("{load_module,lamp}"), "{appup}");
    assert!(!desk.does(NEW).contains("written"));
    desk.edit(
        "lamp-1.1.0/lamp.appup",
        "{load_module,lamp}",
        "{load_module,lampp}",
    );
    desk.fails(NEW, &["lamp.appup: line ", "does not name `lamp`"]);
}

#[test]
fn a_wrong_version_is_found_in_each_file() {
    let desk = lamps();
    for (file, from, to, words) in [
        (
            APP,
            "{vsn, \"1.1.0\"}",
            "{vsn, \"1.2.0\"}",
            [
                "failed to find the sources of lamp 1.1.0",
                "only in 1.0.0, 1.2.0",
            ],
        ),
        (
            "lamp-1.1.0/Cargo.toml",
            "version = \"1.1.0\"",
            "version = \"1.0.0\"",
            ["lamp-1.1.0/Cargo.toml is 1.0.0", "they should be one"],
        ),
        (
            RELEASE,
            "{\"lamp\", \"1.1.0\"}",
            "{\"lamp\", \"1.0.0\"}",
            [
                "lamp.rel, line 1, is of release 1.0.0",
                "write `{\"lamp\", \"1.1.0\"}` there",
            ],
        ),
        (
            LIB,
            "{library,\\\"lamp\\\",\\\"1.1.0\\\"",
            "{library,\\\"lamp\\\",\\\"1.0.0\\\"",
            ["lamp.app do not agree", "it is the library of lamp 1.0.0"],
        ),
    ] {
        desk.edit(file, from, to);
        desk.fails(NEW, &words);
        desk.edit(file, to, from);
    }
    desk.does(NEW);
    desk.edit("lamp-1.1.0/lamp.appup", "{\"1.1.0\"", "{\"1.2.0\"");
    desk.fails(NEW, &["lamp.appup: line 1: it leads to version \"1.2.0\""]);
}

#[test]
fn a_version_that_was_not_raised_is_found() {
    let desk = lamps();
    // The module.
    for (from, to) in [
        ("{lamp,\\\"1.1.0\\\"", "{lamp,\\\"1.0.0\\\""),
        ("vsn: slice(b\"1.1.0\")", "vsn: slice(b\"1.0.0\")"),
    ] {
        desk.edit(LIB, from, to);
    }
    desk.fails(
        NEW,
        &["src/lamp.rs: `lamp` is 1.0.0 in both", "raise its VSN"],
    );
    // The application: release 1.1.0 has lamp 1.0.0 still.
    desk.edit(RELEASE, "{lamp, \"1.1.0\"}", "{lamp, \"1.0.0\"}");
    desk.fails(
        NEW,
        &[
            "lamp.rel, line 1, has lamp 1.0.0",
            "the workspace has 1.1.0",
            "write `{lamp, \"1.1.0\"}` there",
        ],
    );
}

#[test]
fn a_release_that_was_not_made_says_how_it_is_made() {
    let desk = lamps();
    fs::remove_dir_all(desk.root().join("releases/1.1.0")).unwrap();
    desk.fails(
        NEW,
        &[
            "failed to find release 1.1.0",
            "`pq new 1.1.0` makes its files",
        ],
    );
}

#[test]
fn modules_that_the_app_file_forgets_or_invents_are_found() {
    let desk = lamps();
    desk.edit(APP, "{modules, [lamp]}", "{modules, [lamp, bulb]}");
    desk.fails(NEW, &["lamp.app", "`bulb` is listed"]);
    desk.edit(APP, "{modules, [lamp, bulb]}", "{modules, []}");
    desk.fails(NEW, &["lamp"]);
}

#[test]
fn released_code_that_was_edited_is_found() {
    let desk = lamps();
    desk.edit("lamp-1.0.0/src/lamp.rs", "{ 1 }", "{ 3 }");
    desk.fails(
        NEW,
        &[
            "the source of `lamp` in",
            "lamp-1.0.0",
            "a version never changes",
            "`pq new`",
        ],
    );
}

#[test]
fn a_version_in_the_tree_of_a_node_gets_no_other_code() {
    let desk = lamps();
    desk.does(NEW);
    // The node has it now.
    let release = desk.root().join("rel/releases/lamp-1.1.0.tar.gz");
    assert!(release.is_file());
    desk.does("pq build releases/1.1.0/lamp.rel --root rel");
    desk.edit(SOURCE, "{ 2 }", "{ 4 }");
    desk.fails(
        NEW,
        &[
            "the source of `lamp`",
            "has changed since lamp 1.1.0 came to rel",
            "a version of its own",
        ],
    );
}

#[test]
fn a_directory_that_is_no_member_of_the_workspace_is_named() {
    let desk = lamps();
    desk.edit("Cargo.toml", ", \"lamp-1.1.0\"", "");
    desk.fails(
        NEW,
        &[
            "lamp-1.1.0 is no member of the workspace",
            "add the directory to `members` in",
            "Cargo.toml",
        ],
    );
}

#[test]
fn a_clock_and_a_file_in_a_library_are_found() {
    let desk = lamps();
    desk.write(
        SOURCE,
        "pub fn shine() -> u8 { let _now = std::time::Instant::now(); 2 }\n",
    );
    desk.fails(
        NEW,
        &[
            "src/lamp.rs, line 1: no `Instant` in a library",
            "the context has the time",
        ],
    );
}

#[test]
fn code_that_does_not_compile_is_shown_by_the_compiler() {
    let desk = lamps();
    desk.write(SOURCE, "pub fn shine() -> u8 { \"bright\" }\n");
    desk.fails(
        NEW,
        &[
            "src/lamp.rs:1",
            "mismatched types",
            "cargo failed to build lamp 1.1.0",
        ],
    );
}

#[test]
fn an_older_release_that_is_named_and_does_not_exist_is_refused() {
    let desk = lamps();
    desk.fails(
        "pq release 1.1.0 --from 0.9.0",
        &[
            "failed to find release 0.9.0 of lamp",
            "releases has no such release",
        ],
    );
}

#[test]
fn a_state_that_changed_without_a_conversion_is_found_and_so_is_another_behaviour() {
    let desk = Desk::of_example("counter");
    desk.does("pq new 1.2.0 --module counter_server");
    let server = "counter-1.2.0/src/counter_server.rs";
    let migrations = "    const MIGRATIONS: &'static [Migration] =\n        \
                      &[Migration::converts::<Older, CounterServer>(Older::VSN)];\n";
    desk.edit(server, migrations, "");
    desk.edit(server, "Message, Migration, Module", "Message, Module");
    desk.fails(
        "pq release 1.2.0 --from 1.1.0",
        &[
            "src/counter_server.rs: `counter_server` 1.2.0 declares neither",
            "list `Migration::converts` or `Migration::keeps` for \"1.1.0\"",
        ],
    );
    desk.edit(
        "counter-1.2.0/src/lib.rs",
        "gen_server counter_server",
        "gen_event counter_server",
    );
    desk.fails(
        "pq release 1.2.0 --from 1.1.0",
        &[
            "GenEvent` is not satisfied",
            "cargo failed to build counter 1.2.0",
        ],
    );
}
