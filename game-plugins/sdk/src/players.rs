//! Calls of the node's service for players: the avatars that play, and the facts about one's own.

use pq_abi::Reason;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::export::Remote;

static LIST: Remote<(), Players> = Remote::new("players", "list");
static SHEET: Remote<(u64,), bool> = Remote::new("players", "sheet");

/// The avatars that play for clients.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Players {
    /// The number of all of them, also of those without a place in `names`.
    pub count: u64,
    /// The names of the first of them, in the order in which their clients have come.
    pub names: Vec<String>,
}

/// The message with the answer to [`sheet`]. `V` is the type of values that the game's avatars have in their sheets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Described<V> {
    /// The facts, with the number of the question.
    pub sheet: Sheet<V>,
}

/// The facts about an avatar, as the game's setting `sheet` gives them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sheet<V> {
    /// The number that the session gave.
    pub r#ref: u64,
    /// Messages of GMCP with their bodies; empty when the avatar cannot be asked now.
    pub parts: Vec<(String, V)>,
}

/// The avatars that play for clients.
pub fn list(ctx: &mut Ctx<'_>) -> Players {
    LIST.try_call(ctx, &()).unwrap_or_default()
}

/// Asks for the facts about the avatar of the calling session. They come as [`Described`] with the number `number`.
///
/// # Errors
/// When the node does not take the question.
pub fn sheet(ctx: &mut Ctx<'_>, number: u64) -> Result<(), Reason> {
    let is_taken = SHEET.try_call(ctx, &(number,))?;
    is_taken.then_some(()).ok_or(Reason::NoProc)
}

impl<V: DeserializeOwned> Described<V> {
    /// The answer in a message; `None` for any other message.
    pub fn read(message: crate::Message<'_>) -> Option<Sheet<V>> {
        message.is::<Described<V>>().map(|it| it.sheet)
    }
}
