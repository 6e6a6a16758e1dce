//! Answers to the commands that a player types while the hero plays: lines, from facts that the node has. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;

use pq_sdk::players::Players;
use serde::{Deserialize, Serialize};

/// The kinds of things in a bag that are listed; the rest is counted.
const KINDS_MAX: usize = 15;

/// A line of a player that asks for facts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// `help` or `?`: the commands and their meaning.
    Help,
    /// `who`: the first 20 heroes with clients, and the number of all.
    Who,
    /// `score`: the status of the hero with the labels of the game, and its gauges.
    Score,
    /// `inventory`, `inv` or `i`: the equipment and the bag.
    Inventory,
    /// `word`: chooses a word for the hero, or another one.
    Word,
}

/// The facts about a hero, by the names of GMCP messages.
pub type Facts = Vec<(String, BTreeMap<String, Value>)>;

/// A value in a GMCP message about a hero.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number, such as the level.
    Number(u64),
    /// A text, such as a name or a label.
    Text(String),
    /// Things, each with a name and other texts.
    List(Vec<BTreeMap<String, String>>),
}

impl Command {
    /// The command in a line: its first word, in any case.
    pub fn of(line: &[u8]) -> Option<Command> {
        let words = std::str::from_utf8(line).ok()?;
        let mut words = words.split_whitespace();
        let word = words.next()?.to_ascii_lowercase();
        let command = match &*word {
            "help" | "?" => Command::Help,
            "who" => Command::Who,
            "score" => Command::Score,
            "inventory" | "inv" | "i" => Command::Inventory,
            "word" => Command::Word,
            _ => return None,
        };
        words.next().is_none().then_some(command)
    }
}

/// The answer to [`Command::Help`].
pub const HELP: &str = "help       these lines
who        the heroes that play now
score      your hero
inventory  what your hero wears and carries
word       choose a word for your hero, or another one
quit       leave the game; a hero with a word rests until you come back
";

/// The answer to [`Command::Who`].
pub fn who(players: &Players) -> String {
    let more = players.count.saturating_sub(players.names.len() as u64);
    let mut lines = match players.count {
        1 => "1 hero plays now:\n".to_string(),
        count => format!("{count} heroes play now:\n"),
    };
    for name in &players.names {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "  {name}");
    }
    if more > 0 {
        let _ = writeln!(lines, "  and {more} more");
    }
    lines
}

/// The answer to [`Command::Score`] or [`Command::Inventory`].
pub fn described(command: Command, facts: &Facts) -> String {
    match (command, facts.is_empty()) {
        (_, true) => "Your hero does not answer at the moment.\n".to_string(),
        (Command::Inventory, false) => inventory(facts),
        (_, false) => score(facts),
    }
}

fn part<'a>(facts: &'a Facts, name: &str) -> Option<&'a BTreeMap<String, Value>> {
    facts
        .iter()
        .find(|(it, _)| it == name)
        .map(|(_, part)| part)
}

/// The parts of the status with the labels of the game, and the gauges.
fn score(facts: &Facts) -> String {
    let text = |part: &str, key: &str| self::part(facts, part)?.get(key).and_then(shown);
    let mut lines = text("Char.Name", "name").map_or(String::new(), |name| format!("{name}\n"));
    let labels = part(facts, "Char.StatusVars").into_iter().flatten();
    for (key, label) in labels {
        if let (Some(label), Some(value)) = (shown(label), text("Char.Status", key)) {
            let _ = writeln!(lines, "  {label}: {value}");
        }
    }
    if let Some(gauges) = text("Char.Vitals", "string") {
        let _ = writeln!(lines, "  {gauges}");
    }
    lines
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::List(_) => None,
    }
}

/// Things that are worn, one by one; and the kinds of things in the bag, each with its number.
fn inventory(facts: &Facts) -> String {
    let items = part(facts, "Char.Items.List").and_then(|part| part.get("items"));
    let Some(Value::List(items)) = items else {
        return "Your hero has nothing.\n".to_string();
    };
    let (worn, bag): (Vec<_>, Vec<_>) = items.iter().partition(|item| item.contains_key("attrib"));
    let name = |item: &BTreeMap<String, String>| item.get("name").cloned().unwrap_or_default();
    let mut lines = match worn.is_empty() {
        true => "Wears nothing of note.\n".to_string(),
        false => "Wears:\n".to_string(),
    };
    for item in worn {
        let _ = writeln!(lines, "  {}", name(item));
    }
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for item in bag {
        *kinds.entry(name(item)).or_default() += 1;
    }
    lines.push_str(match kinds.is_empty() {
        true => "Carries nothing.\n",
        false => "Carries:\n",
    });
    for (kind, count) in kinds.iter().take(KINDS_MAX) {
        let _ = writeln!(lines, "  {count} {kind}");
    }
    let more: u64 = kinds.values().skip(KINDS_MAX).sum();
    if more > 0 {
        let _ = writeln!(lines, "  and {more} more things");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<const N: usize>(pairs: [(&str, Value); N]) -> BTreeMap<String, Value> {
        pairs.map(|(key, value)| (key.to_string(), value)).into()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_string())
    }

    fn thing(name: &str, attrib: Option<&str>) -> BTreeMap<String, String> {
        let parts = [("name", Some(name)), ("attrib", attrib)].into_iter();
        parts
            .filter_map(|(key, value)| Some((key.to_string(), value?.to_string())))
            .collect()
    }

    #[test]
    fn a_command_is_one_word() {
        assert_eq!(Command::of(b"help"), Some(Command::Help));
        assert_eq!(Command::of(b" SCORE "), Some(Command::Score));
        assert_eq!(Command::of(b"inv"), Some(Command::Inventory));
        for other in [&b""[..], b"helpme", b"who is there", b"\xff"] {
            assert_eq!(Command::of(other), None, "{other:?}");
        }
    }

    #[test]
    fn the_score_has_the_labels_of_the_game() {
        let facts = vec![
            ("Char.Name".to_string(), map([("name", text("Ann"))])),
            (
                "Char.StatusVars".to_string(),
                map([("gold", text("Gold")), ("level", text("Level"))]),
            ),
            (
                "Char.Status".to_string(),
                map([("level", Value::Number(7)), ("gold", Value::Number(3))]),
            ),
            (
                "Char.Vitals".to_string(),
                map([("string", text("XP:1/50 Bag:1/20"))]),
            ),
        ];
        let expected = "Ann\n  Gold: 3\n  Level: 7\n  XP:1/50 Bag:1/20\n";
        assert_eq!(described(Command::Score, &facts), expected);
        assert_eq!(
            described(Command::Inventory, &facts),
            "Your hero has nothing.\n"
        );
    }

    #[test]
    fn a_full_bag_is_counted_by_kinds() {
        let mut items = vec![
            thing("wool helmet", Some("w")),
            thing("Pelt", None),
            thing("Pelt", None),
        ];
        items.extend((0..20).map(|number| thing(&format!("Thing {number:02}"), None)));
        let facts = vec![(
            "Char.Items.List".to_string(),
            map([("items", Value::List(items))]),
        )];
        let told = described(Command::Inventory, &facts);
        assert!(
            told.starts_with("Wears:\n  wool helmet\nCarries:\n  2 Pelt\n  1 Thing 00\n"),
            "{told}"
        );
        assert!(told.ends_with("  and 6 more things\n"), "{told}");
    }

    #[test]
    fn players_are_listed_and_the_rest_is_counted() {
        let players = |count, names: &[&str]| Players {
            count,
            names: names.iter().map(|name| name.to_string()).collect(),
        };
        assert_eq!(who(&players(1, &["Ann"])), "1 hero plays now:\n  Ann\n");
        let expected = "9 heroes play now:\n  Ann\n  Bob\n  and 7 more\n";
        assert_eq!(who(&players(9, &["Ann", "Bob"])), expected);
    }
}
