//! The supervisor of one hero: its event manager first, then the hero, who looks the manager up.

use pq_sdk::supervisor::{Refine, Supervisor, event_manager, supervise, worker};
use pq_sdk::{InitError, Module, Shutdown, Strategy, SupSpec};
use pq_words::{Name, Opts};

use crate::pq_events::PqEvents;
use crate::pq_player::Player;

/// The module.
pub struct PqSup;

impl Module for PqSup {
    const NAME: &'static str = "pq_sup";
    const VSN: &'static str = "1.0.0";
}

impl Supervisor for PqSup {
    type Args = (Name, Opts);

    /// All for one: the hero keeps the pid of its manager, so neither outlives the other.
    fn init((name, opts): (Name, Opts)) -> Result<SupSpec, InitError> {
        let events = event_manager::<PqEvents>("events", &(&name,));
        let player = worker::<Player>("player", &(&name, &opts)).shutdown(Shutdown::Timeout(2_000));
        Ok(supervise(Strategy::OneForAll, 2, 3_600, [events, player]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pq_sdk::Restart;

    #[test]
    fn the_event_manager_is_up_before_the_hero_and_both_always_come_back() {
        let spec = PqSup::init((Name::from("Gandalf"), Opts::default())).unwrap();
        assert_eq!(spec.flags.strategy, Strategy::OneForAll);
        assert_eq!((spec.flags.intensity, spec.flags.period_s), (2, 3_600));
        let children: Vec<String> = spec
            .children
            .iter()
            .map(|child| format!("{} {} {:?}", child.id, child.start.module, child.shutdown))
            .collect();
        assert_eq!(
            children,
            [
                "events pq_events Timeout(5000)",
                "player pq_player Timeout(2000)"
            ]
        );
        assert!(
            spec.children
                .iter()
                .all(|child| child.restart == Restart::Permanent)
        );
    }

    #[test]
    fn a_hero_is_started_with_what_it_was_given() {
        let opts = Opts {
            lvl: Some(3),
            ..Opts::default()
        };
        let spec = PqSup::init((Name::from("Gandalf"), opts.clone())).unwrap();
        let events: (Name,) = rmp_serde::from_slice(&spec.children[0].start.args).unwrap();
        let player: (Name, Opts) = rmp_serde::from_slice(&spec.children[1].start.args).unwrap();
        assert_eq!(events, (Name::from("Gandalf"),));
        assert_eq!(player, (Name::from("Gandalf"), opts));
    }
}
