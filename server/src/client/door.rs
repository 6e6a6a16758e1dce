//! The commands about players: one request each.

use pq_protocol::Failure;
use pq_protocol::answer::Rows;

use super::command::Door;
use crate::noun::noun;
use crate::operator::answer::{AtDoor, Banned, Guest};
use crate::operator::request::{DoorRequest, Question};

/// Runs one.
pub(crate) fn run(command: Door) -> Result<(), Failure> {
    match command {
        Door::Who { at } => at.show::<Rows<Guest>>(Question::Who),
        Door::Bans { at } => at.show::<Rows<Banned>>(Question::Bans),
        Door::Kick { whom, text, at } => at.show::<AtDoor>(DoorRequest::Kick { whom, text }),
        Door::EndAvatar {
            name: Some(name),
            text,
            at,
            ..
        } => {
            let noun = noun().one.clone();
            at.show::<AtDoor>(DoorRequest::EndAvatar { noun, name, text })
        }
        Door::EndAvatar { at, .. } => {
            let noun = noun().one.clone();
            at.show::<AtDoor>(DoorRequest::EndAbandoned { noun })
        }
        Door::Ban {
            whom,
            span,
            text,
            at,
        } => {
            let for_ms = span.map(|span| span.as_millis() as u64);
            at.show::<AtDoor>(DoorRequest::Ban { whom, for_ms, text })
        }
        Door::Unban { whom, at } => at.show::<AtDoor>(DoorRequest::Unban { whom }),
        Door::Wall { text, at } => at.show::<AtDoor>(DoorRequest::Wall { text }),
        Door::Lock { switch, at } => {
            let locked = switch.is_on();
            at.show::<AtDoor>(DoorRequest::Lock { locked })
        }
    }
}
