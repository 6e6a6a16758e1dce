//! A ship, with a name and the cargo of its start.

use std::thread::sleep;
use std::time::Duration;

use pq_sdk::regis::{self, RegisterError};
use pq_sdk::{Ctx, Export, Function, GenServer, InitError, Module, Reason, Term};
use serde::{Deserialize, Serialize};

/// The state of a ship.
#[derive(Serialize, Deserialize)]
pub struct Ship {
    name: String,
    cargo: u64,
}

/// The message of `harbour_ship:papers` to the client's program.
#[derive(Serialize, Deserialize)]
pub struct Papers {
    name: String,
    cargo: u64,
}

/// The beginning of the names of ships for which [`PAPERS`] does not return.
const ENDLESS: &str = "Kraken";

/// `papers(State)`: returns the GMCP messages about a ship; it never returns for one whose name begins with "Kraken".
pub static PAPERS: Function<(Ship,), Vec<(String, Papers)>> =
    Function::new("harbour_ship", "papers", |_ctx, (ship,)| {
        let Ship { name, cargo } = ship;
        while name.starts_with(ENDLESS) {
            sleep(Duration::from_secs(1));
        }
        vec![("Char.Vitals".to_string(), Papers { name, cargo })]
    });

impl Module for Ship {
    const NAME: &'static str = "harbour_ship";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&PAPERS];
}

impl GenServer for Ship {
    type Args = (String, u64);
    type Call = ();
    type Cast = ();

    fn init((name, cargo): (String, u64), ctx: &mut Ctx<'_>) -> Result<Ship, InitError> {
        match regis::register(ctx, Term::string(&*name)) {
            Ok(()) => Ok(Ship { name, cargo }),
            Err(RegisterError::NameTaken(_)) => Err(Reason::tagged("taken", &name).into()),
            Err(_) => Err(Reason::NoProc.into()),
        }
    }
}
