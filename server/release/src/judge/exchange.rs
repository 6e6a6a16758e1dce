//! The effect of an exchange of code on the world.

use std::collections::{BTreeMap, BTreeSet};

use pq_code::Change;
use pq_otp::Kind;
use pq_otp::spec::{Restart, Strategy, SupSpec};
use pq_term::{Atom, Term};

use super::finding::Finding;
use super::side::{Shelf, Side};
use super::tree;
use super::walk::Walk;
use super::world::{Child, Held, ProcessId, World};
use crate::script::{CodeChange, Exchange, Script};
use crate::terms::tagged;

/// The modules that a script may load, each with its library.
pub(super) type ObjectCode = BTreeMap<Atom, (Held, Option<Change<'static>>)>;

/// `load_object_code`: the modules of the release's library.
pub(super) fn object_code(
    world: &World<'_>,
    to: &Side,
    script: &Script,
) -> (ObjectCode, Vec<Finding>) {
    let (mut found, mut wrong) = (ObjectCode::new(), Vec::new());
    for (lib, vsn, modules) in &script.object_code {
        for module in modules {
            match one(world, to, *lib, vsn, *module) {
                Ok(held) => drop(found.insert(*module, held)),
                Err(finding) => wrong.push(finding),
            }
        }
    }
    (found, wrong)
}

fn one(
    world: &World<'_>,
    to: &Side,
    lib: Atom,
    vsn: &str,
    module: Atom,
) -> Result<(Held, Option<Change<'static>>), Finding> {
    let refuse = |why: String| {
        Finding::new(
            format!("`{module}` cannot be read from {lib}-{vsn}: {why}"),
            tagged("no_such_module", Term::Atom(module)),
        )
    };
    let app = to.application(lib.as_str());
    let app = app.ok_or_else(|| refuse(format!("release {} has no `{lib}`", to.vsn)))?;
    if app.app.vsn != vsn {
        return Err(refuse(format!(
            "release {} has version {}",
            to.vsn, app.app.vsn
        )));
    }
    match &app.library {
        Shelf::Library(library, entries) => {
            let entry = entries.iter().find(|entry| entry.name == module.as_str());
            let entry =
                entry.ok_or_else(|| refuse("its library has no such module".to_string()))?;
            let held = Held {
                module: world.code().module(*library, module.as_str()).ok(),
                entry: Some(entry.clone()),
            };
            Ok((held, Some(Change::MakeCurrent(*library, module.as_str()))))
        }
        Shelf::Empty => Err(refuse("it has no library".to_string())),
        Shelf::Unknown => Ok((
            Held {
                module: None,
                entry: None,
            },
            None,
        )),
    }
}

impl Walk<'_, '_> {
    /// Makes all changes of code at once, then their effects on processes.
    pub(super) fn exchange(&mut self, exchange: &Exchange) {
        self.note_who_runs();
        let before: BTreeMap<String, Option<Kind>> = self
            .world
            .held
            .keys()
            .map(|name| (name.clone(), self.world.kind(name)))
            .collect();
        let mut purged = BTreeSet::new();
        for change in &exchange.changes {
            match change {
                CodeChange::Load(module, _) => self.load(*module, &before),
                CodeChange::Remove(module, _) => self.remove(*module),
                CodeChange::Purge(module) => {
                    self.world.changes.push(Change::Purge(module.as_str()));
                    if self.removed.remove(module.as_str()) {
                        purged.insert(*module);
                    }
                }
            }
        }
        self.update_supervisors(exchange);
        purged
            .into_iter()
            .for_each(|module| self.end_processes(module));
        let left = exchange.left_suspended.iter();
        left.for_each(|module| self.suspend_all(*module, true));
        let resumed = exchange.resumed.iter();
        resumed.for_each(|module| self.suspend_all(*module, false));
        self.calls_are_kept();
    }

    fn load(&mut self, module: Atom, before: &BTreeMap<String, Option<Kind>>) {
        let name = module.as_str();
        let Some((held, change)) = self.object_code.get(&module).cloned() else {
            // Without a `load_object_code` for the module, the script itself is refused.
            return;
        };
        let was = before.get(name).copied().flatten();
        let comes = held.entry.as_ref().map(|entry| entry.kind);
        if let (Some(was), Some(comes)) = (was, comes)
            && was != comes
        {
            self.refuse(Finding::new(
                format!(
                    "`{name}` is a {} and comes as a {}: no process can become another kind of process; give it another name, and stop the one and start the other",
                    was.word(),
                    comes.word()
                ),
                tagged("bad_kind", Term::string(name)),
            ));
        }
        self.removed.remove(name);
        match change {
            Some(change) => {
                self.world.unknown.remove(name);
                self.world.changes.push(change);
                self.world.held.insert(name.to_string(), held);
            }
            None => {
                self.world.held.remove(name);
                self.world.unknown.insert(name.to_string());
            }
        }
    }

    fn remove(&mut self, module: Atom) {
        let name = module.as_str();
        self.world.changes.push(Change::Delete(name));
        let was_known = self.world.held.remove(name).is_some();
        if self.world.unknown.remove(name) || was_known {
            self.removed.insert(name.to_string());
        }
    }

    /// A supervisor whose state is converted (`code_change`) is asked for its children again. A child in both lists keeps its
    /// process, a new child does not start by itself, and a removed child stays (`supervisor:code_change/3`).
    fn update_supervisors(&mut self, exchange: &Exchange) {
        let mut modules: BTreeSet<Atom> = exchange.conversions.keys().copied().collect();
        modules.retain(|module| self.world.kind(module.as_str()) == Some(Kind::Supervisor));
        for module in modules {
            let of_module = |(id, process): (&ProcessId, &super::world::Process)| {
                let args = process.supervisor.as_ref()?.args.clone();
                (process.module == module.as_str()).then_some((*id, args?))
            };
            let concerned: Vec<_> = self.world.processes.iter().filter_map(of_module).collect();
            for (id, args) in concerned {
                match tree::specification(self.world, module.as_str(), &args) {
                    Ok(Some(spec)) => self.update_supervisor(id, &spec),
                    Ok(None) => (),
                    Err(finding) => self.refuse(finding),
                }
            }
        }
    }

    fn update_supervisor(&mut self, id: ProcessId, spec: &SupSpec) {
        let module = self.world.processes[&id].module.clone();
        let Some(supervisor) = tree::supervisor_mut(self.world, id) else {
            return;
        };
        let is_simple = |strategy| strategy == Strategy::SimpleOneForOne;
        let (was, comes) = (supervisor.strategy, spec.flags.strategy);
        if was.is_some_and(|was| is_simple(was) != is_simple(comes)) {
            return self.refuse(Finding::new(
                format!("`{module}` cannot change to or from simple_one_for_one while it runs"),
                tagged("invalid_strategy", Term::string(module)),
            ));
        }
        supervisor.strategy = Some(comes);
        let Some(old) = supervisor.children.take() else {
            return;
        };
        let process = |id: &Term| {
            let known = old.iter().find(|child| child.id == *id);
            known.and_then(|child| child.process)
        };
        let mut merged: Vec<Child> = spec
            .children
            .iter()
            .map(|child| Child::of(child, process(&child.id)))
            .collect();
        if !is_simple(comes) {
            let is_new = |id: &Term| spec.children.iter().any(|child| child.id == *id);
            merged.extend(old.iter().filter(|child| !is_new(&child.id)).cloned());
        }
        supervisor.children = Some(merged);
    }

    /// Ends the processes that run purged code; their supervisor would start them again.
    fn end_processes(&mut self, module: Atom) {
        let of_module = |(id, process): (&ProcessId, &super::world::Process)| {
            (process.module == module.as_str()).then_some(*id)
        };
        let ending: Vec<ProcessId> = self.world.processes.iter().filter_map(of_module).collect();
        let instruction = format!("{{purge,[{module}]}}");
        for id in &ending {
            let parent = self
                .world
                .processes
                .get(id)
                .and_then(|process| process.parent);
            let is_supervised = parent
                .and_then(|parent| self.world.processes.get(&parent))
                .is_some_and(|parent| parent.supervisor.is_some());
            let restart = self.world.child_mut(*id).and_then(|child| child.restart);
            if is_supervised && restart != Some(Restart::Temporary) {
                self.would_start_again(*id, module.as_str());
            }
        }
        self.end(&ending, &instruction);
    }

    fn would_start_again(&mut self, id: ProcessId, module: &str) {
        let process = &self.world.processes[&id];
        let parent = process
            .parent
            .and_then(|parent| self.world.processes.get(&parent));
        let supervisor = parent.map_or(String::new(), |parent| {
            parent.name.clone().unwrap_or_else(|| parent.module.clone())
        });
        self.refuse(Finding::new(
            format!(
                "`{module}` is removed, and its processes end; their supervisor `{supervisor}` would start them again and fail: \
                 {{apply, {{supervisor, terminate_child, [Sup, Id]}}}} and delete_child before it would be right"
            ),
            tagged("bad_child", Term::string(module)),
        ));
    }

    /// The called functions have to exist after this step, too, not only at the end of the script.
    fn calls_are_kept(&mut self) {
        let lost = self.world.lost_calls();
        for (call, why) in lost {
            let is_new = !self.known.contains_key(&call);
            if is_new && super::whole::is_judged(self.to, &call) {
                let vsn = self.to.vsn.clone();
                self.lost.insert(call.clone(), (why, vsn));
            }
        }
    }
}
