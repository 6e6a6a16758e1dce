//! OTP's systools as a program that runs for a whole test, and answers one question after the other.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};

use pq_release::systools::RelFile;
use pq_term::{Term, read_one};
use pq_tests::needs::{Need, has};
use pq_tests::running::PATIENCE;
use pq_tests::systools::Case;

/// The program that translates a line to a call of `systools:make_relup/4`.
const PROGRAM: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/systools_oracle/oracle.escript"
);

/// The running program with OTP's systools.
pub(crate) struct Otp {
    child: Child,
    questions: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Otp {
    /// Starts the program; `None` when this machine does not have it.
    pub(crate) fn start() -> Option<Otp> {
        if !has(&[Need::Systools, Need::Escript]) {
            return None;
        }
        let mut child = Command::new("escript")
            .arg(PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        // A channel for a single answer suffices, because each question waits for its answer.
        let (lines, answers) = sync_channel(1);
        std::thread::spawn(move || {
            let mut read = BufReader::new(out).lines().map_while(Result::ok);
            read.try_for_each(|line| lines.send(line))
        });
        Some(Otp {
            questions: child.stdin.take(),
            child,
            answers,
        })
    }

    /// OTP's answer to a case whose files are in this directory.
    pub(crate) fn ask(&mut self, folder: &Path, case: &Case) -> Result<Term, String> {
        let options = [
            ("restart_emulator", case.options.restart_emulator),
            ("warnings_as_errors", case.options.warnings_as_errors),
        ];
        let options = options.iter().filter(|(_, is_set)| *is_set);
        let question = Term::tuple([
            Term::string(folder.to_str().unwrap()),
            stem(&case.new),
            case.up_from.iter().map(described).collect(),
            case.down_to.iter().map(described).collect(),
            options.map(|(word, _)| Term::atom(word)).collect(),
        ]);
        writeln!(self.questions.as_mut().unwrap(), "{question}.").unwrap();
        self.answer()
    }

    fn answer(&self) -> Result<Term, String> {
        let line = self.answers.recv_timeout(PATIENCE);
        let line = line.map_err(|error| format!("OTP does not answer: {error}"))?;
        read_one(&line).map_err(|error| format!("{error}: {line}"))
    }
}

/// The name without `.rel`, which OTP adds itself.
fn stem(rel: &RelFile) -> Term {
    Term::string(rel.file.with_extension("").to_str().unwrap())
}

fn described(rel: &RelFile) -> Term {
    match rel.description.as_list() {
        Some([]) => stem(rel),
        _ => Term::tuple([stem(rel), rel.description.clone()]),
    }
}

impl Drop for Otp {
    fn drop(&mut self) {
        // The end of its input ends the program; if it hangs, it is killed.
        drop(self.questions.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
