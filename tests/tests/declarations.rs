//! The declarations of modules about their states for upgrades, checked with running processes that are moved to a
//! newer library: a kept state stays the same, and a converted one changes.
//!
//! The lines that make functions callable (`pq_sdk::calls!`) also declare the calls of a module; `tidy` checks that
//! libraries use these lines.

use pq_code::{Change, Manifest};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Term};
use pq_sdk::pq_abi::Direction;
use pq_sdk::pq_abi::raw::LibraryTable;
use pq_tests::house::House;

const SEED: u64 = 2_104;

/// The version that the heroes run before the move.
const OLD: &str = "1.0.0";

/// Enough milliseconds for a hero to fight, sell, buy and reach a level.
const PLAY_MS: u64 = 600_000;

/// Moves a process of a module up to the version of a library; returns its state before and after.
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
