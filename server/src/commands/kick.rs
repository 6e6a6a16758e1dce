//! `pq kick`: sends a client a text and closes its connection.

use clap::Args;
use pq_protocol::{Exit, Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, message};
use super::kinds::{AtDoor, Said};
use crate::client::{Show, printable};
use crate::running::{RunningNode, plays};

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Kick {
    /// The avatar's name or the client's address, as `who` shows it
    #[arg(value_name = "NAME|ADDRESS")]
    whom: String,
    /// A line of text for the client before the close
    #[arg(value_parser = message)]
    text: Option<String>,
}

/// The answer to `kick`: the connections that are being closed.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "kick")]
pub(crate) struct Kicked {
    /// The addresses of the clients.
    addresses: Vec<String>,
}

impl Words for Kick {
    const NAME: &'static str = "kick";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Kicked;

    fn typed(&self) -> String {
        format!("kick {}", self.whom)
    }
}

impl AtDoor for Kick {
    fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn whom(&self) -> Option<&str> {
        Some(&self.whom)
    }

    fn carry_out(self, node: &RunningNode, said: Said<'_>) -> Result<Kicked, Failure> {
        let (whom, text) = (&self.whom, said.text.unwrap_or_default());
        let door = node.door_to(&self.typed())?;
        let is_meant =
            |guest: &sockserv::Guest| guest.address.to_string() == *whom || plays(guest, whom);
        let meant = door.guests().into_iter().filter(is_meant);
        let kicked = meant.filter(|guest| door.kick(guest.port, text));
        let addresses: Vec<String> = kicked.map(|guest| guest.address.to_string()).collect();
        match addresses.is_empty() {
            false => Ok(Kicked { addresses }),
            true => Err(Failure::new(
                Exit::Refused,
                format!(
                    "failed to kick {whom}: no connected client has this name or address; {}",
                    elsewhere(node, whom)
                ),
            )),
        }
    }
}

/// Where the avatar of a name without a connected client may be found.
fn elsewhere(node: &RunningNode, name: &str) -> String {
    if node.avatar(name).is_none() {
        return "`pq who` lists the connected clients".to_string();
    }
    let one = node.noun().one;
    format!("the {one} of this name has no client; `pq end-{one}` ends the {one}")
}

impl Show for Kicked {
    fn show(&self) -> String {
        format!("closed: {}", printable(&self.addresses.join(", ")))
    }
}
