//! Generated heroes: saved by 1.0.0, opened under 1.1.0, saved there, and opened under 1.0.0 again, on simulated nodes.

use std::sync::Arc;

use pq_code::{Change, Library};
use pq_otp::moved::{Moving, PutIn, Subtree, Under};
use pq_otp::sys::SysMessage;
use pq_otp::upgrade::{Conversion, OnOverrun, Plan, Target, Transaction};
use pq_otp::{Ask, Direction, Modules};
use pq_saves::{Exported, Opening, Readable, Version, export};
use pq_store::{Row, State};
use pq_tests::campaign::length;
use pq_tests::house::House;
use pq_words::Opts;
use processquest_1_0_0::pq_player::Whole;

/// How long an answer may take on the virtual clock.
const PATIENCE_MS: u64 = 60_000;

/// The number of heroes; `.ci/full saves` has all.
fn heroes() -> u32 {
    length(100, 100_000)
}

/// The virtual time in which they play, in milliseconds.
const PLAYED_MS: u64 = 60_000;

/// A node with both versions of the game; those of `is_newer` are current.
fn house(is_newer: bool) -> House {
    let house = House::boot(7);
    let library = house
        .code
        .link_library(&processquest_1_1_0::LIBRARY)
        .unwrap();
    if is_newer {
        house.code.make_all_current(library).unwrap();
    }
    house
}

fn versions(library: Library) -> Vec<Version> {
    let all = library.modules.into_iter().zip(library.entries);
    let version = |(module, entry): (pq_otp::Module, pq_code::ModuleEntry)| {
        let declared = entry.declared.unwrap_or_default();
        Version {
            module,
            converts: declared.converts,
            keeps: declared.keeps,
            extras: Vec::new(),
        }
    };
    all.map(version).collect()
}

fn name(number: u32) -> String {
    format!("hero-{number}")
}

/// The saved heroes of a node.
fn saved(house: &mut House) -> Vec<Vec<u8>> {
    let copy = |number| {
        let root = house.sup_of(&name(number)).unwrap();
        house.sim.copy_out(root, PATIENCE_MS).unwrap().to_bytes()
    };
    (0..heroes()).map(copy).collect()
}

/// A node on which these saved heroes have come back.
fn opened(is_newer: bool, rows: &[Vec<u8>]) -> House {
    let mut house = house(is_newer);
    let libraries = house.code.libraries().into_iter();
    let opens = Arc::new(Opening::new(libraries.flat_map(versions).collect()));
    let supervisor = house.local("pq_supersup");
    for row in rows {
        let put = PutIn {
            subtree: Subtree::from_bytes(row).unwrap(),
            under: Some(Under {
                supervisor,
                id: None,
            }),
            opens: opens.clone(),
        };
        house.sim.put_in(put, PATIENCE_MS).unwrap();
    }
    house
}

/// The modules that differ between the two versions.
const CHANGED: [&str; 3] = ["pq_enemy", "pq_events", "pq_player"];

/// Upgrades or downgrades a node while its heroes live.
fn migrate(house: &mut House, direction: Direction) {
    let vsn = match direction {
        Direction::Up => "1.1.0",
        Direction::Down => "1.0.0",
    };
    let libraries = house.code.libraries();
    let is_it = |it: &&Library| it.application == "processquest" && it.vsn == vsn;
    let library = libraries.iter().find(is_it).unwrap().id;
    let mut changes = CHANGED
        .map(|module| Change::MakeCurrent(library, module))
        .to_vec();
    changes.push(match direction {
        Direction::Up => Change::MakeCurrent(library, "pq_quest"),
        Direction::Down => Change::Delete("pq_quest"),
    });
    let preview = house.code.preview(&changes).unwrap();
    let target = |name| Target {
        module: preview.current(name).unwrap(),
        conversion: Conversion::CodeChange {
            direction,
            extra: Vec::new(),
        },
        through: Vec::new(),
    };
    let plan = Plan {
        targets: CHANGED.into_iter().map(target).collect(),
        modules: Arc::new(preview),
        removed: Vec::new(),
        suspend_timeout_ms: 5_000,
        code_change_timeout_ms: 5_000,
        on_overrun: OnOverrun::Abort,
        slice: Plan::SLICE,
        trial: false,
    };
    let mut transaction = Transaction::begin(&mut house.sim, plan);
    transaction.copy().unwrap();
    let code = house.code.clone();
    let committed = transaction.hold().unwrap().commit(|| {
        code.change(&changes).unwrap();
    });
    assert_eq!(committed.processes["pq_player"], u64::from(heroes()));
    house.sim.settle();
}

/// The whole state of a hero as text, without pids, which differ between nodes.
fn state(house: &mut House, number: u32) -> String {
    let state = house.state_of(&name(number)).unwrap().to_string();
    let mut parts = state.split('<');
    let first = parts.next().unwrap_or_default().to_string();
    parts.fold(first, |text, part| {
        text + part.split_once('>').map_or(part, |(_, rest)| rest)
    })
}

fn assert_equal(one: &mut House, other: &mut House) {
    for number in 0..heroes() {
        assert_eq!(state(one, number), state(other, number));
    }
}

#[test]
fn heroes_that_were_saved_and_opened_are_those_of_a_live_migration() {
    let mut live = house(false);
    for number in 0..heroes() {
        let opts = Opts {
            time: Some(200 + number % 7),
            lvlexp: Some(50),
            exp: Some(u64::from(number % 1_000) * 13),
            money: Some(u64::from(number % 1_000) * 1_000),
            ..Opts::default()
        };
        live.start_hero(&name(number), &opts).unwrap();
    }
    live.sim.run_ms(PLAYED_MS);
    for number in 0..heroes() {
        let pid = live.whereis(&name(number)).unwrap();
        let suspended = live.sim.sys(pid, SysMessage::Suspend, PATIENCE_MS);
        suspended.unwrap();
    }
    let mut booted = opened(true, &saved(&mut live));
    migrate(&mut live, Direction::Up);
    assert!(state(&mut live, 0).contains("quest =>"));
    assert_equal(&mut live, &mut booted);
    let mut booted = opened(false, &saved(&mut booted));
    migrate(&mut live, Direction::Down);
    assert_equal(&mut live, &mut booted);
    // The quest that 1.0.0 has no place for is kept beside the hero in both.
    let mut booted = opened(true, &saved(&mut booted));
    migrate(&mut live, Direction::Up);
    assert_equal(&mut live, &mut booted);
}

/// The parts of a hero that 1.0.0 has, without the pid of its event manager.
fn hero(house: &mut House, number: u32) -> String {
    let mut whole: Whole = house.hero(&name(number)).unwrap();
    whole.data.events = pq_otp::Pid::from_raw(0);
    format!("{whole:?}")
}

#[test]
fn heroes_go_up_and_down_with_their_saves_and_keep_every_part() {
    let mut old = House::boot(1);
    for number in 0..heroes() {
        let opts = Opts {
            time: Some(20 + number % 7),
            lvlexp: Some(50),
            exp: Some(u64::from(number) * 13),
            money: Some(u64::from(number) * 1_000),
            ..Opts::default()
        };
        old.start_hero(&name(number), &opts).unwrap();
    }
    old.sim.run_ms(PLAYED_MS);
    let below = saved(&mut old);
    let mut new = opened(true, &below);
    let mut again = {
        let above = saved(&mut new);
        opened(false, &above)
    };
    for number in 0..heroes() {
        let before = hero(&mut old, number);
        assert_eq!(hero(&mut new, number), before);
        assert_eq!(hero(&mut again, number), before);
        let quest = |house: &mut House| {
            house
                .state_of(&name(number))
                .unwrap()
                .to_string()
                .contains("quest =>")
        };
        assert!(quest(&mut new) && !quest(&mut again) && !quest(&mut old));
    }
    // They play on where they have been.
    let kills = |house: &mut House| house.sim.counters().timers;
    let before = kills(&mut again);
    again.sim.run_ms(PLAYED_MS);
    assert!(kills(&mut again) > before + u64::from(heroes()));
}

/// A row with this body, as the keeper makes it.
fn row(name: &str, body: Vec<u8>) -> Row {
    let versions = "pq_events-1.0.0 pq_player-1.0.0 pq_sup-1.0.0";
    Row {
        id: 0,
        seq: 0,
        key: format!("pq_supersup/{name}"),
        name: name.to_string(),
        state: State::Playing,
        versions: versions.into(),
        body,
        why: None,
        changed_unix_ms: 1_796_040_000_000,
    }
}

#[test]
fn an_export_gives_back_the_exact_row_and_a_damaged_one_nothing() {
    let mut house = House::boot(3);
    for number in 0..heroes() {
        let time = Some(20 + number % 7);
        let opts = Opts {
            time,
            ..Opts::default()
        };
        house.start_hero(&name(number), &opts).unwrap();
    }
    house.sim.run_ms(PLAYED_MS);
    for (number, body) in (0..).zip(saved(&mut house)) {
        let row = row(&name(number), body);
        let text = export(&row, Readable::Yes);
        assert!(text.contains("\"module\": \"pq_player\""), "{text}");
        assert_eq!(Exported::read(text.as_bytes()).unwrap().row, row);
        if number > 0 {
            continue;
        }
        // One wrong byte anywhere: the reader refuses the file, or the byte stands in the part for people.
        let mut random = u64::from(number) + 1;
        for _ in 0..length(2_000, 200_000) {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let mut bytes = text.clone().into_bytes();
            let place = (random >> 33) as usize % (bytes.len() - 1);
            bytes[place] ^= 1 << (random >> 29 & 7);
            if let Ok(read) = Exported::read(&bytes) {
                assert_eq!(read.row, row, "byte {place}");
            }
            assert!(Exported::read(&bytes[..place]).is_err(), "cut at {place}");
        }
    }
}

#[test]
fn the_seeds_of_the_fuzzer_are_a_saved_hero_and_its_export() {
    let body = include_bytes!("../../fuzz/seeds/read_saved/hero.subtree");
    let file = include_bytes!("../../fuzz/seeds/read_saved/hero.json");
    let exported = Exported::read(file).unwrap();
    assert_eq!(exported.row.body, body);
    assert_eq!(Ok(exported.subtree), Subtree::from_bytes(body));
}
