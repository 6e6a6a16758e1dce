//! The hero of 1.1.0 with a way down that loses something.
//!
//! The author pays out all loot on the way up, and forgets to keep it: the bag is empty on the way down.

use pq_sdk::gen_fsm::{Begun, Machine};
use pq_sdk::{Ctx, Export, From, GenFsm, InitError, Migrate, Migration, Module, Reason, Step};
use serde::{Deserialize, Serialize};

use crate::v1_1_0::pq_player::{self as v1_1_0, gmcp};

pub use crate::v1_0_0::pq_player::{Call, Event, State};

/// A hero, equal to that of 1.1.0 in state and encoded form.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Player {
    /// The hero of 1.1.0.
    pub old: v1_1_0::Player,
}

/// State and hero together, as they are exported and converted.
pub type Whole = Machine<State, Player>;

impl Module for Player {
    const NAME: &'static str = "pq_player";
    const VSN: &'static str = "1.1.95";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&gmcp::GMCP];
    const CALLS: &'static [&'static str] = v1_1_0::Player::CALLS;
}

impl GenFsm for Player {
    type State = State;
    type Event = Event;
    type Args = <v1_1_0::Player as GenFsm>::Args;
    type Call = Call;
    const MIGRATIONS: &'static [Migration] =
        &[Migration::converts::<v1_1_0::Whole, Whole>("1.1.0")];

    fn init(args: Self::Args, ctx: &mut Ctx<'_>) -> Result<Begun<Player>, InitError> {
        let (old, step) = v1_1_0::Player::init(args, ctx)?;
        Ok((Player { old }, step))
    }

    fn handle_event(
        &mut self,
        state: State,
        event: Event,
        ctx: &mut Ctx<'_>,
    ) -> Step<State, Event> {
        self.old.handle_event(state, event, ctx)
    }

    fn handle_call(
        &mut self,
        state: State,
        call: Call,
        from: From,
        ctx: &mut Ctx<'_>,
    ) -> Step<State, Event> {
        self.old.handle_call(state, call, from, ctx)
    }
}

impl Migrate<v1_1_0::Player> for Player {
    fn up(old: v1_1_0::Player, _ctx: &mut Ctx<'_>) -> Result<Player, Reason> {
        let mut old = old;
        while let Some((_, value)) = old.sell() {
            debug_assert!(old.hero.money >= value);
        }
        Ok(Player { old })
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<v1_1_0::Player, Reason> {
        Ok(self.old)
    }
}
