//! Starts the process of a client: one request to the supervisor, whose answer the client's task awaits.

use std::time::Duration;

use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::{Node, Payload, Pid, Reason};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The reason why a client gets no process.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("no process is registered as {0}")]
    NoSupervisor(String),
    #[error("the supervisor did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the supervisor has ended: {0}")]
    Exit(Reason),
    #[error("the supervisor refused: {0}")]
    Refused(String),
}

/// Starts a child of `supervisor` for port `port`.
pub(crate) async fn start_session(
    node: &Node,
    supervisor: &str,
    port: u64,
    limit: Duration,
) -> Result<Pid, StartError> {
    let to = node
        .whereis(supervisor)
        .ok_or_else(|| StartError::NoSupervisor(supervisor.to_string()))?;
    let (sender, receiver) = oneshot::channel::<Result<Payload, Reason>>();
    // The receiver may have stopped waiting. Then the child that was started ends with its port.
    node.request(
        to,
        &spec::encode(&SupRequest::StartChild(args(port))),
        |answer| drop(sender.send(answer)),
    );
    let answer = timeout(limit, receiver)
        .await
        .map_err(|_| StartError::Timeout(limit))?;
    let reply = answer
        .unwrap_or(Err(Reason::NoProc))
        .map_err(StartError::Exit)?;
    match spec::decode(&reply) {
        Ok(SupReply::Started(Some(pid))) => Ok(pid),
        Ok(other) => Err(StartError::Refused(format!("{other:?}"))),
        Err(error) => Err(StartError::Refused(error)),
    }
}

/// The argument list `[Port]` of the child's `init`.
fn args(port: u64) -> Vec<u8> {
    let mut bytes = vec![0x91, 0xcf];
    bytes.extend(port.to_be_bytes());
    bytes
}
