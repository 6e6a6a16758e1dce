//! An operator who views the feed: one line after another, until the operator leaves or the node stops.
//!
//! The node keeps no queue for a viewer. While a line is being sent, further frames pass by; the next line then covers them, or is
//! a snapshot (`pq_feed::feed`).

use std::sync::Arc;

use pq_feed::Viewer;
use pq_protocol::{Event, Exit, Failure};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, interval_at};

use super::session::{SIGN_OF_LIFE, Session};
use crate::running::RunningNode;

/// Serves a viewer. It counts as a viewer and no longer as an operator, so `permit` is returned.
pub(super) async fn view(
    mut session: Session,
    node: Arc<RunningNode>,
    permit: OwnedSemaphorePermit,
    mut closing: watch::Receiver<bool>,
) {
    let Some((viewer, frames)) = node.views().view() else {
        let sentence = "failed to show events: there are too many viewers already; try again later";
        let failure = Failure::new(Exit::Busy, sentence);
        return session.tell(&Event::Failed(failure)).await;
    };
    drop((permit, node));
    // A viewer that reads nothing does not delay the stop of the node.
    tokio::select! {
        () = tell_frames(&mut session, viewer, frames) => (),
        _ = closing.wait_for(|closing| *closing) => (),
    }
}

/// Sends lines until the operator has left.
async fn tell_frames(session: &mut Session, mut viewer: Viewer, mut frames: watch::Receiver<()>) {
    let mut signs = interval_at(Instant::now() + SIGN_OF_LIFE, SIGN_OF_LIFE);
    while !session.is_lost {
        if let Some(line) = viewer.next_line() {
            session.tell_parts(&line).await;
            continue;
        }
        tokio::select! {
            // The sender exists as long as the node.
            changed = frames.changed() => if changed.is_err() { return },
            _ = signs.tick() => session.tell(&Event::Waiting).await,
            () = session.left() => return,
        }
    }
}
