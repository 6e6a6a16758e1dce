//! A script, step by step: what each makes of the world, and what it would stumble over.

use std::collections::{BTreeMap, BTreeSet};

use pq_otp::application::StartType;
use pq_otp::spec::{ChildSpec, Restart, Start};
use pq_term::{Atom, Term};

use super::calls::{self, LostCalls};
use super::exchange::{ObjectCode, object_code};
use super::finding::{Finding, Judgement};
use super::reach::{AppCall, Call, SupCall, SysCall};
use super::side::Side;
use super::tree::{self, Branch};
use super::world::{Child, Loaded, ProcessId, World};
use crate::handler::Ending;
use crate::handler::script::{Script, Step};
use crate::instruction::{Instruction, Mfa};
use crate::rel::RelStart;
use crate::terms::{self, tagged};

/// A walk through a script.
pub(super) struct Walk<'w, 'a> {
    pub(super) world: &'w mut World<'a>,
    pub(super) to: &'w Side,
    pub(super) object_code: ObjectCode,
    /// Modules that are removed and not purged.
    pub(super) removed: BTreeSet<String>,
    /// Calls that found nothing before the script.
    pub(super) known: &'w LostCalls,
    /// Calls that find nothing behind a step.
    pub(super) lost: BTreeMap<(String, String), (String, String)>,
    judgement: Judgement,
    entered: bool,
    /// Children that `stop` has ended: module, supervisor, id.
    stopped: Vec<(Atom, ProcessId, Term)>,
}

/// Goes through all of it.
pub(super) fn walk(
    world: &mut World<'_>,
    to: &Side,
    script: &Script,
    known: &LostCalls,
) -> Judgement {
    let (object_code, wrong) = object_code(world, to, script);
    let mut walk = Walk {
        world,
        to,
        object_code,
        removed: BTreeSet::new(),
        known,
        lost: BTreeMap::new(),
        judgement: Judgement::default(),
        entered: false,
        stopped: Vec::new(),
    };
    wrong.into_iter().for_each(|finding| walk.refuse(finding));
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

    /// The files of the new release are in force: of what is loaded, and in it.
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
                if let SysCall::Terminate(_) = call {
                    self.end(id, &instruction());
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

    // ---- applications ----

    fn application(
        &mut self,
        name: &str,
        call: &AppCall,
        instruction: &str,
    ) -> Result<(), Finding> {
        match call {
            AppCall::Load => match self.world.applications.contains_key(name) {
                true => Err(refused(
                    format!("`{name}` is loaded already"),
                    "already_loaded",
                    name,
                )),
                false => self.load_application(name),
            },
            AppCall::Unload => match self.world.applications.get(name).map(|app| app.running) {
                None => Err(refused(
                    format!("`{name}` is not loaded"),
                    "not_loaded",
                    name,
                )),
                Some(true) => Err(refused(
                    format!("`{name}` runs; stop it before"),
                    "running",
                    name,
                )),
                Some(false) => {
                    self.world.applications.remove(name);
                    Ok(())
                }
            },
            AppCall::Start(start_type) => match self.runs(name) {
                true => Err(refused(
                    format!("`{name}` runs already"),
                    "already_started",
                    name,
                )),
                false => self.start_application(name, *start_type),
            },
            AppCall::EnsureStarted(start_type) => match self.runs(name) {
                true => Ok(()),
                false => self.start_application(name, *start_type),
            },
            AppCall::EnsureAllStarted(start_type) => self.start_all(name, *start_type, 0),
            AppCall::Stop => self.stop_application(name, instruction),
            AppCall::SetEnv(key, value) => {
                let key = (name.to_string(), key.clone());
                self.world.env.insert(key, value.clone());
                Ok(())
            }
            AppCall::UnsetEnv(key) => {
                self.world.env.remove(&(name.to_string(), key.clone()));
                Ok(())
            }
        }
    }

    fn runs(&self, name: &str) -> bool {
        self.world
            .applications
            .get(name)
            .is_some_and(|app| app.running)
    }

    fn load_application(&mut self, name: &str) -> Result<(), Finding> {
        if self.world.applications.contains_key(name) {
            return Ok(());
        }
        let Some(app) = self.to.application(name) else {
            let why = format!("release {} has no application `{name}`", self.to.vsn);
            return Err(refused(why, "no_such_application", name));
        };
        let loaded = Loaded {
            spec: app.app.spec(),
            running: false,
            top: None,
        };
        self.world.applications.insert(name.to_string(), loaded);
        for (key, value) in &app.app.env {
            let key = (name.to_string(), key.as_str().to_string());
            self.world.env.entry(key).or_insert_with(|| value.clone());
        }
        Ok(())
    }

    fn start_application(&mut self, name: &str, _: StartType) -> Result<(), Finding> {
        self.load_application(name)?;
        let spec = self.world.applications[name].spec.clone();
        // Beside a single application not all may stand that its release has.
        let is_absent = |dep: &str| self.to.only.is_some() && self.to.application(dep).is_none();
        let mut needs = spec.applications.iter();
        if let Some(missing) = needs.find(|dep| !self.runs(dep) && !is_absent(dep)) {
            let why = format!("`{name}` needs `{missing}`, which does not run at this step");
            return Err(refused(why, "not_started", missing));
        }
        let top = tree::top(self.world, &spec)?;
        let top = match top {
            Some(branch) => Some(self.plant(&branch, None)?),
            None => None,
        };
        if let Some(loaded) = self.world.applications.get_mut(name) {
            (loaded.running, loaded.top) = (true, top);
        }
        Ok(())
    }

    fn start_all(
        &mut self,
        name: &str,
        start_type: StartType,
        depth: usize,
    ) -> Result<(), Finding> {
        if self.runs(name) {
            return Ok(());
        }
        self.load_application(name)?;
        let needs = self.world.applications[name].spec.applications.clone();
        if depth > needs.len() + self.to.applications.len() {
            return Err(refused(
                format!("`{name}` needs itself"),
                "circular_dependencies",
                name,
            ));
        }
        for need in needs {
            self.start_all(&need, start_type, depth + 1)?;
        }
        self.start_application(name, start_type)
    }

    fn stop_application(&mut self, name: &str, instruction: &str) -> Result<(), Finding> {
        let Some(loaded) = self.world.applications.get_mut(name) else {
            return Err(refused(
                format!("`{name}` is not loaded"),
                "not_loaded",
                name,
            ));
        };
        if !std::mem::replace(&mut loaded.running, false) {
            return Err(refused(
                format!("`{name}` does not run at this step"),
                "not_started",
                name,
            ));
        }
        if let Some(top) = loaded.top.take() {
            self.end(top, instruction);
        }
        Ok(())
    }

    // ---- supervisors ----

    fn supervisor(&mut self, name: &Term, call: SupCall, instruction: &str) -> Result<(), Finding> {
        let id = self.process(name)?;
        let process = &self.world.processes[&id];
        if process.supervisor.is_none() {
            let why = format!("`{name}` is no supervisor: it runs `{}`", process.module);
            return Err(Finding::new(why, tagged("bad_supervisor", name.clone())));
        }
        let simple = process.is_simple();
        match call {
            SupCall::Which | SupCall::Count => Ok(()),
            SupCall::StartArgs(_) if !simple => {
                let why = format!(
                    "`{name}` starts a child by a specification, and this is a list of arguments"
                );
                Err(Finding::new(
                    why,
                    tagged("invalid_child_spec", name.clone()),
                ))
            }
            SupCall::StartArgs(args) => self.start_simple(id, &args),
            SupCall::Terminate(child) if simple && child.as_pid().is_some() => Ok(()),
            _ if simple => {
                let why = format!("the children of `{name}` have no ids: it is simple_one_for_one");
                Err(Finding::new(why, Term::atom("simple_one_for_one")))
            }
            SupCall::Start(spec) => self.start_child(id, &spec),
            SupCall::Restart(child) => self.restart_child(id, &child),
            SupCall::Terminate(child) => self.terminate_child(id, &child, instruction),
            SupCall::Delete(child) => self.delete_child(id, &child),
            SupCall::GetChildspec(child) => self.child(id, &child).map(drop),
        }
    }

    /// The process under a name, at this step.
    fn process(&self, name: &Term) -> Result<ProcessId, Finding> {
        let found = match name {
            Term::Atom(atom) => self.world.named(atom.as_str()),
            other => other.as_pid().map(pq_otp::Pid::as_raw),
        };
        let found = found.filter(|id| self.world.processes.contains_key(id));
        found.ok_or_else(|| {
            let why = format!("no process is registered as `{name}` at this step");
            Finding::new(why, tagged("noproc", name.clone()))
        })
    }

    fn children(&mut self, of: ProcessId) -> Option<&mut Vec<Child>> {
        tree::supervisor_mut(self.world, of)?.children.as_mut()
    }

    /// A child by its id; `None` where the children are not known.
    fn child(&mut self, of: ProcessId, id: &Term) -> Result<Option<&mut Child>, Finding> {
        let missing = || {
            let why = format!("there is no child `{id}` at this step");
            Finding::new(why, Term::atom("not_found"))
        };
        match self.children(of) {
            None => Ok(None),
            Some(children) => {
                let found = children.iter_mut().find(|child| child.id == *id);
                found.map(Some).ok_or_else(missing)
            }
        }
    }

    /// A child that has no process, and the branch that it would be.
    fn resting(&mut self, of: ProcessId, id: &Term) -> Result<Option<&mut Child>, Finding> {
        match self.child(of, id)? {
            Some(child) if child.process.is_some() => {
                let why = format!(
                    "child `{id}` runs; {{apply, {{supervisor, terminate_child, [Sup, {id}]}}}} before would be right"
                );
                Err(Finding::new(why, Term::atom("running")))
            }
            child => Ok(child),
        }
    }

    fn start_child(&mut self, of: ProcessId, spec: &ChildSpec) -> Result<(), Finding> {
        let id = &spec.id;
        let known = self
            .children(of)
            .and_then(|all| all.iter().find(|child| child.id == *id));
        if let Some(child) = known {
            let (why, word) = match child.process {
                Some(_) => ("runs already", "already_started"),
                None => (
                    "is there already, and restart_child starts it",
                    "already_present",
                ),
            };
            return Err(Finding::new(
                format!("child `{id}` {why}"),
                Term::atom(word),
            ));
        }
        let branch = tree::branch(self.world, &spec.start, 0)?;
        let process = self.plant(&branch, Some(of))?;
        if let Some(children) = self.children(of) {
            children.push(Child::of(spec, Some(process)));
        }
        Ok(())
    }

    /// A child by the one specification that there is; its arguments are those of the specification and these.
    fn start_simple(&mut self, of: ProcessId, _args: &[u8]) -> Result<(), Finding> {
        let template = self.children(of).and_then(|all| all.first());
        match template.and_then(|child| child.module.clone()) {
            Some(module) => tree::is_process(self.world, &module),
            None => Ok(()),
        }
    }

    fn restart_child(&mut self, of: ProcessId, id: &Term) -> Result<(), Finding> {
        let Some(child) = self.resting(of, id)? else {
            return Ok(());
        };
        let Some(module) = child.module.clone() else {
            return Ok(());
        };
        tree::is_process(self.world, &module)?;
        let branch = self.known_branch(of, id, &module)?;
        let process = self.plant(&branch, Some(of))?;
        if let Some(child) = self.child(of, id)? {
            child.process = Some(process);
        }
        Ok(())
    }

    /// What a child would be: with its arguments where its supervisor can be asked, else without what is below it.
    fn known_branch(&self, of: ProcessId, id: &Term, module: &str) -> Result<Branch, Finding> {
        let supervisor = &self.world.processes[&of];
        let args = supervisor
            .supervisor
            .as_ref()
            .and_then(|it| it.args.clone());
        if let Some(args) = args {
            let spec = tree::specification(self.world, &supervisor.module, &args)?;
            let children = spec.map_or(Vec::new(), |spec| spec.children);
            if let Some(child) = children.iter().find(|child| child.id == *id) {
                return tree::branch(self.world, &child.start, 0);
            }
        }
        let module = Atom::new(module).map_err(|error| {
            Finding::new(error.to_string(), tagged("bad_child", Term::string(module)))
        })?;
        Ok(Branch {
            start: Start {
                module,
                args: super::world::NO_ARGS.to_vec(),
            },
            spec: None,
            children: Vec::new(),
        })
    }

    fn terminate_child(
        &mut self,
        of: ProcessId,
        id: &Term,
        instruction: &str,
    ) -> Result<(), Finding> {
        let Some(child) = self.child(of, id)? else {
            return Ok(());
        };
        let (process, restart) = (child.process.take(), child.restart);
        if let Some(process) = process {
            self.end(process, instruction);
        }
        if restart == Some(Restart::Temporary)
            && let Some(children) = self.children(of)
        {
            children.retain(|child| child.id != *id);
        }
        Ok(())
    }

    fn delete_child(&mut self, of: ProcessId, id: &Term) -> Result<(), Finding> {
        self.resting(of, id)?;
        if let Some(children) = self.children(of) {
            children.retain(|child| child.id != *id);
        }
        Ok(())
    }

    // ---- stop and start ----

    /// `{stop, [Mod]}`: each process has a supervisor that knows it by an id.
    fn stop(&mut self, module: Atom) {
        let name = module.as_str();
        let of_module = self.world.processes.iter();
        let of_module = of_module.filter(|(_, process)| process.module == name);
        let concerned: Vec<ProcessId> = of_module.map(|(id, _)| *id).collect();
        for id in concerned {
            match self.place(id) {
                Ok((supervisor, child)) => {
                    self.stopped.push((module, supervisor, child));
                    self.end(id, &format!("{{stop,[{module}]}}"));
                }
                Err(why) => self.refuse(Finding::new(
                    format!("{{stop,[{module}]}}: a process of `{module}` {why}"),
                    tagged("bad_child", Term::string(name)),
                )),
            }
        }
    }

    /// The supervisor of a process and its id there; why not is a clause.
    fn place(&mut self, id: ProcessId) -> Result<(ProcessId, Term), String> {
        let parent = self.world.processes[&id].parent;
        let parent = parent.filter(|parent| self.world.processes.contains_key(parent));
        let parent = parent.ok_or("has no supervisor")?;
        let process = &self.world.processes[&parent];
        if process.supervisor.is_none() {
            return Err("has no supervisor".to_string());
        }
        if process.is_simple() {
            return Err(
                "has no id: its supervisor is simple_one_for_one, and could not start it again"
                    .to_string(),
            );
        }
        match self.world.child_mut(id) {
            Some(child) if child.restart == Some(Restart::Temporary) => {
                Err("is temporary: its supervisor forgets it when it ends".to_string())
            }
            Some(child) => Ok((parent, child.id.clone())),
            // Its supervisor was not asked; which id it has there is not known.
            None => Ok((parent, Term::undefined())),
        }
    }

    /// `{start, [Mod]}`
    fn start(&mut self, module: Atom) {
        let all = std::mem::take(&mut self.stopped).into_iter();
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|(of, ..)| *of == module);
        self.stopped = others;
        for (_, supervisor, id) in own {
            let outcome = match self.world.processes.contains_key(&supervisor) {
                true => self.restart_child(supervisor, &id),
                false => Err(Finding::new(
                    "its supervisor has ended",
                    Term::atom("noproc"),
                )),
            };
            if let Err(finding) = outcome {
                let sentence = format!("{{start,[{module}]}}: {}", finding.sentence);
                self.refuse(Finding {
                    sentence,
                    ..finding
                });
            }
        }
    }

    // ---- processes ----

    /// Which modules have processes that are there now and were not ended by an earlier step.
    pub(super) fn note_who_runs(&mut self) {
        let processes = self.world.processes.values();
        let there = processes.filter(|process| process.pid.is_some());
        let runs = there.map(|process| process.module.clone()).collect();
        self.judgement.runs.push(runs);
    }

    fn plant(&mut self, branch: &Branch, parent: Option<ProcessId>) -> Result<ProcessId, Finding> {
        tree::plant(self.world, branch, parent)
    }

    /// A process ends, and everything below it.
    pub(super) fn end(&mut self, id: ProcessId, instruction: &str) {
        for id in self.world.below(id) {
            if let Some(child) = self.world.child_mut(id) {
                child.process = None;
            }
            let Some(process) = self.world.processes.remove(&id) else {
                continue;
            };
            // What the script itself has started is not there yet.
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

    // ---- the end ----

    /// Behind the last step: nothing calls what is not there, and no supervisor would start it.
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
                        "behind the script `{name}` still has child `{}`, and {}; delete_child, or an update of `{}`, would be right",
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

    /// Processes whose module has gone and whose supervisors would start them again.
    fn homeless(&self) -> Vec<Finding> {
        let mut modules: BTreeMap<&str, &str> = BTreeMap::new();
        for process in self.world.processes.values() {
            let is_gone = self.removed.contains(&process.module);
            let parent = process
                .parent
                .and_then(|parent| self.world.processes.get(&parent));
            if let Some(parent) = parent.filter(|parent| is_gone && parent.supervisor.is_some()) {
                modules.insert(
                    &process.module,
                    parent.name.as_deref().unwrap_or(&parent.module),
                );
            }
        }
        let finding = |(module, supervisor): (&str, &str)| {
            let why = format!(
                "`{module}` goes and its processes stay; their supervisor `{supervisor}` could not start them again: end them before"
            );
            Finding::new(why, tagged("bad_child", Term::string(module)))
        };
        modules.into_iter().map(finding).collect()
    }

    /// What the release starts at boot runs behind the script too; it is odd where not, and no failure.
    fn applications_run(&mut self) {
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

fn refused(why: String, word: &'static str, name: &str) -> Finding {
    Finding::new(why, terms::tagged(word, Term::string(name)))
}
