//! A node whose standard output and standard error are not read: a stopped terminal, a pager, a full pipe.

use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::sync::{Arc, Mutex};

use pq_tests::running::{PATIENCE, Player, Running, Signal, Tree, pq};
use rustix::io::ioctl_fionbio;
use serde_json::Value;

use crate::operator::typed::{json, told, typed};
use crate::operator::wire::{connect, event, frame};

/// The byte that fills the pipes.
const FILLER: u8 = b'.';

/// The number of commands while no reader reads. A pipe has 64 KiB, and each command leaves one or two log lines.
const COMMANDS: usize = 45;

/// The number of requests whose log lines have 4 KiB each: more than the queue can hold.
const QUESTIONS: usize = 400;

/// A pipe that accepts no more bytes.
struct Full {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Full {
    fn pipe() -> Full {
        let (reader, writer) = std::io::pipe().unwrap();
        let full = Full { reader, writer };
        full.fill();
        full
    }

    /// Another writer may also get "try again" meanwhile.
    fn fill(&self) {
        ioctl_fionbio(&self.writer, true).unwrap();
        let full = loop {
            if let Err(error) = (&self.writer).write(&[FILLER; 512]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
        ioctl_fionbio(&self.writer, false).unwrap();
    }
}

/// A reader that returns: collects everything that it reads, without the filler.
fn reads(mut from: PipeReader) -> Arc<Mutex<String>> {
    let read = Arc::new(Mutex::new(String::new()));
    let copy = read.clone();
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut chunk) {
            let text = String::from_utf8_lossy(&chunk[..length]).into_owned();
            copy.lock().unwrap().push_str(&text);
        }
    });
    read
}

/// A node with much log output, whose pipes are full from its first line on.
fn unread(tree: &Tree, format: &str) -> (Running, SocketAddr, Full, Full) {
    let (out, err) = (Full::pipe(), Full::pipe());
    let mut command = pq(tree.start());
    command.args(["--log-format", format, "--report-every", "1"]);
    command.env("RUST_LOG", "debug");
    let streams = [&out, &err].map(|full| full.writer.try_clone().unwrap().into());
    let [stdout, stderr] = streams;
    let node = Running::start_into(&mut command, stdout, stderr);
    let answers = || (typed(tree, &["status"]).code == 0).then_some(());
    let answers = node.poll(PATIENCE, answers);
    assert!(answers.is_some(), "the node does not answer its operators");
    let address = json(tree, &["status"])["door"]["address"].clone();
    let address = address.as_str().unwrap().parse().unwrap();
    (node, address, out, err)
}

/// Makes a log line of 4 KiB for each request.
fn makes_lines(tree: &Tree, hero: &str) {
    let process = format!("{hero:?}{}", " ".repeat(4_000));
    let question = serde_json::json!({"sys": {"process": process, "message": "get_state"}});
    let request = serde_json::json!({"version": 1, "request": {"question": question}});
    for _ in 0..QUESTIONS {
        let mut stream = connect(tree);
        stream
            .write_all(&frame(request.to_string().as_bytes()))
            .unwrap();
        let first = event(&mut stream).unwrap();
        assert_eq!(first["event"], "part", "{first}");
    }
}

/// The number of dropped log lines that the node reports.
fn dropped(tree: &Tree) -> u64 {
    let status = json(tree, &["status"]);
    assert_eq!(status["dropped_lines"]["stdout"], 0, "{status}");
    status["dropped_lines"]["stderr"].as_u64().unwrap()
}

/// The number in a complete line `17 lines were dropped here`; JSON has a field for it.
fn noted(log: &str, format: &str) -> Option<u64> {
    let mut lines = log
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let line = lines.find(|line| line.contains(" dropped here, because "))?;
    match format {
        "json" => {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["level"], "WARN", "{line}");
            line["fields"]["dropped"].as_u64()
        }
        _ => {
            let (_, sentence) = line.split_once(" WARN pq::stdio: ").unwrap();
            sentence.split_once(' ').unwrap().0.parse().ok()
        }
    }
}

fn goes_on_and_ends_in_order(format: &str) {
    let tree = Tree::new();
    let (mut node, address, out, err) = unread(&tree, format);
    let mut player = Player::connect_to(address);
    player.join("Ann");
    for number in 0..COMMANDS {
        match number % 3 {
            0 => told(&tree, &["wall", "hello"]),
            1 => told(&tree, &["sys", "get-state", "Ann"]),
            _ => told(&tree, &["names"]),
        };
    }
    makes_lines(&tree, "Ann");
    player.plays_on();
    let lost = dropped(&tree);
    assert!(lost > 0, "the queue has no bound");
    let words = format!("{lost} lines of the log");
    let shown = told(&tree, &["status"]);
    assert!(shown.contains(&words), "no {words:?} in {shown}");

    // The reader returns: it finds all waiting lines, the note behind them, and then new lines.
    let log = reads(err.reader.try_clone().unwrap());
    let note = node.poll(PATIENCE, || noted(&log.lock().unwrap(), format));
    assert_eq!(note, Some(lost), "{}", log.lock().unwrap());
    told(&tree, &["sys", "get-status", "Ann"]);
    let came = || log.lock().unwrap().contains("get_status").then_some(());
    assert!(
        node.poll(PATIENCE, came).is_some(),
        "nothing comes any more"
    );
    in_order(&log.lock().unwrap(), format);

    // The reader stops again: now standard output is also full, until the end.
    player.plays_on();
    node.signal(Signal::TERM);
    let status = node.end();
    assert_eq!(status.code(), Some(0), "{status}");
    player.ends();
    drop((out, err));
}

/// Asserts that each line is complete, and that lines are in the order of their times.
fn in_order(log: &str, format: &str) {
    let log = log.trim_start_matches(char::from(FILLER));
    let whole = &log[..log.rfind('\n').unwrap()];
    let times = whole.lines().map(|line| match format {
        "json" => {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| {
                panic!("{error}: {line}");
            });
            line["timestamp"].as_str().unwrap().to_string()
        }
        _ => line.split_once(' ').unwrap().0.to_string(),
    });
    let times: Vec<String> = times.map(|time| time[..19].to_string()).collect();
    assert!(times.len() > 200, "{} lines", times.len());
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_node_whose_output_nobody_reads_goes_on_counts_and_ends_in_order() {
    goes_on_and_ends_in_order("text");
}

#[test]
fn the_same_with_a_log_in_json() {
    goes_on_and_ends_in_order("json");
}

#[test]
fn a_node_ends_in_time_when_both_streams_are_full_to_the_last() {
    let tree = Tree::new();
    let (mut node, _, _out, _err) = unread(&tree, "text");
    node.signal(Signal::TERM);
    let status = node.end();
    assert_eq!(status.code(), Some(0), "{status}");
    assert_eq!(json(&tree, &["history"])["entries"][1]["operation"], "stop");
    // A node that ends with an error message.
    let (mut node, _, _out, _err) = unread(&tree, "text");
    let (out, err) = (Full::pipe(), Full::pipe());
    let streams = [&out, &err].map(|full| full.writer.try_clone().unwrap().into());
    let [stdout, stderr] = streams;
    let mut refused = Running::start_into(&mut pq(tree.start()), stdout, stderr);
    assert_eq!(refused.end().code(), Some(1), "two nodes on one tree");
    // A node that crashes.
    node.signal(Signal::SEGV);
    let status = node.end();
    assert_eq!(status.signal(), Some(Signal::SEGV.as_raw()), "{status}");
    let past = json(&tree, &["history"]);
    assert_eq!(past["entries"].as_array().unwrap().len(), 3, "{past}");
    let _next = Running::node_with(&tree, &[]);
    let past = json(&tree, &["history"]);
    let (crash, boot) = (&past["entries"][3], &past["entries"][4]);
    assert_eq!(crash["operation"], "crash", "{past}");
    let sentence = crash["result"].as_str().unwrap();
    assert!(
        sentence.starts_with("SIGSEGV sent by process "),
        "{sentence}"
    );
    assert!(
        boot["message"].as_str().unwrap().ends_with(sentence),
        "{boot}"
    );
}
