//! Walks through a script step by step: the effect of each step on the world, and its faults.

use std::collections::{BTreeMap, BTreeSet};

use pq_otp::spec::Restart;
use pq_term::{Atom, Term};

use super::between;
use super::calls::{self, LostCalls};
use super::exchange::{ObjectCode, object_code};
use super::finding::{Ending, Finding, Judgement};
use super::reach::{Call, SysCall};
use super::side::{Passage, Side};
use super::tree::{self, Branch};
use super::world::{Child, ProcessId, World};
use crate::instruction::{Instruction, Mfa};
use crate::rel::RelStart;
use crate::script::Step;
use crate::terms::tagged;

/// The state of a walk through a script.
pub(super) struct Walk<'w, 'a> {
    pub(super) world: &'w mut World<'a>,
    pub(super) from: &'w dyn Fn() -> Side,
    pub(super) to: &'w Side,
    pub(super) object_code: ObjectCode,
    /// Modules that are removed and not purged.
    pub(super) removed: BTreeSet<String>,
    /// The calls of missing functions before the script.
    pub(super) known: &'w LostCalls,
    /// The calls of missing functions after a step.
    pub(super) lost: BTreeMap<(String, String), (String, String)>,
    judgement: Judgement,
    entered: bool,
    /// The children that `stop` has ended: module, supervisor, id.
    pub(super) stopped: Vec<(Atom, ProcessId, Term)>,
}

/// Walks through all steps.
pub(super) fn walk(world: &mut World<'_>, passage: &Passage<'_>, known: &LostCalls) -> Judgement {
    let Passage {
        from, to, script, ..
    } = *passage;
    let (object_code, wrong) = object_code(world, to, script);
    let between = between::between(passage);
    let mut walk = Walk {
        world,
        from,
        to,
        object_code,
        removed: BTreeSet::new(),
        known,
        lost: BTreeMap::new(),
        judgement: Judgement::default(),
        entered: false,
        stopped: Vec::new(),
    };
    let wrong = wrong.into_iter().chain(between);
    wrong.for_each(|finding| walk.refuse(finding));
    for mfa in &script.checks {
        walk.apply(mfa);
    }
    for step in &script.steps {
        walk.step(step);
    }
    walk.end_of_script();
    walk.judgement
}

impl Walk<'_, '_> {
    pub(super) fn refuse(&mut self, finding: Finding) {
        self.judgement.refuse(finding);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Exchange(exchange) => self.exchange(exchange),
            Step::Apply(mfa) => {
                self.enter();
                self.apply(mfa);
            }
            Step::Stop(modules) => {
                self.enter();
                modules.iter().for_each(|module| self.stop(*module));
            }
            Step::Start(modules) => {
                self.enter();
                modules.iter().for_each(|module| self.start(*module));
            }
        }
    }

    /// Brings the files of the new release into force, for the loaded applications that the release has.
    fn enter(&mut self) {
        if std::mem::replace(&mut self.entered, true) {
            return;
        }
        for app in &self.to.applications {
            if let Some(loaded) = self.world.applications.get_mut(app.app.name.as_str()) {
                loaded.spec = app.app.spec();
            }
        }
        self.world.env.extend(self.to.settings.clone());
    }

    fn apply(&mut self, mfa: &Mfa) {
        if let Err(finding) = self.try_apply(mfa) {
            let term = Instruction::Apply(mfa.clone()).to_term();
            let sentence = format!("{term}: {}", finding.sentence);
            self.refuse(Finding {
                sentence,
                ..finding
            });
        }
    }

    fn try_apply(&mut self, mfa: &Mfa) -> Result<(), Finding> {
        let instruction = || Instruction::Apply(mfa.clone()).to_term().to_string();
        match self.world.call(mfa)? {
            Call::Nothing => Ok(()),
            Call::Application(name, call) => self.application(&name, &call, &instruction()),
            Call::Supervisor(name, call) => self.supervisor(&name, call, &instruction()),
            Call::Sys(name, call) => {
                let id = self.process(&name)?;
                match call {
                    SysCall::Terminate(_) => self.end(&[id], &instruction()),
                    SysCall::Suspend => self.suspend(id, true),
                    SysCall::Resume => self.suspend(id, false),
                    SysCall::GetState | SysCall::GetStatus => (),
                }
                Ok(())
            }
            Call::Function => {
                self.world.function(self.to, mfa)?;
                if self.world.is_unseen(mfa) {
                    let name = calls::name_of(mfa);
                    self.judgement.warnings.push(format!(
                        "`{name}` could not be looked up, because there is no library beside the .app file of its application; an install looks it up"
                    ));
                }
                Ok(())
            }
        }
    }

    // ---- processes ----

    /// Records the modules of all existing processes that no earlier step has ended.
    pub(super) fn note_who_runs(&mut self) {
        let processes = self.world.processes.values();
        let there = processes.filter(|process| process.pid.is_some());
        // A node has a million processes, and some twenty modules.
        let runs: BTreeSet<&str> = there.map(|process| &*process.module).collect();
        let runs = runs.into_iter().map(str::to_string).collect();
        self.judgement.runs.push(runs);
    }

    pub(super) fn plant(
        &mut self,
        branch: &Branch,
        parent: Option<ProcessId>,
    ) -> Result<ProcessId, Finding> {
        tree::plant(self.world, branch, parent)
    }

    /// Ends processes and all their descendants.
    pub(super) fn end(&mut self, ids: &[ProcessId], instruction: &str) {
        for id in self.world.below(ids) {
            self.leave(id);
            let Some(process) = self.world.processes.remove(&id) else {
                continue;
            };
            // A process that the script starts has no pid yet.
            if let Some(pid) = process.pid {
                self.judgement.ends.push(Ending {
                    pid: pid.to_string(),
                    name: process.name,
                    module: process.module,
                    instruction: instruction.to_string(),
                });
            }
        }
    }

    fn suspend(&mut self, id: ProcessId, on: bool) {
        if let Some(process) = self.world.processes.get_mut(&id) {
            process.suspended = on;
        }
    }

    /// Suspends or resumes all processes of a module: they stay suspended after an exchange when `resume` follows a barrier.
    pub(super) fn suspend_all(&mut self, module: Atom, on: bool) {
        for process in self.world.processes.values_mut() {
            if process.module == module.as_str() {
                process.suspended = on;
            }
        }
    }

    /// Removes the process from its supervisor, which forgets the specification of a temporary child.
    fn leave(&mut self, id: ProcessId) {
        let Some(child) = self.world.child_mut(id) else {
            return;
        };
        (child.process, child.unsure) = (None, child.restart.is_none());
        if child.restart == Some(Restart::Temporary) {
            let parent = self.world.processes[&id].parent;
            let children = parent.and_then(|parent| self.children(parent));
            if let Some(children) = children {
                let is_over = |child: &Child| {
                    child.process.is_none() && child.restart == Some(Restart::Temporary)
                };
                children.retain(|child| !is_over(child));
            }
        }
    }

    // ---- the end ----

    /// After the last step: no code calls a missing function, and no supervisor would start a missing module.
    fn end_of_script(&mut self) {
        for (call, (why, vsn)) in std::mem::take(&mut self.lost) {
            self.refuse(calls::lost_call_finding(&call, &why, &vsn));
        }
        let mut wrong = Vec::new();
        for process in self.world.processes.values() {
            let Some(supervisor) = &process.supervisor else {
                continue;
            };
            let name = process.name.as_ref().unwrap_or(&process.module);
            for child in supervisor.children.iter().flatten() {
                if let Some(Err(finding)) = child
                    .module
                    .as_deref()
                    .map(|module| tree::is_process(self.world, module))
                {
                    let sentence = format!(
                        "after the script `{name}` still has child `{}`, and {}; delete_child, or an update of `{}`, \
                         would be right",
                        child.id, finding.sentence, process.module
                    );
                    wrong.push(Finding {
                        sentence,
                        ..finding
                    });
                }
            }
        }
        wrong.extend(self.homeless());
        wrong.into_iter().for_each(|finding| self.refuse(finding));
        self.applications_run();
    }

    /// Processes whose module is removed, and whose supervisors would start them again.
    fn homeless(&self) -> Vec<Finding> {
        let mut modules: BTreeMap<&str, &str> = BTreeMap::new();
        let processes = self.world.processes.values();
        for process in processes.filter(|process| self.removed.contains(&process.module)) {
            let parent = process
                .parent
                .and_then(|parent| self.world.processes.get(&parent));
            if let Some(parent) = parent.filter(|parent| parent.supervisor.is_some()) {
                modules.insert(
                    &process.module,
                    parent.name.as_deref().unwrap_or(&parent.module),
                );
            }
        }
        let finding = |(module, supervisor): (&str, &str)| {
            let why = format!(
                "`{module}` is removed, but its processes run on; their supervisor `{supervisor}` could not start them \
                 again: end them before"
            );
            Finding::new(why, tagged("bad_child", Term::string(module)))
        };
        modules.into_iter().map(finding).collect()
    }

    /// Applications that the release starts at boot should run after the script, too; otherwise there is a warning.
    fn applications_run(&mut self) {
        if !self.world.knows_applications {
            return;
        }
        for app in self.to.judged() {
            let name = app.app.name.as_str();
            let wanted = matches!(app.start, RelStart::Start(_));
            let is_known =
                self.world.applications.contains_key(name) || !app.app.modules.is_empty();
            if wanted && is_known && !self.runs(name) {
                self.judgement.warnings.push(format!(
                    "the script leaves `{name}` stopped, and release {} starts it at boot",
                    self.to.vsn
                ));
            }
        }
    }
}
