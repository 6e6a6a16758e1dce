//! Process Quest 1.3.0: enemies come in groups, in moods, and with names of their own.
//!
//! Only `pq_enemy` has changed; it has functions and no state, so an upgrade loads code and converts nothing. Everything else is
//! imported from 1.0.0 and 1.1.0 with its version; these do not know this version.

pub mod pq_enemy;

use processquest_1_0_0 as v1_0_0;
use processquest_1_1_0 as v1_1_0;

pq_sdk::library! {
    application: "processquest", vsn: "1.3.0",
    application v1_0_0::processquest::Processquest,
    supervisor v1_0_0::pq_supersup::PqSupersup,
    supervisor v1_0_0::pq_sup::PqSup,
    event_manager v1_1_0::pq_events::PqEvents,
    gen_fsm v1_1_0::pq_player::Player,
    functions pq_enemy::PqEnemy,
    functions v1_0_0::pq_market::PqMarket,
    functions v1_0_0::pq_stats::PqStats,
    functions v1_1_0::pq_quest::PqQuest,
}
