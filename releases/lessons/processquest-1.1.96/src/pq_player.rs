//! The hero of 1.1.0 with code that crashes an hour later.
//!
//! The author counts steps in a table with room for [`STEPS_MAX`]: a hero takes about as many in an hour.

use pq_sdk::gen_fsm::{Begun, Machine};
use pq_sdk::{Ctx, Export, From, GenFsm, InitError, Migrate, Migration, Module, Reason, Step};
use serde::{Deserialize, Serialize};

use crate::v1_1_0::pq_player::{self as v1_1_0, gmcp};

pub use crate::v1_0_0::pq_player::{Call, Event, State};

/// A hero that counts its steps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Player {
    /// The hero of 1.1.0.
    #[serde(flatten)]
    pub old: v1_1_0::Player,
    /// The steps since the hero has this version.
    pub steps: usize,
}

/// State and hero together, as they are exported and converted.
pub type Whole = Machine<State, Player>;

impl Module for Player {
    const NAME: &'static str = "pq_player";
    const VSN: &'static str = "1.1.96";
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
        Ok((Player { old, steps: 0 }, step))
    }

    fn handle_event(
        &mut self,
        state: State,
        event: Event,
        ctx: &mut Ctx<'_>,
    ) -> Step<State, Event> {
        let room = &[(); STEPS_MAX];
        let () = room[self.steps];
        self.steps += 1;
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
        Ok(Player { old, steps: 0 })
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<v1_1_0::Player, Reason> {
        Ok(self.old)
    }
}

/// The room of the table: the steps of a hero in about an hour, at 1 600 ms for each.
pub const STEPS_MAX: usize = 2_250;
