//! `pq end-hero`: heroes are ended, whoever plays them.
//!
//! ```text
//!   a name ─► the registry ─► the hero ─ sys:get_status ─► its supervisor ─► pq_supersup: terminate_child
//!                                                                 └ who plays it hears of that end from its session
//! ```
//! Every version of the game keeps its heroes so. A session whose hero ends asks its player for another name.

use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use clap::Args;
use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::sys::{self, SysMessage};
use pq_otp::{Ask, Pid, RequestError, Term};
use pq_protocol::{Exit, Failure, Named, Request};
use serde::{Deserialize, Serialize};

use super::command::{Typed, Words, message, request};
use super::kinds::{AtDoor, Said};
use crate::client::{At, Show, printable};
use crate::running::{RunningNode, plays};

/// The supervisor of all heroes.
const SUPERSUP: &str = "pq_supersup";

/// How long a hero may take to end: `pq_sup` gives it two seconds and its event manager five, and three more are for everybody
/// else who wants something of the supervisor (`processquest:stop_player`).
const END_TIMEOUT_MS: u64 = 10_000;

/// How many are told to end at once: the supervisor comes to others between two such crowds.
const CROWD: usize = 1_000;

#[derive(Args, Debug)]
pub(crate) struct EndHeroArgs {
    /// The name of the hero, as `who` and `names` show it or in letters that look the same
    #[arg(required_unless_present = "abandoned")]
    name: Option<String>,
    /// A line that its player is sent first
    #[arg(value_parser = message)]
    text: Option<String>,
    /// End all heroes whose clients have left without `quit`; heroes that operators started are not among them
    #[arg(long, conflicts_with_all = ["name", "text"])]
    abandoned: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct EndHero {
    name: String,
    /// What its player is told first.
    text: Option<String>,
}

/// All heroes whose clients have gone and left them.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct EndAbandoned {}

/// A hero has ended.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename = "end_hero")]
pub(crate) struct Ended {
    /// Its name, as it was registered.
    name: String,
    /// Where its players come from; nobody played one that its client had left, or that an operator had started.
    addresses: Vec<String>,
}

/// Heroes that played for nobody have ended.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename = "end_abandoned")]
pub(crate) struct AllEnded {
    /// How many.
    ended: u64,
}

impl Typed for EndHeroArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let Some(name) = self.name.clone() else {
            let all = EndAbandoned {};
            return self.at.show::<AllEnded>(&all.typed(), &request(&all)?);
        };
        let text = self.text.clone();
        let one = EndHero { name, text };
        self.at.show::<Ended>(&one.typed(), &request(&one)?)
    }
}

impl Words for EndHero {
    const NAME: &'static str = "end_hero";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Ended;

    fn typed(&self) -> String {
        format!("end-hero {}", self.name)
    }
}

impl Words for EndAbandoned {
    const NAME: &'static str = "end_abandoned";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = AllEnded;

    fn typed(&self) -> String {
        "end-hero --abandoned".to_string()
    }
}

// Heroes play without a door, too.
impl AtDoor for EndHero {
    fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    fn whom(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn carry_out(self, node: &RunningNode, said: Said<'_>) -> Result<Ended, Failure> {
        end(node, &self.name, said.text.unwrap_or_default())
    }
}

impl AtDoor for EndAbandoned {
    fn carry_out(self, node: &RunningNode, _said: Said<'_>) -> Result<AllEnded, Failure> {
        end_abandoned(node)
    }
}

/// Ends the hero of this name, or of one that looks like it; who plays it is told this before, unless it is empty.
fn end(node: &RunningNode, name: &str, text: &str) -> Result<Ended, Failure> {
    let failed = |exit, why: &str| Failure::new(exit, format!("failed to end {name}: {why}"));
    let nobody = || failed(Exit::Refused, "no hero has this name");
    let hero = node.hero(name).ok_or_else(nobody)?;
    let registered = node.names().name_of(hero);
    let supervisor = match parent_of(node, hero) {
        Ok(Some(parent)) => parent,
        Ok(None) => {
            return Err(failed(
                Exit::Refused,
                "the process with this name is no hero",
            ));
        }
        Err(RequestError::Exit(_)) => return Err(nobody()),
        Err(error) => return Err(failed(Exit::Unknown, &error.to_string())),
    };
    let supersup = node.node().whereis(SUPERSUP).ok_or_else(nobody)?;
    let addresses = tell(node, name, text);
    let request = SupRequest::TerminatePid(supervisor);
    let ended = node
        .node()
        .asking()
        .ask_supervisor(supersup, &request, END_TIMEOUT_MS);
    match ended {
        Ok(SupReply::Ok) => (),
        // Somebody else has ended it meanwhile.
        Ok(SupReply::Error(_)) if !node.node().is_alive(supervisor) => (),
        Ok(_) => {
            return Err(failed(
                Exit::Refused,
                "the process with this name is no hero",
            ));
        }
        Err(error) => return Err(failed(Exit::Unknown, &format!("{error}; it may still end"))),
    }
    let registered = registered.as_ref().and_then(Term::as_str);
    Ok(Ended {
        name: registered.unwrap_or(name).to_string(),
        addresses,
    })
}

/// The parent in the status of a process: of a hero its supervisor.
fn parent_of(node: &RunningNode, process: Pid) -> Result<Option<Pid>, RequestError> {
    let status = node
        .node()
        .asking()
        .sys(process, SysMessage::GetStatus, sys::TIMEOUT_MS)?;
    // {status, Pid, {module, M}, [Dictionary, Mode, Parent, Debug, Misc]}
    let items = status.as_tuple().and_then(|parts| parts.get(3)?.as_list());
    Ok(items.and_then(|items| items.get(2)?.as_pid()))
}

/// Says a line to whoever plays this hero; where they come from.
fn tell(node: &RunningNode, name: &str, text: &str) -> Vec<String> {
    let Some(door) = node.door() else {
        return Vec::new();
    };
    let players = door.guests().into_iter();
    let players = players.filter(|guest| plays(guest, name));
    let tell = |guest: sockserv::Guest| {
        if !text.is_empty() {
            door.tell(guest.port, text);
        }
        guest.address.to_string()
    };
    players.map(tell).collect()
}

/// Ends all heroes that play for nobody because their client has left them.
fn end_abandoned(node: &RunningNode) -> Result<AllEnded, Failure> {
    let abandoned = node.door().map(|door| door.list_abandoned());
    let abandoned = abandoned.unwrap_or_default();
    let Some(supersup) = node.node().whereis(SUPERSUP) else {
        return Ok(AllEnded { ended: 0 });
    };
    let mut ended = 0;
    for crowd in abandoned.chunks(CROWD) {
        let answered = end_crowd(node, supersup, crowd);
        ended += answered as u64;
        if answered < crowd.len() {
            let sentence = format!(
                "failed to end all of {}: {ended} have ended, and the others did not say so within {END_TIMEOUT_MS} ms; \
                 they may still end",
                abandoned.len()
            );
            return Err(Failure::new(Exit::Unknown, sentence));
        }
    }
    Ok(AllEnded { ended })
}

/// Ends these, side by side; how many are gone.
fn end_crowd(node: &RunningNode, supersup: Pid, heroes: &[Pid]) -> usize {
    let (sender, answers) = sync_channel(heroes.len());
    for hero in heroes {
        let (sender, request) = (sender.clone(), SupRequest::TerminatePid(*hero));
        // One that has ended by itself meanwhile is as well.
        node.node()
            .request(supersup, &spec::encode(&request), move |_| {
                // There is room for all of them.
                let _ = sender.try_send(());
            });
    }
    let deadline = Instant::now() + Duration::from_millis(END_TIMEOUT_MS);
    let left = || deadline.saturating_duration_since(Instant::now());
    let answered = heroes.iter();
    answered
        .take_while(|_| answers.recv_timeout(left()).is_ok())
        .count()
}

impl Show for Ended {
    fn show(&self) -> String {
        let players = match self.addresses.is_empty() {
            true => "nobody played it".to_string(),
            false => format!("played from {}", printable(&self.addresses.join(", "))),
        };
        format!("{} has ended; {players}", printable(&self.name))
    }
}

impl Show for AllEnded {
    fn show(&self) -> String {
        format!("{} heroes that played for nobody have ended", self.ended)
    }
}
