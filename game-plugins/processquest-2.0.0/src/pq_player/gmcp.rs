//! A hero as the programs of its players see it: the messages of 1.4.0, with race, class and spells, and with the equipment of the
//! seven further places.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pq_sdk::Function;
use pq_words::Item;

use super::{Player, State, Whole};
use crate::place::Place;
use crate::v1_0_0::pq_player::gmcp::{Data, Message, Value};
use crate::v1_4_0::pq_player as pq_player_1_4_0;

/// `gmcp(Hero)`: as in 1.4.0; the status also has race, class and spells.
pub static GMCP: Function<(Whole,), Vec<Message>> =
    Function::new("pq_player", "gmcp", |_ctx, (whole,)| {
        messages(whole.state, whole.data)
    });

type Text = Cow<'static, str>;

/// All GMCP messages about this hero.
pub fn messages(state: State, player: Player) -> Vec<Message> {
    let known: Vec<String> = player
        .spells
        .iter()
        .map(|known| known.described())
        .collect();
    let told = [
        ("race", "Race", player.origin.race.clone()),
        ("class", "Class", player.origin.class.clone()),
        ("spells", "Spells", known.join(", ").into()),
    ];
    let further = player
        .gear
        .iter()
        .filter(|(place, _)| place.slot().is_none());
    let further: Vec<BTreeMap<Text, Text>> =
        further.map(|(place, item)| thing(place, item)).collect();
    let mut messages = pq_player_1_4_0::gmcp::messages(state, player.below());
    for (name, data) in &mut messages {
        match &**name {
            "Char.StatusVars" => add(
                data,
                told.iter().map(|(key, label, _)| (*key, (*label).into())),
            ),
            "Char.Status" => add(
                data,
                told.iter().map(|(key, _, value)| (*key, value.clone())),
            ),
            "Char.Items.List" => add_items(data, &further),
            _ => {}
        }
    }
    messages
}

fn add(data: &mut Data, texts: impl Iterator<Item = (&'static str, Text)>) {
    data.extend(texts.map(|(key, text)| (key.into(), Value::Text(text))));
}

fn add_items(data: &mut Data, further: &[BTreeMap<Text, Text>]) {
    if let Some(Value::List(items)) = data.get_mut("items") {
        items.extend(further.iter().cloned());
    }
}

/// An item at one of the further places. Its id has a letter, so it is none of those of older versions, which are numbers.
fn thing(place: Place, item: &Item) -> BTreeMap<Text, Text> {
    let parts: [(&'static str, Text); 4] = [
        ("id", format!("w{}", place as u16).into()),
        ("name", format!("{} {}", item.name, place.word()).into()),
        ("icon", place.word().into()),
        ("attrib", "w".into()),
    ];
    parts.map(|(key, value)| (key.into(), value)).into()
}
