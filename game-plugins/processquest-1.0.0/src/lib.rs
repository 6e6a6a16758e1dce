//! Process Quest 1.0.0, the application of the book's chapter "Leveling Up in The Process Quest".
//!
//! ```text
//! pq_supersup                  one for all heroes
//!   pq_sup                     one per hero
//!     pq_events                the hero's event manager, {events, Name} in the registry
//!     pq_player                the hero, Name in the registry
//! ```
//!
//! One file per module; `processquest` is where callers from outside come in. `pq_enemy`, `pq_market` and
//! `pq_stats` are functions that know no process.
//!
//! Not here: how anything is shown (`sockserv`), how processes run (`server/otp`).

pub mod processquest;

pub mod pq_supersup;

pub mod pq_sup;

pub mod pq_events;

pub mod pq_player;

pub mod pq_enemy;

pub mod pq_market;

pub mod pq_stats;

pq_sdk::library! {
    application: "processquest", vsn: "1.0.0",
    application processquest::Processquest,
    supervisor pq_supersup::PqSupersup,
    supervisor pq_sup::PqSup,
    event_manager pq_events::PqEvents,
    gen_fsm pq_player::Player,
    functions pq_enemy::PqEnemy,
    functions pq_market::PqMarket,
    functions pq_stats::PqStats,
}
