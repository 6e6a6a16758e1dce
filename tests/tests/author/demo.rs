//! `pq demo`: the preparation of both releases, the commands for an upgrade in its output, and a tree that has been
//! upgraded.

use std::path::Path;
use std::process::Command;

use pq_tests::running::{Running, Signal, pq};

/// Starts `pq demo` on this tree; waits until it accepts players and has printed everything.
fn demo(root: &Path) -> Running {
    let demo = Running::demo(root, &[]);
    demo.is_ready();
    demo
}

fn end(mut demo: Running) {
    demo.signal(Signal::TERM);
    assert!(demo.end().success());
}

/// The commands for an upgrade in its output.
fn lines(out: &str) -> Vec<&str> {
    let upgrade = out.split_once("Upgrade it while you play:\n");
    let indented = upgrade.map_or("", |(_, rest)| rest).lines();
    indented
        .map_while(|line| line.strip_prefix("    "))
        .collect()
}

#[test]
fn three_typed_lines_upgrade_the_game_and_the_next_demo_boots_what_they_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a tree");
    let first = demo(&root);
    let out = first.out();
    assert_eq!(lines(&out).len(), 3, "{out}");
    let (watch, play) = (
        out.find("/live#token="),
        out.find("Play it from another terminal"),
    );
    assert!(watch.is_some() && watch < play, "{out}");
    for line in lines(&out) {
        let typed = Command::new("/bin/sh").args(["-c", line]).output().unwrap();
        assert!(typed.status.success(), "{line}: {typed:?}");
    }
    end(first);
    let second = demo(&root);
    let out = second.out();
    let (sources, rest) = out.split_once('\n').unwrap();
    assert!(sources.starts_with("the sources are in /"), "{out}");
    assert!(rest.starts_with("release 1.1.0 is permanent"), "{out}");
    assert!(lines(&out).is_empty() && !out.contains("building"), "{out}");
    second.logged("vsn=\"1.1.0\"");
    end(second);
}
