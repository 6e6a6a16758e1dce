//! The manual pages: one for each command, without a fault.

use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{Running, pq};

#[test]
fn each_command_has_a_page_and_mandoc_finds_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("new/man1");
    let mut made = Running::start(pq(["man"]).arg(&pages));
    assert!(made.end().success(), "{}", made.log());
    for page in ["pq.1", "pq-start.1", "pq-install.1", "pq-sys-get-state.1"] {
        assert!(pages.join(page).is_file(), "{page}");
    }
    let text = std::fs::read_to_string(pages.join("pq-install.1")).unwrap();
    assert!(text.contains("pq install 1.1.0"), "the page has an example");
    if !has(&[Need::Mandoc]) {
        return;
    }
    let mut pages: Vec<_> = std::fs::read_dir(&pages)
        .unwrap()
        .map(|page| page.unwrap().path())
        .collect();
    pages.sort();
    let mut check = Running::start(
        Command::new("mandoc")
            .args(["-T", "lint", "-W", "error"])
            .args(pages),
    );
    assert!(check.end().success(), "{}{}", check.out(), check.log());
}
