//! Process Quest 1.1.0: heroes have quests, there are more enemies, and loot brings more at a higher level.
//!
//! | module | in this version |
//! |---|---|
//! | `pq_quest` | new: the quests |
//! | `pq_enemy` | more enemies; the Ant became a Spider |
//! | `pq_events` | also reports quests |
//! | `pq_player` | has a quest; `migrate` converts heroes of 1.0.0 and back |
//! | all others | those of 1.0.0, with its version |
//!
//! This crate contains only the changes. It imports the rest from 1.0.0, which does not know this version.
//! `processquest.appup` lists the steps of the upgrade and their order.

pub mod pq_quest;

pub mod pq_enemy;

pub mod pq_events;

pub mod pq_player;

pub mod migrate;

use processquest_1_0_0 as v1_0_0;

pq_sdk::library! {
    application: "processquest", vsn: "1.1.0",
    application v1_0_0::processquest::Processquest,
    supervisor v1_0_0::pq_supersup::PqSupersup,
    supervisor v1_0_0::pq_sup::PqSup,
    event_manager pq_events::PqEvents,
    gen_fsm pq_player::Player,
    functions pq_enemy::PqEnemy,
    functions v1_0_0::pq_market::PqMarket,
    functions v1_0_0::pq_stats::PqStats,
    functions pq_quest::PqQuest,
}
