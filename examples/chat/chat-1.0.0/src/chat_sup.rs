//! The top supervisor. When the topic fails, the supervisor restarts the sessions, too: they are members of the lost topic.

use pq_sdk::supervisor::{Supervisor, supervise, supervisor, worker};
use pq_sdk::{InitError, Module, Strategy, SupSpec};

use crate::chat_sessions::ChatSessions;
use crate::chat_topic::Topic;

/// The callback module of the top supervisor.
pub struct ChatSup;

impl Module for ChatSup {
    const NAME: &'static str = "chat_sup";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "chat_sup";
}

impl Supervisor for ChatSup {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let topic = worker::<Topic>("chat_topic", &());
        let sessions = supervisor::<ChatSessions>("chat_sessions", &());
        Ok(supervise(Strategy::RestForOne, 3, 60, [topic, sessions]))
    }
}
