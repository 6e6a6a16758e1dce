//! Conversions of a state between versions (`code_change`). The newer module has both directions.

use std::any::Any;

use pq_abi::plugin::Refusal;
use pq_abi::{Direction, OldVsn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Reason;
use crate::codec::{decode, encode_state, refusal};
use crate::ctx::Ctx;

/// A state that can be made from an `Old` one and converted back.
///
/// A conversion only reads: random numbers, clock, environment, functions of modules, and the data that it
/// [keeps](Ctx::keep) beside the process. It may run on a copy of a state and more than once, and its result may be
/// dropped.
pub trait Migrate<Old>: Sized {
    /// Converts the state of the older version to this version. [`Ctx::kept`] returns what `down` kept.
    fn up(old: Old, ctx: &mut Ctx<'_>) -> Result<Self, Reason>;
    /// Converts this state to the older version. [`Ctx::keep`] stores the parts that have no place there.
    fn down(self, ctx: &mut Ctx<'_>) -> Result<Old, Reason>;
}

type Convert = fn(&[u8], &mut Ctx<'_>) -> Result<Vec<u8>, Refusal>;

/// Puts a new state into the place, which is an `Option` of the state. A place for another type stays empty.
type Make = fn(&[u8], &mut Ctx<'_>, place: &mut dyn Any) -> Result<(), Refusal>;

/// The conversions from and to one older version of a module.
pub struct Migration {
    pub(crate) vsn: &'static str,
    pub(crate) form: Form,
    pub(crate) loses: &'static [&'static str],
    up: Convert,
    make: Make,
    down: Convert,
}

/// Whether encoding and meaning of an older version's state are those of this version.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Other,
    Same,
}

impl Form {
    pub(crate) const fn is(self, other: Form) -> bool {
        matches!(
            (self, other),
            (Form::Other, Form::Other) | (Form::Same, Form::Same)
        )
    }
}

impl Migration {
    /// The conversions between version `vsn`, whose exported state is an `Old`, and the exported state `New` of this
    /// version. An upgrade between the two is `{update, Mod, {advanced, Extra}}`.
    pub const fn converts<Old, New>(vsn: &'static str) -> Migration
    where
        Old: Serialize + DeserializeOwned,
        New: Serialize + DeserializeOwned + Migrate<Old> + 'static,
    {
        Migration::of::<Old, New>(vsn, Form::Other)
    }

    /// The conversions between version `vsn` and this one when both states have the same encoding and meaning. An upgrade
    /// between the two is `{load_module, Mod}`.
    pub const fn keeps<Old, New>(vsn: &'static str) -> Migration
    where
        Old: Serialize + DeserializeOwned,
        New: Serialize + DeserializeOwned + Migrate<Old> + 'static,
    {
        Migration::of::<Old, New>(vsn, Form::Same)
    }

    /// Declares that the way down loses these fields of the state: the older version has no place for them, and a process that plays
    /// on below does without them. `down` keeps them beside the process as far as it can, and the next upgrade brings them back. An
    /// operator has to confirm such a way: `pq install` names the fields, and asks for `--lossy`.
    ///
    /// ```
    /// # use pq_sdk::{Ctx, Migrate, Migration, Reason};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Old;
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct New;
    /// # impl Migrate<Old> for New {
    /// #     fn up(_: Old, _: &mut Ctx<'_>) -> Result<New, Reason> { Ok(New) }
    /// #     fn down(self, _: &mut Ctx<'_>) -> Result<Old, Reason> { Ok(Old) }
    /// # }
    /// const MIGRATIONS: &[Migration] = &[Migration::converts::<Old, New>("1.4.0").losing(&["race", "class"])];
    /// ```
    #[must_use]
    pub const fn losing(self, fields: &'static [&'static str]) -> Migration {
        Migration {
            loses: fields,
            ..self
        }
    }

    const fn of<Old, New>(vsn: &'static str, form: Form) -> Migration
    where
        Old: Serialize + DeserializeOwned,
        New: Serialize + DeserializeOwned + Migrate<Old> + 'static,
    {
        Migration {
            vsn,
            form,
            loses: &[],
            up: up::<Old, New>,
            make: make::<Old, New>,
            down: down::<Old, New>,
        }
    }
}

fn up<Old: DeserializeOwned, New: Serialize + Migrate<Old>>(
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<Vec<u8>, Refusal> {
    Ok(encode_state(
        &New::up(decode(bytes)?, ctx).map_err(refusal)?,
    ))
}

fn make<Old: DeserializeOwned, New: Migrate<Old> + 'static>(
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
    place: &mut dyn Any,
) -> Result<(), Refusal> {
    if let Some(place) = place.downcast_mut::<Option<New>>() {
        *place = Some(New::up(decode(bytes)?, ctx).map_err(refusal)?);
    }
    Ok(())
}

fn down<Old: Serialize, New: DeserializeOwned + Migrate<Old>>(
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<Vec<u8>, Refusal> {
    let new: New = decode(bytes)?;
    Ok(encode_state(&new.down(ctx).map_err(refusal)?))
}

/// Finds the migration of `vsn` and runs it in this direction. The module's own version needs none.
pub(crate) fn convert(
    migrations: &[Migration],
    own_vsn: &str,
    way: OldVsn<'_>,
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<Vec<u8>, Refusal> {
    let OldVsn { direction, vsn } = way;
    match (of(migrations, vsn), direction) {
        (Some(migration), Direction::Up) => (migration.up)(bytes, ctx),
        (Some(migration), Direction::Down) => (migration.down)(bytes, ctx),
        (None, _) if vsn == own_vsn => Ok(bytes.to_vec()),
        (None, _) => Err(undefined(vsn, own_vsn)),
    }
}

/// Finds the migration of `vsn` and makes a state with it: without bytes in between, if the migration has the type of the
/// state. The migration may have another type with the same encoding.
pub(crate) fn upgrade<S: DeserializeOwned + 'static>(
    migrations: &[Migration],
    own_vsn: &str,
    vsn: &str,
    bytes: &[u8],
    ctx: &mut Ctx<'_>,
) -> Result<S, Refusal> {
    let Some(migration) = of(migrations, vsn) else {
        return match vsn == own_vsn {
            true => decode(bytes),
            false => Err(undefined(vsn, own_vsn)),
        };
    };
    let mut made: Option<S> = None;
    (migration.make)(bytes, ctx, &mut made)?;
    match made {
        Some(state) => Ok(state),
        None => decode(&(migration.up)(bytes, ctx)?),
    }
}

fn of<'a>(migrations: &'a [Migration], vsn: &str) -> Option<&'a Migration> {
    migrations.iter().find(|migration| migration.vsn == vsn)
}

fn undefined(vsn: &str, own_vsn: &str) -> Refusal {
    Refusal::Undefined(format!("conversion between versions {vsn} and {own_vsn}"))
}
