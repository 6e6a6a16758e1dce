//! The unit of systemd: systemd finds no fault in it, and a node runs with its restrictions.

use std::path::PathBuf;
use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{Running, Tree, pq, program};
use tempfile::TempDir;

/// The largest exposure, in tenths, that `systemd-analyze security` may compute (0 is best, 100 is worst).
const EXPOSURE_MAX: &str = "20";

/// Sets a restriction of `MemoryDenyWriteExecute=` as the kernel has it (`PR_SET_MDWE`, prctl(2)), and runs a command.
const DENY_WRITE_EXECUTE: &str = "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0 or print('too old'); \
                                  os.execv(sys.argv[1], sys.argv[1:])";

fn unit() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../server/packaging/pq.service"
    ))
    .unwrap()
}

/// The unit with the program of this build.
fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pq.service");
    let text = unit().replace("/usr/bin/pq", program().to_str().unwrap());
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

#[test]
fn systemd_finds_no_fault_in_the_unit_and_little_exposure() {
    if !has(&[Need::SystemdAnalyze]) {
        return;
    }
    let (_folder, file) = file();
    for args in [
        &["verify", "--man=no", "--recursive-errors=no"][..],
        &["security", "--offline=yes", "--threshold", EXPOSURE_MAX],
    ] {
        let mut command = Command::new("systemd-analyze");
        let mut check = Running::start(command.args(args).arg(&file));
        let status = check.end();
        assert!(status.success(), "{args:?}: {}{}", check.out(), check.log());
        assert_eq!(check.log(), "", "{args:?}");
    }
}

/// The words of the command that the unit starts, for this tree and this directory of the socket.
fn command(tree: &Tree, sockets: &TempDir) -> Vec<String> {
    let unit = unit();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let line = line.replace("/var/lib/pq", tree.root().to_str().unwrap());
    let line = line.replace("/run/pq", sockets.path().to_str().unwrap());
    let line = line.replace("$PQ_OPTIONS", "--port 0");
    line.split(' ').skip(1).map(str::to_string).collect()
}

#[test]
fn the_command_of_the_unit_runs_a_node_whose_socket_is_in_the_runtime_directory() {
    let (tree, sockets) = (Tree::new(), tempfile::tempdir().unwrap());
    let mut node = Running::listening(&mut pq(command(&tree, &sockets)));
    assert!(sockets.path().join("pq.sock").exists());
    assert!(tree.root().join("run").is_symlink());
    assert!(tree.does(&["status"]).contains("1.0.0"));
    tree.does(&["stop"]);
    assert!(node.end().success());
    let _again = Running::node_with(&tree, &[]);
    assert!(
        !tree.root().join("run").is_symlink(),
        "the next node may have its socket in the tree"
    );
    assert!(tree.does(&["status"]).contains("1.0.0"));
}

#[test]
fn libraries_are_loaded_and_exchanged_where_no_memory_becomes_executable() {
    if !has(&[Need::Python]) {
        return;
    }
    assert!(unit().contains("\nMemoryDenyWriteExecute=yes\n"));
    let (tree, sockets) = (Tree::new(), tempfile::tempdir().unwrap());
    let mut python = Command::new("python3");
    python
        .args(["-c", DENY_WRITE_EXECUTE])
        .arg(program())
        .args(command(&tree, &sockets));
    let node = Running::listening(&mut python);
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    assert!(tree.does(&["status"]).contains("1.1.0"));
    assert!(
        !node.out().contains("too old"),
        "the kernel has the restriction since 6.3"
    );
    assert_eq!(node.errors(), [""; 0]);
}
