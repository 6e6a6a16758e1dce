//! Conversion of sessions between 1.0.0 and this version: states and encoded forms are equal.
//!
//! The appup loads the module without a conversion, because none is needed. A node may nevertheless move the state of a
//! running session from one library to the other; then these conversions change nothing.

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
