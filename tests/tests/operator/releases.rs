//! The register of releases, and single files: listing, adding and removing.

use std::os::unix::fs::FileExt;

use pq_tests::running::{Player, Running, Tree, copy_folder, pq};
use serde_json::{Value, json as value};

use crate::operator::typed::{done, json, refused, told};

/// Versions and statuses in the register, the newest first.
fn releases(tree: &Tree) -> Vec<(String, String)> {
    let answer = json(tree, &["which-releases"]);
    let text = |value: &Value| value.as_str().unwrap().to_string();
    let line = |row: &Value| (text(&row["vsn"]), text(&row["status"]));
    answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

fn are(tree: &Tree, expected: &[(&str, &str)]) {
    let owned = |(vsn, status): &(&str, &str)| (vsn.to_string(), status.to_string());
    assert_eq!(
        releases(tree),
        expected.iter().map(owned).collect::<Vec<_>>()
    );
}

#[test]
fn a_package_is_unpacked_by_its_name_or_its_path_and_removed_again() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    are(&tree, &[("1.0.0", "permanent")]);
    let said = done(&tree, &["unpack", "processquest-1.1.0"]);
    assert!(said.contains("`pq install 1.1.0`"), "{said}");
    are(&tree, &[("1.1.0", "unpacked"), ("1.0.0", "permanent")]);
    assert!(
        tree.root()
            .join("lib/processquest-1.1.0/priv/processquest.so")
            .exists()
    );
    let text = told(&tree, &["which-releases", "unpacked"]);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("processquest  1.1.0  unpacked"), "{text}");
    assert!(text.contains("processquest-1.1.0 sockserv-1.0.1"), "{text}");
    done(&tree, &["remove", "1.1.0"]);
    are(&tree, &[("1.0.0", "permanent")]);
    assert!(!tree.root().join("lib/processquest-1.1.0").exists());
    let package = tree.root().join("releases/processquest-1.1.0.tar.gz");
    let answer = json(&tree, &["unpack", package.to_str().unwrap()]);
    assert_eq!(
        answer,
        value!({"operation": "unpack", "vsn": "1.1.0", "author": "unsigned"})
    );
}

#[test]
fn what_cannot_be_done_with_a_release_is_refused_in_a_sentence_and_in_otps_words() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    done(&tree, &["unpack", "processquest-1.1.0"]);
    for (args, sentence) in [
        (
            &["unpack", "processquest-1.1.0"][..],
            "failed to add release 1.1.0: it is there already",
        ),
        (&["unpack", "nothing-9"], "no such file"),
        (
            &["remove", "1.0.0"],
            "failed to remove release 1.0.0: it is permanent",
        ),
        (
            &["remove", "9"],
            "failed to find release 9: there is none; there are: 1.1.0, 1.0.0; `pq unpack` adds the release of a package",
        ),
        (
            &["make-permanent", "1.1.0"],
            "it is unpacked; install it first",
        ),
        (
            &["reboot-old", "1.1.0"],
            "it is unpacked; only a release that ran before",
        ),
        (
            &["set-removed", "1.0.0"],
            "failed to remove release 1.0.0: it is permanent",
        ),
        (
            &["install", "1.0.0"],
            "failed to install release 1.0.0: it runs already",
        ),
        (&["check-install", "9"], "failed to find release 9"),
    ] {
        let said = refused(&tree, args, 3);
        assert!(said.contains(sentence), "{args:?}: {said}");
    }
    let failure = crate::operator::typed::typed(&tree, &["remove", "1.0.0", "--json"]);
    let failure: Value = serde_json::from_str(&failure.out).unwrap();
    assert_eq!(failure["term"], "{permanent,\"1.0.0\"}");
}

#[test]
fn a_damaged_package_changes_nothing() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let package = tree.root().join("releases/processquest-1.1.0.tar.gz");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(package)
        .unwrap();
    file.write_all_at(b"damaged", 5_000).unwrap();
    let said = refused(&tree, &["unpack", "processquest-1.1.0"], 10);
    assert!(said.contains("failed to accept package"), "{said}");
    are(&tree, &[("1.0.0", "permanent")]);
}

#[test]
fn a_release_can_be_taken_off_the_list_and_put_back_with_its_files() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    done(&tree, &["unpack", "processquest-1.1.0"]);
    let said = done(&tree, &["set-removed", "1.1.0", "-m", "only the list"]);
    assert!(said.contains("its files remain"), "{said}");
    are(&tree, &[("1.0.0", "permanent")]);
    let rel = tree.root().join("releases/1.1.0/processquest.rel");
    let lib = tree.root().join("lib");
    let (rel, lib) = (rel.to_str().unwrap(), lib.to_str().unwrap());
    done(&tree, &["set-unpacked", rel, "sockserv", "1.0.1", lib]);
    are(&tree, &[("1.1.0", "unpacked"), ("1.0.0", "permanent")]);
    done(&tree, &["set-removed", "1.1.0"]);
    let nowhere = tree.root().join("nowhere");
    let args = [
        "set-unpacked",
        rel,
        "sockserv",
        "1.0.1",
        nowhere.to_str().unwrap(),
    ];
    let said = refused(&tree, &args, 3);
    assert!(said.contains("no such folder"), "{said}");
    let said = crate::operator::typed::typed(&tree, &["set-unpacked", rel, "sockserv", "1.0.1"]);
    assert_eq!(said.code, 2, "{said:?}");
}

#[test]
fn a_file_is_installed_when_it_is_what_its_name_says() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    done(&tree, &["unpack", "processquest-1.1.0"]);
    let file = tree.root().join("sys.config");
    std::fs::write(&file, "[{sockserv, [{port, 4321}]}].\n").unwrap();
    let said = done(&tree, &["install-file", "1.1.0", file.to_str().unwrap()]);
    let installed = tree.root().join("releases/1.1.0/sys.config");
    let place = std::fs::canonicalize(&installed).unwrap();
    assert_eq!(
        said,
        format!("copied into release 1.1.0 as {}\n", place.display())
    );
    assert!(
        std::fs::read_to_string(&installed)
            .unwrap()
            .contains("4321")
    );
    std::fs::write(&file, "[{sockserv, [{port, 4321}]}\n").unwrap();
    let said = refused(&tree, &["install-file", "1.1.0", file.to_str().unwrap()], 3);
    assert!(
        said.contains("failed to read") && said.contains("sys.config"),
        "{said}"
    );
    assert!(
        std::fs::read_to_string(&installed)
            .unwrap()
            .ends_with("}].\n")
    );
}

#[test]
fn settings_that_were_edited_are_named_wherever_somebody_looks() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    done(&tree, &["unpack", "processquest-1.1.0"]);
    assert_eq!(json(&tree, &["status"])["settings"], Value::Null);
    for vsn in ["1.0.0", "1.1.0"] {
        tree.configures(vsn, "{opening, quiet}");
    }
    let edited = |vsn: &str| format!("releases/{vsn}/sys.config was edited");
    let status = done(&tree, &["status"]);
    assert!(status.contains(&edited("1.0.0")), "{status}");
    let plan = done(&tree, &["check-install", "1.1.0"]);
    assert!(plan.contains(&edited("1.1.0")), "{plan}");
    let said = done(&tree, &["install", "1.1.0"]);
    assert!(said.contains(&edited("1.1.0")), "{said}");
    let past = done(&tree, &["history"]);
    assert!(past.contains(&edited("1.1.0")), "{past}");
    let gone = tree.root().join("releases/1.0.0/sys.config");
    std::fs::remove_file(gone).unwrap();
    let said = refused(&tree, &["install", "1.0.0"], 3);
    assert!(said.contains("sys.config: no such file"), "{said}");
}

#[test]
fn every_change_is_in_the_history_and_no_question_is() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    done(&tree, &["unpack", "processquest-1.1.0", "-m", "the quests"]);
    done(&tree, &["check-install", "1.1.0"]);
    told(&tree, &["which-releases"]);
    refused(&tree, &["make-permanent", "1.1.0"], 3);
    done(&tree, &["remove", "1.1.0"]);
    let past = json(&tree, &["history"]);
    let line = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_string();
        let result = text("result").split(':').next().unwrap().to_string();
        format!(
            "{} | {} | {} | {}",
            text("operation"),
            result,
            entry["exit"],
            text("message")
        )
    };
    let lines: Vec<_> = past["entries"]
        .as_array()
        .unwrap()
        .iter()
        .skip_while(|entry| entry["operation"] == "boot")
        .map(line)
        .collect();
    let refusal = "make-permanent 1.1.0 | failed to boot release 1.1.0 next time | 3 | -";
    let expected = [
        "unpack processquest-1.1.0 | done | 0 | the quests",
        // The sentence appears once in the text and once in the JSON.
        refusal,
        refusal,
        "remove 1.1.0 | done | 0 | -",
    ];
    assert_eq!(lines, expected);
    assert_eq!(past["entries"][1]["from"], "1.0.0");
    assert_eq!(past["entries"][1]["to"], "1.1.0");
}

#[test]
fn a_release_that_does_not_boot_gives_way_to_the_permanent_one_when_that_is_wanted() {
    let tree = Tree::new();
    let mut command = pq(tree.start());
    let _node = Running::listening(command.args(["--release", "9.9.9", "--or-permanent"]));
    are(&tree, &[("1.0.0", "permanent")]);
}

/// OTP's `update_paths` decides whether an application of the same version is used from its new directory after an
/// upgrade.
#[test]
fn an_application_that_has_only_moved_is_found_where_the_release_says() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &[]);
    let moved = tree.root().join("elsewhere");
    let folder = |lib: &str| tree.root().join("lib").join(lib);
    copy_folder(&folder("sockserv-1.0.0"), &moved.join("sockserv-1.0.0"));
    let release = tree.root().join("releases/1.0.9");
    copy_folder(&tree.root().join("releases/1.0.0"), &release);
    // The release is made by hand, so it has no checksums.
    std::fs::remove_file(release.join("SHA256SUMS")).unwrap();
    let rel_file = release.join("processquest.rel");
    let rel = std::fs::read_to_string(&rel_file).unwrap();
    let name = "\"processquest\", \"1.0.";
    assert!(rel.contains(name), "{rel}");
    std::fs::write(
        &rel_file,
        rel.replacen(&format!("{name}0"), &format!("{name}9"), 1),
    )
    .unwrap();
    let relup = r#"{"1.0.9",[{"1.0.0",[],[point_of_no_return]}],[]}."#;
    std::fs::write(release.join("relup"), relup).unwrap();
    let elsewhere = ["sockserv", "1.0.0", moved.to_str().unwrap()];
    done(
        &tree,
        &[
            &["set-unpacked", rel_file.to_str().unwrap()],
            &elsewhere[..],
        ]
        .concat(),
    );
    done(&tree, &["install", "1.0.9"]);
    std::fs::remove_dir_all(folder("sockserv-1.0.0")).unwrap();
    Player::enter(&node, "Ann");
    done(&tree, &["make-permanent", "1.0.9"]);
    drop(node);
    let node = Running::node_with(&tree, &[]);
    Player::enter(&node, "Bob");
}
