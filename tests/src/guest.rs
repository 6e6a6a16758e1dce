//! A virtual machine whose power a test can cut. A node runs in it on a disk of its own, with its port on this machine.
//!
//! ```text
//!   release tree ─► disk (ext4)  ─┐
//!   Debian's kernel              ─┼─► qemu ─► /init ─► pq start ─► 127.0.0.1:PORT
//!   busybox, pq, modules (cpio)  ─┘               └──► systemd of the disk, where there is one ─► pq.service
//! ```
//! The processor is emulated: a virtual machine inside another one, as in CI, often has no other. It starts in five seconds.
//! Killing `qemu` is the power cut: the memory of the guest is gone, with all that its kernel had not written to the disk.

mod files;
mod kernel;
mod system;

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use files::{copy_into, install, pack, runs};
use kernel::{kernel, modules};
use tempfile::TempDir;

use crate::needs::{self, Need};
use crate::running::{Running, Tree, program};

/// The start of the guest. It runs the commands of its kernel's command line once the node answers.
const INIT: &str = include_str!("guest/init.sh");

/// Debian's busybox that needs no library.
const BUSYBOX: &str = "/bin/busybox";

/// The deadline for the start of the guest, whose processor is twenty times slower than this one.
const BOOT_PATIENCE: Duration = Duration::from_secs(180);

/// The deadline for everything that a guest under systemd does.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(900);

/// The size of the disk. The file is sparse.
const DISK: &str = "256M";

/// The programs and rights that every guest needs.
const NEEDS: [Need; 6] = [
    Need::Qemu,
    Need::Kernel,
    Need::Busybox,
    Need::E2fsprogs,
    Need::Cpio,
    Need::Strip,
];

/// A virtual machine that is off.
pub struct Guest {
    folder: TempDir,
    /// The port of the node on this machine.
    port: u16,
}

impl Guest {
    /// A machine whose disk has this release tree as the directory `name`; `None` when a program is missing.
    #[track_caller]
    pub fn with(tree: &Tree, name: &str) -> Option<Guest> {
        needs::has(&NEEDS).then_some(())?;
        Some(Guest::made(|content| {
            let mut copy = Command::new("cp");
            runs(copy.arg("-r").args([tree.root(), &content.join(name)]));
        }))
    }

    /// A machine whose disk is a system under systemd, which runs this unit on this release tree, and then this script of the shell;
    /// `None` when a program is missing. `files` are the path and the content of further files.
    #[track_caller]
    pub fn with_systemd(tree: &Tree, files: &[(&str, &str)], script: &str) -> Option<Guest> {
        needs::has(&NEEDS).then_some(())?;
        needs::has(&[Need::SystemdAnalyze]).then_some(())?;
        Some(Guest::made(|content| {
            system::lay_out(content, tree, files, script);
        }))
    }

    fn made(fills: impl FnOnce(&Path)) -> Guest {
        let guest = Guest {
            folder: tempfile::tempdir().expect("a temporary directory can be made"),
            port: free_port(),
        };
        let content = guest.file("content");
        fs::create_dir(&content).expect("the directory is new");
        fills(&content);
        let mut mke2fs = Command::new("mke2fs");
        mke2fs.args(["-q", "-t", "ext4", "-d"]).arg(&content);
        runs(mke2fs.arg(guest.file("disk")).arg(DISK));
        guest.make_initramfs();
        guest
    }

    /// Starts the machine, and waits until the node listens. Its console is the output of the program. The commands are
    /// given to the node one after the other as soon as it answers.
    pub fn boot(&self, commands: &[&str]) -> Running {
        let commands = commands.join(";").replace(' ', ",");
        let node = self.switch_on(&format!("do={commands}"));
        node.wrote_within(BOOT_PATIENCE, "listening on ");
        node
    }

    /// Starts the machine with its systemd, and returns what the script has written to the console.
    pub fn script(&self) -> String {
        let mut machine = self.switch_on(system::WORDS);
        let status = machine.ends_within(SCRIPT_PATIENCE);
        assert!(status.success(), "{}", machine.log());
        machine.out()
    }

    fn switch_on(&self, words: &str) -> Running {
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-accel", "tcg", "-cpu", "max"])
            .args(["-smp", "2", "-m", "1024", "-nodefaults", "-no-reboot"])
            .args(["-display", "none", "-serial", "stdio", "-kernel"])
            .arg(kernel())
            .arg("-initrd")
            .arg(self.file("initramfs"))
            .arg("-append")
            .arg(format!("console=ttyS0 quiet panic=-1 {words}"))
            .arg("-drive")
            .arg(format!(
                "file={},format=raw,if=virtio",
                self.file("disk").display()
            ))
            .arg("-nic")
            .arg(format!(
                "user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{}-:8082",
                self.port
            ))
            .stdin(Stdio::null());
        Running::start(&mut qemu)
    }

    /// The address of the node.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A copy of a directory of the disk, which the machine that is off would find at its next start.
    pub fn files(&self, path: &str) -> PathBuf {
        let (disk, found) = (self.file("found.disk"), self.file("found"));
        let _ = fs::remove_dir_all(&found);
        fs::create_dir(&found).expect("the directory is new");
        let mut copy = Command::new("cp");
        runs(
            copy.arg("--sparse=always")
                .args([self.file("disk"), disk.clone()]),
        );
        // Replays the journal, as the guest will at its next start; 1 says that something was corrected.
        let checked = Command::new("e2fsck")
            .args(["-f", "-p"])
            .arg(&disk)
            .output();
        let checked = checked.expect("e2fsprogs is installed");
        let code = checked.status.code();
        assert!(matches!(code, Some(0 | 1)), "{checked:?}");
        let mut debugfs = Command::new("debugfs");
        let dump = format!("rdump /{path} {}", found.display());
        runs(debugfs.args(["-R", &dump]).arg(&disk));
        let last = Path::new(path).file_name().expect("the path has a name");
        found.join(last)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The first file system of the guest, in memory: busybox, the drivers, and the node's program with its libraries.
    fn make_initramfs(&self) {
        let root = self.file("initramfs.d");
        for folder in ["proc", "sys", "dev", "tmp", "disk", "bin", "modules"] {
            fs::create_dir_all(root.join(folder)).expect("the directory is new");
        }
        let modules = modules();
        let names: Vec<_> = modules.iter().filter_map(|file| file.file_name()).collect();
        let names = names.join(OsStr::new(" "));
        let init = INIT.replace("MODULES", &names.to_string_lossy());
        fs::write(root.join("init"), init).expect("the directory can be written to");
        runs(Command::new("chmod").arg("755").arg(root.join("init")));
        copy_into(&root.join("modules"), &modules);
        copy_into(&root.join("bin"), &[PathBuf::from(BUSYBOX)]);
        install(&root, program(), "bin");
        pack(&root, &self.file("initramfs"));
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("the socket is bound").port()
}
