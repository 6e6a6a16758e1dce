//! The service `players` of the node, for sessions: the avatars that play for clients, and the facts about a session's own.
//!
//! | call | answer |
//! |---|---|
//! | `players:list()` | `#{count => Number, names => Names}`: the first of the names |
//! | `players:sheet(Ref)` | whether the question is taken; later the message `#{sheet => #{ref => Ref, parts => Parts}}` |
//!
//! `Parts` are the messages of the game's setting `sheet` (`door::game`), each with its body.

use std::sync::{Arc, OnceLock, Weak};

use pq_otp::{Envelope, Node, Payload, Pid, Reason, Service, ServiceCall, Signal};
use serde::Serialize;
use sockserv::{Door, Sheet};
use tokio::runtime::Handle;

/// The names in a list at most: a screen of them.
const NAMES_MAX: usize = 20;

/// The service; the door comes when it is open.
#[derive(Default)]
pub(crate) struct Players {
    desk: OnceLock<Desk>,
}

struct Desk {
    node: Node,
    door: Weak<Door>,
    /// Runs the questions to avatars.
    runtime: Handle,
}

#[derive(Serialize)]
struct List {
    count: u64,
    names: Vec<String>,
}

/// A message to a session.
#[derive(Serialize)]
struct Message {
    sheet: Described,
}

#[derive(Serialize)]
struct Described {
    r#ref: u64,
    parts: Sheet,
}

impl Players {
    /// Begins to answer; called on a thread of the runtime.
    pub(crate) fn connect(&self, node: &Node, door: &Arc<Door>) {
        // A node opens its door once.
        let _ = self.desk.set(Desk {
            node: node.clone(),
            door: Arc::downgrade(door),
            runtime: Handle::current(),
        });
    }

    fn list(&self) -> List {
        let door = self.desk.get().and_then(|desk| desk.door.upgrade());
        let guests = door.map_or_else(Vec::new, |door| door.guests());
        let mut names: Vec<String> = guests.into_iter().filter_map(|it| it.avatar).collect();
        let count = names.len() as u64;
        names.truncate(NAMES_MAX);
        List { count, names }
    }

    /// Asks for the sheet of a session's avatar. A session asks one question at a time, so their number has a bound.
    fn ask(&self, session: Pid, reference: u64) -> bool {
        let Some(desk) = self.desk.get() else {
            return false;
        };
        let Some(door) = desk.door.upgrade() else {
            return false;
        };
        let node = desk.node.clone();
        desk.runtime.spawn(async move {
            let answer = move |sheet: Option<Sheet>| {
                let message = message(reference, sheet.unwrap_or_default());
                let envelope = Envelope::Info(Payload::from_slice(&message));
                node.signal(Signal::Deliver(session, envelope));
            };
            door.sheet(session, Box::new(answer));
        });
        true
    }
}

impl Service for Players {
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        *call.answer = match call.function {
            b"list" => write(&self.list()),
            b"sheet" => {
                let read = rmp_serde::from_slice(call.args);
                let (reference,): (u64,) =
                    read.map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
                write(&self.ask(call.caller, reference))
            }
            other => {
                let function = String::from_utf8_lossy(other);
                return Err(Reason::tagged("undef", &format!("players:{function}")));
            }
        };
        Ok(())
    }
}

fn message(reference: u64, parts: Sheet) -> Vec<u8> {
    write(&Message {
        sheet: Described {
            r#ref: reference,
            parts,
        },
    })
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("these types have a MessagePack form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_sent_with_all_its_values() {
        let sheet = vec![(
            "Char.Status".to_string(),
            serde_json::json!({"level": 7, "gold": "much"}),
        )];
        let sent: serde_json::Value = rmp_serde::from_slice(&message(3, sheet)).unwrap();
        let part = serde_json::json!(["Char.Status", {"level": 7, "gold": "much"}]);
        assert_eq!(
            sent,
            serde_json::json!({"sheet": {"ref": 3, "parts": [part]}})
        );
    }

    #[test]
    fn a_node_without_a_door_has_no_players() {
        let players = Players::default();
        assert_eq!(players.list().count, 0);
        assert!(!players.ask(Pid::new(0, 1, 1), 1));
    }
}
