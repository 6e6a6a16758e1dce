//! At the door: `who`, `kick`, `wall`, `lock`.
//!
//! Whoever is banned, what a shutdown says, and how avatars are ended stand in files of their own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use pq_otp::{Pid, ProcessInfo, Term};
use pq_protocol::answer::Rows;
use sockserv::{Door, Noun, Transport};

use super::answer::{AtDoor, DoorStatus, Guest};
use super::avatars;
use super::clock::rfc3339;
use super::desk::Desk;
use super::exit::{Exit, Failure};
use super::look;
use super::request::{DoorRequest, TEXT_MAX};
use super::who::Who;

/// `status`: the door, when the release has one.
pub(crate) fn status(desk: &Desk) -> Option<DoorStatus> {
    desk.door.as_ref().map(|door| DoorStatus {
        address: door.address().to_string(),
        clients: door.clients() as u64,
        players: door.players() as u64,
        abandoned: door.abandoned() as u64,
        locked: door.is_locked(),
        tls_address: door.tls_address().map(|address| address.to_string()),
        web_address: door.web_address().map(|address| address.to_string()),
        refused: refused(door),
    })
}

fn refused(door: &Door) -> BTreeMap<String, u64> {
    let counted = door.refused().filter(|(_, count)| *count > 0);
    counted
        .map(|(word, count)| (word.to_string(), count))
        .collect()
}

/// `who`.
pub(crate) fn who(desk: &Desk) -> Result<Rows<Guest>, Failure> {
    let guests = door(desk, "list who is in")?.guests();
    let (processes, missing) = look::processes(desk);
    let of: HashMap<Pid, &ProcessInfo> = processes
        .iter()
        .map(|process| (process.pid, process))
        .collect();
    let vsn = |pid: Pid| of.get(&pid).map(|process| process.vsn.clone());
    let row = |guest: sockserv::Guest| {
        let avatar = guest.avatar.as_deref();
        let avatar = avatar.and_then(|name| self::avatar(desk, name));
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
    Ok(Rows::of(guests.into_iter().map(row).collect()).without(missing))
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

/// Does what is asked, and says this text, of [`text`].
pub(crate) fn carry_out(
    desk: &Desk,
    request: &DoorRequest,
    who: &Who,
    text: Option<&str>,
) -> Result<AtDoor, Failure> {
    let door = || door(desk, &request.to_string());
    let words = text.map(str::to_string);
    let text = text.unwrap_or_default();
    Ok(match request {
        DoorRequest::Kick { whom, .. } => AtDoor::Kick {
            addresses: kick(desk, whom, text)?,
        },
        // Avatars play without a door, too.
        DoorRequest::EndAvatar { name, .. } => avatars::end(desk, name, text)?,
        DoorRequest::EndAbandoned { .. } => avatars::end_abandoned(desk)?,
        DoorRequest::Ban { whom, for_ms, .. } => {
            door()?;
            let span = for_ms.map(Duration::from_millis);
            let (banned, dismissed) = desk.bans.ban(who, whom, span, words)?;
            AtDoor::Ban { banned, dismissed }
        }
        DoorRequest::Unban { whom } => {
            door()?;
            desk.bans.unban(whom)?;
            let whom = whom.clone();
            AtDoor::Unban { whom }
        }
        DoorRequest::Wall { .. } => AtDoor::Wall {
            clients: door()?.announce(&format!("*** {text}")) as u64,
        },
        DoorRequest::Lock { locked } => {
            let door = door()?;
            door.lock(*locked);
            AtDoor::Lock {
                locked: *locked,
                clients: door.clients() as u64,
            }
        }
    })
}

/// What is said with a request, as [`line()`] has it. Whom it is about is no longer than that either.
pub(crate) fn text(request: &DoorRequest) -> Result<Option<String>, Failure> {
    if let Some(whom) = request.whom() {
        clean("a name", whom)?;
    }
    line(request.text().map(str::to_string))
}

/// A text for players, without control characters: one line, that a queue of any client and the history have room
/// for.
pub(crate) fn line(text: Option<String>) -> Result<Option<String>, Failure> {
    text.map(|text| clean("a text", &text)).transpose()
}

fn clean(what: &str, text: &str) -> Result<String, Failure> {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    match clean.chars().count() {
        1..=TEXT_MAX => Ok(clean),
        length => Err(Failure::new(
            Exit::Usage,
            format!(
                "failed to read the request: {what} has 1 to {TEXT_MAX} characters, control characters not \
                 counted, and this one has {length}"
            ),
        )),
    }
}

/// Whether this client's avatar has this name, or one that looks like it.
pub(super) fn is_of(guest: &sockserv::Guest, name: &str) -> bool {
    let avatar = guest.avatar.as_deref();
    avatar.is_some_and(|avatar| regis_confusable::is_same(avatar, name))
}

fn kick(desk: &Desk, whom: &str, text: &str) -> Result<Vec<String>, Failure> {
    let door = door(desk, &format!("kick {whom}"))?;
    let is_meant =
        |guest: &sockserv::Guest| guest.address.to_string() == whom || is_of(guest, whom);
    let meant = door.guests().into_iter().filter(is_meant);
    let kicked = meant.filter(|guest| door.kick(guest.port, text));
    let addresses: Vec<String> = kicked.map(|guest| guest.address.to_string()).collect();
    match addresses.is_empty() {
        false => Ok(addresses),
        true => Err(Failure::new(
            Exit::Refused,
            format!(
                "failed to kick {whom}: nobody with this name or address is in; {}",
                match avatar(desk, whom) {
                    Some(_) => {
                        let one = noun(desk).one;
                        format!(
                            "the {one} of this name plays for nobody, and `pq end-{one}` ends it"
                        )
                    }
                    None => "`pq who` lists everybody".to_string(),
                }
            ),
        )),
    }
}

fn door<'a>(desk: &'a Desk, what: &str) -> Result<&'a Arc<Door>, Failure> {
    desk.door.as_ref().ok_or_else(|| {
        let sentence = format!("failed to {what}: the release that runs has no door");
        Failure::new(Exit::Refused, sentence)
    })
}

/// What the game calls an avatar.
fn noun(desk: &Desk) -> Noun {
    crate::door::game(&desk.booted).unwrap_or_default().noun
}

/// The process of the avatar with this name.
pub(super) fn avatar(desk: &Desk, name: &str) -> Option<Pid> {
    desk.booted.names().whereis(&Term::string(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_for_players_is_one_line_that_says_something() {
        let wall = |text: &str| {
            let text = text.to_string();
            super::text(&DoorRequest::Wall { text })
        };
        let said = wall("a\n\u{1b}[2Jb\u{9b}勇").unwrap();
        assert_eq!(said.as_deref(), Some("a[2Jb勇"));
        let longest = "x".repeat(TEXT_MAX);
        assert_eq!(wall(&longest).unwrap(), Some(longest));
        for odd in ["", "\n\u{7}", &"x".repeat(TEXT_MAX + 1)] {
            assert_eq!(wall(odd).unwrap_err().exit, Exit::Usage, "{odd:?}");
            let (whom, text) = (odd.to_string(), None);
            let kick = super::text(&DoorRequest::Kick { whom, text });
            assert_eq!(kick.unwrap_err().exit, Exit::Usage, "{odd:?}");
        }
    }
}
