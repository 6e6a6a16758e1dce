//! Calls of the registry: any term is a name, a process has one name, and loses it at its end.
//!
//! The registry itself is a part of the node (application `regis`).

use pq_term::{Pid, Term, msgpack};

use crate::ctx::Ctx;

/// Reasons why a name was not registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RegisterError {
    /// Another process has the name; its pid.
    NameTaken(Pid),
    /// This process already has a name, which is the value.
    AlreadyNamed(Term),
    /// The calling process has ended.
    Dead,
}

/// Calls `regis:register(Name, self())`. The name is registered at once; when the process ends, the name is free before
/// any other process learns of the end.
pub fn register(ctx: &mut Ctx<'_>, name: impl Into<Term>) -> Result<(), RegisterError> {
    let own = ctx.self_pid();
    match call_unread(ctx, "regis:register", &[name.into(), own.into()]) {
        // Each hero registers two names, and this is the usual answer.
        bytes if bytes == msgpack::OK => Ok(()),
        bytes => Err(refused(bytes)),
    }
}

/// Calls `regis:unregister(Name)`, which also succeeds when the name is free.
pub fn unregister(ctx: &mut Ctx<'_>, name: impl Into<Term>) {
    call(ctx, "regis:unregister", &[name.into()]);
}

/// Calls `regis:whereis(Name)`: the process with this name.
pub fn whereis(ctx: &mut Ctx<'_>, name: impl Into<Term>) -> Option<Pid> {
    let function = "regis:whereis";
    let answer = call_unread(ctx, function, &[name.into()]);
    msgpack::exact_pid(answer).or_else(|| read(function, answer).as_pid())
}

/// Calls `regis:get_names()`: all names, in no particular order.
pub fn get_names(ctx: &mut Ctx<'_>) -> Vec<Term> {
    call(ctx, "regis:get_names", &[])
        .as_list()
        .unwrap_or_default()
        .to_vec()
}

fn call(ctx: &mut Ctx<'_>, function: &str, args: &[Term]) -> Term {
    read(function, call_unread(ctx, function, args))
}

/// As in Erlang, a missing registry ends the caller.
fn call_unread<'a>(ctx: &'a mut Ctx<'_>, function: &str, args: &[Term]) -> &'a [u8] {
    ctx.apply_unread(function, args)
        .unwrap_or_else(|reason| panic!("{function} failed: {reason}"))
}

fn read(function: &str, answer: &[u8]) -> Term {
    msgpack::from_msgpack(answer).unwrap_or_else(|error| panic!("{function} failed: {error}"))
}

/// Reads `{error, Why}`, where `Why` is `{name_taken, Pid}`, `{already_named, Name}` or `dead`.
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
