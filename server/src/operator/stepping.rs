//! `pq trace` at the node: the steps of a process as lines.

use std::sync::Arc;

use pq_protocol::{Exit, Failure};
use tokio::time::{Instant, interval_at};

use super::following::Attached;
use super::session::{SIGN_OF_LIFE, Session};
use crate::commands::find_process;
use crate::running::RunningNode;
use crate::trace::{Sink, TraceLine};

/// The lines that are sent in one piece.
const BATCH: usize = 64;

/// Sends the steps of a process until it ends or the operator leaves.
pub(super) async fn trace(
    session: &mut Session,
    node: &Arc<RunningNode>,
    process: &str,
    lines_per_second: u32,
) -> Result<(), Failure> {
    let failed =
        |why: String| Failure::new(Exit::Refused, format!("failed to trace {process}: {why}"));
    let (asked, text) = (node.clone(), process.to_string());
    let found = tokio::task::spawn_blocking(move || find_process(&asked, &text)).await;
    let pid = found.unwrap_or_else(|error| Err(error.to_string()));
    let pid = pid.map_err(failed)?;
    let (sink, mut lines) = Sink::new(lines_per_second);
    let attached = Attached::to(node.node(), pid, Arc::new(sink)).await;
    let _attached = attached.map_err(failed)?;
    let first = TraceLine::begins(pid, node.node().name_of(pid));
    send(session, &[first]).await;
    let mut signs = interval_at(Instant::now() + SIGN_OF_LIFE, SIGN_OF_LIFE);
    let mut batch = Vec::with_capacity(BATCH);
    while !session.is_lost {
        batch.clear();
        tokio::select! {
            count = lines.recv_many(&mut batch, BATCH) => {
                send(session, &batch).await;
                if count == 0 || batch.iter().any(TraceLine::is_last) {
                    return Ok(());
                }
            }
            _ = signs.tick() => session.tell(&pq_protocol::Event::Waiting).await,
            () = session.left() => return Ok(()),
        }
    }
    Ok(())
}

async fn send(session: &mut Session, lines: &[TraceLine]) {
    let text: String = lines.iter().map(TraceLine::json).collect();
    session.tell_parts(&text).await;
}
