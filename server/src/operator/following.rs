//! An operator who follows one process: a tracer at the process passes its steps on, until the process ends, the operator leaves or
//! the node stops.
//!
//! ```text
//!   process ─ steps ─► tracer, on the shard's thread ─► bounded queue ─► this task ─► the operator
//! ```
//! The queue never delays the process: a step without room is counted and left out. The tracer is removed when the operator
//! leaves, and by its next step at the latest.

use std::sync::Arc;
use std::time::Duration;

use pq_otp::sys::SysMessage;
use pq_otp::trace::Tracer;
use pq_otp::{Node, Pid};
use pq_protocol::{Event, Exit, Failure, Request, Who};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::session::Session;
use super::stepping::trace;
use super::watching::{Watch, watch as watch_avatar};
use crate::running::RunningNode;

/// The limit for the process to take the tracer (`sys(3)`).
const INSTALL_TIMEOUT: Duration = Duration::from_millis(pq_otp::sys::TIMEOUT_MS);

/// Serves an operator who follows a process. When `closing` is `true`, the node stops.
pub(super) async fn follow_one(
    mut session: Session,
    node: Arc<RunningNode>,
    (who, request): (Who, Request),
    mut closing: watch::Receiver<bool>,
) {
    let followed = async {
        let Some(_place) = node.views().trace() else {
            return Err(busy());
        };
        match request {
            Request::Trace {
                process,
                lines_per_second,
            } => {
                tracing::info!(%who, process, "an operator traces a process");
                trace(&mut session, &node, &process, lines_per_second).await
            }
            Request::Watch { name, form } => {
                tracing::info!(%who, name, "an operator watches an avatar");
                watch_avatar(&mut session, &node, Watch { name, form }).await
            }
            // No other request follows a process.
            _ => Ok(()),
        }
    };
    let ended = tokio::select! {
        ended = followed => ended,
        // The operator sees that the connection ends without an answer.
        _ = closing.wait_for(|closing| *closing) => return,
    };
    let last = ended.map_or_else(Event::Failed, |()| Event::Done);
    session.tell(&last).await;
}

fn busy() -> Failure {
    let sentence = "failed to follow a process: too many operators do so already; try again later";
    Failure::new(Exit::Busy, sentence)
}

/// A tracer at a process. Dropping it removes the tracer.
pub(super) struct Attached {
    node: Node,
    pid: Pid,
    tracer: Arc<dyn Tracer>,
}

impl Attached {
    /// Has the process take the tracer.
    ///
    /// # Errors
    /// The reason why it has not: it has ended, or it does not answer. A tracer that comes too late is removed by its first
    /// step.
    pub(super) async fn to(
        node: &Node,
        pid: Pid,
        tracer: Arc<dyn Tracer>,
    ) -> Result<Attached, String> {
        if let Some(stall) = node.stall_of(usize::from(pid.shard())) {
            return Err(stall.to_string());
        }
        let (tell, told) = oneshot::channel();
        let message = SysMessage::Install(tracer.clone());
        // The receiver may have stopped waiting.
        node.sys_request(pid, message, move |answer| drop(tell.send(answer)));
        let answer = timeout(INSTALL_TIMEOUT, told).await;
        let late = |_| format!("it has not answered within {INSTALL_TIMEOUT:?}");
        let answer = answer.map_err(late)?;
        let attached = Attached {
            node: node.clone(),
            pid,
            tracer,
        };
        match answer {
            Ok(Ok(_)) => Ok(attached),
            _ => Err("no process has this name or pid".to_string()),
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let message = SysMessage::Remove(self.tracer.clone());
        // A process that has ended has no tracer.
        self.node.sys_request(self.pid, message, drop);
    }
}
