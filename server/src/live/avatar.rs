//! One avatar: its process, its connection and its state, as the card of the page shows them.

use std::iter::successors;

use axum::extract::{Path, State};
use axum::response::Response;
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Pid, Term};
use pq_protocol::{Exit, Failure};
use pq_term::shorten;
use serde::Serialize;
use serde_json::json;
use sockserv::{Guest, Transport};

use super::answer;
use crate::clock::unix_ms;
use crate::commands::pid_of;
use crate::metrics::source::Source;
use crate::operator::parent_in;
use crate::running::{RunningNode, plays};

/// The limit for the process to tell its state. The page asks again after a second.
const STATE_TIMEOUT_MS: u64 = 1_000;

/// The processes between an avatar's own and the root of its processes, which a supervisor has started.
const PARENTS_MAX: usize = 4;

/// The fields of a state that are shown, and the characters of each.
const FIELDS_MAX: usize = 60;
const FIELD_CHARS_MAX: usize = 160;

/// The depth to which maps in maps are fields of their own.
const DEPTH_MAX: usize = 3;

/// The avatars that a search finds at most.
const FOUND_MAX: usize = 8;

#[derive(Serialize)]
struct Card {
    place: u32,
    name: Option<String>,
    pid: String,
    /// The birth of the avatar, or its return to this node, in seconds since 1970; `None` for one that is not saved.
    since_unix_s: Option<u32>,
    socket: Option<Socket>,
    /// The names and values of the state, sorted by name.
    fields: Vec<(String, String)>,
    /// The reason why the state is not there.
    why: Option<String>,
}

#[derive(Serialize)]
struct Socket {
    kind: &'static str,
    since_unix_ms: u64,
}

/// The card of the avatar at a place of the crowd.
pub(super) async fn at_place(State(source): State<Source>, Path(place): Path<u32>) -> Response {
    answer(source, move |node| {
        let pid = node.crowd().process_at(place);
        let pid = pid.ok_or_else(|| Failure::new(Exit::Refused, "nobody has this place now"))?;
        crate::commands::json(card(node, place, pid))
    })
    .await
}

fn card(node: &RunningNode, place: u32, pid: Pid) -> Card {
    let name = name_of(node, pid);
    let guest = name.as_deref().and_then(|name| {
        let mut guests = node.door()?.guests().into_iter();
        guests.find(|guest| plays(guest, name))
    });
    let (fields, why) = match state(node, pid) {
        Ok(state) => (fields(&state), None),
        Err(why) => (Vec::new(), Some(why)),
    };
    Card {
        place,
        name,
        pid: pid.to_string(),
        since_unix_s: since(node, pid),
        socket: guest.map(|guest| socket(&guest)),
        fields,
        why,
    }
}

/// The time since which the avatar of a process plays. The saves know its root, which is the process or above it.
fn since(node: &RunningNode, pid: Pid) -> Option<u32> {
    let saves = node.saves()?;
    let parent = |pid: &Pid| parent_in(&ask(node, *pid, SysMessage::GetStatus).ok()?);
    let mut line = successors(Some(pid), parent).take(PARENTS_MAX);
    line.find_map(|pid| saves.plays_since(pid))
}

/// The name under which the process of an avatar is registered.
pub(super) fn name_of(node: &RunningNode, pid: Pid) -> Option<String> {
    let name = node.names().name_of(pid)?;
    name.as_str().map(str::to_string)
}

fn socket(guest: &Guest) -> Socket {
    Socket {
        kind: match guest.transport {
            Transport::Plain => "telnet",
            Transport::Tls => "telnet, TLS",
            Transport::Web => "web",
        },
        since_unix_ms: unix_ms(guest.since),
    }
}

fn state(node: &RunningNode, pid: Pid) -> Result<Term, String> {
    ask(node, pid, SysMessage::GetState)
}

fn ask(node: &RunningNode, pid: Pid, message: SysMessage) -> Result<Term, String> {
    if let Some(stall) = node.node().stall_of(usize::from(pid.shard())) {
        return Err(stall.to_string());
    }
    let asked = node.node().asking().sys(pid, message, STATE_TIMEOUT_MS);
    asked.map_err(|error| error.to_string())
}

/// The maps of a state as names and values. The state of a gen_fsm is a pair, whose first element is shown without a name.
fn fields(state: &Term) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    match state.as_tuple() {
        Some([name, data]) => {
            fields.push(("state".to_string(), shown(name)));
            add(&mut fields, "", data, 0);
        }
        _ => add(&mut fields, "", state, 0),
    }
    fields.truncate(FIELDS_MAX);
    fields
}

fn add(fields: &mut Vec<(String, String)>, name: &str, value: &Term, depth: usize) {
    let map = value
        .as_map()
        .filter(|map| depth < DEPTH_MAX && !map.is_empty());
    let Some(map) = map else {
        let name = if name.is_empty() { "state" } else { name };
        return fields.push((name.to_string(), shown(value)));
    };
    for (key, value) in map.pairs() {
        let key = shown(key);
        let name = match name {
            "" => key,
            above => format!("{above}.{key}"),
        };
        add(fields, &name, value, depth + 1);
    }
}

/// A term for people: texts have no quotes.
fn shown(term: &Term) -> String {
    let text = term
        .as_str()
        .map_or_else(|| term.to_string(), str::to_string);
    shorten(&text, FIELD_CHARS_MAX).into_owned()
}

/// The avatars whose name begins with a text, and the process with a pid.
pub(super) async fn find(State(source): State<Source>, Path(text): Path<String>) -> Response {
    answer(source, move |node| {
        let found = found(node, &text);
        let row = |(place, pid): (u32, Pid)| json!({ "place": place, "name": name_of(node, pid), "pid": pid.to_string() });
        let rows: Vec<_> = found.into_iter().map(row).collect();
        Ok(json!(rows).to_string())
    })
    .await
}

fn found(node: &RunningNode, text: &str) -> Vec<(u32, Pid)> {
    let with_place = |pid: Pid| Some((node.crowd().place_of(pid)?, pid));
    if let Some(pid) = pid_of(text) {
        return with_place(pid).into_iter().collect();
    }
    let exact = node.avatar(text).and_then(with_place);
    let names = node.names().get_names().into_iter();
    let lower = text.to_lowercase();
    let begins = |name: &Term| {
        let name = name.as_str().filter(|name| *name != text);
        name.is_some_and(|name| name.to_lowercase().starts_with(&lower))
    };
    let others = names
        .filter(begins)
        .filter_map(|name| with_place(node.names().whereis(&name)?));
    let mut found: Vec<(u32, Pid)> = exact.into_iter().chain(others).collect();
    found.truncate(FOUND_MAX);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_fields_and_all_else_is_a_value() {
        let term = |text: &str| pq_term::read_term(text).unwrap();
        let fields = |text: &str| {
            let fields = fields(&term(text)).into_iter();
            let fields = fields.map(|(name, value)| format!("{name}={value}"));
            fields.collect::<Vec<String>>().join(" ")
        };
        let state = r#"{market, #{name => "Ann", lvl => 2, bag => #{gold => 7, loot => []}}}"#;
        let shown = fields(state);
        for part in [
            "state=market",
            "name=Ann",
            "lvl=2",
            "bag.gold=7",
            "bag.loot=[]",
        ] {
            assert!(shown.contains(part), "{shown}");
        }
        assert_eq!(fields("7"), "state=7");
        assert_eq!(
            fields("#{a => #{b => #{c => #{d => 1}}}}"),
            "a.b.c=#{d => 1}"
        );
    }
}
