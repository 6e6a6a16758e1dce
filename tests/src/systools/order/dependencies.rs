//! Dependencies between modules, from the instructions for one upgrade or downgrade.

use std::collections::{BTreeMap, BTreeSet};

use pq_term::Term;

/// The dependencies between modules in the instructions for one upgrade or downgrade.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    /// The modules on which each module depends.
    of: BTreeMap<String, Vec<String>>,
    /// Modules that have a `delete_module`.
    deleted: BTreeSet<String>,
}

impl Dependencies {
    /// Adds an instruction of an appup, or a list of instructions. Instructions that are not about modules have no
    /// effect.
    pub fn add(&mut self, instruction: &Term) {
        if let Some(inner) = instruction.as_list() {
            inner.iter().for_each(|instruction| self.add(instruction));
        }
        let parts = instruction.as_tuple().unwrap_or_default();
        let [tag, module, rest @ ..] = parts else {
            return;
        };
        if tag.is_atom("delete_module") {
            self.deleted.insert(module.to_string());
        }
        let has_deps = ["update", "load_module", "add_module", "delete_module"]
            .iter()
            .any(|word| tag.is_atom(word));
        if let (true, Some(deps)) = (has_deps, rest.last().and_then(Term::as_list)) {
            let deps = deps.iter().map(Term::to_string);
            self.of.entry(module.to_string()).or_default().extend(deps);
        }
    }

    /// Whether one module depends on the other, directly or through others.
    fn leads(&self, from: &str, to: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut ahead = vec![from];
        while let Some(at) = ahead.pop() {
            let deps = self.of.get(at).into_iter().flatten();
            for dep in deps {
                if dep == to {
                    return true;
                }
                if seen.insert(dep) {
                    ahead.push(dep);
                }
            }
        }
        false
    }

    /// Whether the modules depend on each other, directly or through others.
    pub(super) fn in_circle(&self, one: &str, other: &str) -> bool {
        one == other || self.leads(one, other) && self.leads(other, one)
    }

    /// Whether the module has a `delete_module`.
    pub(super) fn is_deleted(&self, module: &str) -> bool {
        self.deleted.contains(module)
    }

    /// The groups of dependent modules: the number of the group for each module that has one.
    pub(super) fn groups(&self) -> BTreeMap<String, usize> {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for (number, (module, deps)) in self.of.iter().enumerate() {
            let met: BTreeSet<usize> = deps
                .iter()
                .chain([module])
                .filter_map(|m| groups.get(m).copied())
                .collect();
            groups
                .values_mut()
                .filter(|group| met.contains(group))
                .for_each(|group| *group = number);
            groups.extend(
                deps.iter()
                    .chain([module])
                    .map(|module| (module.clone(), number)),
            );
        }
        groups
    }

    /// Finds two modules of a group in the wrong order, or a circle with a foreign module in it.
    pub(super) fn fault(&self, order: &[String]) -> Option<String> {
        let pairs =
            (0..order.len()).flat_map(|at| (at + 1..order.len()).map(move |later| (at, later)));
        for (at, later) in pairs {
            let (one, other) = (&order[at], &order[later]);
            let fault = match self.in_circle(one, other) {
                true => order[at..later]
                    .iter()
                    .any(|between| !self.in_circle(one, between)),
                false => self.leads(other, one),
            };
            if fault {
                return Some(format!("{one} comes before {other} in {order:?}"));
            }
        }
        None
    }
}
