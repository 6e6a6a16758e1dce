//! A hero as the programs of its players see it: what 1.0.0 tells, and the quest.

use pq_sdk::Function;

use crate::pq_player::{Player, State, Whole};
use crate::v1_0_0::pq_player::gmcp::{Data, Message, Value, messages as messages_of_1_0_0};

/// `gmcp(Hero)`: as in 1.0.0; in the status are the quest and the kills that are left of it.
pub static GMCP: Function<(Whole,), Vec<Message>> =
    Function::new("pq_player", "gmcp", |_ctx, (whole,)| {
        messages(whole.state, &whole.data)
    });

/// Everything about this hero.
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
