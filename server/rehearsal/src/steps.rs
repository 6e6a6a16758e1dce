//! The last steps of an avatar before its crash, as text.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use pq_otp::sys::SysMessage;
use pq_otp::trace::{Message, Step, Tracer};
use pq_otp::{Ask, Pid, Reason, Sim};
use pq_term::shorten;

/// The longest text of a message, in characters.
const MESSAGE_CHARS_MAX: usize = 300;

/// The limit for a process to take its tracer, in virtual milliseconds.
const INSTALL_MS: u64 = 1_000;

/// The steps of all processes of an avatar.
#[derive(Clone)]
pub(crate) struct Steps {
    max: usize,
    last: Arc<Mutex<Last>>,
}

#[derive(Default)]
struct Last {
    steps: VecDeque<String>,
    /// A process has failed: what comes behind is not the way to it.
    is_over: bool,
}

/// The tracer of one process.
struct Of {
    steps: Steps,
    process: String,
}

impl Steps {
    pub(crate) fn new(max: usize) -> Steps {
        Steps {
            max,
            last: Arc::default(),
        }
    }

    /// Follows a process and all below it.
    pub(crate) fn follow(&self, sim: &mut Sim, root: Pid) {
        let processes = Sim::processes(sim);
        let mut inside = vec![root];
        for process in &processes {
            if process
                .parent
                .is_some_and(|parent| inside.contains(&parent))
            {
                inside.push(process.pid);
            }
        }
        for process in processes.iter().filter(|it| inside.contains(&it.pid)) {
            let tracer = Arc::new(Of {
                steps: self.clone(),
                process: format!("{} {}", process.module, process.pid),
            });
            // A process that has ended meanwhile has no steps.
            let _ = sim.sys(process.pid, SysMessage::Install(tracer), INSTALL_MS);
        }
    }

    /// Takes the steps so far, the last one last.
    pub(crate) fn take(&self) -> Vec<String> {
        self.last.lock().steps.drain(..).collect()
    }
}

impl Tracer for Of {
    fn take(&self, step: &Step<'_>) -> bool {
        let mut last = self.steps.last.lock();
        if last.is_over {
            return false;
        }
        while last.steps.len() >= self.steps.max {
            last.steps.pop_front();
        }
        let line = format!("{}  {}", self.process, text(step));
        last.steps.push_back(line);
        last.is_over = matches!(step, Step::Exit(reason) if !is_orderly(reason));
        true
    }
}

fn is_orderly(reason: &Reason) -> bool {
    matches!(reason, Reason::Normal | Reason::Shutdown)
}

/// A step as text. Durations are left out: they would differ between two runs.
fn text(step: &Step<'_>) -> String {
    match step {
        Step::Received { message, .. } => format!("takes {}", content(message)),
        Step::Sent(message) => format!("sends {} to {}", content(message), message.peer),
        Step::Timer { ms, message } => match message {
            [] => format!("waits for {ms} ms"),
            message => format!("starts a timer of {ms} ms: {}", term(message)),
        },
        Step::Did { effect, peer } => format!("{effect} {peer}"),
        Step::Handled { callback, .. } => format!("{callback} returns"),
        Step::State { from, to } => format!("{from} -> {to}"),
        Step::Exit(reason) => format!("ends: {}", shorten(&reason.to_string(), MESSAGE_CHARS_MAX)),
    }
}

fn content(message: &Message<'_>) -> String {
    let text = format!("{} {}", message.kind, message.content);
    shorten(text.trim_end(), MESSAGE_CHARS_MAX).into_owned()
}

fn term(bytes: &[u8]) -> String {
    let text = pq_term::msgpack::from_msgpack(bytes);
    let text = text.map_or_else(
        |_| format!("{} bytes", bytes.len()),
        |term| term.to_string(),
    );
    shorten(&text, MESSAGE_CHARS_MAX).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_steps_are_kept() {
        let steps = Steps::new(2);
        let of = Of {
            steps: steps.clone(),
            process: "ship <0.1.1>".to_string(),
        };
        for ms in 1..=3 {
            assert!(of.take(&Step::Timer { ms, message: &[] }));
        }
        let kept = [
            "ship <0.1.1>  waits for 2 ms",
            "ship <0.1.1>  waits for 3 ms",
        ];
        assert_eq!(steps.take(), kept);
        assert!(steps.take().is_empty());
        assert!(of.take(&Step::Exit(&Reason::Killed)));
        assert!(!of.take(&Step::Timer {
            ms: 4,
            message: &[]
        }));
        assert_eq!(steps.take(), ["ship <0.1.1>  ends: killed"]);
    }
}
