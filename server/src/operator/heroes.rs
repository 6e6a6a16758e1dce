//! `end-hero`: heroes are ended, whoever plays them.
//!
//! ```text
//!   a name ─► the registry ─► the hero ─ sys:get_status ─► its supervisor ─► pq_supersup: terminate_child
//!                                                                 └ who plays it hears of that end from its session
//! ```
//! Every version of the game keeps its heroes so. A session whose hero ends asks its player for another name.

use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::sys::{self, SysMessage};
use pq_otp::{Ask, Pid, RequestError, Term};

use super::answer::AtDoor;
use super::desk::Desk;
use super::door;
use super::exit::{Exit, Failure};

/// The supervisor of all heroes.
const SUPERSUP: &str = "pq_supersup";

/// How long a hero may take to end: `pq_sup` gives it two seconds and its event manager five, and three more are for everybody
/// else who wants something of the supervisor (`processquest:stop_player`).
const END_TIMEOUT_MS: u64 = 10_000;

/// How many are told to end at once: the supervisor comes to others between two such crowds.
const CROWD: usize = 1_000;

/// Ends the hero of this name, or of one that looks like it; who plays it is told this before, unless it is empty.
pub(super) fn end(desk: &Desk, name: &str, text: &str) -> Result<AtDoor, Failure> {
    let failed = |exit, why: &str| Failure::new(exit, format!("failed to end {name}: {why}"));
    let nobody = || failed(Exit::Refused, "no hero has this name");
    let hero = door::hero(desk, name).ok_or_else(nobody)?;
    let registered = desk.booted.names().name_of(hero);
    let supervisor = match parent_of(desk, hero) {
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
    let supersup = desk.node().whereis(SUPERSUP).ok_or_else(nobody)?;
    let addresses = tell(desk, name, text);
    let request = SupRequest::TerminatePid(supervisor);
    let ended = desk
        .node()
        .asking()
        .ask_supervisor(supersup, &request, END_TIMEOUT_MS);
    match ended {
        Ok(SupReply::Ok) => (),
        // Somebody else has ended it meanwhile.
        Ok(SupReply::Error(_)) if !desk.node().is_alive(supervisor) => (),
        Ok(_) => {
            return Err(failed(
                Exit::Refused,
                "the process with this name is no hero",
            ));
        }
        Err(error) => return Err(failed(Exit::Unknown, &format!("{error}; it may still end"))),
    }
    let registered = registered.as_ref().and_then(Term::as_str);
    Ok(AtDoor::EndHero {
        name: registered.unwrap_or(name).to_string(),
        addresses,
    })
}

/// The parent in the status of a process: of a hero its supervisor.
fn parent_of(desk: &Desk, process: Pid) -> Result<Option<Pid>, RequestError> {
    let status = desk
        .node()
        .asking()
        .sys(process, SysMessage::GetStatus, sys::TIMEOUT_MS)?;
    // {status, Pid, {module, M}, [Dictionary, Mode, Parent, Debug, Misc]}
    let items = status.as_tuple().and_then(|parts| parts.get(3)?.as_list());
    Ok(items.and_then(|items| items.get(2)?.as_pid()))
}

/// Says a line to whoever plays this hero; where they come from.
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

/// Ends all heroes that play for nobody because their client has left them.
pub(super) fn end_abandoned(desk: &Desk) -> Result<AtDoor, Failure> {
    let abandoned = desk.door.as_ref().map(|door| door.list_abandoned());
    let abandoned = abandoned.unwrap_or_default();
    let Some(supersup) = desk.node().whereis(SUPERSUP) else {
        return Ok(AtDoor::EndAbandoned { ended: 0 });
    };
    let mut ended = 0;
    for crowd in abandoned.chunks(CROWD) {
        let answered = end_crowd(desk, supersup, crowd);
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
    Ok(AtDoor::EndAbandoned { ended })
}

/// Ends these, side by side; how many are gone.
fn end_crowd(desk: &Desk, supersup: Pid, heroes: &[Pid]) -> usize {
    let (sender, answers) = sync_channel(heroes.len());
    for hero in heroes {
        let (sender, request) = (sender.clone(), SupRequest::TerminatePid(*hero));
        // One that has ended by itself meanwhile is as well.
        desk.node()
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
