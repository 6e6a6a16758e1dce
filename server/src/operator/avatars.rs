//! `end-avatar`: avatars are ended, whoever plays them.
//!
//! ```text
//!   a name ─► the registry ─► a process ─ sys:get_status ─► its parent ─► … ─► the child of the supervisor of avatars
//!                                                                                  └ supervisor: terminate_child
//! ```
//! Which supervisor that is, and what the game calls an avatar, the release says (`game`). A player whose avatar ends hears
//! of that from its session.

use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::sys::{self, SysMessage};
use pq_otp::{Pid, RequestError, Term};

use super::answer::AtDoor;
use super::desk::Desk;
use super::door;
use super::exit::{Exit, Failure};
use crate::door::Game;

/// How long an avatar may take to end: one that is a supervisor with two children may take seven seconds by their
/// specifications, and three more are for everybody else who wants something of the supervisor of avatars.
const END_TIMEOUT_MS: u64 = 10_000;

/// How many are told to end at once: the supervisor comes to others between two such batches.
const BATCH: usize = 1_000;

/// How many supervisors may stand between a process with a name and the supervisor of avatars.
const DEPTH_MAX: usize = 8;

/// The avatars of a node: what the game calls them, and who supervises them.
struct Avatars<'a> {
    desk: &'a Desk,
    game: Game,
    supervisor: Pid,
}

impl Avatars<'_> {
    /// Those of the release that runs; `what` is what is wanted of them.
    fn of<'a>(desk: &'a Desk, what: &str) -> Result<Avatars<'a>, Failure> {
        let refused = |why: &str| Failure::new(Exit::Refused, format!("failed to {what}: {why}"));
        let game = crate::door::game(&desk.booted).map_err(|error| refused(&error.to_string()))?;
        let supervisor = game.avatars.as_deref().ok_or_else(|| {
            refused("the release does not say which supervisor has its avatars ({avatars, …} in its setting game)")
        })?;
        let none = || refused(&format!("no {} has this name", game.noun.one));
        let supervisor = desk.node().whereis(supervisor).ok_or_else(none)?;
        Ok(Avatars {
            desk,
            game,
            supervisor,
        })
    }

    /// The avatar that a process belongs to: itself or one of its ancestors, the child of the supervisor.
    fn owning(&self, process: Pid) -> Result<Option<Pid>, RequestError> {
        let mut child = process;
        for _ in 0..DEPTH_MAX {
            match parent_of(self.desk, child)? {
                Some(parent) if parent == self.supervisor => return Ok(Some(child)),
                Some(parent) => child = parent,
                None => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The parent in the status of a process.
fn parent_of(desk: &Desk, process: Pid) -> Result<Option<Pid>, RequestError> {
    let status = desk
        .node()
        .sys(process, SysMessage::GetStatus, sys::TIMEOUT_MS)?;
    // {status, Pid, {module, M}, [Dictionary, Mode, Parent, Debug, Misc]}
    let items = status.as_tuple().and_then(|parts| parts.get(3)?.as_list());
    Ok(items.and_then(|items| items.get(2)?.as_pid()))
}

/// Ends the avatar of this name, or of one that looks like it; its player is told this before, unless it is empty.
pub(super) fn end(desk: &Desk, name: &str, text: &str) -> Result<AtDoor, Failure> {
    let avatars = Avatars::of(desk, &format!("end {name}"))?;
    let one = &avatars.game.noun.one;
    let failed = |exit, why: &str| Failure::new(exit, format!("failed to end {name}: {why}"));
    let nobody = || failed(Exit::Refused, &format!("no {one} has this name"));
    let other = || {
        failed(
            Exit::Refused,
            &format!("the process with this name is no {one}"),
        )
    };
    let process = door::avatar(desk, name).ok_or_else(nobody)?;
    let registered = desk.booted.names().name_of(process);
    let avatar = match avatars.owning(process) {
        Ok(avatar) => avatar.ok_or_else(other)?,
        Err(RequestError::Exit(_)) => return Err(nobody()),
        Err(error) => return Err(failed(Exit::Unknown, &error.to_string())),
    };
    let addresses = tell(desk, name, text);
    let request = SupRequest::TerminatePid(avatar);
    let node = desk.node();
    match node.ask_supervisor(avatars.supervisor, &request, END_TIMEOUT_MS) {
        Ok(SupReply::Ok) => (),
        // Somebody else has ended it meanwhile.
        Ok(SupReply::Error(_)) if !node.is_alive(avatar) => (),
        Ok(_) => return Err(other()),
        Err(error) => return Err(failed(Exit::Unknown, &format!("{error}; it may still end"))),
    }
    let registered = registered.as_ref().and_then(Term::as_str);
    Ok(AtDoor::EndAvatar {
        name: registered.unwrap_or(name).to_string(),
        addresses,
    })
}

/// Says a line to whoever plays this avatar; where they come from.
fn tell(desk: &Desk, name: &str, text: &str) -> Vec<String> {
    let Some(door) = &desk.door else {
        return Vec::new();
    };
    let players = door.guests().into_iter();
    let players = players.filter(|guest| door::is_of(guest, name));
    let tell = |guest: sockserv::Guest| {
        if !text.is_empty() {
            door.tell(guest.port, text);
        }
        guest.address.to_string()
    };
    players.map(tell).collect()
}

/// Ends all avatars that play for nobody because their client has left them.
pub(super) fn end_abandoned(desk: &Desk) -> Result<AtDoor, Failure> {
    let abandoned = desk.door.as_ref().map(|door| door.list_abandoned());
    let abandoned = abandoned.unwrap_or_default();
    if abandoned.is_empty() {
        return Ok(AtDoor::EndAbandoned { ended: 0 });
    }
    let avatars = Avatars::of(desk, "end what plays for nobody")?;
    let mut ended = 0;
    for batch in abandoned.chunks(BATCH) {
        let answered = end_batch(&avatars, batch);
        ended += answered as u64;
        if answered < batch.len() {
            let sentence = format!(
                "failed to end all of {}: {ended} have ended, and the others did not say so within {END_TIMEOUT_MS} ms; \
                 they may still end",
                abandoned.len()
            );
            return Err(Failure::new(Exit::Unknown, sentence));
        }
    }
    Ok(AtDoor::EndAbandoned { ended })
}

/// Ends these, side by side; how many are gone.
fn end_batch(avatars: &Avatars<'_>, batch: &[Pid]) -> usize {
    let (sender, answers) = sync_channel(batch.len());
    for avatar in batch {
        let (sender, request) = (sender.clone(), SupRequest::TerminatePid(*avatar));
        let node = avatars.desk.node();
        // One that has ended by itself meanwhile is as well.
        node.request(avatars.supervisor, &spec::encode(&request), move |_| {
            // There is room for all of them.
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
