//! `{apply, {M, F, A}}`: calls a function and checks its result.
//!
//! OTP ignores the result: there, an application that fails to start counts as a success. Here, a returned or thrown error
//! fails the install.
//!
//! The functions are those of the table of [`crate::judge::reach`], and the exports of the release's modules.

use pq_otp::application::{AppReply, AppRequest, StartType};
use pq_otp::spec::{SupReply, SupRequest};
use pq_otp::sys::SysMessage;
use pq_otp::upgrade::Driver;
use pq_otp::{Pid, Reason, RequestError};
use pq_term::{Term, msgpack};

use super::ASK_TIMEOUT_MS;
use super::error::FailedStep;
use crate::boot::BootRelease;
use crate::instruction::Mfa;
use crate::judge::reach::{AppCall, Call, NoCall, SupCall, SysCall};

pub(super) fn apply(
    driver: &mut dyn Driver,
    boot: &BootRelease,
    mfa: &Mfa,
) -> Result<(), FailedStep> {
    carry_out(driver, boot, mfa).map_err(|reason| FailedStep::Apply {
        module: mfa.module,
        function: mfa.function,
        arity: mfa.args.len(),
        reason,
    })
}

fn carry_out(driver: &mut dyn Driver, boot: &BootRelease, mfa: &Mfa) -> Result<(), Reason> {
    match Call::read(mfa) {
        Ok(Call::Nothing) => Ok(()),
        Ok(Call::Application(name, call)) => application(driver, boot, name, call),
        Ok(Call::Supervisor(name, call)) => supervisor(driver, &name, call),
        Ok(Call::Sys(name, call)) => sys(driver, &name, call),
        Ok(Call::Function) => function(driver, mfa),
        Err(error) => Err(no_call(mfa, &error)),
    }
}

/// The failure as OTP's term: `undef` or `badarg`.
fn no_call(mfa: &Mfa, error: &NoCall) -> Reason {
    match error {
        NoCall::Undefined { .. } => {
            let text = format!("{}:{}/{}", mfa.module, mfa.function, mfa.args.len());
            Reason::tagged("undef", &text)
        }
        NoCall::BadArgs { why } => Reason::tagged("badarg", why),
    }
}

fn function(driver: &mut dyn Driver, mfa: &Mfa) -> Result<(), Reason> {
    let args = msgpack::to_plain_msgpack(&Term::list(mfa.args.as_slice()));
    let (module, function) = (mfa.module.as_str(), mfa.function.as_str());
    let reply = driver.call_function(module, function, &args, ASK_TIMEOUT_MS);
    let reply = reply.map_err(reason)?;
    match msgpack::from_msgpack(&reply) {
        Ok(term) => returned(&term),
        Err(error) => Err(Reason::tagged("bad_return", &error.to_string())),
    }
}

/// Finds a returned error: `{error, Reason}`, or the bare atom `error`.
fn returned(term: &Term) -> Result<(), Reason> {
    match term.returned_error() {
        Some(why) => Err(Reason::from_term(why.clone())),
        None if term.is_atom("error") => Err(Reason::Other(term.clone())),
        None => Ok(()),
    }
}

fn application(
    driver: &mut dyn Driver,
    boot: &BootRelease,
    name: String,
    call: AppCall,
) -> Result<(), Reason> {
    match call {
        AppCall::Load => load(driver, boot, &name),
        AppCall::Unload => unless(ask(driver, &AppRequest::Unload(name)), "not_loaded"),
        AppCall::Stop => stop(driver, name),
        AppCall::Start(start_type) | AppCall::EnsureStarted(start_type) => {
            start(driver, boot, name, start_type)
        }
        AppCall::EnsureAllStarted(start_type) => start_all(driver, boot, name, start_type, 0),
        AppCall::SetEnv(key, value) => {
            driver.node().set_env(&name, &key, value);
            Ok(())
        }
        AppCall::UnsetEnv(key) => {
            driver.node().unset_env(&name, &key);
            Ok(())
        }
    }
}

/// As in OTP, an application that is not loaded is loaded first, as the new release describes it. A loaded application that the
/// new release lacks can still be started.
fn start(
    driver: &mut dyn Driver,
    boot: &BootRelease,
    name: String,
    start_type: StartType,
) -> Result<(), Reason> {
    load(driver, boot, &name)?;
    let started = ask(driver, &AppRequest::Start(name, start_type));
    unless(started, "already_started")
}

fn stop(driver: &mut dyn Driver, name: String) -> Result<(), Reason> {
    let stopped = ask(driver, &AppRequest::Stop(name));
    unless(unless(stopped, "not_started"), "not_loaded")
}

/// Ignores an error that says that the aim is reached already. OTP ignores every result of these functions.
fn unless(done: Result<(), Reason>, tag: &str) -> Result<(), Reason> {
    match done {
        Err(reason) if is_of(&reason, tag) => Ok(()),
        other => other,
    }
}

/// Starts the needed applications first. `depth` guards against applications that need each other in a circle; `fit` refuses
/// such releases.
fn start_all(
    driver: &mut dyn Driver,
    boot: &BootRelease,
    name: String,
    start_type: StartType,
    depth: usize,
) -> Result<(), Reason> {
    if depth > boot.applications.len() {
        return Err(Reason::tagged("circular_dependencies", &name));
    }
    let known = boot
        .applications
        .iter()
        .find(|app| app.app.name.as_str() == name);
    for need in known.map_or(&[][..], |app| &app.app.applications) {
        start_all(
            driver,
            boot,
            need.as_str().to_string(),
            start_type,
            depth + 1,
        )?;
    }
    start(driver, boot, name, start_type)
}

fn is_of(reason: &Reason, tag: &str) -> bool {
    let Reason::Other(term) = reason else {
        return false;
    };
    let first = term.as_tuple().and_then(|parts| parts.first());
    first.is_some_and(|first| first.is_atom(tag))
}

/// Loads an application as the new release describes it. An application that the new release lacks has to be loaded already.
fn load(driver: &mut dyn Driver, boot: &BootRelease, name: &str) -> Result<(), Reason> {
    let mut applications = boot.applications.iter();
    match applications.find(|app| app.app.name.as_str() == name) {
        Some(app) => {
            let loaded = ask(driver, &AppRequest::Load(app.app.spec()));
            unless(loaded, "already_loaded")
        }
        None if is_loaded(driver, name)? => Ok(()),
        None => Err(Reason::tagged("no_such_application", name)),
    }
}

fn is_loaded(driver: &mut dyn Driver, name: &str) -> Result<bool, Reason> {
    let data = driver.applications(&AppRequest::Data, ASK_TIMEOUT_MS);
    Ok(match data.map_err(reason)? {
        AppReply::Data(apps, _) => apps.iter().any(|app| app.spec.name == name),
        _ => false,
    })
}

fn ask(driver: &mut dyn Driver, request: &AppRequest) -> Result<(), Reason> {
    match driver.applications(request, ASK_TIMEOUT_MS) {
        Ok(AppReply::Error(term)) => Err(Reason::from_term(term)),
        Ok(_) => Ok(()),
        Err(error) => Err(reason(error)),
    }
}

fn supervisor(driver: &mut dyn Driver, name: &Term, call: SupCall) -> Result<(), Reason> {
    let (request, wanted) = match call {
        SupCall::Start(spec) => (SupRequest::StartSpec(spec), None),
        SupCall::StartArgs(args) => (SupRequest::StartChild(args), None),
        SupCall::Restart(id) => (SupRequest::RestartChild(id), None),
        SupCall::Terminate(id) => match id.as_pid() {
            Some(pid) => (SupRequest::TerminatePid(pid), None),
            None => (SupRequest::TerminateId(id), None),
        },
        SupCall::Delete(id) => (SupRequest::DeleteChild(id), None),
        SupCall::GetChildspec(id) => (SupRequest::WhichChildren, Some(id)),
        SupCall::Which => (SupRequest::WhichChildren, None),
        SupCall::Count => (SupRequest::CountChildren, None),
    };
    let to = process(driver, name).ok_or(Reason::NoProc)?;
    match driver
        .ask_supervisor(to, &request, ASK_TIMEOUT_MS)
        .map_err(reason)?
    {
        SupReply::Error(term) => Err(Reason::from_term(term)),
        SupReply::Children(children) => match wanted {
            Some(id) if children.iter().all(|child| child.id != id) => {
                Err(Reason::Other(Term::atom("not_found")))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn sys(driver: &mut dyn Driver, name: &Term, call: SysCall) -> Result<(), Reason> {
    let to = process(driver, name).ok_or(Reason::NoProc)?;
    let message = match call {
        SysCall::Suspend => SysMessage::Suspend,
        SysCall::Resume => SysMessage::Resume,
        SysCall::GetState => SysMessage::GetState,
        SysCall::GetStatus => SysMessage::GetStatus,
        SysCall::Terminate(term) => SysMessage::Terminate(Reason::from_term(term)),
    };
    let answer = driver.sys(to, message, ASK_TIMEOUT_MS);
    answer.map(drop).map_err(reason)
}

/// The process with a registered name or a pid.
fn process(driver: &dyn Driver, name: &Term) -> Option<Pid> {
    match name {
        Term::Atom(name) => driver.node().whereis(name.as_str()),
        other => other.as_pid(),
    }
}

fn reason(error: RequestError) -> Reason {
    match error {
        RequestError::Exit(reason) => reason,
        RequestError::Timeout(_) => Reason::Timeout,
        other => Reason::tagged("node", &other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_erlang_and_of_rust_are_errors_and_all_else_is_none() {
        let read = |text: &str| pq_term::read_one(text).unwrap();
        let failed = |text: &str| returned(&read(text)).err().map(|reason| reason.to_string());
        assert_eq!(failed("{error,full}.").as_deref(), Some("full"));
        assert_eq!(
            failed("#{\"Err\" => \"full\"}.").as_deref(),
            Some("\"full\"")
        );
        assert_eq!(failed("error.").as_deref(), Some("error"));
        for fine in [
            "ok.",
            "{ok,error}.",
            "#{\"Ok\" => 1}.",
            "[].",
            "{error,a,b}.",
        ] {
            assert_eq!(failed(fine), None, "{fine}");
        }
    }
}
