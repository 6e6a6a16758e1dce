//! Process Quest 1.1.91: its migration panics.
//!
//! A lesson about a fault, and no version to play with: see `docs/lessons/5-break.md`. Everything but `pq_player` is that of 1.1.0.

pub mod pq_player;

use processquest_1_0_0 as v1_0_0;
use processquest_1_1_0 as v1_1_0;

pq_sdk::library! {
    application: "processquest", vsn: "1.1.91",
    application v1_0_0::processquest::Processquest,
    supervisor v1_0_0::pq_supersup::PqSupersup,
    supervisor v1_0_0::pq_sup::PqSup,
    event_manager v1_1_0::pq_events::PqEvents,
    gen_fsm pq_player::Player,
    functions v1_1_0::pq_enemy::PqEnemy,
    functions v1_0_0::pq_market::PqMarket,
    functions v1_0_0::pq_stats::PqStats,
    functions v1_1_0::pq_quest::PqQuest,
}
