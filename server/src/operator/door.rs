//! At the door: `who`, `kick`, `wall`, `lock`.
//!
//! The door knows connections and not who plays at them. That is asked of the sessions themselves, all at once and
//! within one deadline, as `sys:get_state` would: whoever does not answer in time has no name in the listing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use pq_otp::sys::SysMessage;
use pq_otp::{Pid, ProcessInfo, Reason, Term};
use sockserv::Door;

use super::answer::{AtDoor, DoorStatus, Guest, Rows};
use super::clock::rfc3339;
use super::desk::Desk;
use super::exit::{Exit, Failure};
use super::look;
use super::request::{DoorRequest, TEXT_MAX};

/// How long sessions may take to say who plays: ten thousand of them need some 200 ms on two cores, and the
/// operator's command gives up after ten seconds.
const NAMES_TIMEOUT: Duration = Duration::from_secs(2);

/// `status`: the door, when the release has one.
pub(crate) fn status(desk: &Desk) -> Option<DoorStatus> {
    desk.door.as_ref().map(|door| DoorStatus {
        address: door.address().to_string(),
        clients: door.clients() as u64,
        players: door.players() as u64,
        locked: door.is_locked(),
    })
}

/// `who`.
pub(crate) fn who(desk: &Desk) -> Result<Rows<Guest>, Failure> {
    let named = named(desk, door(desk, "list who is in")?);
    let processes = look::processes(desk)?;
    let of: HashMap<Pid, &ProcessInfo> = processes
        .iter()
        .map(|process| (process.pid, process))
        .collect();
    let vsn = |pid: Pid| of.get(&pid).map(|process| process.vsn.clone());
    let row = |(guest, name): (sockserv::Guest, Option<String>)| {
        let hero = name.as_deref().and_then(|name| hero(desk, name));
        Guest {
            name,
            address: guest.address.to_string(),
            protocol: protocol(&guest).to_string(),
            program: guest.program,
            terminal: guest.terminal,
            pid: guest.process.to_string(),
            session_vsn: vsn(guest.process),
            hero_vsn: hero.and_then(vsn),
            since: rfc3339(guest.since),
            idle_ms: guest.idle.as_millis() as u64,
        }
    };
    Ok(Rows::of(named.into_iter().map(row).collect()))
}

fn protocol(guest: &sockserv::Guest) -> &'static str {
    match guest.speaks_telnet {
        true => "telnet",
        false => "text",
    }
}

/// Does what is asked, and says this text, of [`text`].
pub(crate) fn carry_out(
    desk: &Desk,
    request: &DoorRequest,
    text: Option<&str>,
) -> Result<AtDoor, Failure> {
    let door = door(desk, &request.to_string())?;
    let text = text.unwrap_or_default();
    Ok(match request {
        DoorRequest::Kick { whom, .. } => AtDoor::Kick {
            addresses: kick(desk, door, whom, text)?,
        },
        DoorRequest::Wall { .. } => AtDoor::Wall {
            clients: door.announce(&format!("*** {text}")) as u64,
        },
        DoorRequest::Lock { locked } => {
            door.lock(*locked);
            AtDoor::Lock {
                locked: *locked,
                clients: door.clients() as u64,
            }
        }
    })
}

/// What players are to read of it, without control characters: one line, that a queue of any client and the history
/// have room for. A name is no longer than that either.
pub(crate) fn text(request: &DoorRequest) -> Result<Option<String>, Failure> {
    let refuse = |what: &str, length: usize| {
        let sentence = format!(
            "failed to read the request: {what} has 1 to {TEXT_MAX} characters, control characters not counted, \
             and this one has {length}"
        );
        Failure::new(Exit::Usage, sentence)
    };
    let clean = |what: &str, text: &str| {
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        match clean.chars().count() {
            1..=TEXT_MAX => Ok(clean),
            length => Err(refuse(what, length)),
        }
    };
    if let DoorRequest::Kick { whom, .. } = request {
        clean("a name", whom)?;
    }
    request.text().map(|text| clean("a text", text)).transpose()
}

fn kick(desk: &Desk, door: &Door, whom: &str, text: &str) -> Result<Vec<String>, Failure> {
    let is_meant = |(guest, name): &(sockserv::Guest, Option<String>)| {
        guest.address.to_string() == whom || name.as_deref() == Some(whom)
    };
    let meant = named(desk, door).into_iter().filter(is_meant);
    let kicked = meant.filter(|(guest, _)| door.kick(guest.port, text));
    let addresses: Vec<String> = kicked.map(|(guest, _)| guest.address.to_string()).collect();
    match addresses.is_empty() {
        false => Ok(addresses),
        true => Err(Failure::new(
            Exit::Refused,
            format!(
                "failed to kick {whom}: nobody with this name or address is in; `pq who` lists everybody"
            ),
        )),
    }
}

fn door<'a>(desk: &'a Desk, what: &str) -> Result<&'a Arc<Door>, Failure> {
    desk.door.as_ref().ok_or_else(|| {
        let sentence = format!("failed to {what}: the release that runs has no door (`sockserv`)");
        Failure::new(Exit::Refused, sentence)
    })
}

/// The process of the hero with this name.
fn hero(desk: &Desk, name: &str) -> Option<Pid> {
    desk.booted.names().whereis(&Term::string(name))
}

/// Everybody who is in, with the name of the hero where there is one.
fn named(desk: &Desk, door: &Door) -> Vec<(sockserv::Guest, Option<String>)> {
    let guests = door.guests();
    let mut names = names(ask_all(desk, &guests));
    let name = |guest: sockserv::Guest| {
        let name = names.remove(&guest.process);
        (guest, name)
    };
    guests.into_iter().map(name).collect()
}

/// A session's answer.
type State = (Pid, Result<Term, Reason>);

fn ask_all(desk: &Desk, guests: &[sockserv::Guest]) -> Receiver<State> {
    // Room for every answer: who sends one is a shard, which must not wait.
    let (answer, answers) = mpsc::sync_channel(guests.len());
    for guest in guests {
        let (answer, process) = (answer.clone(), guest.process);
        let on_reply = move |state| {
            // Nobody is interested any more when the deadline has passed.
            let _ = answer.try_send((process, state));
        };
        desk.node()
            .sys_request(process, SysMessage::GetState, on_reply);
    }
    answers
}

/// The names in the states that come in time.
fn names(states: Receiver<State>) -> HashMap<Pid, String> {
    let deadline = Instant::now() + NAMES_TIMEOUT;
    let next = || {
        let left = deadline.saturating_duration_since(Instant::now());
        states.recv_timeout(left).ok()
    };
    let name = |(pid, state): State| Some((pid, name_in(&state.ok()?)?));
    std::iter::from_fn(next).filter_map(name).collect()
}

/// The name of the hero in a session's state (`sockserv_serv`): of one that plays, or is being started. A release
/// whose sessions keep it elsewhere has no names here.
fn name_in(state: &Term) -> Option<String> {
    let phase = field(state, "phase")?;
    let hero = field(phase, "playing").and_then(|playing| field(playing, "hero"));
    let hero = hero.or_else(|| field(phase, "starting"))?;
    field(hero, "name")?.as_str().map(str::to_string)
}

fn field<'a>(term: &'a Term, name: &'static str) -> Option<&'a Term> {
    term.as_map()?.get(&Term::atom(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: &str, name: Option<&str>) {
        let state = pq_term::read_term(state).unwrap();
        assert_eq!(name_in(&state).as_deref(), name, "{state}");
    }

    #[test]
    fn a_session_has_the_name_of_its_hero_from_its_start_on() {
        check(
            r#"#{phase => #{playing => #{hero => #{name => "Ann"}}}}"#,
            Some("Ann"),
        );
        check(
            r#"#{phase => #{starting => #{name => "Ann"}}}"#,
            Some("Ann"),
        );
        check(r#"#{phase => #{stats => #{name => "Ann"}}}"#, None);
        check("#{phase => name}", None);
        check("{state,1}", None);
    }

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
