//! `pq ban`: clients with an address, of a network or with an avatar's name are refused.

use std::time::Duration;

use clap::Args;
use humantime::format_duration;
use pq_protocol::answer::Banned;
use pq_protocol::{Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Typed, Words, message, request};
use super::kinds::{AtDoor, Said};
use crate::client::{At, Show, counted, printable};
use crate::running::RunningNode;

#[derive(Args, Debug)]
pub(crate) struct BanArgs {
    /// The address, network or avatar's name to ban: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32 or Ann
    #[arg(value_name = "ADDRESS|NETWORK|NAME")]
    whom: String,
    /// The duration of the ban: 30m, 1h 30m, 7d [default: no end]
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    span: Option<Duration>,
    /// The reason, for `bans` and the history
    #[arg(value_parser = message)]
    text: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Ban {
    /// An address, a network in CIDR form or an avatar's name.
    whom: String,
    /// The duration in milliseconds; `None` for a ban without an end.
    for_ms: Option<u64>,
    /// The reason, for `bans` and the history.
    text: Option<String>,
}

/// The answer to `ban`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "ban")]
pub(crate) struct Enforced {
    /// The ban as `bans` lists it.
    #[serde(flatten)]
    banned: Banned,
    /// The number of clients whose connections the ban has closed.
    dismissed: u64,
}

impl Typed for BanArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let ban = Ban {
            whom: self.whom.clone(),
            for_ms: self.span.map(|span| span.as_millis() as u64),
            text: self.text.clone(),
        };
        self.at.show::<Enforced>(&ban.typed(), &request(&ban)?)
    }
}

impl Words for Ban {
    const NAME: &'static str = "ban";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Enforced;

    fn typed(&self) -> String {
        let span = self.for_ms.map(Duration::from_millis).map(format_duration);
        let span = span.map_or(String::new(), |span| format!(" for {span}"));
        format!("ban {}{span}", self.whom)
    }
}

impl AtDoor for Ban {
    fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn whom(&self) -> Option<&str> {
        Some(&self.whom)
    }

    fn carry_out(self, node: &RunningNode, said: Said<'_>) -> Result<Enforced, Failure> {
        node.door_to(&self.typed())?;
        let (span, text) = (
            self.for_ms.map(Duration::from_millis),
            said.text.map(str::to_string),
        );
        let (banned, dismissed) = node.bans().ban(said.who, &self.whom, span, text)?;
        Ok(Enforced { banned, dismissed })
    }
}

impl Show for Enforced {
    fn show(&self) -> String {
        let until = self.banned.until.as_deref();
        let until = until.map_or("for ever".into(), |until| format!("until {until}"));
        let closed = counted(self.dismissed, "client", "clients");
        let whom = printable(&self.banned.whom);
        format!("{whom} is banned {until}; {closed} closed")
    }
}
