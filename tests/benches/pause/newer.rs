//! The newer library, whose state has one more field.

use pq_sdk::{Ctx, From, GenServer, Info, InitError, Migrate, Migration, Module, Next, Reason};
use serde::{Deserialize, Serialize};

use crate::older;

pq_sdk::library! {
    application: "bench", vsn: "2.0.0",
    gen_server Server,
}

/// The older state, and the number of changes.
#[derive(Serialize, Deserialize)]
struct Server {
    older: older::Server,
    changes: u64,
}

impl Module for Server {
    const NAME: &'static str = "server";
    const VSN: &'static str = "2.0.0";
}

impl GenServer for Server {
    type Args = (u64, u64);
    type Call = ();
    type Cast = ();
    const MIGRATIONS: &'static [Migration] =
        &[Migration::converts::<older::Server, Server>("1.0.0")];

    fn init(args: (u64, u64), ctx: &mut Ctx<'_>) -> Result<Server, InitError> {
        let older = older::Server::init(args, ctx)?;
        Ok(Server { older, changes: 0 })
    }

    fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &self.older.ticks);
        Next::Wait
    }

    fn handle_info(&mut self, _: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        self.older.tick(ctx);
        Next::Wait
    }
}

impl Migrate<older::Server> for Server {
    fn up(older: older::Server, _ctx: &mut Ctx<'_>) -> Result<Server, Reason> {
        Ok(Server { older, changes: 1 })
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<older::Server, Reason> {
        Ok(self.older)
    }
}
