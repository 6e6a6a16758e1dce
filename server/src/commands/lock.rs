//! `pq lock`: refuses new clients, or admits them again.

use clap::Args;
use pq_protocol::{Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Switch, Typed, Words, request};
use super::kinds::{AtDoor, Said};
use crate::client::{At, Show, counted};
use crate::running::RunningNode;

#[derive(Args, Debug)]
pub(crate) struct LockArgs {
    /// Whether new clients are refused; a restart of the node ends the lock
    #[arg(value_enum)]
    switch: Switch,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Lock {
    /// Whether new clients are refused.
    locked: bool,
}

/// The answer to `lock`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "lock")]
pub(crate) struct Locked {
    /// Whether new clients are refused.
    locked: bool,
    /// The number of connected clients.
    clients: u64,
}

impl Typed for LockArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let lock = Lock {
            locked: self.switch.is_on(),
        };
        self.at.show::<Locked>(&lock.typed(), &request(&lock)?)
    }
}

impl Words for Lock {
    const NAME: &'static str = "lock";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Locked;

    fn typed(&self) -> String {
        match self.locked {
            true => "lock on".to_string(),
            false => "lock off".to_string(),
        }
    }
}

impl AtDoor for Lock {
    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<Locked, Failure> {
        let door = node.door_to(&self.typed())?;
        door.lock(self.locked);
        Ok(Locked {
            locked: self.locked,
            clients: door.clients() as u64,
        })
    }
}

impl Show for Locked {
    fn show(&self) -> String {
        let clients = counted(self.clients, "client stays", "clients stay");
        match self.locked {
            true => format!("locked; {clients} connected"),
            false => "unlocked".to_string(),
        }
    }
}
