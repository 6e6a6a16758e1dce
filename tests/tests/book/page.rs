//! A page that is run: its directory, its node and the variables of its shell.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use pq_tests::running::{Running, Tree, program};
use tempfile::TempDir;

use super::text::{Block, shows};

/// A page, as far as it was run.
pub(crate) struct Page {
    name: PathBuf,
    folder: TempDir,
    node: Option<(Running, Tree)>,
    exported: String,
}

impl Page {
    /// A directory with the program at the place where a build puts it.
    pub(crate) fn new(name: &Path) -> Page {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("target/release")).unwrap();
        symlink(program(), folder.path().join("target/release/pq")).unwrap();
        Page {
            name: name.to_path_buf(),
            folder,
            node: None,
            exported: String::new(),
        }
    }

    /// Does what the block says. Returns how many commands it had.
    pub(crate) fn plays(&mut self, block: &Block) -> usize {
        match (block.info.as_str(), block.info.split_once("file=")) {
            ("node", _) => self.starts_node(),
            ("console", _) => return self.types(&block.lines),
            (_, Some((_, path))) => self.writes(path, &block.lines),
            _ => {}
        }
        0
    }

    /// Starts a node on release 1.0.0, with the package of 1.1.0 in its tree.
    pub(crate) fn starts_node(&mut self) {
        let tree = Tree::new();
        symlink(tree.root(), self.folder.path().join("target/rel")).unwrap();
        self.node = Some((Running::node_with(&tree, &[]), tree));
    }

    fn writes(&self, path: &str, lines: &[String]) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, lines.join("\n") + "\n").unwrap();
    }

    fn types(&mut self, lines: &[String]) -> usize {
        let is_command = |line: &String| line.starts_with("$ ");
        let commands = lines.iter().filter(|line| is_command(line)).count();
        let mut rest = lines;
        while let Some((command, below)) = rest.split_first() {
            let end = below.iter().position(is_command).unwrap_or(below.len());
            self.runs(&command[2..], &below[..end]);
            rest = &below[end..];
        }
        commands
    }

    /// Runs a command, which has to print this.
    pub(crate) fn runs(&mut self, command: &str, shown: &[String]) {
        let output = self.output(command);
        let lines: Vec<_> = output.lines().collect();
        assert!(
            shows(shown, &lines),
            "{}: {command}\nprints\n{output}\nand not\n{}",
            self.name.display(),
            shown.join("\n")
        );
        if command.starts_with("export ") {
            self.exported += &format!("{command}\n");
        }
    }

    /// Everything that a command prints. It has to succeed.
    pub(crate) fn output(&self, command: &str) -> String {
        let mut shell = Command::new("sh");
        shell
            .arg("-ec")
            .arg(format!("exec 2>&1\n{}{command}", self.exported));
        let output = shell
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .env_remove("PQ_ROOT")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{}: {command}: {said}",
            self.name.display()
        );
        said
    }
}
