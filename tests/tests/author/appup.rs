//! `pq appup`: the appups that it generates from the libraries of the game's versions, its errors, and its output.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use expect_test::{Expect, expect};
use pq_term::{Term, read_one};
use pq_tests::running::pq;
use tempfile::TempDir;

/// An application in both versions of the book's releases.
struct Game {
    name: &'static str,
    /// The directory that has a directory for each version.
    above: &'static str,
    older: &'static str,
    newer: &'static str,
}

const PROCESSQUEST: Game = Game {
    name: "processquest",
    above: "game-plugins",
    older: "1.0.0",
    newer: "1.1.0",
};

const SOCKSERV: Game = Game {
    name: "sockserv",
    above: "sockserv/plugins",
    older: "1.0.0",
    newer: "1.0.1",
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

impl Game {
    /// A file that the author wrote by hand.
    fn written(&self, vsn: &str, suffix: &str) -> PathBuf {
        let (above, name) = (self.above, self.name);
        root().join(format!("{above}/{name}-{vsn}/{name}.{suffix}"))
    }

    fn appup_by_hand(&self) -> String {
        std::fs::read_to_string(self.written(self.newer, "appup")).unwrap()
    }
}

/// The library of a version, built as in a release.
fn library(game: &Game, vsn: &str) -> Vec<u8> {
    static BUILT: OnceLock<pq_tests::running::Tree> = OnceLock::new();
    let built = BUILT.get_or_init(pq_tests::running::Tree::with_both);
    let name = game.name;
    let file = format!("lib/{name}-{vsn}/priv/{name}.so");
    std::fs::read(built.root().join(file)).unwrap()
}

/// The `lib` directory of a release tree with both versions of these applications; the newer ones have no appup.
struct Tree(TempDir);

impl Tree {
    fn of(games: &[&Game]) -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        for game in games {
            for vsn in [game.older, game.newer] {
                let app = std::fs::read(game.written(vsn, "app")).unwrap();
                tree.put(game, vsn, &format!("ebin/{}.app", game.name), &app);
                tree.put(
                    game,
                    vsn,
                    &format!("priv/{}.so", game.name),
                    &library(game, vsn),
                );
            }
        }
        tree
    }

    fn folder(&self, game: &Game, vsn: &str) -> PathBuf {
        self.0.path().join(format!("lib/{}-{vsn}", game.name))
    }

    fn put(&self, game: &Game, vsn: &str, file: &str, bytes: &[u8]) {
        let file = self.folder(game, vsn).join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    fn put_appup(&self, game: &Game, text: &str) {
        let file = format!("ebin/{}.appup", game.name);
        self.put(game, game.newer, &file, text.as_bytes());
    }

    fn appup(&self, game: &Game) -> Option<String> {
        let file = format!("ebin/{}.appup", game.name);
        std::fs::read_to_string(self.folder(game, game.newer).join(file)).ok()
    }

    fn run(&self, game: &Game, options: &[&str]) -> Answer {
        let folders = [game.older, game.newer].map(|vsn| format!("lib/{}-{vsn}", game.name));
        let words = ["appup".to_string()].into_iter().chain(folders);
        let words = words.chain(options.iter().map(ToString::to_string));
        answer(pq(words).current_dir(self.0.path()))
    }
}

/// The output of the program, and whether it succeeded.
#[derive(Debug)]
struct Answer {
    out: String,
    err: String,
    is_well: bool,
}

fn answer(command: &mut Command) -> Answer {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Answer {
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
        is_well: status.success(),
    }
}

/// The term of an appup, without comments and layout.
fn term(text: &str) -> Term {
    read_one(text).unwrap()
}

fn ends_badly(found: &Answer, out: Expect, err: Expect) {
    assert!(!found.is_well, "{found:?}");
    out.assert_eq(&found.out);
    err.assert_eq(&found.err);
}

#[test]
fn the_libraries_say_what_the_book_wrote_by_hand() {
    for game in [&PROCESSQUEST, &SOCKSERV] {
        let tree = Tree::of(&[game]);
        let made = tree.run(game, &[]);
        assert!(made.is_well && made.err.is_empty(), "{made:?}");
        assert_eq!(term(&made.out), term(&game.appup_by_hand()));
        assert_eq!(tree.appup(game), None);
    }
}

#[test]
fn the_appups_of_the_book_fit_their_libraries() {
    for game in [&PROCESSQUEST, &SOCKSERV] {
        let tree = Tree::of(&[game]);
        tree.put_appup(game, &game.appup_by_hand());
        let found = tree.run(game, &["--check"]);
        assert!(
            found.is_well && found.out.is_empty() && found.err.is_empty(),
            "{found:?}"
        );
    }
}

#[test]
fn an_appup_that_no_longer_fits_ends_badly_and_says_where() {
    let tree = Tree::of(&[&PROCESSQUEST]);
    let by_hand = PROCESSQUEST.appup_by_hand();
    let stale = by_hand
        .replacen("{load_module, pq_enemy},", "", 1)
        .replacen(
            "{update, pq_player, {advanced, []}, [pq_quest, pq_events]}",
            "{load_module, pq_player}",
            1,
        )
        .replacen("{delete_module, pq_quest}", "{delete_module, pq_guest}", 1);
    tree.put_appup(&PROCESSQUEST, &stale);
    ends_badly(
        &tree.run(&PROCESSQUEST, &["--check"]),
        expect![[r#"
            lib/processquest-1.1.0/ebin/processquest.appup: line 3: the way up from 1.0.0 does not name `pq_enemy`, which is 1.0.0 in the older version and 1.1.0 in the newer; `{load_module,pq_enemy}` would be right
            lib/processquest-1.1.0/ebin/processquest.appup: line 6: `{load_module,pq_player}` is the wrong instruction for `pq_player`, whose state 1.1.0 converts from and to 1.0.0; `{update,pq_player,{advanced,[]},[pq_quest,pq_events]}` would be right
            lib/processquest-1.1.0/ebin/processquest.appup: line 7: the way down to 1.0.0 does not name `pq_quest`, which has to be deleted; `{delete_module,pq_quest}` would be right
            lib/processquest-1.1.0/ebin/processquest.appup: line 8: `{delete_module,pq_guest}` names `pq_guest`, which neither 1.0.0 nor 1.1.0 has
        "#]],
        expect![[r#"
            pq: lib/processquest-1.1.0/ebin/processquest.appup does not fit its libraries in 4 places
        "#]],
    );
}

/// `pq relup` accepts the same appups as the check; an error has the number of its line.
#[test]
fn an_appup_that_is_none_or_would_fail_an_install_is_refused_with_its_line() {
    let tree = Tree::of(&[&PROCESSQUEST, &SOCKSERV]);
    let by_hand = SOCKSERV.appup_by_hand();
    let good = "[{load_module, sockserv_serv}]";
    for (script, wanted) in [
        ("[{load_modul, sockserv_serv}]", "sockserv.appup: line 3: "),
        (
            "[{update, sockserv_sup, supervisor, []}]",
            "sockserv.appup: line 3: ",
        ),
        (
            "[{restart_application, sockserv, x}]",
            "sockserv.appup: line 3: ",
        ),
        (
            "[{load_module, sockserv_serv}, {load_module, sockserv_serv}]",
            "sockserv.appup: line 3: ",
        ),
        (
            "[{load_module, sockserv_serv, [sockserv_srv]}]",
            "sockserv.appup: line 3: ",
        ),
        (
            "[{update, sockserv_serv, supervisor}]",
            "sockserv.appup: line 3: `{update,sockserv_serv,supervisor}` is the wrong instruction",
        ),
        (
            "[{load_module, sockserv_serv}, {apply, {io, format, [\"hello\"]}}]",
            "`io:format/1` cannot be called",
        ),
        (
            "[{load_module, sockserv_serv}, {apply, {sockserv_trans, to_outptu, [[]]}}]",
            "`sockserv_trans:to_outptu/1` cannot be called: `sockserv_trans` exports no",
        ),
        (
            "[{load_module, sockserv_serv}, {apply, {pq_stats, rol, []}}]",
            "`pq_stats:rol/0` cannot be called",
        ),
        (
            "[{load_module, sockserv_serv}, {apply, {supervisor, start_child, [sockserv_sup, spec]}}]",
            "`supervisor:start_child/2` cannot be called: it does not take these arguments",
        ),
        (
            "[{load_module, sockserv_serv}, {delete_module, sockserv_trans}]",
            "`sockserv_serv` calls `sockserv_trans:to_output/1`",
        ),
    ] {
        tree.put_appup(&SOCKSERV, &by_hand.replacen(good, script, 1));
        let found = tree.run(&SOCKSERV, &["--check"]);
        let said = format!("{}{}", found.out, found.err);
        assert!(
            !found.is_well && said.contains(wanted),
            "{script}: {found:?}"
        );
    }
    let fine = "[{load_module, sockserv_serv}, {apply, {pq_stats, roll, []}}, \
                {apply, {supervisor, count_children, [sockserv_sup]}}]";
    tree.put_appup(&SOCKSERV, &by_hand.replacen(good, fine, 1));
    let found = tree.run(&SOCKSERV, &["--check"]);
    assert!(found.is_well, "{found:?}");
}

#[test]
fn a_check_refuses_an_app_file_that_lists_what_the_library_does_not_have() {
    let tree = Tree::of(&[&PROCESSQUEST]);
    tree.put_appup(&PROCESSQUEST, &PROCESSQUEST.appup_by_hand());
    let app = std::fs::read_to_string(PROCESSQUEST.written("1.1.0", "app")).unwrap();
    let app = app.replace(", pq_quest", ", pq_quest, pq_guest");
    tree.put(
        &PROCESSQUEST,
        "1.1.0",
        "ebin/processquest.app",
        app.as_bytes(),
    );
    let found = tree.run(&PROCESSQUEST, &["--check"]);
    assert!(
        !found.is_well && found.out.contains("`pq_guest` is listed"),
        "{found:?}"
    );
}

#[test]
fn both_ways_give_one_relup() {
    let tree = Tree::of(&[&PROCESSQUEST, &SOCKSERV]);
    let before = std::fs::read_to_string(root().join("releases/1.0.0/processquest.rel")).unwrap();
    let next = before
        .replace(
            "{\"processquest\", \"1.0.0\"}",
            "{\"processquest\", \"1.1.0\"}",
        )
        .replace("{processquest, \"1.0.0\"}", "{processquest, \"1.1.0\"}")
        .replace("{sockserv, \"1.0.0\"}", "{sockserv, \"1.0.1\"}");
    assert_eq!(next.matches("1.1.0").count(), 2, "{next}");
    std::fs::write(tree.0.path().join("1.0.0.rel"), &before).unwrap();
    std::fs::write(tree.0.path().join("1.1.0.rel"), &next).unwrap();
    let relup = || {
        let words = "relup 1.1.0.rel --up-from 1.0.0.rel --down-to 1.0.0.rel --path lib --stdout --warnings-as-errors";
        let made = answer(pq(words.split(' ')).current_dir(tree.0.path()));
        assert!(made.is_well, "{made:?}");
        made.out
    };
    for game in [&PROCESSQUEST, &SOCKSERV] {
        assert!(tree.run(game, &["--write"]).is_well);
    }
    let by_machine = relup();
    for game in [&PROCESSQUEST, &SOCKSERV] {
        tree.put_appup(game, &game.appup_by_hand());
    }
    assert_eq!(by_machine, relup());
    assert!(
        by_machine.contains("{code_change,up,[{pq_player,[]}]}"),
        "{by_machine}"
    );
}

#[test]
fn an_appup_that_is_there_is_written_over_only_when_asked() {
    let tree = Tree::of(&[&SOCKSERV]);
    tree.put_appup(&SOCKSERV, "by hand");
    ends_badly(
        &tree.run(&SOCKSERV, &["--write"]),
        expect![[r#""#]],
        expect![[r#"
            pq: failed to write lib/sockserv-1.0.1/ebin/sockserv.appup: the file exists; --check compares it with the libraries, --force overwrites it
        "#]],
    );
    assert_eq!(tree.appup(&SOCKSERV).unwrap(), "by hand");
    tree.put(&SOCKSERV, SOCKSERV.newer, "SHA256SUMS", b"");
    let written = tree.run(&SOCKSERV, &["--write", "--force"]);
    assert!(written.is_well && written.out.is_empty(), "{written:?}");
    expect![[r#"
        pq: warning: lib/sockserv-1.0.1 has no checksum of this appup: lay out the release again
    "#]]
    .assert_eq(&written.err);
    assert_eq!(
        term(&tree.appup(&SOCKSERV).unwrap()),
        term(&SOCKSERV.appup_by_hand())
    );
}

#[test]
fn folders_that_are_no_two_versions_of_an_application_are_refused() {
    let tree = Tree::of(&[&SOCKSERV]);
    let run =
        |older: &str, newer: &str| answer(pq(["appup", older, newer]).current_dir(tree.0.path()));
    let [older, newer] = ["lib/sockserv-1.0.0", "lib/sockserv-1.0.1"];
    ends_badly(
        &run(older, older),
        expect![[""]],
        expect![[r#"
        pq: failed to compare the libraries: both are sockserv 1.0.0, so there is no way between them
    "#]],
    );
    ends_badly(
        &run(older, "lib"),
        expect![[""]],
        expect![[r#"
        pq: failed to list lib/ebin, the place of the .app file in a directory lib/App-Vsn of a release tree: No such file or directory (os error 2)
    "#]],
    );
    tree.put(
        &SOCKSERV,
        SOCKSERV.newer,
        "priv/sockserv.so",
        &library(&SOCKSERV, "1.0.0"),
    );
    ends_badly(
        &run(older, newer),
        expect![[""]],
        expect![[r#"
        pq: failed to read lib/sockserv-1.0.1: its library is of sockserv 1.0.0, and lib/sockserv-1.0.1/ebin/sockserv.app is of sockserv 1.0.1
    "#]],
    );
    std::fs::remove_file(
        tree.folder(&SOCKSERV, SOCKSERV.newer)
            .join("priv/sockserv.so"),
    )
    .unwrap();
    ends_badly(
        &run(older, newer),
        expect![[""]],
        expect![[r#"
        pq: failed to load library `lib/sockserv-1.0.1/priv/sockserv.so`: the file cannot be read: No such file or directory (os error 2)
    "#]],
    );
}

#[test]
fn a_module_that_the_app_file_does_not_list_is_warned_of() {
    let tree = Tree::of(&[&PROCESSQUEST]);
    let app = std::fs::read_to_string(PROCESSQUEST.written("1.1.0", "app")).unwrap();
    let app = app.replace(", pq_quest", ", pq_guest");
    tree.put(
        &PROCESSQUEST,
        "1.1.0",
        "ebin/processquest.app",
        app.as_bytes(),
    );
    let made = tree.run(&PROCESSQUEST, &[]);
    assert!(made.is_well);
    expect![[r#"
        pq: warning: lib/processquest-1.1.0/ebin/processquest.app does not list `pq_quest`, which its library has
        pq: warning: lib/processquest-1.1.0/ebin/processquest.app lists `pq_guest`, which its library does not have
    "#]].assert_eq(&made.err);
}
