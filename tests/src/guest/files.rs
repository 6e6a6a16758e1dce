//! Files for a guest: programs with the libraries that they need, and an archive of a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Copies a program without its symbols to this directory, and its libraries to their places below the root.
pub(super) fn install(root: &Path, program: &Path, folder: &str) {
    let name = program.file_name().expect("the path has a name");
    let mut strip = Command::new("strip");
    runs(
        strip
            .arg(program)
            .arg("-o")
            .arg(root.join(folder).join(name)),
    );
    for library in libraries(program) {
        let parent = library
            .parent()
            .and_then(|path| path.strip_prefix("/").ok());
        let folder = root.join(parent.expect("ldd prints absolute paths"));
        fs::create_dir_all(&folder).expect("the directory can be made");
        copy_into(&folder, &[library]);
    }
}

/// Packs the directory `root` as the first file system of a kernel.
pub(super) fn pack(root: &Path, archive: &Path) {
    let script = "find . | cpio --quiet -o -H newc > \"$0\"";
    let mut sh = Command::new("sh");
    runs(sh.args(["-c", script]).arg(archive).current_dir(root));
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

pub(super) fn copy_into(folder: &Path, files: &[PathBuf]) {
    for file in files {
        let name = file.file_name().expect("the path has a name");
        fs::copy(file, folder.join(name)).unwrap_or_else(|error| panic!("{file:?}: {error}"));
    }
}

pub(super) fn runs(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}
