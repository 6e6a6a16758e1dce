//! The disk of a guest under systemd: systemd with its targets, busybox, the node's program and unit, and a release tree at the place
//! that the unit names.
//!
//! ```text
//!   check.target ─┬► pq.service
//!                 └► check.service, after it ─► /check.sh ─► the console ─► power off
//! ```

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::files::{install, runs};
use crate::running::{Tree, program};

/// The words on the kernel's command line.
pub(super) const WORDS: &str =
    "systemd.unit=check.target systemd.show_status=no systemd.default_standard_output=inherit";

/// Debian's units, of which the disk has the targets and slices.
const UNITS: &str = "/usr/lib/systemd/system";

/// The directories of the disk. Those of Debian below `/usr` have links at the root.
const FOLDERS: [&str; 11] = [
    "dev",
    "etc",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib64",
    "usr/lib/systemd/system",
    "var/lib",
];

const TARGET: &str = "[Unit]\nRequires=pq.service check.service\n";

const CHECK: &str = "[Unit]
Requires=basic.target
After=basic.target pq.service

[Service]
Type=oneshot
ExecStart=/bin/sh /check.sh
ExecStopPost=/bin/systemctl poweroff --force --force
TimeoutStartSec=infinity
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
";

/// The commands of the shell that a script may use.
const COMMANDS: [&str; 10] = [
    "sh", "cat", "chown", "echo", "grep", "kill", "mkdir", "sed", "sleep", "stat",
];

/// Lays the system out in this directory.
pub(super) fn lay_out(root: &Path, tree: &Tree, files: &[(&str, &str)], script: &str) {
    for folder in FOLDERS {
        fs::create_dir_all(root.join(folder)).expect("the directory is new");
    }
    for name in ["bin", "lib", "lib64"] {
        symlink(format!("usr/{name}"), root.join(name)).expect("the directory is new");
    }
    symlink("bin", root.join("usr/sbin")).expect("the directory is new");
    install(
        root,
        Path::new("/usr/lib/systemd/systemd"),
        "usr/lib/systemd",
    );
    install(root, Path::new("/usr/bin/systemctl"), "usr/bin");
    install(root, Path::new(super::BUSYBOX), "usr/bin");
    install(root, program(), "usr/bin");
    for command in COMMANDS {
        symlink("busybox", root.join("usr/bin").join(command)).expect("the directory is new");
    }
    copy_targets(&root.join("usr/lib/systemd/system"));
    let mut copy = Command::new("cp");
    runs(copy.arg("-r").arg(tree.root()).arg(root.join("var/lib/pq")));
    let own = [
        (
            "etc/passwd",
            "root:x:0:0::/root:/bin/sh\npq:x:990:990::/var/lib/pq:/bin/false\n",
        ),
        ("etc/group", "root:x:0:\ntty:x:5:\npq:x:990:\n"),
        ("etc/os-release", "ID=guest\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/systemd/system/check.target", TARGET),
        ("etc/systemd/system/check.service", CHECK),
        ("check.sh", script),
    ];
    for (path, content) in own.iter().chain(files) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("it can be made");
        fs::write(path, content).expect("the directory can be written to");
    }
}

fn copy_targets(to: &Path) {
    let units = fs::read_dir(UNITS).expect("the need was looked at");
    let units = units.filter_map(|entry| Some(entry.ok()?.path()));
    let is_kept = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str());
        path.is_file() && matches!(end, Some("target" | "slice"))
    };
    for unit in units.filter(is_kept) {
        let name = unit.file_name().expect("an entry has a name");
        fs::copy(&unit, to.join(name)).expect("the directory can be written to");
    }
}
