//! `pq unban`: lifts the ban of an address, a network or a name.

use clap::Args;
use pq_protocol::{Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::{AtDoor, Said};
use crate::client::{Show, printable};
use crate::running::RunningNode;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Unban {
    /// The address, network or name as `bans` shows it
    #[arg(value_name = "ADDRESS|NETWORK|NAME")]
    whom: String,
}

/// The answer to `unban`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "unban")]
pub(crate) struct Unbanned {
    /// The address, network or name of the lifted ban.
    whom: String,
}

impl Words for Unban {
    const NAME: &'static str = "unban";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Unbanned;

    fn typed(&self) -> String {
        format!("unban {}", self.whom)
    }
}

impl AtDoor for Unban {
    fn whom(&self) -> Option<&str> {
        Some(&self.whom)
    }

    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<Unbanned, Failure> {
        node.door_to(&self.typed())?;
        node.bans().unban(&self.whom)?;
        Ok(Unbanned { whom: self.whom })
    }
}

impl Show for Unbanned {
    fn show(&self) -> String {
        format!("{} is no longer banned", printable(&self.whom))
    }
}
