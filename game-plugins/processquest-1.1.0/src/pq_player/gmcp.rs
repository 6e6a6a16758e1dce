//! The GMCP messages about a hero for programs of players: those of 1.0.0, and the quest.

use pq_sdk::Function;

use crate::pq_player::{Player, State, Whole};
use crate::v1_0_0::pq_player::gmcp::{Data, Message, Value, messages as messages_of_1_0_0};

/// `gmcp(Hero)`: as in 1.0.0; the status also has the quest and its remaining kills.
pub static GMCP: Function<(Whole,), Vec<Message>> =
    Function::new("pq_player", "gmcp", |_ctx, (whole,)| {
        messages(whole.state, &whole.data)
    });

/// All GMCP messages about this hero.
pub fn messages(state: State, player: &Player) -> Vec<Message> {
    let mut messages = messages_of_1_0_0(state, &player.hero);
    for (name, data) in &mut messages {
        match &**name {
            "Char.StatusVars" => label_quest(data),
            "Char.Status" => add_quest(player, data),
            _ => {}
        }
    }
    messages
}

fn label_quest(labels: &mut Data) {
    for (key, label) in [("quest", "Quest"), ("kills", "Kills left")] {
        labels.insert(key.into(), Value::Text(label.into()));
    }
}

fn add_quest(player: &Player, status: &mut Data) {
    status.insert("quest".into(), Value::Text(player.quest.name()));
    let kills = u64::from(player.quest.kills());
    status.insert("kills".into(), Value::Number(kills));
}
