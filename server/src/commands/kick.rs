//! `pq kick`: somebody is told something, and the connection is closed.

use clap::Args;
use pq_protocol::{Exit, Failure, Named, Request};
use serde::{Deserialize, Serialize};

use super::command::{Words, message};
use super::kinds::{AtDoor, Said};
use crate::client::{Show, printable};
use crate::running::{RunningNode, plays};

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Kick {
    /// The name of the avatar, or the address as `who` shows it
    #[arg(value_name = "NAME|ADDRESS")]
    whom: String,
    /// What is said first
    #[arg(value_parser = message)]
    text: Option<String>,
}

/// Connections are being closed.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename = "kick")]
pub(crate) struct Kicked {
    /// Where they come from.
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
                    "failed to kick {whom}: nobody with this name or address is in; {}",
                    elsewhere(node, whom)
                ),
            )),
        }
    }
}

/// Where somebody may be who is not in.
fn elsewhere(node: &RunningNode, name: &str) -> String {
    if node.avatar(name).is_none() {
        return "`pq who` lists everybody".to_string();
    }
    let one = node.noun().one;
    format!("the {one} of this name plays for nobody, and `pq end-{one}` ends it")
}

impl Show for Kicked {
    fn show(&self) -> String {
        format!("closed: {}", printable(&self.addresses.join(", ")))
    }
}
