//! Children of supervisors, step by step: calls of `supervisor(3)`, and the instructions `stop` and `start`.

use pq_otp::spec::{ChildSpec, Restart, Start};
use pq_otp::supervisor::join_args;
use pq_term::{Atom, Term};

use super::finding::Finding;
use super::reach::SupCall;
use super::tree::{self, Branch};
use super::walk::Walk;
use super::world::{Child, NO_ARGS, ProcessId};
use crate::terms::tagged;

impl Walk<'_, '_> {
    pub(super) fn supervisor(
        &mut self,
        name: &Term,
        call: SupCall,
        instruction: &str,
    ) -> Result<(), Finding> {
        let id = self.process(name)?;
        let process = &self.world.processes[&id];
        if process.supervisor.is_none() {
            let why = format!("`{name}` is no supervisor: it runs `{}`", process.module);
            return Err(Finding::new(why, tagged("bad_supervisor", name.clone())));
        }
        if process.suspended {
            let why = format!("`{name}` is suspended at this step and would not answer");
            return Err(Finding::new(
                why,
                tagged("suspended_supervisor", name.clone()),
            ));
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
            SupCall::StartArgs(args) => self.start_simple(id, args),
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

    /// The process with a registered name at this step.
    pub(super) fn process(&self, name: &Term) -> Result<ProcessId, Finding> {
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

    pub(super) fn children(&mut self, of: ProcessId) -> Option<&mut Vec<Child>> {
        tree::supervisor_mut(self.world, of)?.children.as_mut()
    }

    /// The child with an id; `None` when the children of the supervisor are unknown.
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

    /// A child without a process, and the branch that would start for it.
    fn resting(&mut self, of: ProcessId, id: &Term) -> Result<Option<&mut Child>, Finding> {
        match self.child(of, id)? {
            Some(child) if child.process.is_some() => {
                let why = format!(
                    "child `{id}` runs; {{apply, {{supervisor, terminate_child, [Sup, {id}]}}}} before would be right"
                );
                Err(Finding::new(why, Term::atom("running")))
            }
            Some(child) if child.unsure => {
                let why = format!(
                    "child `{id}` was added while the node ran, so its supervisor may not know it any more after it has ended"
                );
                Err(Finding::new(why, Term::atom("not_found")))
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

    /// Starts a child of a `simple_one_for_one` supervisor: its arguments are those of the specification, followed by `args`.
    fn start_simple(&mut self, of: ProcessId, args: Vec<u8>) -> Result<(), Finding> {
        let supervisor = &self.world.processes[&of];
        let own = supervisor
            .supervisor
            .as_ref()
            .and_then(|it| it.args.as_ref());
        let Some(own) = own else {
            return Ok(());
        };
        let spec = tree::specification(self.world, &supervisor.module, own)?;
        let Some(template) = spec.and_then(|spec| spec.children.into_iter().next()) else {
            return Ok(());
        };
        let start = Start {
            module: template.start.module,
            args: join_args(&template.start.args, args).unwrap_or_else(|args| args),
        };
        let branch = tree::branch(self.world, &start, 0)?;
        self.plant(&branch, Some(of)).map(drop)
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

    /// The branch that a child would start: with its arguments when its supervisor can be asked, otherwise without descendants.
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
                args: NO_ARGS.to_vec(),
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
        if let Some(process) = child.process {
            self.end(&[process], instruction);
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

    /// `{stop, [Mod]}`: each process needs a supervisor that knows it by an id.
    pub(super) fn stop(&mut self, module: Atom) {
        let name = module.as_str();
        let of_module = self.world.processes.iter();
        let of_module = of_module.filter(|(_, process)| process.module == name);
        let concerned: Vec<ProcessId> = of_module.map(|(id, _)| *id).collect();
        for id in &concerned {
            match self.place(*id) {
                Ok((supervisor, child)) => self.stopped.push((module, supervisor, child)),
                Err((why, word)) => self.refuse(Finding::new(
                    format!("{{stop,[{module}]}}: a process of `{module}` {why}"),
                    Term::atom(word),
                )),
            }
        }
        self.end(&concerned, &format!("{{stop,[{module}]}}"));
    }

    /// The supervisor of a process and its id there. The error is a clause and OTP's word.
    fn place(&mut self, id: ProcessId) -> Result<(ProcessId, Term), (&'static str, &'static str)> {
        let parent = self.world.processes[&id].parent;
        let parent = parent.and_then(|parent| Some((parent, self.world.processes.get(&parent)?)));
        let parent = parent.filter(|(_, process)| process.supervisor.is_some());
        let (parent, process) = parent.ok_or(("has no supervisor", "no_supervisor"))?;
        if process.is_simple() {
            let why =
                "has no id: its supervisor is simple_one_for_one, and could not start it again";
            return Err((why, "simple_one_for_one"));
        }
        if process.suspended {
            let why =
                "cannot be ended: its supervisor is suspended at this step and would not answer";
            return Err((why, "suspended_supervisor"));
        }
        match self.world.child_mut(id) {
            Some(child) if child.restart == Some(Restart::Temporary) => Err((
                "is temporary: its supervisor forgets it when it ends",
                "not_found",
            )),
            Some(child) => Ok((parent, child.id.clone())),
            // The supervisor was not asked, so the id is unknown.
            None => Ok((parent, Term::undefined())),
        }
    }

    /// `{start, [Mod]}`: starts the children that `stop` ended.
    pub(super) fn start(&mut self, module: Atom) {
        let all = std::mem::take(&mut self.stopped).into_iter();
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|(of, ..)| *of == module);
        self.stopped = others;
        for (_, supervisor, id) in own {
            let outcome = match self.world.processes.get(&supervisor).map(|it| it.suspended) {
                Some(false) => self.restart_child(supervisor, &id),
                Some(true) => Err(Finding::new(
                    "its supervisor is suspended",
                    Term::atom("suspended_supervisor"),
                )),
                None => Err(Finding::new(
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
}
