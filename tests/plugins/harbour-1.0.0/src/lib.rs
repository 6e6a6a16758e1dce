//! A small game for a node that knows nothing of it: a client gives a ship a name, and the ship stays when the client
//! has disconnected.
//!
//! ```text
//!   harbour_master (one_for_one) ─┬► berths: harbour_berths (simple_one_for_one) ─► harbour_ship …   with names
//!                                 └► pilots: harbour_pilots (simple_one_for_one) ─► harbour_pilot …  one for a client
//! ```
//! The names of its modules and the fields of its state differ from those of the other game. The settings of its
//! release tell the node everything that it has to know (`tests/tests/door/harbour.rs`).

use pq_sdk::application::Application;
use pq_sdk::supervisor::{self, Refine, Supervisor, TopSupervisor, supervise, worker};
use pq_sdk::{Ctx, InitError, Module, Reason, Restart, Strategy, SupSpec, Term};

pub mod pilot;
pub mod ship;

pub use pilot::Pilot;
pub use ship::Ship;

/// The callback module of the application.
pub struct Harbour;

impl Module for Harbour {
    const NAME: &'static str = "harbour";
    const VSN: &'static str = "1.0.0";
}

impl Application for Harbour {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(supervisor::start::<Master>(&()))
    }
}

/// The top supervisor `harbour_master`.
pub struct Master;

impl Module for Master {
    const NAME: &'static str = "harbour_master";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "harbour_master";
}

impl Supervisor for Master {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let berths = supervisor::supervisor::<Berths>("berths", &());
        let pilots = supervisor::supervisor::<Pilots>("pilots", &());
        Ok(supervise(Strategy::OneForOne, 3, 60, [berths, pilots]))
    }
}

/// The supervisor of the ships.
pub struct Berths;

impl Module for Berths {
    const NAME: &'static str = "harbour_berths";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "harbour_berths";
}

impl Supervisor for Berths {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let ship = worker::<Ship>("ship", &()).restart(Restart::Temporary);
        Ok(supervise(Strategy::SimpleOneForOne, 3, 60, [ship]))
    }
}

/// The supervisor of the pilots.
pub struct Pilots;

impl Module for Pilots {
    const NAME: &'static str = "harbour_pilots";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "harbour_pilots";
}

impl Supervisor for Pilots {
    type Args = ();

    fn init((): ()) -> Result<SupSpec, InitError> {
        let pilot = worker::<Pilot>("pilot", &()).restart(Restart::Temporary);
        Ok(supervise(Strategy::SimpleOneForOne, 3, 60, [pilot]))
    }
}

pq_sdk::library! {
    application: "harbour", vsn: "1.0.0",
    application Harbour,
    supervisor Master,
    supervisor Berths,
    supervisor Pilots,
    gen_server Pilot,
    gen_server Ship,
}
