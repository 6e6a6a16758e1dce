//! The registry as modules call it: any term is a name, one name per process, and a dead process loses its own.
//!
//! The registry itself is compiled into the node (application `regis`).

use pq_term::{Pid, Term};
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::export::Remote;

/// Why a name was not given.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegisterError {
    /// Another process has it: this one.
    NameTaken(Pid),
    /// This process has a name already: this one.
    AlreadyNamed(Term),
    /// The process has ended.
    Dead,
}

static REGISTER: Remote<(Term, Pid), Result<(), RegisterError>> = Remote::new("regis", "register");
static UNREGISTER: Remote<(Term,), ()> = Remote::new("regis", "unregister");
static WHEREIS: Remote<(Term,), Option<Pid>> = Remote::new("regis", "whereis");
static GET_NAMES: Remote<(), Vec<Term>> = Remote::new("regis", "get_names");

/// `regis:register(Name, self())`. It holds at once; when the process ends the name is free before
/// anybody hears of the end.
pub fn register(ctx: &mut Ctx<'_>, name: impl Into<Term>) -> Result<(), RegisterError> {
    let own = ctx.self_pid();
    REGISTER.call(ctx, (name.into(), own))
}

/// `regis:unregister(Name)`: fine as well when nobody has the name.
pub fn unregister(ctx: &mut Ctx<'_>, name: impl Into<Term>) {
    UNREGISTER.call(ctx, (name.into(),));
}

/// `regis:whereis(Name)`.
pub fn whereis(ctx: &mut Ctx<'_>, name: impl Into<Term>) -> Option<Pid> {
    WHEREIS.call(ctx, (name.into(),))
}

/// `regis:get_names()`.
pub fn get_names(ctx: &mut Ctx<'_>) -> Vec<Term> {
    GET_NAMES.call(ctx, ())
}
