//! The registry as modules call it: any term is a name, one name per process, and a dead process loses its own.
//!
//! The registry itself is compiled into the node (application `regis`).

use pq_term::{Pid, Term, msgpack};

use crate::ctx::Ctx;

/// Why a name was not given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegisterError {
    /// Another process has it: this one.
    NameTaken(Pid),
    /// This process has a name already: this one.
    AlreadyNamed(Term),
    /// The process has ended.
    Dead,
}

/// `regis:register(Name, self())`. It holds at once; when the process ends the name is free before
/// anybody hears of the end.
pub fn register(ctx: &mut Ctx<'_>, name: impl Into<Term>) -> Result<(), RegisterError> {
    let own = ctx.self_pid();
    match call_unread(ctx, "regis:register", &[name.into(), own.into()]) {
        // Each hero asks twice, and this is what it hears.
        bytes if bytes == msgpack::OK => Ok(()),
        bytes => Err(refused(bytes)),
    }
}

/// `regis:unregister(Name)`: fine as well when nobody has the name.
pub fn unregister(ctx: &mut Ctx<'_>, name: impl Into<Term>) {
    call(ctx, "regis:unregister", &[name.into()]);
}

/// `regis:whereis(Name)`.
pub fn whereis(ctx: &mut Ctx<'_>, name: impl Into<Term>) -> Option<Pid> {
    let function = "regis:whereis";
    let answer = call_unread(ctx, function, &[name.into()]);
    msgpack::exact_pid(answer).or_else(|| read(function, answer).as_pid())
}

/// `regis:get_names()`.
pub fn get_names(ctx: &mut Ctx<'_>) -> Vec<Term> {
    call(ctx, "regis:get_names", &[])
        .as_list()
        .unwrap_or_default()
        .to_vec()
}

fn call(ctx: &mut Ctx<'_>, function: &str, args: &[Term]) -> Term {
    read(function, call_unread(ctx, function, args))
}

/// As in Erlang, a registry that is not there ends its caller.
fn call_unread<'a>(ctx: &'a mut Ctx<'_>, function: &str, args: &[Term]) -> &'a [u8] {
    ctx.apply_unread(function, args)
        .unwrap_or_else(|reason| panic!("{function} failed: {reason}"))
}

fn read(function: &str, answer: &[u8]) -> Term {
    msgpack::from_msgpack(answer).unwrap_or_else(|error| panic!("{function} failed: {error}"))
}

/// From `{error, Why}`, where `Why` is `{name_taken, Pid}`, `{already_named, Name}` or `dead`.
fn refused(answer: &[u8]) -> RegisterError {
    let answer = msgpack::from_msgpack(answer);
    let Some([_, why]) = answer.as_ref().ok().and_then(Term::as_tuple) else {
        panic!("regis:register/2 answered {answer:?}");
    };
    match why.as_tuple() {
        Some([tag, Term::Pid(holder)]) if tag.is_atom("name_taken") => {
            RegisterError::NameTaken(*holder)
        }
        Some([_, name]) => RegisterError::AlreadyNamed(name.clone()),
        _ => RegisterError::Dead,
    }
}
