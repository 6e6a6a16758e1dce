//! `pq who`: the connected clients.

use std::collections::HashMap;
use std::time::Duration;

use clap::Args;
use pq_otp::{Pid, ProcessInfo};
use pq_protocol::Failure;
use pq_protocol::answer::Rows;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sockserv::Transport;

use super::command::Words;
use super::kinds::Question;
use crate::client::Row;
use crate::clock::{rfc3339, span};
use crate::noun::noun;
use crate::running::RunningNode;

/// The note under a list without names.
const NOT_SAID: &str = "the release does not name the avatars of clients: its setting game has no {who, …} (docs/operating.md)";

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Who {}

/// One row of the list of clients.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(crate) struct Guest {
    /// The avatar's name; `None` without an avatar, or if the session did not answer in time.
    name: Option<String>,
    /// The network address of the client.
    address: String,
    /// `telnet` or `text` (no telnet command received), each with `, TLS` over TLS; `web` for a browser.
    protocol: String,
    /// The name of the client program, as the program itself reports it.
    program: Option<String>,
    /// The terminal type that the client reports.
    terminal: Option<String>,
    /// The pid of the client's session.
    pid: String,
    /// The version that the session runs; `None` if the session has ended meanwhile.
    session_vsn: Option<String>,
    /// The version that the avatar's process runs.
    avatar_vsn: Option<String>,
    /// The time of the connect (RFC 3339).
    since: String,
    /// The time since the last line of the client, in milliseconds.
    idle_ms: u64,
}

impl Words for Who {
    const NAME: &'static str = "who";
    type Answer = Rows<Guest>;
}

impl Question for Who {
    fn answer(self, node: &RunningNode) -> Result<Rows<Guest>, Failure> {
        let guests = node.door_to("list the clients")?.guests();
        let (processes, missing) = node.processes();
        let of: HashMap<Pid, &ProcessInfo> = processes
            .iter()
            .map(|process| (process.pid, process))
            .collect();
        let vsn = |pid: Pid| of.get(&pid).map(|process| process.vsn.clone());
        let row = |guest: sockserv::Guest| {
            let avatar = guest.avatar.as_deref();
            let avatar = avatar.and_then(|name| node.avatar(name));
            Guest {
                address: guest.address.to_string(),
                protocol: protocol(&guest).to_string(),
                name: guest.avatar,
                program: guest.program,
                terminal: guest.terminal,
                pid: guest.process.to_string(),
                session_vsn: vsn(guest.process),
                avatar_vsn: avatar.and_then(vsn),
                since: rfc3339(guest.since),
                idle_ms: guest.idle.as_millis() as u64,
            }
        };
        let rows = Rows::of(guests.into_iter().map(row).collect());
        let note = (!node.game().says_who_plays()).then(|| NOT_SAID.to_string());
        Ok(rows.without(missing).noting(note))
    }
}

fn protocol(guest: &sockserv::Guest) -> &'static str {
    match (guest.transport, guest.speaks_telnet) {
        (Transport::Plain, true) => "telnet",
        (Transport::Plain, false) => "text",
        (Transport::Tls, true) => "telnet, TLS",
        (Transport::Tls, false) => "text, TLS",
        (Transport::Web, _) => "web",
    }
}

impl Row for Guest {
    const HEADING: &[&'static str] = &[
        "NAME", "ADDRESS", "PROTOCOL", "CLIENT", "TERMINAL", "SESSION", "AVATAR", "IDLE", "SINCE",
    ];

    fn heading() -> Vec<&'static str> {
        // The leak is bounded: a command shows one table.
        let avatar: &'static str = noun().one.to_uppercase().leak();
        let in_words = |heading: &&'static str| match *heading {
            "AVATAR" => avatar,
            heading => heading,
        };
        Self::HEADING.iter().map(in_words).collect()
    }

    fn cells(rows: &[Guest]) -> Vec<Vec<String>> {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
        let cells = |guest: &Guest| {
            vec![
                or_none(&guest.name),
                guest.address.clone(),
                guest.protocol.clone(),
                or_none(&guest.program),
                or_none(&guest.terminal),
                or_none(&guest.session_vsn),
                or_none(&guest.avatar_vsn),
                span(Duration::from_millis(guest.idle_ms)),
                guest.since.clone(),
            ]
        };
        rows.iter().map(cells).collect()
    }
}
