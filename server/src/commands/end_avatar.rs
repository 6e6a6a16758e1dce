//! `pq end-avatar`, for which a game may define another name: ends avatars, with or without a player.
//!
//! ```text
//!   a name ─► the registry ─► a process ─ sys:get_status ─► its parent ─► … ─► the child of the supervisor of avatars
//!                                                                                  └ supervisor: terminate_child
//! ```
//! The release defines the supervisor of avatars and the game's word for an avatar (`door::game`). The session of the
//! avatar tells its player about the end.

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
use crate::client::{At, Show, counted, printable};
use crate::door::Game;
use crate::noun::noun;
use crate::running::{RunningNode, plays};

/// The limit for the end of an avatar: the child specifications allow an avatar that is a supervisor with two
/// children 7 s, and 3 s remain for other requests to the supervisor of avatars.
const END_TIMEOUT_MS: u64 = 10_000;

/// The number of avatars that are ended at once: the supervisor handles other requests between two batches.
const BATCH: usize = 1_000;

/// The limit of supervisors between a process with a name and the supervisor of avatars.
const DEPTH_MAX: usize = 8;

#[derive(Args, Debug)]
pub(crate) struct EndAvatarArgs {
    /// The name of the avatar as `who` and `names` show it, or a name that looks the same
    #[arg(required_unless_present = "abandoned")]
    name: Option<String>,
    /// A line of text for the player before the end
    #[arg(value_parser = message)]
    text: Option<String>,
    /// End all avatars whose clients have left without `quit`; avatars that operators started are not ended
    #[arg(long, conflicts_with_all = ["name", "text"])]
    abandoned: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct EndAvatar {
    /// The game's word for an avatar, for the history.
    noun: String,
    name: String,
    /// A line of text for the player before the end.
    text: Option<String>,
}

/// A request to end all avatars whose clients have left.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct EndAbandoned {
    /// The game's word for an avatar, for the history.
    noun: String,
}

/// The answer to `end-avatar NAME`.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename = "end_avatar")]
pub(crate) struct Ended {
    /// The registered name of the avatar.
    name: String,
    /// The addresses of the avatar's clients; empty for an avatar whose client had left or that an operator had
    /// started.
    addresses: Vec<String>,
}

/// The answer to `end-avatar --abandoned`.
#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "operation", rename = "end_abandoned")]
pub(crate) struct AllEnded {
    /// The number of ended avatars.
    ended: u64,
}

impl Typed for EndAvatarArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let noun = noun().one.clone();
        let Some(name) = self.name.clone() else {
            let all = EndAbandoned { noun };
            return self.at.show::<AllEnded>(&all.typed(), &request(&all)?);
        };
        let text = self.text.clone();
        let one = EndAvatar { noun, name, text };
        self.at.show::<Ended>(&one.typed(), &request(&one)?)
    }
}

impl Words for EndAvatar {
    const NAME: &'static str = "end_avatar";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Ended;

    fn typed(&self) -> String {
        format!("end-{} {}", self.noun, self.name)
    }
}

impl Words for EndAbandoned {
    const NAME: &'static str = "end_abandoned";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = AllEnded;

    fn typed(&self) -> String {
        format!("end-{} --abandoned", self.noun)
    }
}

// A node without listeners can have avatars, too.
impl AtDoor for EndAvatar {
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

/// The game's word for an avatar, and the process that supervises the avatars of a node.
struct Avatars<'a> {
    node: &'a RunningNode,
    game: Game,
    supervisor: Pid,
}

impl Avatars<'_> {
    /// The avatars of the running release; `what` names the operation in an error.
    fn of<'a>(node: &'a RunningNode, what: &str) -> Result<Avatars<'a>, Failure> {
        let refused = |why: &str| Failure::new(Exit::Refused, format!("failed to {what}: {why}"));
        let game = node.game();
        let supervisor = game.avatars.as_deref().ok_or_else(|| {
            refused(
                "the release does not name the supervisor of its avatars ({avatars, …} in its setting game)",
            )
        })?;
        let none = || {
            refused(&format!(
                "no process is registered as {supervisor} ({{avatars, …}} in the setting game)"
            ))
        };
        let supervisor = node.node().whereis(supervisor).ok_or_else(none)?;
        Ok(Avatars {
            node,
            game,
            supervisor,
        })
    }

    /// The avatar of a process: the process itself or one of its ancestors, a child of the supervisor of avatars.
    fn owning(&self, process: Pid) -> Result<Option<Pid>, RequestError> {
        let mut child = process;
        for _ in 0..DEPTH_MAX {
            match parent_of(self.node, child)? {
                Some(parent) if parent == self.supervisor => return Ok(Some(child)),
                Some(parent) => child = parent,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The parent of a process according to its status.
fn parent_of(node: &RunningNode, process: Pid) -> Result<Option<Pid>, RequestError> {
    let status = node
        .node()
        .asking()
        .sys(process, SysMessage::GetStatus, sys::TIMEOUT_MS)?;
    // {status, Pid, {module, M}, [Dictionary, Mode, Parent, Debug, Misc]}
    let items = status.as_tuple().and_then(|parts| parts.get(3)?.as_list());
    Ok(items.and_then(|items| items.get(2)?.as_pid()))
}

/// Ends the avatar of this name, or of a name that looks the same. The player receives `text` first if it is not
/// empty.
pub(super) fn end(node: &RunningNode, name: &str, text: &str) -> Result<Ended, Failure> {
    let avatars = Avatars::of(node, &format!("end {name}"))?;
    let one = &avatars.game.noun.one;
    let failed = |exit, why: &str| Failure::new(exit, format!("failed to end {name}: {why}"));
    let nobody = || failed(Exit::Refused, &format!("no {one} has this name"));
    let other = || {
        let why = format!("the process with this name is no {one}");
        failed(Exit::Refused, &why)
    };
    let process = node.avatar(name).ok_or_else(nobody)?;
    let registered = node.names().name_of(process);
    let avatar = match avatars.owning(process) {
        Ok(avatar) => avatar.ok_or_else(other)?,
        Err(RequestError::Exit(_)) => return Err(nobody()),
        Err(error) => return Err(failed(Exit::Unknown, &error.to_string())),
    };
    if let Some(saves) = node.saves() {
        // With its word it would rest, and its player could come back.
        let forgotten = saves.forget_word(name);
        forgotten.map_err(|why| failed(Exit::Unknown, &why.to_string()))?;
    }
    let addresses = tell(node, name, text);
    let request = SupRequest::TerminatePid(avatar);
    let ended = node
        .node()
        .asking()
        .ask_supervisor(avatars.supervisor, &request, END_TIMEOUT_MS);
    match ended {
        Ok(SupReply::Ok) => (),
        // Another request has ended the avatar in the meantime.
        Ok(SupReply::Error(_)) if !node.node().is_alive(avatar) => (),
        Ok(_) => return Err(other()),
        Err(error) => {
            return Err(failed(
                Exit::Unknown,
                &format!("{error}; the avatar may still end"),
            ));
        }
    }
    let registered = registered.as_ref().and_then(Term::as_str);
    Ok(Ended {
        name: registered.unwrap_or(name).to_string(),
        addresses,
    })
}

/// Sends a line to the clients of this avatar and returns their addresses.
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

/// Ends all avatars whose clients have left.
fn end_abandoned(node: &RunningNode) -> Result<AllEnded, Failure> {
    let abandoned = node.door().map(|door| door.list_abandoned());
    let abandoned = abandoned.unwrap_or_default();
    if abandoned.is_empty() {
        return Ok(AllEnded { ended: 0 });
    }
    let avatars = Avatars::of(node, "end avatars without a client")?;
    let mut ended = 0;
    for batch in abandoned.chunks(BATCH) {
        let answered = end_batch(&avatars, batch);
        ended += answered as u64;
        if answered < batch.len() {
            let sentence = format!(
                "failed to end all of {}: {ended} have ended, and the others did not confirm their end within \
                 {END_TIMEOUT_MS} ms; they may still end",
                abandoned.len()
            );
            return Err(Failure::new(Exit::Unknown, sentence));
        }
    }
    Ok(AllEnded { ended })
}

/// Ends these avatars concurrently and returns the number of ended avatars.
fn end_batch(avatars: &Avatars<'_>, batch: &[Pid]) -> usize {
    let (sender, answers) = sync_channel(batch.len());
    for avatar in batch {
        let (sender, request) = (sender.clone(), SupRequest::TerminatePid(*avatar));
        let node = avatars.node.node();
        // An avatar that has ended by itself counts as well.
        node.request(avatars.supervisor, &spec::encode(&request), move |_| {
            // The channel has a place for each answer.
            let _ = sender.try_send(());
        });
    }
    let deadline = Instant::now() + Duration::from_millis(END_TIMEOUT_MS);
    let left = || deadline.saturating_duration_since(Instant::now());
    let answered = batch.iter();
    answered
        .take_while(|_| answers.recv_timeout(left()).is_ok())
        .count()
}

impl Show for Ended {
    fn show(&self) -> String {
        let players = match self.addresses.is_empty() {
            true => "no client was connected".to_string(),
            false => format!("played from {}", printable(&self.addresses.join(", "))),
        };
        format!("{} has ended; {players}", printable(&self.name))
    }
}

impl Show for AllEnded {
    fn show(&self) -> String {
        let one = format!("{} without a client has", noun().one);
        let many = format!("{} without a client have", noun().many);
        format!("{} ended", counted(self.ended, &one, &many))
    }
}
