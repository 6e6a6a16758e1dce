//! The completions of three shells: the scripts are read by their shells, and each completes a release and a name.

use std::path::PathBuf;
use std::process::Command;

use pq_tests::needs::{Need, has, path};
use pq_tests::running::{Running, Tree, pq, program};
use tempfile::TempDir;

/// A script in a file, and a search path that leads to `pq`.
struct Script {
    _folder: TempDir,
    file: PathBuf,
}

impl Script {
    fn of(shell: &str) -> Script {
        let mut made = Running::start(&mut pq(["completions", shell]));
        assert!(made.end().success(), "{}", made.log());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pq");
        std::fs::write(&file, made.out()).unwrap();
        Script {
            _folder: folder,
            file,
        }
    }

    /// Runs a text of the shell after the script has been read, and returns its output.
    fn runs(&self, shell: &[&str], text: &str, tree: &Tree) -> String {
        let text = text.replace("SCRIPT", self.file.to_str().unwrap());
        let mut command = Command::new(shell[0]);
        let folder = program().parent().unwrap().display();
        command
            .args(&shell[1..])
            .args(["-c", &text])
            .env("PATH", format!("{folder}:{}", path()))
            .env("PQ_ROOT", tree.root());
        let mut shell = Running::start(&mut command);
        shell.end();
        assert_eq!(shell.log(), "");
        shell.out()
    }
}

fn is_well_formed(shell: &str) {
    let script = Script::of(shell);
    let mut check = Running::start(Command::new(shell).arg("-n").arg(&script.file));
    assert!(check.end().success(), "{shell}: {}", check.log());
    assert_eq!(check.log(), "", "{shell}");
}

fn tree_and_node() -> (Tree, Running) {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "3"]);
    node.wrote("3 heroes started");
    (tree, node)
}

#[test]
fn bash_completes_commands_releases_packages_and_names() {
    if !has(&[Need::Bash]) {
        return;
    }
    is_well_formed("bash");
    let (tree, _node) = tree_and_node();
    let script = Script::of("bash");
    let completes = |words: &str| {
        let text = format!(
            "source SCRIPT; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _pq_values pq \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        script.runs(&["bash", "--norc"], &text, &tree)
    };
    assert_eq!(completes("pq install ''"), "1.0.0\n");
    assert_eq!(completes("pq unpack ''"), "processquest-1.1.0\n");
    assert_eq!(completes("pq kick bot-"), "bot-0\nbot-1\nbot-2\n");
    assert_eq!(completes("pq sys get-state pq_super"), "pq_supersup\n");
    assert_eq!(completes("pq check"), "check-install\n");
}

#[test]
fn zsh_completes_releases_and_names() {
    if !has(&[Need::Zsh]) {
        return;
    }
    is_well_formed("zsh");
    let (tree, _node) = tree_and_node();
    let script = Script::of("zsh");
    let completes = |words: &str| {
        // Completion itself needs a terminal: these functions stand for those of zsh.
        let text = format!(
            "compdef() {{ }}; compadd() {{ print -rl -- ${{(P)@[-1]}} }}; source SCRIPT; words=({words}); \
             CURRENT=${{#words}}; _pq_values"
        );
        script.runs(&["zsh", "-f"], &text, &tree)
    };
    assert_eq!(completes("pq install ''"), "1.0.0\n");
    assert_eq!(completes("pq kick bot-"), "bot-0\nbot-1\nbot-2\n");
}

#[test]
fn fish_completes_commands_releases_and_names() {
    if !has(&[Need::Fish]) {
        return;
    }
    is_well_formed("fish");
    let (tree, _node) = tree_and_node();
    let script = Script::of("fish");
    let completes = |words: &str| {
        let text = format!("source SCRIPT; complete -C '{words}'");
        script.runs(&["fish", "--no-config"], &text, &tree)
    };
    let releases = completes("pq install 1.");
    assert!(releases.lines().any(|line| line == "1.0.0"), "{releases}");
    let names = completes("pq kick bot-");
    assert!(names.lines().any(|line| line == "bot-2"), "{names}");
    let commands = completes("pq check-");
    assert!(commands.starts_with("check-install\t"), "{commands}");
}
