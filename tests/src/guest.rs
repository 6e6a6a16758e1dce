//! A virtual machine whose power a test can cut. A node runs in it on a disk of its own, with its port on this machine.
//!
//! ```text
//!   release tree ─► disk (ext4)  ─┐
//!   Debian's kernel              ─┼─► qemu ─► /init ─► pq start ─► 127.0.0.1:PORT
//!   busybox, pq, modules (cpio)  ─┘
//! ```
//! The processor is emulated: a virtual machine inside another one, as in CI, often has no other. It starts in five seconds.
//! Killing `qemu` is the power cut: the memory of the guest is gone, with all that its kernel had not written to the disk.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::needs::{self, Need};
use crate::running::{Running, Tree, program};

/// The drivers of the guest's disk and network.
const DRIVERS: [&str; 3] = ["virtio_pci", "virtio_blk", "virtio_net"];

/// The start of the guest. It runs the commands of its kernel's command line once the node answers.
const INIT: &str = include_str!("guest/init.sh");

/// The end of the names of kernels for virtual machines, whose drivers are few.
const FLAVOUR: &str = "-cloud-amd64";

/// Debian's busybox that needs no library.
const BUSYBOX: &str = "/bin/busybox";

/// The deadline for the start of the guest, whose processor is twenty times slower than this one.
const BOOT_PATIENCE: Duration = Duration::from_secs(180);

/// The size of the disk. The file is sparse.
const DISK: &str = "256M";

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
        needs::has(&[
            Need::Qemu,
            Need::Kernel,
            Need::Busybox,
            Need::E2fsprogs,
            Need::Cpio,
            Need::Strip,
        ])
        .then_some(())?;
        let guest = Guest {
            folder: tempfile::tempdir().expect("a temporary directory can be made"),
            port: free_port(),
        };
        guest.make_disk(tree, name);
        guest.make_initramfs();
        Some(guest)
    }

    /// Starts the machine, and waits until the node listens. Its console is the output of the program. The commands are
    /// given to the node one after the other as soon as it answers.
    pub fn boot(&self, commands: &[&str]) -> Running {
        let commands = commands.join(";").replace(' ', ",");
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-accel", "tcg", "-cpu", "max"])
            .args(["-smp", "2", "-m", "1024", "-nodefaults", "-no-reboot"])
            .args(["-display", "none", "-serial", "stdio", "-kernel"])
            .arg(kernel())
            .arg("-initrd")
            .arg(self.file("initramfs"))
            .arg("-append")
            .arg(format!("console=ttyS0 quiet panic=-1 do={commands}"))
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
        let node = Running::start(&mut qemu);
        node.wrote_within(BOOT_PATIENCE, "listening on ");
        node
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

    fn make_disk(&self, tree: &Tree, name: &str) {
        let content = self.file("content");
        fs::create_dir(&content).expect("the directory is new");
        let mut copy = Command::new("cp");
        runs(copy.arg("-r").args([tree.root(), &content.join(name)]));
        let mut mke2fs = Command::new("mke2fs");
        mke2fs.args(["-q", "-t", "ext4", "-d"]).arg(&content);
        runs(mke2fs.arg(self.file("disk")).arg(DISK));
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
        let mut strip = Command::new("strip");
        runs(strip.arg(program()).arg("-o").arg(root.join("bin/pq")));
        for library in libraries(program()) {
            let parent = library
                .parent()
                .and_then(|path| path.strip_prefix("/").ok());
            let folder = root.join(parent.expect("ldd prints absolute paths"));
            fs::create_dir_all(&folder).expect("the directory can be made");
            copy_into(&folder, &[library]);
        }
        let script = "find . | cpio --quiet -o -H newc > ../initramfs";
        runs(Command::new("sh").args(["-c", script]).current_dir(&root));
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("the socket is bound").port()
}

/// The newest kernel for virtual machines, as Debian installs it.
fn kernel() -> PathBuf {
    let kernels = fs::read_dir("/boot").expect("the need was looked at");
    let kernels = kernels.filter_map(|entry| Some(entry.ok()?.path()));
    let is_kernel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("vmlinuz-") && name.ends_with(FLAVOUR)
    };
    kernels
        .filter(is_kernel)
        .max()
        .expect("the need was looked at")
}

/// The files of the drivers and of all modules that they need, in the order in which they are inserted.
fn modules() -> Vec<PathBuf> {
    let kernel = kernel();
    let name = kernel.file_name().unwrap_or_default().to_string_lossy();
    let vsn = name.trim_start_matches("vmlinuz-");
    let folder = Path::new("/lib/modules").join(vsn);
    let table = fs::read_to_string(folder.join("modules.dep")).expect("a kernel has its modules");
    let mut files = Vec::new();
    for driver in DRIVERS {
        let file = format!("/{driver}.ko");
        // A line of the table: the module, a colon, and the modules that it needs, the first needed last.
        let line = table.lines().find(|line| {
            let (module, _) = line.split_once(':').unwrap_or_default();
            module.ends_with(&file)
        });
        let line = line.unwrap_or_else(|| panic!("the kernel {vsn} has no module {driver}"));
        for module in line.replace(':', " ").split_whitespace().rev() {
            let module = folder.join(module);
            if !files.contains(&module) {
                files.push(module);
            }
        }
    }
    files
}

/// The shared libraries of a program, with the one that loads them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = Command::new("ldd").arg(program).output();
    let listed = listed.expect("the C library comes with ldd").stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let words = listed.split_whitespace();
    let paths = words.filter(|word| word.starts_with('/'));
    paths.map(PathBuf::from).collect()
}

fn copy_into(folder: &Path, files: &[PathBuf]) {
    for file in files {
        let name = file.file_name().expect("the path has a name");
        fs::copy(file, folder.join(name)).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    }
}

fn runs(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}
