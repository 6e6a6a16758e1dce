//! `{apply, {M, F, A}}`: a function is called, and what it answers counts.
//!
//! In OTP the answer is ignored: an application that does not start is a success there. Here an error that is
//! returned or thrown fails the install.
//!
//! | called here | instead of a module |
//! |---|---|
//! | `application` | `start/1,2`, `stop/1`, `load/1`, `unload/1`: what `add_application` and its kin become |
//! | `supervisor` | `restart_child/2`, `terminate_child/2`, `delete_child/2` |

use pq_otp::application::{AppReply, AppRequest, StartType};
use pq_otp::spec::{SupReply, SupRequest};
use pq_otp::upgrade::Driver;
use pq_otp::{Pid, Reason, RequestError};
use pq_term::{Term, msgpack};

use super::ASK_TIMEOUT_MS;
use super::error::FailedStep;
use crate::boot::BootRelease;
use crate::instruction::Mfa;

/// Calls it.
pub(super) fn apply(
    driver: &mut dyn Driver,
    boot: &BootRelease,
    mfa: &Mfa,
) -> Result<(), FailedStep> {
    let outcome = match mfa.module.as_str() {
        "application" => application(driver, boot, mfa),
        "supervisor" => supervisor(driver, mfa),
        _ => function(driver, mfa),
    };
    outcome.map_err(|reason| FailedStep::Apply {
        module: mfa.module,
        function: mfa.function,
        arity: mfa.args.len(),
        reason,
    })
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

/// An error as Erlang returns it, or as Rust does.
fn returned(term: &Term) -> Result<(), Reason> {
    let erlang = term.as_tuple().and_then(|parts| match parts {
        [tag, why] if tag.is_atom("error") => Some(why),
        _ => None,
    });
    let rust = term.as_map().filter(|map| map.len() == 1);
    let rust = rust.and_then(|map| {
        map.get(&Term::atom("Err"))
            .or(map.get(&Term::string("Err")))
    });
    match erlang.or(rust) {
        Some(why) => Err(Reason::from_term(why.clone())),
        None if term.is_atom("error") => Err(Reason::Other(term.clone())),
        None => Ok(()),
    }
}

fn application(driver: &mut dyn Driver, boot: &BootRelease, mfa: &Mfa) -> Result<(), Reason> {
    let name = match mfa.args.first() {
        Some(Term::Atom(name)) => name.as_str().to_string(),
        _ => return Err(bad_args(mfa)),
    };
    match (mfa.function.as_str(), &mfa.args[1..]) {
        ("start", []) => start(driver, boot, name, StartType::Temporary),
        ("start", [start_type]) => {
            let start_type = start_type_of(start_type).ok_or_else(|| bad_args(mfa))?;
            start(driver, boot, name, start_type)
        }
        ("load", []) => load(driver, boot, &name),
        ("stop", []) => ask(driver, &AppRequest::Stop(name)),
        ("unload", []) => ask(driver, &AppRequest::Unload(name)),
        _ => Err(undefined(mfa)),
    }
}

/// As in OTP, an application that is not loaded is loaded first, as the release that comes describes it.
fn start(
    driver: &mut dyn Driver,
    boot: &BootRelease,
    name: String,
    start_type: StartType,
) -> Result<(), Reason> {
    match load(driver, boot, &name) {
        Err(reason) if !reason.to_string().contains("already_loaded") => return Err(reason),
        _ => (),
    }
    ask(driver, &AppRequest::Start(name, start_type))
}

fn load(driver: &mut dyn Driver, boot: &BootRelease, name: &str) -> Result<(), Reason> {
    let listed = boot
        .applications
        .iter()
        .find(|app| app.app.name.as_str() == name);
    let app = listed.ok_or_else(|| Reason::tagged("no_such_application", name))?;
    ask(driver, &AppRequest::Load(app.app.spec()))
}

fn ask(driver: &mut dyn Driver, request: &AppRequest) -> Result<(), Reason> {
    match driver.applications(request, ASK_TIMEOUT_MS) {
        Ok(AppReply::Error(term)) => Err(Reason::from_term(term)),
        Ok(_) => Ok(()),
        Err(error) => Err(reason(error)),
    }
}

fn start_type_of(term: &Term) -> Option<StartType> {
    [
        ("permanent", StartType::Permanent),
        ("transient", StartType::Transient),
        ("temporary", StartType::Temporary),
    ]
    .into_iter()
    .find(|(word, _)| term.is_atom(word))
    .map(|(_, start_type)| start_type)
}

fn supervisor(driver: &mut dyn Driver, mfa: &Mfa) -> Result<(), Reason> {
    let [supervisor, id] = &mfa.args[..] else {
        return Err(bad_args(mfa));
    };
    let request = match mfa.function.as_str() {
        "restart_child" => SupRequest::RestartChild(id.clone()),
        "terminate_child" => SupRequest::TerminateId(id.clone()),
        "delete_child" => SupRequest::DeleteChild(id.clone()),
        _ => return Err(undefined(mfa)),
    };
    let to = process(driver, supervisor).ok_or(Reason::NoProc)?;
    match driver.supervisor(to, &request, ASK_TIMEOUT_MS) {
        Ok(SupReply::Error(term)) => Err(Reason::from_term(term)),
        Ok(_) => Ok(()),
        Err(error) => Err(reason(error)),
    }
}

/// The process under a local name, or with this pid.
fn process(driver: &dyn Driver, name: &Term) -> Option<Pid> {
    match name {
        Term::Atom(name) => driver.node().whereis(name.as_str()),
        other => other.as_pid(),
    }
}

fn bad_args(mfa: &Mfa) -> Reason {
    Reason::Other(Term::tuple([
        Term::atom("badarg"),
        Term::list(mfa.args.as_slice()),
    ]))
}

fn undefined(mfa: &Mfa) -> Reason {
    let text = format!("{}:{}/{}", mfa.module, mfa.function, mfa.args.len());
    Reason::tagged("undef", &text)
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
