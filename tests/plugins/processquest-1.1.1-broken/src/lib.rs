//! Process Quest 1.1.1 with deliberate faults. It belongs to no release: tests use it to check that a failed upgrade
//! leaves everything unchanged.
//!
//! | module | in this version |
//! |---|---|
//! | `processquest` | that of 1.0.0, except that `config_change` refuses one setting, and that one function does not end |
//! | `pq_player` | that of 1.1.0, except that heroes with certain names do not convert, each in its own way, and one does not end |
//! | `pq_sup` | has two children with one name for a hero called `hero…`; `processquest.appup` does not load it, the appup of a test does |
//! | all others | those of 1.1.0 and 1.0.0, with their versions |
//!
//! `pq_tests::upgrade` makes the release around it.

pub mod processquest;

pub mod pq_player;

mod faults;

mod rehearsed;

pub mod pq_sup;

use processquest_1_0_0 as v1_0_0;
use processquest_1_1_0 as v1_1_0;

pq_sdk::library! {
    application: "processquest", vsn: "1.1.1",
    application processquest::Processquest,
    supervisor v1_0_0::pq_supersup::PqSupersup,
    supervisor pq_sup::PqSup,
    event_manager v1_1_0::pq_events::PqEvents,
    gen_fsm pq_player::Player,
    functions v1_1_0::pq_enemy::PqEnemy,
    functions v1_0_0::pq_market::PqMarket,
    functions v1_0_0::pq_stats::PqStats,
    functions v1_1_0::pq_quest::PqQuest,
}
