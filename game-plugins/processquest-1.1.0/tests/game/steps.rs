//! The transitions of the diagram in `pq_player`, called through the table that a node uses.

use expect_test::expect;
use pq_sdk::Reason;
use pq_sdk::pq_abi::Verdict;
use pq_words::{Event as News, Loot, Opts, Quest, Stats};
use processquest_1_1_0::pq_player::{Event, State, Whole};
use processquest_1_1_0::pq_quest::QUESTS;

use super::node::{NEW, Node};

/// One row of the table: an event in a state, the news, the new state, the next event and its pause.
fn row(state: State, event: Event, opts: Opts) -> String {
    let opts = Opts {
        time: Some(800),
        stats: opts.stats.or(Some(Stats::from_fn(|| 10))),
        ..opts
    };
    let mut node = Node::new(NEW, 1);
    let mut hero = node.start(&opts).unwrap();
    node.next.clear();
    if state == State::Killing {
        node.event(&mut hero, Event::Kill);
        node.next.clear();
        node.told.clear();
    }
    let verdict = node.event(&mut hero, event);
    let told: Vec<String> = node.told.iter().map(|news| format!("{news:?}")).collect();
    let whole: Whole = rmp_serde::from_slice(&node.export(&hero)).unwrap();
    let end = match (verdict, &node.next[..]) {
        (Verdict::Wait, [(ms, next)]) => format!("{:?}, {next:?} in {ms} ms", whole.state),
        (Verdict::Stop(Reason::Other(reason)), []) => format!("stop {reason}"),
        (verdict, next) => format!("{verdict:?}, {next:?}"),
    };
    format!("{state:?} {event:?}: {} -> {end}\n", told.join(", "))
}

fn almost_done() -> Opts {
    Opts {
        quest: Some(Quest {
            kills: 1,
            ..QUESTS[0].clone()
        }),
        ..Opts::default()
    }
}

#[test]
fn at_the_market_a_hero_sells_at_its_level_then_buys_then_leaves() {
    let none = Opts::default;
    let pelt = Loot {
        drop: "Pelt".into(),
        value: 2,
    };
    let full = Opts {
        loot: Some(vec![pelt]),
        lvl: Some(3),
        ..none()
    };
    let rich = Opts {
        money: Some(100),
        ..none()
    };
    let rows = [
        row(State::Market, Event::Sell, full),
        row(State::Market, Event::Sell, none()),
        row(State::Market, Event::Buy, rich),
        row(State::Market, Event::Buy, none()),
        row(State::Market, Event::Kill, none()),
    ];
    expect![[r#"
        Market Sell: Sell { ms: 160, drop: "Pelt", value: 6 } -> Market, Sell in 800 ms
        Market Sell:  -> Market, Buy in 0 ms
        Market Buy: Buy { ms: 400, slot: Armor, item: "wool" } -> Market, Buy in 400 ms
        Market Buy:  -> Market, Kill in 0 ms
        Market Kill: Heading { ms: 800, place: Killing } -> Killing, Kill in 800 ms
    "#]]
    .assert_eq(&rows.concat());
}

#[test]
fn on_the_killing_fields_a_kill_may_complete_a_quest() {
    let none = Opts::default;
    let taught = Opts {
        lvlexp: Some(150),
        ..almost_done()
    };
    let weak = Opts {
        stats: Some(Stats::default()),
        ..taught.clone()
    };
    let rows = [
        row(State::Killing, Event::Kill, none()),
        row(State::Killing, Event::Kill, almost_done()),
        row(State::Killing, Event::Kill, taught),
        row(State::Killing, Event::Kill, weak),
        row(State::Killing, Event::LvlUp, none()),
        row(State::Killing, Event::Market, none()),
    ];
    expect![[r#"
        Killing Kill: Killed { ms: 1600, enemy: "Penguin Lord", drop: "Penguin Egg", experience: 3 } -> Killing, Kill in 1600 ms
        Killing Kill: Killed { ms: 1600, enemy: "Cursed Priest", drop: "Grail", experience: 5 }, Quest { completed: "Fetch me a nut", new: "Invent maple syrup" } -> Killing, Kill in 1600 ms
        Killing Kill: Killed { ms: 1600, enemy: "Cursed Priest", drop: "Grail", experience: 5 }, Quest { completed: "Fetch me a nut", new: "Invent maple syrup" } -> Killing, LvlUp in 1600 ms
        Killing Kill: Killed { ms: 1600, enemy: "Cursed Priest", drop: "Grail", experience: 5 }, Quest { completed: "Fetch me a nut", new: "Invent maple syrup" } -> Killing, Market in 1600 ms
        Killing LvlUp: LvlUp { stats: Stats { charisma: 15, constitution: 11, dexterity: 15, intelligence: 12, strength: 14, wisdom: 16 }, lvl: 2, lvlexp: 2000 } -> Killing, Kill in 0 ms
        Killing Market: Heading { ms: 800, place: Market } -> Market, Sell in 800 ms
    "#]].assert_eq(&rows.concat());
}

#[test]
fn an_event_out_of_place_ends_the_hero() {
    let out_of_place = [
        (State::Market, Event::LvlUp),
        (State::Market, Event::Market),
        (State::Killing, Event::Sell),
        (State::Killing, Event::Buy),
    ];
    let rows = out_of_place.map(|(state, event)| row(state, event, Opts::default()));
    expect![[r#"
        Market LvlUp:  -> stop {bad_event,"LvlUp in state Market"}
        Market Market:  -> stop {bad_event,"Market in state Market"}
        Killing Sell:  -> stop {bad_event,"Sell in state Killing"}
        Killing Buy:  -> stop {bad_event,"Buy in state Killing"}
    "#]]
    .assert_eq(&rows.concat());
}

#[test]
fn a_new_hero_is_on_a_quest_unless_it_is_given_one() {
    let quest_of = |opts: &Opts| {
        let mut node = Node::new(NEW, 3);
        let hero = node.start(opts).unwrap();
        let whole: Whole = rmp_serde::from_slice(&node.export(&hero)).unwrap();
        Quest::from(whole.data.quest)
    };
    assert!(QUESTS.contains(&quest_of(&Opts::default())));
    assert_eq!(Some(quest_of(&almost_done())), almost_done().quest);
}

/// Each new quest in the news is the next one to be completed, takes all its kills, and grants its experience.
#[test]
fn quests_follow_one_another_through_a_long_life() {
    let seed = 9;
    let mut node = Node::new(NEW, seed);
    let opts = Opts {
        lvlexp: Some(50),
        stats: Some(Stats::from_fn(|| 3)),
        ..Opts::default()
    };
    let mut hero = node.start(&opts).unwrap();
    let born: Whole = rmp_serde::from_slice(&node.export(&hero)).unwrap();
    let first = node.next.remove(0).1;
    node.play(&mut hero, first, 20_000);
    let (mut quest, mut kills, mut exp, mut done) = (born.data.quest.name(), 0, 0, 0);
    let row = |name: &str| QUESTS.iter().find(|row| row.name == name).unwrap();
    for news in &node.told {
        match news {
            News::Killed { experience, .. } => {
                kills += 1;
                exp += experience;
            }
            News::Quest { completed, new } => {
                assert_eq!((completed, kills), (&quest, row(completed).kills));
                assert_ne!(new, completed, "seed {seed}");
                exp += u64::from(row(completed).experience);
                (quest, kills, done) = (new.clone(), 0, done + 1);
            }
            _ => assert!(
                kills < row(&quest).kills,
                "seed {seed}: {quest} was not reported"
            ),
        }
    }
    let last: Whole = rmp_serde::from_slice(&node.export(&hero)).unwrap();
    assert!(done > 50, "seed {seed}: {done} quests");
    assert_eq!(last.data.quest.name(), quest);
    assert_eq!(last.data.quest.kills(), row(&quest).kills - kills);
    assert_eq!(last.data.hero.exp, exp);
}

/// Operators and other libraries find a function by its name.
#[test]
fn every_function_of_the_library_can_be_called_by_name() {
    let mut node = Node::new(NEW, 10);
    for (module, functions) in [
        ("pq_quest", "[[\"fetch\",0],[\"fetch_other\",1]]"),
        ("pq_enemy", "[[\"fetch\",0]]"),
        (
            "pq_events",
            "[[\"killed\",4],[\"location\",4],[\"lvl_up\",5],[\"buy\",5],[\"sell\",5],[\"quest\",4]]",
        ),
    ] {
        let info = node.module(module).call(&mut node, "module_info", &[0x90]);
        let info = pq_term::msgpack::from_msgpack(&info.unwrap()).unwrap();
        assert_eq!(info.to_string(), functions);
    }
}
