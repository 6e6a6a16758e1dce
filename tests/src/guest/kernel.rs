//! Debian's kernel for virtual machines, and the drivers that a guest needs.

use std::fs;
use std::path::{Path, PathBuf};

/// The drivers of the guest's disk and network.
const DRIVERS: [&str; 3] = ["virtio_pci", "virtio_blk", "virtio_net"];

/// The end of the names of kernels for virtual machines, whose drivers are few.
const FLAVOUR: &str = "-cloud-amd64";

/// The newest kernel for virtual machines, as Debian installs it.
pub(super) fn kernel() -> PathBuf {
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
pub(super) fn modules() -> Vec<PathBuf> {
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
