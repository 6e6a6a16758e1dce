//! The rules of STYLE.md that a program can check. `cargo tidy` runs only these.
//!
//! There is one test per rule. Each first applies its rule to something wrong, so that a rule that detects nothing
//! cannot pass, and then to the whole project. The rules are functions from text to faults in `tidy/`; a fault names a
//! line and what would be right there.

#[path = "tidy/confined.rs"]
mod confined;
#[path = "tidy/english.rs"]
mod english;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/game.rs"]
mod game;
#[path = "tidy/library.rs"]
mod library;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use floors::Edge;
use functions::Spread;
use tree::{File, clean, file, files, refused, rust_files};

#[test]
fn every_rust_file_says_first_what_is_in_it() {
    refused(
        text::opening(&File::sample("a.rs", "use std::fmt;\n//! Late.\n")),
        &["a.rs:1"],
    );
    clean(rust_files().iter().filter_map(text::opening));
}

#[test]
fn no_file_is_longer_than_its_subject() {
    refused(
        text::length(&File::sample("a.rs", &"x\n".repeat(601))),
        &["a.rs:601"],
    );
    refused(text::length(&File::sample("a.rs", &"x\n".repeat(600))), &[]);
    clean(rust_files().iter().filter_map(text::length));
}

#[test]
fn a_node_writes_past_its_readers_in_one_place() {
    let sample = |path| {
        let text =
            "fn f() { println!(); io::stderr().write(b); }\n#[cfg(test)]\nfn g() { println!() }\n";
        File::sample(path, text)
    };
    let wrong = confined::written_elsewhere(&sample("server/otp/src/a.rs"));
    refused(wrong, &["server/otp/src/a.rs:1", "server/otp/src/a.rs:1"]);
    refused(
        confined::written_elsewhere(&sample("server/src/client/a.rs")),
        &[],
    );
    clean(rust_files().iter().flat_map(confined::written_elsewhere));
}

#[test]
fn files_are_opened_in_one_place() {
    let sample = |path| {
        let text = "fn f() { fs::read(a); std::fs::File::open(b); }\n#[cfg(test)]\nfn g() { fs::read(c); }\n";
        File::sample(path, text)
    };
    let wrong = confined::opened_elsewhere(&sample("server/src/a.rs"));
    refused(wrong, &["server/src/a.rs:1", "server/src/a.rs:1"]);
    refused(
        confined::opened_elsewhere(&sample("server/release/src/a/tests.rs")),
        &[],
    );
    clean(rust_files().iter().flat_map(confined::opened_elsewhere));
}

#[test]
fn the_node_does_not_name_the_game_that_it_is_shown_with() {
    let text = "// A hero.\nfn f() { whereis(\"pq_supersup\") }\nOtherOwner;\n\n#[cfg(test)]\nmod tests { hero(); }\n";
    let places = ["server/src/a.rs", "sockserv/src/a.rs"];
    for path in places {
        let lines = [1, 2].map(|line| format!("{path}:{line}"));
        let wrong = game::named(&File::sample(path, text));
        refused(wrong, &lines.each_ref().map(String::as_str));
    }
    for path in ["server/otp/tests/a.rs", "game-plugins/a.rs"] {
        refused(game::named(&File::sample(path, text)), &[]);
    }
    clean(rust_files().iter().flat_map(game::named));
}

#[test]
fn a_file_has_the_name_of_its_module() {
    refused(
        text::name(&File::sample("server/shard/mod.rs", "")),
        &["server/shard/mod.rs:1"],
    );
    clean(rust_files().iter().filter_map(text::name));
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let body =
        |lines: usize| File::sample("a.rs", &format!("\nfn f() {{\n{}}}\n", ";\n".repeat(lines)));
    refused(functions::too_long(&body(69)), &["a.rs:2"]);
    refused(functions::too_long(&body(68)), &[]);
    clean(rust_files().iter().flat_map(functions::too_long));
}

#[test]
fn no_tuple_hides_parameters() {
    let text = "fn f(a: A, b: B, c: C, (d, e): (D, E)) {}
impl S {
    fn g(&self, a: A, (b, c): (B, C), d: D, e: E) {}
}
impl T for S {
    fn h(&self, a: A, (b, c): (B, C), d: D, e: E) {}
}
";
    let found = functions::crowded(&File::sample("a.rs", text));
    refused(found, &["a.rs:3"]);
    clean(rust_files().iter().flat_map(functions::crowded));
}

#[test]
fn most_functions_are_short() {
    let long = File::sample("a.rs", &"fn f() {\n\n\n\n\n\n\n\n\n}\n".repeat(3));
    assert!(!Spread::of(&[long]).is_short());
    let spread = Spread::of(&rust_files());
    println!("{spread}");
    assert!(spread.is_short(), "too many long ones: {spread}");
}

#[test]
fn every_function_that_syn_finds_is_measured() {
    for file in rust_files() {
        let mut measured = functions::functions(&file.text).into_iter().map(|f| f.name);
        let names = functions::names_by_syn(&file.text)
            .unwrap_or_else(|error| panic!("{}: {error}", file.path));
        for name in names {
            assert!(
                measured.any(|found| found == name),
                "{}: `{name}` is not measured",
                file.path
            );
        }
    }
}

#[test]
fn dependencies_point_down() {
    let refusal = |from, to, in_tests| {
        Edge::new(from, to, in_tests)
            .refusal(|name| name.contains("pq") || floors::library(name).is_some())
    };
    for (from, to, in_tests) in [
        ("pq-abi", "pq-otp", false),
        ("pq-otp", "pq-code", true),
        ("pq-otp", "pq-sdk", false),
        ("pq-release", "processquest-1_0_0", false),
        ("pq", "pq-tests", true),
        ("processquest-1_0_0", "processquest-1_1_0", false),
        ("processquest-1_1_0", "sockserv-1_0_0", false),
        ("pq-new", "pq-term", false),
        ("pq-otp", "tokio", false),
    ] {
        assert!(
            refusal(from, to, in_tests).is_some(),
            "`{from}` must not depend on `{to}`"
        );
    }
    for (from, to, in_tests) in [
        ("pq-otp", "pq-sdk", true),
        ("processquest-1_10_0", "processquest-1_9_0", false),
        ("pq-tests", "processquest-1_0_0", true),
        ("pq-otp", "rand", false),
    ] {
        assert_eq!(
            refusal(from, to, in_tests),
            None,
            "`{from}` may depend on `{to}`"
        );
    }
    clean(floors::refused_edges(&floors::workspace()));
}

#[test]
fn every_package_keeps_the_lints_of_the_workspace() {
    refused(
        floors::without_workspace_lints(&File::sample("a/Cargo.toml", "[package]\n")),
        &["a/Cargo.toml:1"],
    );
    let workspace = floors::workspace();
    clean(
        workspace
            .packages
            .iter()
            .map(floors::manifest)
            .filter_map(|m| floors::without_workspace_lints(&m)),
    );
}

#[test]
fn folder_package_and_version_of_a_library_are_one_name() {
    let manifest = File::sample("game-plugins/quest-1.0.0/Cargo.toml", "");
    let here = "game-plugins/quest-1.0.0/Cargo.toml:1";
    refused(library::name_fault(&manifest, "quest-1_0_0", "1.0.0"), &[]);
    refused(
        library::name_fault(&manifest, "quest-1_0_1", "1.0.0"),
        &[here],
    );
    refused(
        library::name_fault(&manifest, "quest-1_0_0", "1.0.1"),
        &[here],
    );
    refused(library::name_fault(&manifest, "quest", "1.0.0"), &[here]);
    for package in floors::workspace().packages {
        clean(library::name_fault(
            &floors::manifest(&package),
            &package.name,
            &package.version.to_string(),
        ));
    }
}

#[test]
fn an_application_file_names_the_version_of_its_folder() {
    let app = |vsn| {
        File::sample(
            "quest.app",
            &format!("{{application, quest,\n [{{vsn,   \"{vsn}\"}}]}}."),
        )
    };
    refused(library::vsn_fault(&app("1.0.0"), "1.0.0"), &[]);
    refused(library::vsn_fault(&app("1.0.1"), "1.0.0"), &["quest.app:2"]);
    for file in files() {
        let folder = file.path.rsplit('/').nth(1).unwrap_or_default();
        if let (true, Some((_, version))) = (
            file.path.ends_with(".app"),
            library::application_and_version(folder),
        ) {
            clean(library::vsn_fault(&file, version));
        }
    }
}

#[test]
fn a_released_library_is_never_edited() {
    let folder = |text| {
        [
            File::sample("game-plugins/quest-1.0.0/src/lib.rs", text),
            File::sample("README.md", ""),
        ]
    };
    let frozen = File::sample(
        library::FROZEN,
        &library::frozen_lines(&folder("//! Quest.\n")),
    );
    refused(
        library::frozen_faults(&frozen, &folder("//! Quest.\n")),
        &[],
    );
    refused(
        library::frozen_faults(&frozen, &folder("//! Quest!\n")),
        &["releases/frozen.sha256:1"],
    );
    refused(
        library::frozen_faults(&frozen, &[]),
        &["releases/frozen.sha256:1"],
    );
    let added = File::sample("game-plugins/quest-1.0.0/new.rs", "");
    let [lib, readme] = folder("//! Quest.\n");
    refused(
        library::frozen_faults(&frozen, &[lib, added, readme]),
        &["game-plugins/quest-1.0.0/new.rs:1"],
    );

    let files = files();
    println!(
        "as the library folders stand now:\n{}",
        library::frozen_lines(&files)
    );
    clean(
        file(library::FROZEN)
            .iter()
            .flat_map(|frozen| library::frozen_faults(frozen, &files)),
    );
}

#[test]
fn a_library_calls_other_modules_by_the_names_that_it_lists() {
    let path = "game-plugins/quest-1.1.0/src/quest.rs";
    let source = "pq_sdk::calls! {
    static ROLL: fn() -> u16 = dice::ROLL;
    static IDLE: fn() -> u16 = dice::IDLE;
}
fn f() { ROLL.call(ctx, ()); own.call(); }
fn g() { dice::ROLL
    .try_call(ctx, ()); NOTE.call(ctx, ()) }
#[cfg(test)]
fn h() { NOTE.call(ctx, ()) }
";
    let frozen = |text: &str| File::sample(library::FROZEN, text);
    let file = File::sample(path, source);
    let places = [7, 7, 3].map(|line| format!("{path}:{line}"));
    refused(
        library::unlisted_calls(&file, &frozen("")),
        &places.each_ref().map(String::as_str),
    );
    let released = frozen(&format!("00  {path}\n"));
    refused(library::unlisted_calls(&file, &released), &[]);
    let frozen = file_of_frozen();
    clean(
        rust_files()
            .iter()
            .flat_map(|file| library::unlisted_calls(file, &frozen)),
    );
}

fn file_of_frozen() -> File {
    file(library::FROZEN).unwrap_or_else(|| File::sample(library::FROZEN, ""))
}

#[test]
fn unsafe_code_stays_in_its_files() {
    let text = "// unsafe in words\nfn f() { unsafe { g() } }\n";
    refused(
        confined::unsafe_outside(&File::sample("regis/src/lib.rs", text)),
        &["regis/src/lib.rs:2"],
    );
    refused(
        confined::unsafe_outside(&File::sample("server/abi/src/raw.rs", text)),
        &[],
    );
    clean(rust_files().iter().flat_map(confined::unsafe_outside));
}

#[test]
fn every_unsafe_block_says_why_it_holds() {
    let text = "
// SAFETY: the pointer is not shared.
#[inline]
unsafe fn argued() {}
type Call = unsafe extern \"C\" fn(u8);
unsafe impl Send for A {}
fn f() {
    // SAFETY: `argued` asks for nothing.
    let long_name =
        unsafe { argued() };
    unsafe { argued() }
}
// SAFETY: too far away.

unsafe extern \"C\" fn unargued() {}
// SAFETY: `b` keeps the trait's contract.
unsafe impl B for A {
    unsafe fn b() {}
}
";
    refused(
        confined::unargued(&File::sample("a.rs", text)),
        &["a.rs:6", "a.rs:11", "a.rs:15"],
    );
    clean(rust_files().iter().flat_map(confined::unargued));
}

#[test]
fn a_library_takes_the_world_from_its_context() {
    let text = "use std::time::Instant;\nuse std::time::Duration;\nlet net = hero.net;\nstd::fs::read(net);\nprintln!(\"\");\nenv!(\"CARGO_PKG_VERSION\");\n";
    let path = "sockserv/plugins/talk-1.0.0/src/lib.rs";
    let places = [1, 4, 5].map(|line| format!("{path}:{line}"));
    refused(
        confined::worldly(&File::sample(path, text)),
        &places.each_ref().map(String::as_str),
    );
    refused(
        confined::worldly(&File::sample("sockserv/src/lib.rs", text)),
        &[],
    );
    clean(rust_files().iter().flat_map(confined::worldly));
}

#[test]
fn no_file_holds_a_word_that_only_its_author_understands() {
    let text = [
        "TO",
        "DO: later\nTO",
        "DO(#7): later\n#[ign",
        "ore]\nsee /wo",
        "rk/x\n",
    ]
    .concat();
    refused(
        text::forbidden_words(&File::sample("a.rs", &text)),
        &["a.rs:1", "a.rs:3", "a.rs:4"],
    );
    refused(
        text::forbidden_words(&File::sample("a.md", &text)),
        &["a.md:4"],
    );
    clean(files().iter().flat_map(text::forbidden_words));
}

#[test]
fn every_dependency_says_what_we_would_have_to_write_without_it() {
    let text = "[workspace.dependencies]\n# --- ours ---\na = { path = \"a\" }\nb = \"1\"\n# Bees.\nc = \"1\"\n[profile.dev]\nd = 1\n";
    refused(
        text::unexplained_dependencies(&File::sample("Cargo.toml", text)),
        &["Cargo.toml:4"],
    );
    clean(text::unexplained_dependencies(
        &file("Cargo.toml").expect("the root manifest"),
    ));
}

#[test]
fn the_readme_shows_the_two_commands() {
    let text = "Type `cargo test --workspace`.\n\n    cargo run --release -- demo\n";
    refused(
        text::missing_commands(&File::sample("README.md", text)),
        &["README.md:1"],
    );
    clean(file("README.md").iter().flat_map(text::missing_commands));
}

#[test]
fn sentences_begin_with_a_noun() {
    let wrong = "//! A door. Whoever knocks waits.\n// What is it? A question.\n// What waits\n// is let in.\n";
    refused(
        english::starts(&File::sample("a.rs", wrong)),
        &["a.rs:1", "a.rs:3"],
    );
    let manual = "| what | meaning |\n- Who comes is asked.\n```\nWhat = 1\n```\n";
    refused(english::starts(&File::sample("a.md", manual)), &["a.md:2"]);
    clean(files().iter().flat_map(english::starts));
}

#[test]
fn a_documentation_says_more_than_the_name() {
    let sample = "/// Its name.\nfn name() {}\n/// The name that the client gave.\nfn given() {}\n";
    refused(english::short(&File::sample("a.rs", sample)), &["a.rs:1"]);
    clean(rust_files().iter().flat_map(english::short));
}
