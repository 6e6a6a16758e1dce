//! `pq kill`: ends a process at once (`exit(Pid, kill)`). Its supervisor decides about a restart.

use clap::Args;
use pq_protocol::{Exit, Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, message};
use super::kinds::{AtDoor, Said};
use super::sys::find;
use crate::client::Show;
use crate::running::RunningNode;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Kill {
    /// A registered name or the pid of the process
    #[arg(value_name = "NAME|PID")]
    pub(super) process: String,
    /// The reason for the operation, for the history
    #[arg(short, long, value_name = "TEXT", value_parser = message)]
    pub(super) message: Option<String>,
}

/// The answer to `kill`: the signal is sent, and the process ends as soon as its callback has returned.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "kill")]
pub(crate) struct Killed {
    pid: String,
}

impl Words for Kill {
    const NAME: &'static str = "kill";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Killed;

    fn typed(&self) -> String {
        format!("kill {}", self.process)
    }
}

impl AtDoor for Kill {
    fn text(&self) -> Option<&str> {
        self.message.as_deref()
    }

    fn whom(&self) -> Option<&str> {
        Some(&self.process)
    }

    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<Killed, Failure> {
        let pid = find(node, &self.process).map_err(|why| {
            let sentence = format!("failed to kill {}: {why}", self.process);
            Failure::new(Exit::Refused, sentence)
        })?;
        node.node().kill(pid);
        Ok(Killed {
            pid: pid.to_string(),
        })
    }
}

impl Show for Killed {
    fn show(&self) -> String {
        format!("killed: {}", self.pid)
    }
}
