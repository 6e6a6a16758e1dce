//! Sessions of 1.0.0 and of this version, up and down: they are the same, and written the same.
//!
//! The appup loads the module without a conversion, and needs none. For a node that moves the state of a
//! running session from one library to another all the same, these say that nothing is to be done.

use pq_sdk::{Ctx, Migrate, Reason};

use crate::sockserv_serv::Session;
use crate::v1_0_0::sockserv_serv as v1_0_0;

impl Migrate<v1_0_0::Session> for Session {
    fn up(old: v1_0_0::Session, _ctx: &mut Ctx<'_>) -> Result<Session, Reason> {
        Ok(Session(old))
    }

    fn down(self, _ctx: &mut Ctx<'_>) -> Result<v1_0_0::Session, Reason> {
        Ok(self.0)
    }
}
