//! Conversions of a state between versions (`code_change`): the newer module owns both directions.

use pq_abi::plugin::Refusal;
use pq_abi::{Direction, Way};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Reason;
use crate::codec::{decode, encode, refusal};
use crate::ctx::Ctx;

/// This state can be made from an `Old` one and turned back into it.
///
/// A conversion only reads: dice, clock, environment, functions of modules, and what it [keeps](Ctx::keep) beside the
/// process. It may run on a copy of a state, more than once, and without its result ever being used.
pub trait Migrate<Old>: Sized {
    /// Up: the state of the older version becomes this one's. [`Ctx::kept`] has what `down` kept.
    fn up(old: Old, ctx: &mut Ctx<'_>) -> Result<Self, Reason>;
    /// Down: what the older version needs of this state. For the rest there is [`Ctx::keep`].
    fn down(self, ctx: &mut Ctx<'_>) -> Result<Old, Reason>;
}

type Convert = fn(&[u8], &mut Ctx<'_>) -> Result<Vec<u8>, Refusal>;

/// One older version that a module can come from and go back to.
pub struct Migration {
    vsn: &'static str,
    up: Convert,
    down: Convert,
}

impl Migration {
    /// Between version `vsn`, whose exported state is an `Old`, and the exported state `New` of now.
    pub const fn of<Old, New>(vsn: &'static str) -> Migration
    where
        Old: Serialize + DeserializeOwned,
        New: Serialize + DeserializeOwned + Migrate<Old>,
    {
        Migration {
            vsn,
            up: up::<Old, New>,
            down: down::<Old, New>,
        }
    }
}

fn up<Old: DeserializeOwned, New: Serialize + Migrate<Old>>(
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<Vec<u8>, Refusal> {
    Ok(encode(&New::up(decode(bytes)?, ctx).map_err(refusal)?))
}

fn down<Old: Serialize, New: DeserializeOwned + Migrate<Old>>(
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<Vec<u8>, Refusal> {
    let new: New = decode(bytes)?;
    Ok(encode(&new.down(ctx).map_err(refusal)?))
}

/// Finds the migration of `vsn` and runs it in this direction. The module's own version needs none.
pub(crate) fn convert(
    migrations: &[Migration],
    own_vsn: &str,
    way: Way<'_>,
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<Vec<u8>, Refusal> {
    let Way { direction, vsn } = way;
    let migration = migrations.iter().find(|migration| migration.vsn == vsn);
    match (migration, direction) {
        (Some(migration), Direction::Up) => (migration.up)(bytes, ctx),
        (Some(migration), Direction::Down) => (migration.down)(bytes, ctx),
        (None, _) if vsn == own_vsn => Ok(bytes.to_vec()),
        (None, _) => Err(Refusal::Undefined(format!(
            "conversion between versions {vsn} and {own_vsn}"
        ))),
    }
}
