//! `pq wall`: sends a line of text to all connected clients.

use clap::Args;
use pq_protocol::{Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, message};
use super::kinds::{AtDoor, Said};
use crate::client::{Show, counted};
use crate::running::RunningNode;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Wall {
    /// The line of text
    #[arg(value_parser = message)]
    text: String,
}

/// The answer to `wall`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "wall")]
pub(crate) struct WallAnswer {
    /// The number of clients that receive the text.
    clients: u64,
}

impl Words for Wall {
    const NAME: &'static str = "wall";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = WallAnswer;
}

impl AtDoor for Wall {
    fn text(&self) -> Option<&str> {
        Some(&self.text)
    }

    fn carry_out(self, node: &RunningNode, said: Said<'_>) -> Result<WallAnswer, Failure> {
        let (door, text) = (node.door_to("wall")?, said.text.unwrap_or_default());
        Ok(WallAnswer {
            clients: door.announce(&format!("*** {text}")) as u64,
        })
    }
}

impl Show for WallAnswer {
    fn show(&self) -> String {
        format!("sent to {}", counted(self.clients, "client", "clients"))
    }
}
