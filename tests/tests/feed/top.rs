//! `pq top` in a real terminal, which `tmux` provides: its keys, its sizes, its ends, and a node that is killed.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, Running, Signal, Tree, poll, pq};
use rustix::process::{Pid, kill_process};
use tempfile::TempDir;

/// A terminal of 80 columns and 24 lines that runs `pq top`, and shows its exit code when it has ended.
struct Window {
    folder: TempDir,
}

impl Window {
    /// Opens a window with further settings of the environment; `None` without `tmux`.
    #[track_caller]
    fn open(tree: &Tree, environment: &str) -> Option<Window> {
        if !has(&[Need::Tmux, Need::Stty]) {
            return None;
        }
        let window = Window {
            folder: tempfile::tempdir().unwrap(),
        };
        let [before, after, pid] = ["before", "after", "pid"].map(|name| window.file(name));
        let (before, after, pid) = (before.display(), after.display(), pid.display());
        let (root, program) = (tree.root().display(), pq(["top"]).get_program().to_owned());
        let program = program.display();
        let script = format!(
            "stty -g >{before}; sh -c 'echo $$ >{pid}; exec env {environment} {program} top --root {root}'; \
             code=$?; stty -g >{after}; echo code $code; exec cat"
        );
        let size = ["-x", "80", "-y", "24"];
        window.tmux(&[&["new-session", "-d"], &size[..], &[&script]].concat());
        Some(window)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tmux(&self, args: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.file("socket"));
        tmux.args(["-u", "-f", "/dev/null"]).args(args);
        let done = tmux.env_remove("NO_COLOR").env("LANG", "C.UTF-8").output();
        let done = done.unwrap();
        assert!(done.status.success(), "{args:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Whether a cell has a colour that is not the terminal's own (ECMA-48: SGR 39).
    fn has_colours(&self) -> bool {
        let cells = self.tmux(&["capture-pane", "-p", "-e"]);
        let own = cells.replace("\u{1b}[39m", "");
        own.contains("\u{1b}[3") || own.contains(";3")
    }

    /// Waits until the screen has this property.
    #[track_caller]
    fn becomes(&self, what: &str, has: impl Fn(&str) -> bool) -> String {
        let found = poll(PATIENCE, || {
            Some(self.screen()).filter(|screen| has(screen))
        });
        found.unwrap_or_else(|| panic!("never {what}\n{}", self.screen()))
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        self.becomes(text, |screen| screen.contains(text));
    }

    #[track_caller]
    fn no_longer_shows(&self, text: &str) {
        self.becomes(&format!("without {text}"), |screen| !screen.contains(text));
    }

    /// Presses keys by tmux's names, such as `Enter` and `C-c`, or types a text.
    fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Presses keys and waits for a text.
    #[track_caller]
    fn answers(&self, keys: &[&str], text: &str) {
        self.press(keys);
        self.shows(text);
    }

    fn resize(&self, width: &str, height: &str) {
        self.tmux(&["resize-window", "-x", width, "-y", height]);
    }

    fn process(&self) -> Pid {
        let pid = fs::read_to_string(self.file("pid")).unwrap();
        Pid::from_raw(pid.trim().parse().unwrap()).unwrap()
    }

    /// Waits for the end with this exit code, and checks that the terminal is as before.
    #[track_caller]
    fn ends(&self, code: i32) {
        self.shows(&format!("code {code}"));
        let modes = self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
        assert_eq!(modes.trim(), "0 1", "the screen, and the cursor");
        let settings = |name| fs::read_to_string(self.file(name)).unwrap();
        assert_eq!(settings("before"), settings("after"));
        let screen = self.screen();
        assert!(!screen.contains("? help"), "{screen}");
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the window ---\n{}---", self.screen());
        }
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn every_key_does_what_the_last_line_says() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--heroes", "20"]);
    node.wrote("20 heroes started");
    let Some(window) = Window::open(&tree, "") else {
        return;
    };
    window.shows("processquest 1.0.0, 0 clients, ");
    window.shows(" 20 pq_player-1.0.0");
    window.answers(&["?"], "any key closes the help");
    window.answers(&["x"], "processes by waiting messages: ");
    let figures = ["callbacks per second", "memory in bytes"];
    for word in figures
        .into_iter()
        .chain(["module", "name", "pid", "waiting messages"])
    {
        window.answers(&["s"], &format!("processes by {word}: "));
    }
    window.answers(&["t"], "pq_supersup");
    window.shows("processes as a tree: ");
    window.answers(&["t"], "processes by waiting messages: ");
    window.answers(&["s"], "CALLS/S");
    // Each process has a state or a record.
    window.answers(&["s"], "BYTES");
    window.becomes("memory of a hero", |screen| {
        let is_measured = |line: &str| {
            let last = line.split_whitespace().last().unwrap_or_default();
            line.contains("pq_player") && last.parse::<u64>().is_ok_and(|bytes| bytes > 100)
        };
        screen.lines().any(is_measured)
    });
    // Sorted by pid, a row keeps its place.
    window.answers(&["s", "s", "s"], "processes by pid: ");
    window.becomes("a selected first row", |screen| screen.contains("\n> "));
    let selected = |screen: &str| screen.lines().position(|line| line.starts_with("> "));
    let first = selected(&window.screen()).unwrap();
    for (key, row) in [
        ("Down", 1),
        ("j", 2),
        ("Up", 1),
        ("k", 0),
        ("NPage", 10),
        ("Home", 0),
    ] {
        window.press(&[key]);
        window.becomes(key, |screen| selected(screen) == Some(first + row));
    }
    window.answers(&["/", "regis_server", "Enter"], "with regis_server: 1 ");
    window.answers(&["S"], "? y/n (regis_server");
    window.press(&["n"]);
    window.shows("? help");
    window.answers(&["S", "y"], "suspend regis_server");
    window.shows("‖ regis_server");
    window.answers(&["S", "y"], "resume regis_server");
    window.no_longer_shows("‖ regis_server");
    window.answers(&["/", "Escape"], "processes by pid: ");
    window.answers(&["/", "pq_player", "Enter"], "with pq_player: 20 ");
    window.answers(&["K"], "kill <");
    window.answers(&["y"], "kill pq_player");
    window.shows("with pq_player: 20 ");
    let history = tree.does(&["history"]);
    assert!(history.contains("kill <"), "{history}");
    window.press(&["q"]);
    window.ends(0);
}

#[test]
fn a_window_becomes_small_and_large_again_and_each_key_for_the_end_ends_it() {
    let tree = Tree::new();
    let _node = Running::node_with(&tree, &[]);
    let Some(window) = Window::open(&tree, "") else {
        return;
    };
    window.shows("no install since the start of the node");
    assert!(window.screen().contains('▀') && window.has_colours());
    window.resize("40", "10");
    window.shows("no room: notices, install, versions");
    window.resize("10", "3");
    window.shows("too small");
    window.resize("200", "60");
    window.shows("no install since the start of the node");
    window.press(&["Escape"]);
    window.ends(0);
    let plain = Window::open(&tree, "NO_COLOR=1").unwrap();
    plain.shows("a ");
    plain.shows("no install since the start of the node");
    assert!(!plain.screen().contains('▀') && !plain.has_colours());
    plain.press(&["C-c"]);
    plain.ends(0);
}

#[test]
fn a_killed_node_is_waited_for_and_a_signal_gives_the_terminal_back() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    let Some(window) = Window::open(&tree, "") else {
        return;
    };
    window.shows("processquest 1.0.0, ");
    node.signal(Signal::KILL);
    node.end();
    window.shows("the node is gone; waiting");
    let _next = Running::node_with(&tree, &[]);
    window.no_longer_shows("the node is gone; waiting");
    window.shows("the node is back");
    kill_process(window.process(), Signal::TERM).unwrap();
    window.ends(0);
}

#[test]
fn without_a_terminal_or_a_node_a_sentence_says_so() {
    let tree = Tree::new();
    let said = tree.refuses(&["top"], 2);
    assert!(said.contains("have to be a terminal"), "{said}");
    let help = tree.operate(&["top", "--help"]);
    assert!(help.out.contains("pq top --root rel"), "{help:?}");
    if let Some(window) = Window::open(&tree, "") {
        window.shows("failed to reach a node: none runs");
        window.ends(7);
    }
    if let Some(window) = Window::open(&tree, "TERM=dumb") {
        window.ends(2);
    }
}
