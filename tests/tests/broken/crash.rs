//! A library that ends the node: the last log line and the history name the library, and the end of the process is the
//! same as without these messages.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use pq_tests::running::{AGREE, BROKEN_VSN, Draft, PROMPT, Player, Running, Signal, Tree};
use pq_tests::story::Version;
use serde_json::Value;

use crate::broken::stage::Stage;

/// The end of a process: by a signal, or with a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Signal(Signal),
    Code(i32),
}

/// The name of a hero, the end of the node that it causes, and the beginning of the message.
type Way = (&'static str, End, &'static str);

/// Faults that safe Rust can cause on any machine.
const SAFE: [Way; 4] = [
    (
        "Overflows",
        End::Signal(Signal::ABORT),
        "SIGSEGV (the stack of the thread has overflowed) in ",
    ),
    ("Aborts", End::Signal(Signal::ABORT), "SIGABRT in "),
    ("Exits", End::Code(7), "exit(3) called in "),
    ("Unwinds", End::Signal(Signal::ABORT), "SIGABRT in "),
];

/// Faults that need an instruction of this machine, which replaces the number in `faults`.
#[cfg(target_arch = "x86_64")]
const INSTRUCTIONS: [(Way, u64, &[u8]); 3] = [
    (
        (
            "Null",
            End::Signal(Signal::SEGV),
            "SIGSEGV (no memory at 0x0) in ",
        ),
        0x7071_6e75_6c6c_0001,
        // xor eax, eax; mov [rax], eax
        b"\x31\xc0\x89\x00",
    ),
    (
        (
            "Illegal",
            End::Signal(Signal::ILL),
            "SIGILL (an illegal instruction) in ",
        ),
        0x7071_6e75_6c6c_0002,
        // ud2
        b"\x0f\x0b",
    ),
    (
        (
            "Divides",
            End::Signal(Signal::FPE),
            "SIGFPE (an integer divided by zero) in ",
        ),
        0x7071_6e75_6c6c_0003,
        // xor ecx, ecx; div ecx
        b"\x31\xc9\xf7\xf1",
    ),
];

#[cfg(not(target_arch = "x86_64"))]
const INSTRUCTIONS: [(Way, u64, &[u8]); 0] = [];

/// The library with these instructions: `mov register, number` has two bytes before the number.
fn faulty(mut library: Vec<u8>) -> Vec<u8> {
    for (_, number, instruction) in INSTRUCTIONS {
        let number = number.to_le_bytes();
        let at = library.windows(8).position(|bytes| bytes == number);
        let at = at.expect("the number is in the code") - 2;
        library[at..at + instruction.len()].copy_from_slice(instruction);
    }
    library
}

/// A tree that boots release 1.1.1 with this library.
fn tree() -> Tree {
    let mut draft = Draft::broken();
    draft.library = faulty(draft.library);
    let mut stage = Stage::with(&[]);
    stage.unpacks(&draft.package());
    stage.tree.does(&["install", BROKEN_VSN, "--partial"]);
    stage.tree.does(&["make-permanent", BROKEN_VSN]);
    stage.tree.does(&["stop"]);
    assert!(stage.node.end().success());
    stage.tree
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, signal) => {
            let signal = signal.and_then(Signal::from_named_raw);
            End::Signal(signal.expect("the process has ended"))
        }
    }
}

/// The message in the last line of a log.
fn last_words(node: &Running) -> String {
    let log = node.log();
    let last = log.lines().last().expect("the log is not empty");
    let (_, sentence) = last
        .split_once(" ERROR pq::crash: the node ends: ")
        .unwrap_or_else(|| panic!("no last words: {last:?}"));
    sentence.to_string()
}

/// The message in the history about the end of a node, written at the next boot.
fn told(tree: &Tree, sentence: &str, process: u32) {
    let past = tree.answer(&["history"]);
    let entries = past["entries"].as_array().unwrap();
    let [.., crash, boot] = &entries[..] else {
        panic!("{past}");
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    assert_eq!(
        (text(&crash["operation"]), text(&crash["result"])),
        ("crash".to_string(), sentence.to_string())
    );
    assert_eq!(crash["node"]["pid"], process, "{crash}");
    assert_eq!(boot["operation"], "boot");
    let cause = text(&boot["message"]);
    let named = format!("; the previous node (process {process}, since ");
    assert!(cause.contains(&named), "no {named:?} in {cause:?}");
    let beginning: String = sentence.chars().take(200).collect();
    let crashed = format!(") crashed: {beginning}");
    assert!(cause.contains(&crashed), "no {crashed:?} in {cause:?}");
}

#[test]
fn whatever_a_library_ends_the_node_with_is_said_with_its_name() {
    let tree = tree();
    let library = tree
        .root()
        .join("lib/processquest-1.1.1/priv/processquest.so");
    let library = format!(", library processquest 1.1.1 ({})", library.display());
    let mut node = Running::node_with(&tree, &[]);
    let ways = SAFE.into_iter().chain(INSTRUCTIONS.map(|(way, ..)| way));
    for (name, expected, begins) in ways {
        let mut player = Player::connect(&node).of_version(Version::New);
        player.sees(PROMPT);
        player.types(format!("{name}\n"));
        player.sees(AGREE);
        player.types("y\n");
        let status = node.end();
        assert_eq!(end(status), expected, "{name}: {status}");
        let sentence = last_words(&node);
        let begins = format!("{begins}handle_event of pq_player 1.1.1, process <");
        assert!(sentence.starts_with(&begins), "{name}: {sentence}");
        assert!(sentence.contains(&library), "{name}: {sentence}");
        assert!(
            sentence.contains(", thread pq-shard-"),
            "{name}: {sentence}"
        );
        let process = node.process();
        node = Running::node_with(&tree, &[]);
        node.logged(&format!(") crashed: {sentence}"));
        told(&tree, &sentence, process);
    }
    // A node that stops in order reports no earlier crash.
    tree.does(&["stop"]);
    assert!(node.end().success());
    assert!(!tree.root().join("releases/crash").exists());
    let _node = Running::node_with(&tree, &[]);
    let past = tree.answer(&["history"]);
    let boot = past["entries"].as_array().unwrap().last().unwrap();
    assert!(
        !boot["message"].as_str().unwrap().contains("before"),
        "{boot}"
    );
}

#[test]
fn a_conversion_that_ends_the_node_is_named_too() {
    let tree = Tree::new();
    let node = Running::node_with(&tree, &["--log-format", "json"]);
    let mut stage = Stage::on(tree, node, &["Overflows"]);
    stage.unpacks(&Draft::broken().package());
    stage.tree.operate(&["install", BROKEN_VSN, "--partial"]);
    assert_eq!(end(stage.node.end()), End::Signal(Signal::ABORT));
    let log = stage.node.log();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["level"], &last["target"]),
        (&"ERROR".into(), &"pq::crash".into())
    );
    let sentence = last["fields"]["message"].as_str().unwrap();
    let sentence = sentence
        .strip_prefix("the node ends: ")
        .unwrap()
        .to_string();
    let begins = "SIGSEGV (the stack of the thread has overflowed) in code_change of pq_player 1.1.1, process <";
    assert!(sentence.starts_with(begins), "{sentence}");
    assert!(sentence.ends_with(", thread pq-code-change"), "{sentence}");
    let process = stage.node.process();
    let _next = Running::node_with(&stage.tree, &[]);
    told(&stage.tree, &sentence, process);
}

#[test]
fn a_crash_in_no_library_says_so() {
    let tree = Tree::new();
    let mut node = Running::node_with(&tree, &[]);
    if !node.spoil("pq-sockets") {
        return;
    }
    // The thread continues when a client connects.
    let _ = std::net::TcpStream::connect(node.address());
    assert_eq!(end(node.end()), End::Signal(Signal::ILL));
    let sentence = last_words(&node);
    assert_eq!(
        sentence,
        "SIGILL (an illegal instruction) in no library, in the node itself, thread pq-sockets"
    );
    let process = node.process();
    let _next = Running::node_with(&tree, &[]);
    told(&tree, &sentence, process);
}
