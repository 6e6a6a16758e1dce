//! Calls between modules: checks that each called function exists.

use std::collections::BTreeMap;

use pq_code::Callee;

use super::finding::Finding;
use super::reach::{Call, is_of_node};
use super::side::Side;
use super::world::World;
use crate::instruction::Mfa;
use crate::terms::tagged;
use pq_otp::inquiry::Answered;
use pq_term::{Term, msgpack};

/// Calls of missing functions: caller and callee, with a clause about the missing part.
pub(super) type LostCalls = BTreeMap<(String, String), String>;

impl World<'_> {
    /// The declared calls of modules whose functions do not exist.
    pub(super) fn lost_calls(&self) -> LostCalls {
        let mut lost = LostCalls::new();
        for (caller, held) in &self.held {
            let declared = held
                .entry
                .as_ref()
                .and_then(|entry| entry.declared.as_ref());
            for callee in declared.into_iter().flat_map(|declared| &declared.calls) {
                if let Some(why) = self.lost_call(callee) {
                    lost.insert((caller.clone(), callee.to_string()), why);
                }
            }
        }
        lost
    }

    fn lost_call(&self, callee: &Callee) -> Option<String> {
        if self.services.contains_key(&callee.module) || self.own.contains(&callee.module) {
            return None;
        }
        if !self.held.contains_key(&callee.module) {
            let is_unknown = self.unknown.contains(&callee.module);
            return (!is_unknown).then(|| format!("there is no module `{}`", callee.module));
        }
        let functions = self.exports(&callee.module)?;
        let is_there = functions.contains(&(callee.function.clone(), callee.arity));
        (!is_there).then(|| format!("`{}` exports no such function", callee.module))
    }

    /// Checks that the function of an `apply` exists and takes the arguments.
    pub(super) fn function(&self, to: &Side, mfa: &Mfa) -> Result<(), Finding> {
        let (module, function) = (mfa.module.as_str(), mfa.function.as_str());
        let name = name_of(mfa);
        let undef = |why: String| {
            Finding::new(
                format!("`{name}` cannot be called: {why}"),
                tagged("undef", Term::string(name.as_str())),
            )
        };
        if let Some(functions) = self.services.get(module) {
            let is_there = functions.contains(&(function.to_string(), mfa.args.len() as u32));
            return match is_there {
                true => Ok(()),
                false => Err(undef(missing(module, function, functions))),
            };
        }
        let Some(held) = self.held.get(module) else {
            return match self.unknown.contains(module) {
                true => Ok(()),
                false => Err(undef(self.no_module(to, module))),
            };
        };
        let arity = mfa.args.len() as u32;
        if let Some(functions) = self.exports(module) {
            let is_there = functions.contains(&(function.to_string(), arity));
            if !is_there && (function, arity) != ("module_info", 0) {
                return Err(undef(missing(module, function, &functions)));
            }
        }
        let (Some(code), Some(inquiry)) = (held.module, self.inquiry()) else {
            return Ok(());
        };
        let args = msgpack::to_plain_msgpack(&Term::list(mfa.args.as_slice()));
        let answered: Answered = inquiry.call(code, function, &args);
        match answered.is_badarg() {
            Some(reason) => Err(Finding::new(
                format!("`{name}` does not take these arguments: {reason}"),
                tagged("badarg", Term::string(name)),
            )),
            None => Ok(()),
        }
    }

    /// The reason why the module does not exist, as a clause.
    fn no_module(&self, to: &Side, module: &str) -> String {
        match to.owner(module) {
            Some(app) => format!(
                "`{module}` of {}-{} is not loaded at this step of the script",
                app.app.name, app.app.vsn
            ),
            None => format!(
                "release {} has no module `{module}`, and no script may call it; `pq relup --help` lists the functions \
                 that a script may call",
                to.vsn
            ),
        }
    }

    /// True for functions that cannot be looked up.
    pub(super) fn is_unseen(&self, mfa: &Mfa) -> bool {
        let module = mfa.module.as_str();
        let is_known = is_of_node(module) || self.services.contains_key(module);
        !is_known && self.exports(module).is_none()
    }

    /// Parses a call; the refusal becomes a finding.
    pub(super) fn call(&self, mfa: &Mfa) -> Result<Call, Finding> {
        Call::read(mfa).map_err(|why| {
            let name = name_of(mfa);
            Finding::new(
                format!("`{name}` cannot be called: {why}"),
                tagged("undef", Term::string(name)),
            )
        })
    }
}

/// The name of a function in the form `module:function/arity`.
pub(super) fn name_of(mfa: &Mfa) -> String {
    format!("{}:{}/{}", mfa.module, mfa.function, mfa.args.len())
}

fn missing(module: &str, function: &str, functions: &super::world::Functions) -> String {
    let all: Vec<String> = functions
        .iter()
        .map(|(name, arity)| format!("{name}/{arity}"))
        .collect();
    match all.is_empty() {
        true => format!("`{module}` exports no functions"),
        false => format!(
            "`{module}` exports no `{function}` with this number of arguments; there are {}",
            all.join(", ")
        ),
    }
}

/// The finding about a call of a missing function.
pub(super) fn lost_call_finding(
    (caller, callee): &(String, String),
    why: &str,
    vsn: &str,
) -> Finding {
    Finding::new(
        format!("in release {vsn} `{caller}` calls `{callee}`, and {why}"),
        tagged("undef", Term::string(callee.as_str())),
    )
}
