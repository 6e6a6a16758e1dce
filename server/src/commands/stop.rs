//! `pq stop`: stops the node in order, or at once with `--now`.
//!
//! A node that is already stopping has closed its socket, and a faulty node may not answer. Two signals then have the
//! same effect: the second signal ends a node in any state (`signals`). `operator::session` describes the node's
//! side.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use pq_protocol::answer::Stopped;
use pq_protocol::{Exit, Failure, Request};
use rustix::process::{Pid, Signal, kill_process};

use super::command::{Note, Typed};
use crate::client::{At, Show, aside, printable, say};
use crate::system::holder;

/// The limit for the end of a node after two signals; the node needs half of it to write its last log lines.
const END_MAX: Duration = Duration::from_secs(3);

/// The interval between checks for the end of the node's process.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Args, Debug)]
pub(crate) struct StopArgs {
    /// End the node within two seconds without an orderly stop and without an announcement to players
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    note: Note,
}

impl Typed for StopArgs {
    fn at(&self) -> &At {
        &self.note.at
    }

    fn run(&self) -> Result<(), Failure> {
        let request = Request::Stop {
            message: self.note.message.clone(),
            now: self.now,
        };
        match self.at().show::<Stopped>("stop", &request) {
            Err(failure) if self.now && is_unheard(&failure) => match holder(&self.at().root) {
                Some(process) => end(self.at(), process),
                None => Err(failure),
            },
            outcome => outcome,
        }
    }
}

fn is_unheard(failure: &Failure) -> bool {
    matches!(failure.exit, Exit::Unknown | Exit::Unreachable | Exit::Busy)
}

fn end(at: &At, process: u32) -> Result<(), Failure> {
    let began = Instant::now();
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    let told = [Signal::TERM, Signal::INT].map(|signal| pid.map(|pid| kill_process(pid, signal)));
    if let Some(Err(error)) = told[0] {
        let sentence =
            format!("failed to end the node: no signal can be sent to process {process}: {error}");
        return Err(Failure::new(Exit::NotPermitted, sentence));
    }
    while has(&at.root, process) {
        if began.elapsed() > END_MAX {
            let sentence = format!(
                "failed to end the node: process {process} still exists {END_MAX:?} after two signals; `kill -9 {process}` \
                 ends it"
            );
            return Err(Failure::new(Exit::Unknown, sentence));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    let stopped = Stopped {
        vsn: None,
        took_ms: began.elapsed().as_millis() as u64,
    };
    match at.json {
        true => say(&serde_json::to_string(&stopped).unwrap_or_default()),
        false => aside("the node did not answer, and was ended by two signals"),
    }
    Ok(())
}

fn has(root: &Path, process: u32) -> bool {
    holder(root) == Some(process)
}

impl Show for Stopped {
    fn show(&self) -> String {
        format!(
            "stopped: release {} ran, and took {} ms to end",
            printable(self.vsn.as_deref().unwrap_or_default()),
            self.took_ms
        )
    }
}
