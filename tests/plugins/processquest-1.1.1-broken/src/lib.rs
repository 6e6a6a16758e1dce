//! Process Quest 1.1.1 as it should not be. No release has it: tests see by it that an upgrade which fails leaves
//! everything as it was.
//!
//! | module | in this version |
//! |---|---|
//! | `processquest` | that of 1.0.0; but its `config_change` refuses one setting, and a function does not end |
//! | `pq_player` | that of 1.1.0; but heroes of some names do not convert, each in a way of its own, and one does not end |
//! | `pq_sup` | describes two children under one name for a hero called `hero…`; `processquest.appup` does not load it, a test's does |
//! | all others | those of 1.1.0 and 1.0.0, with their versions |
//!
//! The release around it is made by `pq_tests::upgrade`.

pub mod processquest;

pub mod pq_player;

mod faults;

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
