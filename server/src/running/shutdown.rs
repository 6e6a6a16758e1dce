//! `shutdown`: the end of the node, announced to the players while it comes nearer.
//!
//! ```text
//!   +5m ─► "stops in 5m" ─► 1m ─► 30s ─► 10s ─► "stops now" ─► as `stop`
//!    └► --cancel: "does not stop"
//! ```
//! One is planned at a time; another takes its place.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use humantime::{format_duration, parse_rfc3339};
use parking_lot::Mutex;
use pq_protocol::Who;
use pq_protocol::answer::Planned;
use pq_protocol::{Exit, Failure};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::farewell::Farewell;
use super::turn::Taken;
use crate::clock::rfc3339;
use crate::operator::Desk;
use crate::operator::Wish;

/// When players are told again how long there is left, in seconds before the end.
const MARKS: [u64; 9] = [3_600, 1_800, 600, 300, 120, 60, 30, 10, 5];

/// How often it is tried again while an operation on releases is in progress: it is not cut off.
const BUSY: Duration = Duration::from_millis(200);

/// The end that is planned, if there is one.
#[derive(Default)]
pub(crate) struct Shutdown {
    planned: Mutex<Option<(Planned, oneshot::Sender<()>)>>,
}

/// A plan as it was asked for.
pub(crate) struct Plan {
    pub(crate) who: Who,
    pub(crate) after: Duration,
    pub(crate) text: Option<String>,
}

impl Shutdown {
    /// What is planned.
    pub(crate) fn planned(&self) -> Option<Planned> {
        self.planned
            .lock()
            .as_ref()
            .map(|(planned, _)| planned.clone())
    }

    /// Plans the end; the plan before is given up.
    pub(crate) fn plan(&self, plan: Plan, desk: Arc<Desk>, wishes: mpsc::Sender<Wish>) -> Planned {
        let planned = Planned {
            at: rfc3339(SystemTime::now() + plan.after),
            who: plan.who.clone(),
            text: plan.text.clone(),
        };
        let (cancel, cancelled) = oneshot::channel();
        *self.planned.lock() = Some((planned.clone(), cancel));
        tokio::spawn(async move {
            let deadline = Instant::now() + plan.after;
            let due = tokio::select! {
                () = count_down(&desk, deadline, plan.text.as_deref()) => true,
                _ = cancelled => false,
            };
            if due {
                stop(desk, plan, &wishes).await;
            }
        });
        planned
    }

    /// Keeps a plan that was made before the node started itself again. One that is due is carried out at once.
    pub(crate) fn go_on(&self, planned: Planned, desk: Arc<Desk>, wishes: mpsc::Sender<Wish>) {
        let at = parse_rfc3339(&planned.at).unwrap_or(SystemTime::UNIX_EPOCH);
        let plan = Plan {
            who: planned.who,
            after: at.duration_since(SystemTime::now()).unwrap_or_default(),
            text: planned.text,
        };
        self.plan(plan, desk, wishes);
    }

    /// Gives the plan up.
    pub(crate) fn cancel(&self, desk: &Desk) -> Result<Planned, Failure> {
        let Some((planned, _)) = self.planned.lock().take() else {
            let sentence = "failed to cancel the shutdown: none is planned";
            return Err(Failure::new(Exit::Refused, sentence));
        };
        announce(desk, "The game does not stop after all.");
        Ok(planned)
    }
}

/// Tells everybody, at once and at each mark, until the end has come.
async fn count_down(desk: &Desk, deadline: Instant, text: Option<&str>) {
    let left = deadline - Instant::now();
    announce(desk, &sentence(left, text));
    for mark in marks_within(left) {
        sleep_until(deadline - mark).await;
        announce(desk, &sentence(mark, None));
    }
    sleep_until(deadline).await;
}

/// The marks that are still to come.
fn marks_within(left: Duration) -> impl Iterator<Item = Duration> {
    let marks = MARKS.into_iter().map(Duration::from_secs);
    marks.filter(move |mark| *mark < left)
}

/// What players read so long before the end.
fn sentence(left: Duration, text: Option<&str>) -> String {
    let why = text.map_or(String::new(), |text| format!(" {text}"));
    // A moment has gone since it was asked for: five minutes are not "4m 59s".
    match left.as_millis().div_ceil(1_000) as u64 {
        0 => format!("The game stops now.{why}"),
        seconds => {
            let left = format_duration(Duration::from_secs(seconds));
            format!("The game stops in {left}.{why}")
        }
    }
}

/// Tells everybody that it is now.
pub(crate) fn announce_end(desk: &Desk, text: Option<&str>) {
    announce(desk, &sentence(Duration::ZERO, text));
}

fn announce(desk: &Desk, text: &str) {
    if let Some(door) = &desk.door {
        door.announce(&format!("*** {text}"));
    }
}

/// Ends the node, as soon as no operation is in progress.
async fn stop(desk: Arc<Desk>, plan: Plan, wishes: &mpsc::Sender<Wish>) {
    let (hear, _) = mpsc::channel(1);
    let turn = desk.turn.clone();
    loop {
        if let Ok(taken) = turn.take_for_end("shutdown", &plan.who, hear.clone()) {
            Taken::for_ever(taken);
            break;
        }
        sleep(BUSY).await;
    }
    announce_end(&desk, plan.text.as_deref());
    tracing::info!(who = %plan.who, "the planned shutdown is due");
    let farewell = Farewell {
        stream: None,
        operation: "shutdown",
        desk,
        who: plan.who,
        message: plan.text,
        asked: std::time::Instant::now(),
    };
    // A node that ends already needs no other reason.
    let _ = wishes.try_send(Wish::Stop(farewell));
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
