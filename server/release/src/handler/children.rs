//! Processes that a script suspends across a barrier, or stops and starts by their supervisors.

use pq_otp::spec::{self, ManagerRequest, SupReply, SupRequest};
use pq_otp::sys::SysMessage;
use pq_otp::upgrade::Driver;
use pq_otp::{Module, Pid, ProcessInfo};
use pq_term::{Atom, Term};

use super::ASK_TIMEOUT_MS;
use super::error::FailedStep;

/// A stopped child: its supervisor, and its id there.
pub(super) struct Stopped {
    module: Atom,
    supervisor: Pid,
    id: Term,
}

/// Suspends the processes of a module, or resumes them. Processes that have ended meanwhile are skipped.
pub(super) fn suspend(driver: &mut dyn Driver, module: Atom, on: bool) -> Result<(), FailedStep> {
    for process in of_module(driver, module)? {
        let message = match on {
            true => SysMessage::Suspend,
            false => SysMessage::Resume,
        };
        match driver.sys(process.pid, message, ASK_TIMEOUT_MS) {
            Ok(_) | Err(pq_otp::RequestError::Exit(_)) => (),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// `{stop, [Mod]}`: ends the processes of a module through their supervisors. OTP silently leaves children of a
/// `simple_one_for_one` supervisor running; here they are an error.
pub(super) fn stop(driver: &mut dyn Driver, module: Atom) -> Result<Vec<Stopped>, FailedStep> {
    let mut stopped = Vec::new();
    for process in of_module(driver, module)? {
        let (supervisor, id) = place(driver, module, &process)?;
        let request = SupRequest::TerminateId(id.clone());
        ask(driver, "stop", module, supervisor, &request)?;
        stopped.push(Stopped {
            module,
            supervisor,
            id,
        });
    }
    Ok(stopped)
}

/// `{start, [Mod]}`: starts the stopped children again, in the order in which they were stopped.
pub(super) fn start(driver: &mut dyn Driver, stopped: Stopped) -> Result<(), FailedStep> {
    let Stopped {
        module,
        supervisor,
        id,
    } = stopped;
    ask(
        driver,
        "start",
        module,
        supervisor,
        &SupRequest::RestartChild(id),
    )
    .map(drop)
}

/// Deletes the handler of this module from an event manager (`gen_event:delete_handler/3`).
pub(super) fn delete_handler(driver: &mut dyn Driver, manager: Pid, module: Module) {
    let Ok(name) = Atom::new(module.name()) else {
        return;
    };
    let request = spec::encode(&ManagerRequest::DeleteHandler(name));
    if let Err(error) = driver.call(manager, &request, ASK_TIMEOUT_MS) {
        let name = driver.node().name_of(manager);
        tracing::warn!(%manager, name, ?module, %error, "a handler continues to run old code");
    }
}

impl Stopped {
    pub(super) fn is_of(&self, module: Atom) -> bool {
        self.module == module
    }
}

fn of_module(driver: &mut dyn Driver, module: Atom) -> Result<Vec<ProcessInfo>, FailedStep> {
    let processes = driver.processes(ASK_TIMEOUT_MS)?.into_iter();
    Ok(processes
        .filter(|process| process.module == module.as_str())
        .collect())
}

/// The supervisor of a process, and the id of the process there.
fn place(
    driver: &mut dyn Driver,
    module: Atom,
    process: &ProcessInfo,
) -> Result<(Pid, Term), FailedStep> {
    let refuse = |reason: Term| FailedStep::Child {
        what: "stop",
        module,
        reason,
    };
    let no_supervisor = || {
        refuse(Term::tuple([
            Term::atom("no_supervisor"),
            Term::from(process.pid),
        ]))
    };
    let supervisor = process.parent.ok_or_else(no_supervisor)?;
    let children = match ask(
        driver,
        "stop",
        module,
        supervisor,
        &SupRequest::WhichChildren,
    )? {
        SupReply::Children(children) => children,
        _ => return Err(no_supervisor()),
    };
    let child = children
        .into_iter()
        .find(|child| child.pid == Some(process.pid));
    match child.map(|child| child.id) {
        Some(id) if !id.is_atom("undefined") => Ok((supervisor, id)),
        Some(_) => Err(refuse(Term::atom("simple_one_for_one"))),
        None => Err(no_supervisor()),
    }
}

fn ask(
    driver: &mut dyn Driver,
    what: &'static str,
    module: Atom,
    supervisor: Pid,
    request: &SupRequest,
) -> Result<SupReply, FailedStep> {
    match driver.ask_supervisor(supervisor, request, ASK_TIMEOUT_MS)? {
        SupReply::Error(reason) => Err(FailedStep::Child {
            what,
            module,
            reason,
        }),
        reply => Ok(reply),
    }
}
