//! `shutdown`: the planned end of the node, with announcements to players.
//!
//! ```text
//!   +5m ─► "stops in 5m" ─► 1m ─► 30s ─► 10s ─► "stops now" ─► as `stop`
//!    └► --cancel: "does not stop"
//! ```
//! Only one shutdown is planned at a time; a new plan replaces the old plan.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use humantime::{format_duration, parse_rfc3339};
use parking_lot::Mutex;
use pq_protocol::answer::Planned;
use pq_protocol::{Exit, Failure, Who};
use sockserv::Door;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::pending_stop::{PendingStop, Wish};
use super::releases::Releases;
use super::turn::{Taken, Turn};
use crate::clock::rfc3339;

/// The announcement times, in seconds before the end.
const MARKS: [u64; 9] = [3_600, 1_800, 600, 300, 120, 60, 30, 10, 5];

/// The interval between attempts to stop during an operation on releases, which is never interrupted.
const BUSY: Duration = Duration::from_millis(200);

/// The planned shutdown of a node.
pub(crate) struct Shutdown {
    /// The plan with its countdown; `None` without a plan.
    planned: Mutex<Option<Countdown>>,
    end: Arc<End>,
}

/// A plan whose countdown is running.
struct Countdown {
    planned: Planned,
    /// Dropping the sender cancels the countdown.
    _going_on: oneshot::Sender<()>,
}

/// The parts of the node that a planned shutdown needs.
pub(crate) struct End {
    /// The listeners, for announcements to players.
    pub(crate) door: Option<Arc<Door>>,
    /// The lock of operations, so that no operation is interrupted.
    pub(crate) turn: Arc<Turn>,
    pub(crate) releases: Arc<Releases>,
    /// Sends the request to stop the node.
    pub(crate) wishes: mpsc::Sender<Wish>,
}

/// The plan of a shutdown.
pub(crate) struct Plan {
    pub(crate) who: Who,
    pub(crate) after: Duration,
    pub(crate) text: Option<String>,
}

impl Shutdown {
    /// Creates the value without a plan.
    pub(crate) fn new(end: End) -> Shutdown {
        Shutdown {
            planned: Mutex::default(),
            end: Arc::new(end),
        }
    }

    /// The present plan, if any.
    pub(crate) fn planned(&self) -> Option<Planned> {
        let countdown = self.planned.lock();
        countdown
            .as_ref()
            .map(|countdown| countdown.planned.clone())
    }

    /// Plans a shutdown and cancels the previous plan.
    pub(crate) fn plan(&self, plan: Plan) -> Planned {
        let planned = Planned {
            at: rfc3339(SystemTime::now() + plan.after),
            who: plan.who.clone(),
            text: plan.text.clone(),
        };
        let (going_on, given_up) = oneshot::channel();
        *self.planned.lock() = Some(Countdown {
            planned: planned.clone(),
            _going_on: going_on,
        });
        let end = self.end.clone();
        tokio::spawn(async move {
            let deadline = Instant::now() + plan.after;
            let due = async {
                end.count_down(deadline, plan.text.as_deref()).await;
                end.take_turn(&plan.who).await;
            };
            // A shutdown that waits for an operation can still be cancelled.
            let is_due = tokio::select! {
                () = due => true,
                _ = given_up => false,
            };
            if is_due {
                end.come(plan);
            }
        });
        planned
    }

    /// Continues a plan from before the node's restart. A plan that is already due is carried out at once.
    pub(crate) fn go_on(&self, planned: Planned) {
        let at = parse_rfc3339(&planned.at).unwrap_or(SystemTime::UNIX_EPOCH);
        self.plan(Plan {
            who: planned.who,
            after: at.duration_since(SystemTime::now()).unwrap_or_default(),
            text: planned.text,
        });
    }

    /// Cancels the plan and tells the players.
    pub(crate) fn cancel(&self) -> Result<Planned, Failure> {
        let Some(countdown) = self.planned.lock().take() else {
            let sentence = "failed to cancel the shutdown: none is planned";
            return Err(Failure::new(Exit::Refused, sentence));
        };
        self.end.announce("The game does not stop after all.");
        Ok(countdown.planned)
    }

    /// Announces an immediate stop to all players.
    pub(crate) fn announce_now(&self, text: Option<&str>) {
        self.end.announce(&sentence(Duration::ZERO, text));
    }
}

impl End {
    /// Announces the shutdown at once and at each announcement time, until the end.
    async fn count_down(&self, deadline: Instant, text: Option<&str>) {
        let left = deadline - Instant::now();
        self.announce(&sentence(left, text));
        for mark in marks_within(left) {
            sleep_until(deadline - mark).await;
            self.announce(&sentence(mark, None));
        }
        sleep_until(deadline).await;
    }

    fn announce(&self, text: &str) {
        if let Some(door) = &self.door {
            door.announce(&format!("*** {text}"));
        }
    }

    /// Waits until no operation is in progress, and lets no other one begin.
    async fn take_turn(&self, who: &Who) {
        let (hear, _) = mpsc::channel(1);
        loop {
            if let Ok(taken) = self.turn.take_for_end("shutdown", who, hear.clone()) {
                return Taken::for_ever(taken);
            }
            sleep(BUSY).await;
        }
    }

    /// Tells the clients that the shutdown is due, and has the node stop.
    fn come(&self, plan: Plan) {
        self.announce(&sentence(Duration::ZERO, plan.text.as_deref()));
        tracing::info!(who = %plan.who, "the planned shutdown is due");
        let pending = PendingStop {
            stream: None,
            operation: "shutdown",
            vsn: self.releases.running().vsn,
            who: plan.who,
            message: plan.text,
            asked: std::time::Instant::now(),
        };
        // A node that is already ending needs no further request.
        let _ = self.wishes.try_send(Wish::Stop(pending));
    }
}

/// The announcement times that are still to come.
fn marks_within(left: Duration) -> impl Iterator<Item = Duration> {
    let marks = MARKS.into_iter().map(Duration::from_secs);
    marks.filter(move |mark| *mark < left)
}

/// The announcement to players at `left` before the end.
fn sentence(left: Duration, text: Option<&str>) -> String {
    let why = text.map_or(String::new(), |text| format!(" {text}"));
    // Rounded up: shortly after the request, five minutes would otherwise be "4m 59s".
    match left.as_millis().div_ceil(1_000) as u64 {
        0 => format!("The game stops now.{why}"),
        seconds => {
            let left = format_duration(Duration::from_secs(seconds));
            format!("The game stops in {left}.{why}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_are_told_in_words_how_long_there_is_left() {
        let told = |seconds, text| sentence(Duration::from_secs(seconds), text);
        assert_eq!(
            told(300, Some("New quests!")),
            "The game stops in 5m. New quests!"
        );
        assert_eq!(told(90, None), "The game stops in 1m 30s.");
        let nearly = Duration::from_millis(299_998);
        assert_eq!(sentence(nearly, None), "The game stops in 5m.");
        assert_eq!(told(0, None), "The game stops now.");
    }

    #[test]
    fn the_marks_are_those_that_are_still_to_come() {
        let seconds = |left| -> Vec<u64> {
            let marks = marks_within(Duration::from_secs(left));
            marks.map(|mark| mark.as_secs()).collect()
        };
        assert_eq!(seconds(300), [120, 60, 30, 10, 5]);
        assert_eq!(seconds(31), [30, 10, 5]);
        assert_eq!(seconds(5), [0; 0]);
    }
}
