//! What modules declare of their states for upgrades is true of processes that run and are moved to a newer library: a
//! state that is kept is the same, one that is converted is not.
//!
//! Which functions a module calls is declared by the very lines that make them callable (`pq_sdk::calls!`); `tidy` sees that
//! libraries use these.
#![allow(clippy::unwrap_used)]

use pq_code::{Change, Manifest};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Term};
use pq_sdk::pq_abi::Direction;
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_tests::house::House;

const SEED: u64 = 2_104;

/// The version that runs.
const OLD: &str = "1.0.0";

/// Long enough for a hero to fight, sell, buy and learn.
const PLAY_MS: u64 = 600_000;

/// Moves a process of a module up to the version of a library; its state before and after.
fn moved(house: &mut House, library: &'static LibraryTable, module: &str) -> (Term, Term) {
    let processes = house.sim.processes().into_iter();
    let mut of_module = processes.filter(|process| process.module == module);
    let pid = of_module
        .next()
        .unwrap_or_else(|| panic!("no {module} runs"))
        .pid;
    let id = house.code.link_library(library).unwrap();
    let mut ask = |message| {
        house
            .sim
            .sys(pid, message, pq_otp::sys::TIMEOUT_MS)
            .unwrap()
    };
    assert!(ask(SysMessage::Suspend).is_atom("ok"));
    let before = ask(SysMessage::GetState);
    house
        .code
        .change(&[Change::MakeCurrent(id, module)])
        .unwrap();
    let change = SysMessage::ChangeCode {
        module: module.to_string(),
        direction: Direction::Up,
        vsn: OLD.to_string(),
        extra: vec![0xc0],
    };
    assert!(ask(change).is_atom("ok"), "seed {SEED}: {module}");
    (before, ask(SysMessage::GetState))
}

#[test]
fn a_kept_state_stays_the_same_and_a_converted_one_does_not() {
    let mut house = House::boot(SEED);
    let _client = house.enter_as("Ann");
    house.sim.run_ms(PLAY_MS);
    let mut seen = Vec::new();
    for library in [&processquest_1_1_0::LIBRARY, &sockserv_1_0_1::LIBRARY] {
        let manifest = Manifest::read(library.manifest()).unwrap();
        for entry in manifest.modules {
            let declared = entry.declared.unwrap();
            let knows = |versions: &[String]| versions.iter().any(|vsn| vsn == OLD);
            if knows(&declared.converts) || knows(&declared.keeps) {
                let (before, after) = moved(&mut house, library, &entry.name);
                let is_same = before == after;
                assert_eq!(
                    is_same,
                    knows(&declared.keeps),
                    "seed {SEED}: {before} {after}"
                );
                seen.push((entry.name, is_same));
            }
        }
    }
    let expected = [("pq_player", false), ("sockserv_serv", true)];
    let expected = expected.map(|(module, is_same)| (module.to_string(), is_same));
    assert_eq!(seen, expected);
}
