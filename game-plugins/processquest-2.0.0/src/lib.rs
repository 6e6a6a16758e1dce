//! Process Quest 2.0.0: heroes have a race, a class, spells, and eleven places for equipment.
//!
//! | module | in this version |
//! |---|---|
//! | `pq_origin` | new: races and classes |
//! | `pq_spell` | new: spells |
//! | `pq_market` | also sells equipment for seven further places |
//! | `pq_player` | has all of that; `migrate` converts heroes of 1.4.0 and back |
//! | all others | those of older versions |
//!
//! The way down loses the four fields for which 1.4.0 has no place, and says so in the manifest of the library.

pub mod place;

pub mod pq_origin;

pub mod pq_spell;

pub mod pq_market;

pub mod pq_player;

pub mod migrate;

use processquest_1_0_0 as v1_0_0;
use processquest_1_1_0 as v1_1_0;
use processquest_1_4_0 as v1_4_0;

pq_sdk::library! {
    application: "processquest", vsn: "2.0.0",
    application v1_0_0::processquest::Processquest,
    supervisor v1_0_0::pq_supersup::PqSupersup,
    supervisor v1_0_0::pq_sup::PqSup,
    event_manager v1_1_0::pq_events::PqEvents,
    gen_fsm pq_player::Player,
    functions v1_4_0::pq_enemy::PqEnemy,
    functions pq_market::PqMarket,
    functions v1_0_0::pq_stats::PqStats,
    functions v1_1_0::pq_quest::PqQuest,
    functions pq_origin::PqOrigin,
    functions pq_spell::PqSpell,
}
