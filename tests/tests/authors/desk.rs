//! A workspace in a temporary directory, and the commands that an author types there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pq_tests::running::{copy_folder, pq};
use tempfile::TempDir;

/// The directory of this project.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The directories of libraries that authors change.
const LIBRARIES: [&str; 5] = [
    "game-plugins/processquest-1.0.0",
    "game-plugins/processquest-1.1.0",
    "sockserv/plugins/sockserv-1.0.0",
    "sockserv/plugins/sockserv-1.0.1",
    "sockserv/plugins/sockserv-1.1.0",
];

/// The releases of these libraries. Later ones of this project are not for these tests: each library of a release takes long to build.
const RELEASES: [&str; 3] = ["releases/1.0.0", "releases/1.1.0", "releases/1.2.0"];

/// The project's `Cargo.toml` with the libraries as its only members, and without its profiles: these tests need no speed.
fn of_libraries(manifest: &str) -> String {
    let members: String = LIBRARIES
        .iter()
        .map(|path| format!("    \"{path}\",\n"))
        .collect();
    let (head, rest) = manifest.split_once("members = [\n").unwrap();
    let (_, rest) = rest.split_once("]\n").unwrap();
    let rest = rest.split("\n[profile.").next().unwrap();
    let elsewhere = |line: &str| {
        let path = line
            .split_once("path = \"")
            .and_then(|(_, rest)| rest.split('"').next());
        match path.filter(|path| !LIBRARIES.contains(path)) {
            Some(path) => {
                let there = format!("\"{}\"", project().join(path).display());
                line.replace(&format!("\"{path}\""), &there)
            }
            None => line.to_string(),
        }
    };
    let lines = rest.lines().filter(|line| {
        !["default-members", "exclude"]
            .iter()
            .any(|key| line.starts_with(key))
    });
    let rest: String = lines.map(|line| elsewhere(line) + "\n").collect();
    format!("{head}members = [\n{members}]\n{rest}")
}

/// A workspace of an author.
pub(crate) struct Desk {
    _folder: TempDir,
    root: PathBuf,
}

/// The exit code and the texts of a command.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    /// A workspace that is to be: an empty directory.
    pub(crate) fn empty() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("work");
        fs::create_dir(&root).unwrap();
        Desk {
            _folder: folder,
            root,
        }
    }

    /// A workspace with copies of the libraries and releases of this project. All other packages are those of the project, so
    /// only the libraries are built anew.
    pub(crate) fn of_project() -> Desk {
        let desk = Desk::empty();
        let copied = LIBRARIES.iter().chain(&RELEASES);
        for folder in copied {
            copy_folder(&project().join(folder), &desk.root.join(folder));
        }
        fs::copy(project().join("Cargo.lock"), desk.root.join("Cargo.lock")).unwrap();
        let manifest = fs::read_to_string(project().join("Cargo.toml")).unwrap();
        desk.write("Cargo.toml", &of_libraries(&manifest));
        desk
    }

    /// A copy of an example, which depends on the packages of this project.
    pub(crate) fn of_example(name: &str) -> Desk {
        let desk = Desk::empty();
        copy_folder(&project().join("examples").join(name), &desk.root);
        let manifest = desk.read("Cargo.toml");
        let there = format!("path = \"{}/", project().display());
        desk.write("Cargo.toml", &manifest.replace("path = \"../../", &there));
        desk
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The `pq` command of a line.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = pq(line.split_whitespace().skip(1));
        command.current_dir(&self.root);
        command
    }

    /// Types a line; returns its exit code and texts.
    pub(crate) fn types(&self, line: &str) -> Said {
        said(self.command(line).output().unwrap())
    }

    /// Types a line that succeeds; returns its data.
    #[track_caller]
    pub(crate) fn does(&self, line: &str) -> String {
        let said = self.types(line);
        assert_eq!(said.code, Some(0), "{line}: {said:?}");
        said.out
    }

    /// Types a line that fails with these words in its messages.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str, words: &[&str]) {
        let said = self.types(line);
        assert!(said.code != Some(0), "{line}: {said:?}");
        for word in words {
            assert!(
                said.err.contains(word),
                "{line}: no {word:?} in {}",
                said.err
            );
        }
    }

    /// Runs cargo, with the target directory of all tests.
    #[track_caller]
    pub(crate) fn cargo(&self, words: &[&str]) {
        let of_pq = pq::<&str>([]);
        let target = of_pq
            .get_envs()
            .find(|(name, _)| *name == "CARGO_TARGET_DIR");
        let target = target.and_then(|(_, value)| value).unwrap();
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(words)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", Path::new(target).join("authors"));
        let said = said(command.output().unwrap());
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        let file = self.root.join(file);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Replaces a text that the file has.
    #[track_caller]
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no {from:?}: {text}");
        self.write(file, &text.replacen(from, to, 1));
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
