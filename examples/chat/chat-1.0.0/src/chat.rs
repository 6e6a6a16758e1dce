//! The application's callback module.

use pq_sdk::application::Application;
use pq_sdk::supervisor::{self, TopSupervisor};
use pq_sdk::{Ctx, Module, Reason, Term};

use crate::chat_sup::ChatSup;

/// The callback module of the application.
pub struct Chat;

impl Module for Chat {
    const NAME: &'static str = "chat";
    const VSN: &'static str = "1.0.0";
}

impl Application for Chat {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(supervisor::start::<ChatSup>(&()))
    }
}
