//! The supervisor of all heroes: one `pq_sup` per hero, added by `processquest:start_player`.

use pq_sdk::supervisor::{Refine, Supervisor, supervise, supervisor};
use pq_sdk::{InitError, Module, Restart, Strategy, SupSpec};

use crate::pq_sup::PqSup;

/// The module; its process is known as `pq_supersup`.
pub struct PqSupersup;

impl Module for PqSupersup {
    const NAME: &'static str = "pq_supersup";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "pq_supersup";
}

impl Supervisor for PqSupersup {
    type Args = ();

    /// The limit of one restart in 60 000 seconds is the book's. It counts nothing here: in the book `pq_sup`
    /// is permanent, so a hero that keeps dying takes everybody down with it; ours is temporary and
    /// ends alone.
    fn init((): ()) -> Result<SupSpec, InitError> {
        let hero = supervisor::<PqSup>("pq_sup", &()).restart(Restart::Temporary);
        Ok(supervise(Strategy::SimpleOneForOne, 1, 60_000, [hero]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pq_sdk::{ChildType, Shutdown};

    #[test]
    fn a_hero_that_keeps_dying_ends_alone() {
        let spec = PqSupersup::init(()).unwrap();
        assert_eq!(spec.flags.strategy, Strategy::SimpleOneForOne);
        assert_eq!((spec.flags.intensity, spec.flags.period_s), (1, 60_000));
        let [hero] = &spec.children[..] else {
            panic!("one kind of child: {spec:?}");
        };
        assert_eq!(hero.restart, Restart::Temporary);
        assert_eq!(hero.shutdown, Shutdown::Infinity);
        assert_eq!(hero.kind, ChildType::Supervisor);
        assert_eq!(hero.start.module, "pq_sup");
    }
}
