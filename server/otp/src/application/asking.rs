//! Asking the application controller, from threads that are no shard.

use pq_abi::spec;
use pq_term::Pid;

use super::{AppReply, AppRequest, CONTROLLER};
use crate::node::{Node, RequestError};

impl Node {
    /// Asks the application controller and waits, from a thread that is no shard.
    pub fn applications(
        &self,
        request: &AppRequest,
        timeout_ms: u64,
    ) -> Result<AppReply, RequestError> {
        let reply = self.call(self.controller()?, &spec::encode(request), timeout_ms)?;
        spec::decode(&reply).map_err(RequestError::BadReply)
    }

    /// The same for the end of a node: it is waited for only while the shards answer.
    ///
    /// # Errors
    /// As [`Node::applications`], and when a shard stands still.
    pub fn applications_while_answering(
        &self,
        request: &AppRequest,
        timeout_ms: u64,
    ) -> Result<AppReply, RequestError> {
        let (to, request) = (self.controller()?, spec::encode(request));
        let send = |on_reply| self.send_call(to, &request, on_reply);
        let reply = self.wait_while_answering(timeout_ms, send)?;
        spec::decode(&reply).map_err(RequestError::BadReply)
    }

    /// Its process.
    fn controller(&self) -> Result<Pid, RequestError> {
        let controller = self.whereis(CONTROLLER);
        controller.ok_or_else(|| RequestError::NoName(CONTROLLER.to_string()))
    }
}
