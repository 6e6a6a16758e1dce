//! The supervisor of all sessions. The node adds a child for each client, with the client's port as its argument.

use pq_sdk::supervisor::{Refine, Supervisor, supervise, worker};
use pq_sdk::{InitError, Module, Restart, Strategy, SupSpec};

use crate::chat_session::Session;

/// The callback module of the sessions' supervisor.
pub struct ChatSessions;

impl Module for ChatSessions {
    const NAME: &'static str = "chat_sessions";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "chat_sessions";
}

impl Supervisor for ChatSessions {
    type Args = ();

    /// A session that has ended has lost its client, so it is not started again.
    fn init((): ()) -> Result<SupSpec, InitError> {
        let session = worker::<Session>("chat_session", &()).restart(Restart::Temporary);
        Ok(supervise(Strategy::SimpleOneForOne, 10, 60, [session]))
    }
}
