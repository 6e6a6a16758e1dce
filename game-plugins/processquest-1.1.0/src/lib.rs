//! Process Quest 1.1.0: heroes are on quests, there are more enemies, and a higher level sells for more.
//!
//! | module | in this version |
//! |---|---|
//! | `pq_quest` | new: the quests |
//! | `pq_enemy` | more enemies; the Ant became a Spider |
//! | `pq_events` | tells of quests too |
//! | `pq_player` | has a quest; `migrate` converts heroes of 1.0.0 and back |
//! | all others | those of 1.0.0, with its version |
//!
//! Only what changed stands here; the rest is taken from 1.0.0, which knows nothing of this version. What
//! an upgrade does with it, in which order, says `processquest.appup`.

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
