//! One exchange: its changes of code and the matching conversions, as one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use pq_code::{Change, CodeServer, LibraryId};
use pq_otp::Module;
use pq_otp::upgrade::{Conversion, Plan, Target, Through};
use pq_term::{Atom, msgpack};

use super::Options;
use super::converters::{Converter, StepTo};
use super::error::FailedStep;
use crate::instruction::{Purge, Timeout};
use crate::script::{CodeChange, Exchange, ScriptError};

/// The longest time without progress when neither the relup nor the operator sets one: OTP's time for one `suspend`. An avatar
/// acts every 800 ms, and no callback of the game takes 1 ms, so a process that takes longer is stuck.
const SUSPEND_TIMEOUT_MS: u64 = 5_000;

/// The longest time of one `code_change` by default, as in OTP.
const CODE_CHANGE_TIMEOUT_MS: u64 = 5_000;

/// The meaning of `infinity`: one hour. A longer wait is an oversight.
const FOR_EVER_MS: u64 = 3_600_000;

/// A process cannot change its behaviour: it has to be stopped and started again.
fn same_kind(current: Option<Module>, next: Module) -> Result<(), FailedStep> {
    match current.filter(|current| current.kind() != next.kind()) {
        Some(current) => Err(FailedStep::Kind { current, next }),
        None => Ok(()),
    }
}

/// The changes of code in an exchange, and those of the exchanges before it.
#[derive(Clone, Copy)]
pub(super) struct Changes<'a> {
    pub(super) before: &'a [Change<'static>],
    pub(super) own: &'a [Change<'static>],
}

impl Exchange {
    /// The changes of code, for the code server.
    pub(super) fn code_changes(
        &self,
        libraries: &BTreeMap<Atom, LibraryId>,
    ) -> Result<Vec<Change<'static>>, FailedStep> {
        let change = |change: &CodeChange| match change {
            CodeChange::Load(module, _) => {
                let library = libraries.get(module);
                let library = library.ok_or(ScriptError::NoObjectCode(*module))?;
                Ok(Change::MakeCurrent(*library, module.as_str()))
            }
            CodeChange::Remove(module, _) => Ok(Change::Delete(module.as_str())),
            CodeChange::Purge(module) => Ok(Change::Purge(module.as_str())),
        };
        self.changes.iter().map(change).collect()
    }

    /// The plan of the transaction: its own changes, and the modules after these and all earlier changes.
    pub(super) fn plan(
        &self,
        code: &CodeServer,
        changes: &Changes<'_>,
        converters: &[Converter],
        options: &Options,
    ) -> Result<Plan, FailedStep> {
        let modules = code.preview(&[changes.before, changes.own].concat())?;
        let steps = converters.iter().map(|it| it.step(code, changes));
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        Ok(Plan {
            targets: self.targets(code, changes.own, &steps)?,
            modules: Arc::new(modules),
            removed: self.ended(),
            suspend_timeout_ms: self.suspend_timeout_ms(options),
            code_change_timeout_ms: options
                .code_change_timeout_ms
                .unwrap_or(CODE_CHANGE_TIMEOUT_MS),
            on_overrun: options.on_overrun,
            slice: options.slice.unwrap_or(Plan::SLICE),
            trial: false,
        })
    }

    /// Every loaded module carries its processes to the new version, with `code_change` where the script says so. In OTP, a
    /// process runs the new code from its next callback on; here, the new code needs the state for that. A module that is
    /// converted without being loaded was loaded before.
    fn targets(
        &self,
        code: &CodeServer,
        changes: &[Change<'static>],
        steps: &[StepTo<'_>],
    ) -> Result<Vec<Target>, FailedStep> {
        let mut targets = Vec::new();
        for change in changes {
            if let Change::MakeCurrent(library, name) = change {
                let module = code.module(*library, name)?;
                let through = steps.iter().map(|step| step.through(code, name));
                let through: Vec<Option<Through>> = through.collect::<Result<_, _>>()?;
                let through: Vec<Through> = through.into_iter().flatten().collect();
                let between = through.iter().map(|step| Some(step.module));
                for before in [code.current(name)].into_iter().chain(between) {
                    same_kind(before, module)?;
                }
                targets.push(self.target(module, through));
            }
        }
        for module in self.conversions.keys() {
            let is_loaded = targets
                .iter()
                .any(|target: &Target| target.module.name() == module.as_str());
            let current = code.current(module.as_str()).filter(|_| !is_loaded);
            targets.extend(current.map(|current| self.target(current, Vec::new())));
        }
        Ok(targets)
    }

    fn target(&self, module: Module, through: Vec<Through>) -> Target {
        let named = |name: &Atom| name.as_str() == module.name();
        let conversion = self.conversions.iter().find(|(name, _)| named(name));
        Target {
            module,
            conversion: match conversion {
                None => Conversion::Carry,
                Some((_, (direction, extra))) => Conversion::CodeChange {
                    direction: *direction,
                    extra: msgpack::to_plain_msgpack(extra),
                },
            },
            through,
        }
    }

    /// The modules that are removed and purged at once: their processes end.
    fn ended(&self) -> Vec<String> {
        let is_purged = |module: &Atom| self.changes.contains(&CodeChange::Purge(*module));
        let removed = self.removed().filter(|(module, _)| is_purged(module));
        removed
            .map(|(module, _)| module.as_str().to_string())
            .collect()
    }

    /// The removed modules, with the kind of purge for processes that still run them.
    pub(super) fn removed(&self) -> impl Iterator<Item = (Atom, Purge)> {
        self.changes.iter().filter_map(|change| match change {
            CodeChange::Remove(module, purge) => Some((*module, *purge)),
            _ => None,
        })
    }

    fn suspend_timeout_ms(&self, options: &Options) -> u64 {
        let own = match self.suspend_timeout {
            None | Some(Timeout::Default) => SUSPEND_TIMEOUT_MS,
            Some(Timeout::Infinity) => FOR_EVER_MS,
            Some(Timeout::Ms(ms)) => u64::try_from(ms).unwrap_or(SUSPEND_TIMEOUT_MS),
        };
        options.suspend_timeout_ms.unwrap_or(own)
    }
}
