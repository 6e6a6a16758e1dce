//! A hero as the programs of its players see it: the messages of 1.1.0, and the encumbrance.
//!
//! A list of items has single pieces as before, because clients know them: sessions count them for `inventory`.

use pq_sdk::Function;

use super::{Player, State, Whole};
use crate::v1_0_0::pq_player::gmcp::{Data, Message, Value};
use crate::v1_1_0::pq_player as pq_player_1_1_0;

/// `gmcp(Hero)`: as in 1.1.0; the status and the vitals also have the encumbrance in percent.
pub static GMCP: Function<(Whole,), Vec<Message>> =
    Function::new("pq_player", "gmcp", |_ctx, (whole,)| {
        messages(whole.state, whole.data)
    });

/// All GMCP messages about this hero. There are none about a hero whose loot a list of pieces cannot hold.
pub fn messages(state: State, player: Player) -> Vec<Message> {
    let percent = player.encumbrance_percent();
    let Ok(player) = player.piece_by_piece() else {
        return Vec::new();
    };
    let mut messages = pq_player_1_1_0::gmcp::messages(state, &player);
    for (name, data) in &mut messages {
        match &**name {
            "Char.StatusVars" => label(data),
            "Char.Status" | "Char.Vitals" => add(percent, data),
            _ => {}
        }
    }
    messages
}

fn label(labels: &mut Data) {
    let label = Value::Text("Encumbrance in %".into());
    labels.insert("encumbrance".into(), label);
}

fn add(percent: u64, data: &mut Data) {
    data.insert("encumbrance".into(), Value::Number(percent));
}
