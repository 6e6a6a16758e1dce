//! A hero as the programs of its players see it: the package `Char` of GMCP, the protocol by which clients of MUDs
//! draw gauges, maps and bags. The names of messages and keys are those of Iron Realms Entertainment, who
//! made it (mudstandards.org/gmcp).
//!
//! The node asks when something has happened, sends what has changed, and writes the JSON. Pure, and no part of
//! the hero's state.

use std::borrow::Cow;
use std::collections::BTreeMap;

use pq_sdk::Function;
use pq_words::{Slot, Stats};
use serde::{Deserialize, Serialize};

use crate::pq_enemy::Catalogue;
use crate::pq_player::{Player, State, Whole};

/// `gmcp(Hero)`: all that there is to say about a hero of this version, whose state this is.
pub static GMCP: Function<(Whole,), Vec<Message>> =
    Function::new("pq_player", "gmcp", |_ctx, (whole,)| {
        messages(whole.state, &whole.data)
    });

type Text = Cow<'static, str>;

/// The name of a message, and what it says.
pub type Message = (Text, Data);

/// The body of a message: names and values.
pub type Data = BTreeMap<Text, Value>;

/// A value in a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A text.
    Text(Text),
    /// Things with parts of their own.
    List(Vec<BTreeMap<Text, Text>>),
}

/// Everything about this hero, in the order in which a program wants to hear it.
pub fn messages<C: Catalogue>(state: State, hero: &Player<C>) -> Vec<Message> {
    vec![
        ("Char.Name".into(), name(hero)),
        ("Char.StatusVars".into(), status_vars()),
        ("Char.Status".into(), status(state, hero)),
        ("Char.Vitals".into(), vitals(hero)),
        ("Char.Items.List".into(), items(hero)),
    ]
}

fn name<C: Catalogue>(hero: &Player<C>) -> Data {
    let name = || Value::Text(hero.name.to_string().into());
    data([("name", name()), ("fullname", name())])
}

/// What the keys of `Char.Status` are called.
fn status_vars() -> Data {
    let stats = Stats::default().iter();
    let stats = stats.map(|(stat, _)| (stat.to_ascii_lowercase().into(), Value::Text(stat.into())));
    let others = [
        ("level", "Level"),
        ("gold", "Gold"),
        ("location", "Location"),
    ];
    let others = others.map(|(key, label)| (key.into(), Value::Text(label.into())));
    stats.chain(others).collect()
}

fn status<C: Catalogue>(state: State, hero: &Player<C>) -> Data {
    let location = match state {
        State::Market => "the marketplace",
        State::Killing => "the killing fields",
    };
    let stats = hero.stats.iter();
    let stats = stats.map(|(stat, value)| (stat.to_ascii_lowercase().into(), number(value)));
    let others = data([
        ("level", number(hero.lvl)),
        ("gold", number(hero.money)),
        ("location", Value::Text(location.into())),
    ]);
    stats.chain(others).collect()
}

/// What changes with every fight. `string` is for clients that show it as it is.
fn vitals<C: Catalogue>(hero: &Player<C>) -> Data {
    let (load, load_max) = (hero.loot.len(), hero.capacity());
    let text = format!("XP:{}/{} Bag:{load}/{load_max}", hero.exp, hero.lvlexp);
    data([
        ("xp", number(hero.exp)),
        ("maxxp", number(hero.lvlexp)),
        ("load", number(load as u64)),
        ("maxload", number(load_max as u64)),
        ("string", Value::Text(text.into())),
    ])
}

/// What the hero wears and carries. Its bag is a stack, so a drop is known by how many lie below it, and as long as it
/// is carried it is the same.
fn items<C: Catalogue>(hero: &Player<C>) -> Data {
    let worn = hero.equip.iter().map(|(slot, item)| {
        let attrib = match slot {
            Slot::Weapon => ("attrib", "l".into()),
            Slot::Armor | Slot::Helmet | Slot::Shield => ("attrib", "w".into()),
        };
        let name = match slot {
            Slot::Weapon => item.name.clone(),
            _ => format!("{} {slot}", item.name).into(),
        };
        thing(slot as usize, name, slot.as_str(), Some(attrib))
    });
    let above = |below: usize| Slot::ALL.len() + below;
    let carried = hero.loot.iter().zip((0..hero.loot.len()).rev());
    let carried = carried.map(|(loot, below)| thing(above(below), loot.drop, "loot", None));
    data([
        ("location", Value::Text("inv".into())),
        ("items", Value::List(worn.chain(carried).collect())),
    ])
}

/// `attrib` is `w` for what is worn and `l` for what is wielded.
fn thing(
    place: usize,
    name: Text,
    icon: &'static str,
    attrib: Option<(&'static str, Text)>,
) -> BTreeMap<Text, Text> {
    let id = (place + 1).to_string().into();
    let parts = [("id", id), ("name", name), ("icon", icon.into())];
    let parts = parts.into_iter().chain(attrib);
    parts.map(|(key, value)| (key.into(), value)).collect()
}

fn data<const N: usize>(pairs: [(&'static str, Value); N]) -> Data {
    pairs.map(|(key, value)| (key.into(), value)).into()
}

fn number(value: impl Into<u64>) -> Value {
    Value::Number(value.into())
}
