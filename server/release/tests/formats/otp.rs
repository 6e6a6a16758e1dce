//! Runs OTP once for all questions, and writes terms in the form of its answers.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use pq_term::Term;
use tempfile::TempDir;

use super::configs::Config;
use super::patterns::Question;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats/oracle.escript");

/// The time limit for OTP. A run takes 1 s on an idle machine; a test machine runs several builds at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The questions to OTP.
pub(crate) struct Questions {
    pub(crate) texts: Vec<Vec<u8>>,
    pub(crate) patterns: Vec<Question>,
    pub(crate) configs: Vec<Config>,
}

/// OTP's answers, in the order of the questions.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) texts: Vec<String>,
    pub(crate) patterns: Vec<String>,
    pub(crate) configs: Vec<String>,
}

impl Questions {
    /// The answers of OTP; prints a warning and returns `None` when this machine has no OTP.
    pub(crate) fn ask(&self) -> Option<Answers> {
        let folder = self.laid_out();
        let Some(lines) = run(folder.path()) else {
            skip();
            return None;
        };
        let mut answers = Answers::default();
        for line in lines.lines() {
            match line.split_once(' ') {
                Some(("consult", answer)) => answers.texts.push(answer.to_string()),
                Some(("pattern", answer)) => answers.patterns.push(answer.to_string()),
                Some(("config", answer)) => answers.configs.push(answer.to_string()),
                _ => panic!("an answer to nothing: {line}"),
            }
        }
        assert_eq!(answers.texts.len(), self.texts.len());
        assert_eq!(answers.patterns.len(), self.patterns.len());
        assert_eq!(answers.configs.len(), self.configs.len());
        Some(answers)
    }

    fn laid_out(&self) -> TempDir {
        let folder = in_memory();
        let consult = folder.path().join("consult");
        fs::create_dir(&consult).unwrap();
        for (at, text) in self.texts.iter().enumerate() {
            fs::write(consult.join(at.to_string()), text).unwrap();
        }
        let patterns = self.patterns.iter().map(Question::line);
        fs::write(folder.path().join("patterns"), patterns.collect::<String>()).unwrap();
        fs::create_dir(folder.path().join("config")).unwrap();
        for (at, config) in self.configs.iter().enumerate() {
            config.lay_out(&folder.path().join("config").join(at.to_string()));
        }
        folder
    }
}

/// Reports a missing OTP, at once and at the end of the run.
fn skip() {
    let missing = "escript of Erlang/OTP is missing (Debian: erlang-base): formats";
    let is_ci = std::env::var_os("PQ_CI").is_some_and(|ci| ci == "1");
    assert!(!is_ci, "{missing}");
    // Written past the test harness, which hides the output of successful tests.
    let line = format!("skipped, because {missing}\n");
    let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    untested::note(missing).expect("the target folder can be written to");
}

/// A directory in memory, where the system has one: thousands of files on a disk are slow.
pub(crate) fn in_memory() -> TempDir {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.unwrap()
}

/// The output of the program; `None` when it cannot run because `escript` or Erlang is missing.
fn run(folder: &Path) -> Option<String> {
    let child = Command::new("escript")
        .arg(PROGRAM)
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    let mut out = child.stdout.take().unwrap();
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = out.read_to_string(&mut text).map(|_| text);
        sender.send(read)
    });
    let text = receiver.recv_timeout(PATIENCE);
    // The program has ended or hangs.
    let _ = child.kill();
    let _ = child.wait();
    let text = text.expect("OTP does not answer").unwrap();
    (!text.is_empty()).then_some(text)
}

/// The canonical text of a term, like `written/1` of the program; strings are lists.
pub(crate) fn written(term: &Term) -> String {
    match term {
        Term::Integer(value) => format!("i{value}"),
        Term::BigInteger(value) => format!("i{value}"),
        Term::Float(value) => format!("f{}", hex(&value.value().to_be_bytes())),
        Term::Atom(atom) => format!("a{}", hex(atom.as_str().as_bytes())),
        Term::Binary(bytes) => format!("b{}", hex(bytes)),
        Term::String(text) => {
            let codes = text.chars().map(|c| format!("i{}", u32::from(c)));
            format!("[{}]", codes.collect::<Vec<_>>().join(","))
        }
        Term::List(items) => format!("[{}]", parts(items)),
        Term::Tuple(items) => format!("{{{}}}", parts(items)),
        Term::Map(map) => {
            let pairs = map.pairs().iter();
            let pairs = pairs.map(|(key, value)| format!("{}=>{}", written(key), written(value)));
            let mut pairs: Vec<_> = pairs.collect();
            pairs.sort();
            format!("#{}#", pairs.join(","))
        }
        Term::Pid(_) => panic!("no file holds a pid"),
    }
}

fn parts(items: &[Term]) -> String {
    items.iter().map(written).collect::<Vec<_>>().join(",")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
