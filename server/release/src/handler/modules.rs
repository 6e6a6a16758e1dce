//! Describes a script for people: the change of each module, and the functions that it calls.

use std::collections::BTreeMap;

use pq_code::CodeServer;
use pq_otp::upgrade::Driver;
use pq_otp::{Kind, Module, ProcessInfo};
use pq_protocol::record::{How, ModuleChange};
use pq_term::{Atom, Term, shorten};

use super::ASK_TIMEOUT_MS;
use super::error::FailedStep;
use super::prepare::Prepared;
use crate::instruction::Mfa;
use crate::script::{CodeChange, Exchange, Step};

/// The longest text of a call's arguments, in characters.
const ARGS_CHARS_MAX: usize = 80;

impl Prepared {
    /// The change of each module, in the order of their names. The number of processes is filled in later.
    pub(super) fn modules(&self, code: &CodeServer) -> Result<Vec<ModuleChange>, FailedStep> {
        let all = self.hows(code).into_iter();
        all.map(|(name, how)| {
            let current = code.current(name.as_str());
            let next = match (how, self.libraries.get(&name)) {
                (How::Remove, _) | (_, None) => None,
                (_, Some(library)) => Some(code.module(*library, name.as_str())?),
            };
            let vsn = |module: Option<Module>| module.map(|module| module.vsn().to_string());
            let through = self.converters.iter();
            let through = through.filter_map(|it| it.vsn_of(code, name.as_str()));
            Ok(ModuleChange {
                module: name.as_str().to_string(),
                from: vsn(current),
                through: through.map(str::to_string).collect(),
                to: vsn(next.or(current.filter(|_| how != How::Remove))),
                how,
                processes: 0,
            })
        })
        .collect()
    }

    fn hows(&self, code: &CodeServer) -> BTreeMap<Atom, How> {
        let mut hows = BTreeMap::new();
        for step in &self.script.steps {
            match step {
                Step::Exchange(exchange) => exchange.hows(code, &mut hows),
                Step::Stop(modules) => {
                    hows.extend(modules.iter().map(|module| (*module, How::Stop)));
                }
                Step::Start(modules) => {
                    hows.extend(modules.iter().map(|module| (*module, How::Restart)));
                }
                Step::Apply(_) => (),
            }
        }
        hows
    }

    /// The functions that the script calls, before the point of no return and after it.
    pub(super) fn calls(&self) -> Vec<String> {
        let behind = self.script.steps.iter().filter_map(|step| match step {
            Step::Apply(mfa) => Some(mfa),
            _ => None,
        });
        self.script.checks.iter().chain(behind).map(call).collect()
    }
}

impl Exchange {
    fn hows(&self, code: &CodeServer, hows: &mut BTreeMap<Atom, How>) {
        for change in &self.changes {
            match change {
                CodeChange::Load(module, _) => {
                    let how = self.how(*module, code.current(module.as_str()));
                    // A module that was stopped before it is loaded starts with the new code.
                    hows.entry(*module).or_insert(how);
                }
                CodeChange::Remove(module, _) => {
                    hows.insert(*module, How::Remove);
                }
                CodeChange::Purge(_) => (),
            }
        }
        for module in self.conversions.keys() {
            hows.entry(*module).or_insert(How::Convert);
        }
    }

    fn how(&self, module: Atom, current: Option<Module>) -> How {
        match (current, self.conversions.contains_key(&module)) {
            (None, _) => How::Add,
            (Some(current), true) if current.kind() == Kind::Supervisor => How::Supervisor,
            (Some(_), true) => How::Convert,
            (Some(_), false) => How::Load,
        }
    }
}

/// Counts how many of these processes run the current version of a module.
pub(super) fn count(
    driver: &mut dyn Driver,
    current: Option<Module>,
    processes: &[ProcessInfo],
) -> Result<u64, FailedStep> {
    let Some(current) = current else {
        return Ok(0);
    };
    // A handler is not a process, so it is missing in a list of processes.
    if current.kind() == Kind::GenEvent {
        return Ok(driver.who_runs(current, ASK_TIMEOUT_MS)?.len() as u64);
    }
    let of_it = processes
        .iter()
        .filter(|process| process.module == current.name());
    Ok(of_it.count() as u64)
}

/// The text of a call, such as `application:stop(shop)`.
fn call(mfa: &Mfa) -> String {
    let Mfa {
        module,
        function,
        args,
    } = mfa;
    let args: Vec<String> = args.iter().map(Term::to_string).collect();
    let args = args.join(", ");
    format!("{module}:{function}({})", shorten(&args, ARGS_CHARS_MAX))
}
