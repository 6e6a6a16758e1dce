//! Process Quest 1.4.0: loot is counted, and a heavy bag slows a hero down.
//!
//! | module | in this version |
//! |---|---|
//! | `pq_enemy` | also says how many enemies there are (`meet/0`), so a group leaves a piece of loot for each |
//! | `pq_player` | has piles of loot, which it sells at once; `migrate` converts heroes of 1.1.0 and back |
//! | all others | those of 1.0.0 and 1.1.0, with their versions |
//!
//! The type of a field changes: `loot` is a list of pieces in older versions, and a list of piles here. Older versions do not know
//! this one.

pub mod pq_enemy;

pub mod pq_player;

pub mod migrate;

use processquest_1_0_0 as v1_0_0;
use processquest_1_1_0 as v1_1_0;
use processquest_1_3_0 as v1_3_0;

pq_sdk::library! {
    application: "processquest", vsn: "1.4.0",
    application v1_0_0::processquest::Processquest,
    supervisor v1_0_0::pq_supersup::PqSupersup,
    supervisor v1_0_0::pq_sup::PqSup,
    event_manager v1_1_0::pq_events::PqEvents,
    gen_fsm pq_player::Player,
    functions pq_enemy::PqEnemy,
    functions v1_0_0::pq_market::PqMarket,
    functions v1_0_0::pq_stats::PqStats,
    functions v1_1_0::pq_quest::PqQuest,
}
