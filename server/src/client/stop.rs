//! `pq stop`: in order, or, with `--now`, as the node is.
//!
//! A node that stops already has closed its socket, and one that is in disorder may not answer. Then two signals say the
//! same: the second one ends a node wherever it stands (`signals`).

use std::path::Path;
use std::time::{Duration, Instant};

use pq_protocol::{Exit, Failure};
use rustix::process::{Pid, Signal, kill_process};

use super::command::At;
use super::{aside, say};
use crate::operator::answer::Stopped;
use crate::operator::request::Request;
use crate::system::holder;

/// How long a node may take to end after two signals; it needs half of it for its last words.
const END_MAX: Duration = Duration::from_secs(3);

/// How often to look whether it has gone.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Runs it.
pub(super) fn run(now: bool, message: Option<String>, at: &At) -> Result<(), Failure> {
    let request = Request::Stop { message, now };
    let asked = at.show::<Stopped>(request);
    match asked {
        Err(failure) if now && is_unheard(&failure) => match holder(&at.root) {
            Some(process) => end(at, process),
            None => Err(failure),
        },
        outcome => outcome,
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
        let sentence = format!("failed to end the node: process {process} cannot be told: {error}");
        return Err(Failure::new(Exit::NotPermitted, sentence));
    }
    while has(&at.root, process) {
        if began.elapsed() > END_MAX {
            let sentence = format!(
                "failed to end the node: process {process} was told twice and is there after {END_MAX:?}; `kill -9 {process}` \
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
