//! What a hero says of itself, and that a node gets it from the state that it sees.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use pq_sdk::Module;

use super::*;
use crate::pq_player::gmcp::{Data, Value, messages};
use crate::pq_player::{State, Whole};

fn lines(state: State, hero: &Player) -> String {
    let shown = |value: &Value| match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::List(things) => format!("{things:?}").replace('"', ""),
    };
    let line = |(name, data): &(_, Data)| {
        let pairs = data
            .iter()
            .map(|(key, value)| format!("{key}: {}", shown(value)));
        format!("{name} {}\n", pairs.collect::<Vec<_>>().join(", "))
    };
    messages(state, hero).iter().map(line).collect()
}

fn check(state: State, opts: Opts, expected: Expect) {
    expected.assert_eq(&lines(state, &hero(opts)));
}

fn hunter() -> Opts {
    let worn = [
        (pq_words::Slot::Helmet, item("tin", 1, 2, 3)),
        (pq_words::Slot::Weapon, item("metal spoon", 0, 4, 4)),
    ];
    Opts {
        exp: Some(7),
        lvlexp: Some(50),
        lvl: Some(3),
        money: Some(12),
        // The newest first.
        loot: Some(vec![loot("Pelt", 1), loot("Bacon", 1)]),
        equip: Some(worn.into()),
        ..Opts::default()
    }
}

#[test]
fn a_hero_is_described_in_the_words_of_gmcp() {
    check(
        State::Killing,
        hunter(),
        expect![[r#"
            Char.Name fullname: "Gandalf", name: "Gandalf"
            Char.StatusVars charisma: "Charisma", constitution: "Constitution", dexterity: "Dexterity", gold: "Gold", intelligence: "Intelligence", level: "Level", location: "Location", strength: "Strength", wisdom: "Wisdom"
            Char.Status charisma: 10, constitution: 10, dexterity: 10, gold: 12, intelligence: 10, level: 3, location: "the killing fields", strength: 10, wisdom: 10
            Char.Vitals load: 2, maxload: 20, maxxp: 50, string: "XP:7/50 Bag:2/20", xp: 7
            Char.Items.List items: [{attrib: w, icon: helmet, id: 2, name: tin helmet}, {attrib: l, icon: weapon, id: 4, name: metal spoon}, {icon: loot, id: 6, name: Pelt}, {icon: loot, id: 5, name: Bacon}], location: "inv"
        "#]],
    );
}

#[test]
fn a_hero_that_has_nothing_yet_is_described_too() {
    check(
        State::Market,
        Opts::default(),
        expect![[r#"
            Char.Name fullname: "Gandalf", name: "Gandalf"
            Char.StatusVars charisma: "Charisma", constitution: "Constitution", dexterity: "Dexterity", gold: "Gold", intelligence: "Intelligence", level: "Level", location: "Location", strength: "Strength", wisdom: "Wisdom"
            Char.Status charisma: 10, constitution: 10, dexterity: 10, gold: 0, intelligence: 10, level: 1, location: "the marketplace", strength: 10, wisdom: 10
            Char.Vitals load: 0, maxload: 20, maxxp: 1000, string: "XP:0/1000 Bag:0/20", xp: 0
            Char.Items.List items: [], location: "inv"
        "#]],
    );
}

#[test]
fn every_key_of_the_status_has_a_label() {
    let described: BTreeMap<_, _> = messages(State::Market, &hero(hunter()))
        .into_iter()
        .collect();
    let keys = |name: &str| described[name].keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys("Char.Status"), keys("Char.StatusVars"));
}

#[test]
fn what_is_carried_keeps_its_number_while_more_is_put_on_top() {
    let ids = |loot: Vec<Loot>| {
        let loot = Some(loot);
        let hero = hero(Opts {
            loot,
            ..Opts::default()
        });
        let described: BTreeMap<_, _> = messages(State::Market, &hero).into_iter().collect();
        let Value::List(things) = &described["Char.Items.List"]["items"] else {
            panic!("{described:?}");
        };
        let id = |thing: &BTreeMap<_, _>| format!("{}={}", thing["id"], thing["name"]);
        things.iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(vec![loot("Pelt", 1)]), ["5=Pelt"]);
    assert_eq!(
        ids(vec![loot("Bacon", 1), loot("Pelt", 1)]),
        ["6=Bacon", "5=Pelt"]
    );
}

#[test]
fn the_state_that_a_node_sees_is_what_the_function_takes() {
    let [gmcp] = Player::FUNCTIONS else {
        panic!("one function");
    };
    assert_eq!((gmcp.name(), gmcp.arity()), ("gmcp", 1));
    let whole = Whole {
        state: State::Killing,
        data: hero(hunter()),
    };
    let seen = pq_term::msgpack::from_msgpack(&rmp_serde::to_vec_named(&whole).unwrap()).unwrap();
    let given = pq_term::msgpack::to_plain_msgpack(&seen);
    let taken: Whole = rmp_serde::from_slice(&given).unwrap();
    assert_eq!(taken, whole);
}
