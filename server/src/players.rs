//! The service `players` of the node, for sessions: the avatars that play for clients, and the facts about a session's own.
//!
//! | call | answer |
//! |---|---|
//! | `players:list()` | `#{count => Number, names => Names}`: the first of the names |
//! | `players:sheet(Ref)` | whether the question is taken; later the message `#{sheet => #{ref => Ref, parts => Parts}}` |
//!
//! `Parts` are the messages of the game's setting `sheet` (`door::game`), each with its body.

use std::sync::{Arc, OnceLock, Weak};

use pq_otp::{Node, Pid, Reason, Service, ServiceCall};
use pq_sdk::players::{self as sdk, Described};
use sockserv::{Door, Sheet};
use tokio::runtime::Handle;

use crate::service::{read, send, undef, write};

/// The names in a list at most: a screen of them.
const NAMES_MAX: usize = 20;

/// The service; the door comes when it is open.
#[derive(Default)]
pub(crate) struct Players {
    connected: OnceLock<Connected>,
}

struct Connected {
    node: Node,
    door: Weak<Door>,
    /// Runs the questions to avatars.
    runtime: Handle,
}

impl Players {
    /// Begins to answer; called on a thread of the runtime.
    pub(crate) fn connect(&self, node: &Node, door: &Arc<Door>) {
        // A node opens its door once.
        let _ = self.connected.set(Connected {
            node: node.clone(),
            door: Arc::downgrade(door),
            runtime: Handle::current(),
        });
    }

    fn list(&self) -> sdk::Players {
        let door = self
            .connected
            .get()
            .and_then(|connected| connected.door.upgrade());
        let guests = door.map_or_else(Vec::new, |door| door.guests());
        let mut names: Vec<String> = guests.into_iter().filter_map(|it| it.avatar).collect();
        let count = names.len() as u64;
        names.truncate(NAMES_MAX);
        sdk::Players { count, names }
    }

    /// Asks for the sheet of a session's avatar. A session asks one question at a time, so their number has a bound.
    fn ask(&self, session: Pid, reference: u64) -> bool {
        let Some(connected) = self.connected.get() else {
            return false;
        };
        let Some(door) = connected.door.upgrade() else {
            return false;
        };
        let node = connected.node.clone();
        connected.runtime.spawn(async move {
            let answer = move |sheet: Option<Sheet>| {
                let message = message(reference, sheet.unwrap_or_default());
                send(&node, session, &message);
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
                let (reference,) = read(call.args)?;
                write(&self.ask(call.caller, reference))
            }
            other => return Err(undef("players", other)),
        };
        Ok(())
    }
}

fn message(reference: u64, parts: Sheet) -> Vec<u8> {
    write(&Described {
        sheet: sdk::Sheet {
            r#ref: reference,
            parts,
        },
    })
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
