//! One script: reads the order that it has chosen for each group, and normalizes it.

use std::collections::BTreeMap;

use pq_term::Term;

use super::{Dependencies, Side};
use crate::systools::comparison;

/// The chosen order of each group, by the number of the group.
type Orders = BTreeMap<usize, Vec<String>>;

/// Checks and normalizes the scripts of one upgrade or downgrade.
pub(super) struct Judge {
    side: Side,
    dependencies: Dependencies,
    groups: BTreeMap<String, usize>,
}

/// A script in its normalized form.
pub(super) struct Settled {
    /// The steps of the script, with the members of each group in the order of their names.
    pub(super) steps: Vec<Term>,
    /// The circles, each in its chosen order.
    pub(super) circles: Vec<Vec<String>>,
}

/// Steps that belong together: a `load`, the steps of a `delete_module`, or any other step.
struct Unit<'a> {
    steps: &'a [Term],
    /// The number of its group and its name, if it has a group.
    module: Option<(usize, String)>,
}

impl Unit<'_> {
    fn group(&self) -> Option<usize> {
        self.module.as_ref().map(|(group, _)| *group)
    }
}

impl Judge {
    pub(super) fn new(side: Side, dependencies: Dependencies) -> Judge {
        let groups = dependencies.groups();
        Judge {
            side,
            dependencies,
            groups,
        }
    }

    /// Normalizes the script, or describes a choice that was not allowed.
    pub(super) fn settle(&self, script: &[Term]) -> Result<Settled, String> {
        let mut orders = Orders::new();
        let mut steps: Vec<Term> = Vec::new();
        let mut units = self.units(script);
        for run in
            units.chunk_by_mut(|one, next| one.group().is_some() && one.group() == next.group())
        {
            if let Some(group) = run[0].group() {
                let order = self.order(run)?;
                if orders.insert(group, order).is_some() {
                    return Err(format!(
                        "a group is not contiguous: {run}",
                        run = Term::from(script.to_vec())
                    ));
                }
                run.sort_by(|one, other| one.module.cmp(&other.module));
            }
            steps.extend(run.iter().flat_map(|unit| unit.steps).cloned());
        }
        let steps = steps.iter().map(|step| self.settle_step(step, &orders));
        let mut steps = steps.collect::<Result<Vec<_>, _>>()?;
        // A library is read at the place of its first module, so the order of libraries follows from the orders of the
        // groups. These steps are adjacent, and their order makes no difference.
        for run in steps.chunk_by_mut(|one, next| reads_code(one) && reads_code(next)) {
            run.sort();
        }
        Ok(Settled {
            steps,
            circles: self.circles(&orders),
        })
    }

    fn units<'a>(&self, script: &'a [Term]) -> Vec<Unit<'a>> {
        let mut units = Vec::new();
        let mut rest = script;
        while !rest.is_empty() {
            let (module, length) = self.changed(rest);
            let (steps, others) = rest.split_at(length);
            let module = module.and_then(|module| Some((*self.groups.get(&module)?, module)));
            units.push(Unit { steps, module });
            rest = others;
        }
        units
    }

    /// The module that is changed at the start of this script, and the number of steps for that.
    fn changed(&self, script: &[Term]) -> (Option<String>, usize) {
        let module = |step: &Term, tag: &str| match step.as_tuple() {
            Some([word, what]) if word.is_atom(tag) => Some(what.as_tuple()?.first()?.to_string()),
            _ => None,
        };
        if let Some(loaded) = module(&script[0], "load") {
            return (Some(loaded), 1);
        }
        let removed =
            module(&script[0], "remove").filter(|module| self.dependencies.is_deleted(module));
        match (removed, script.get(1)) {
            (Some(removed), Some(next)) if next.to_string() == format!("{{purge,[{removed}]}}") => {
                (Some(removed), 2)
            }
            _ => (None, 1),
        }
    }

    /// The order that these steps follow.
    fn order(&self, run: &[Unit<'_>]) -> Result<Vec<String>, String> {
        let members = run.iter().filter_map(|unit| unit.module.as_ref());
        let mut order: Vec<String> = members.map(|(_, module)| module.clone()).collect();
        if self.side == Side::Up {
            order.reverse();
        }
        match self.dependencies.fault(&order) {
            Some(fault) => Err(fault),
            None => Ok(order),
        }
    }

    fn settle_step(&self, step: &Term, orders: &Orders) -> Result<Term, String> {
        let parts = step.as_tuple().unwrap_or_default();
        let is = |tags: &[&str]| {
            parts
                .first()
                .is_some_and(|first| tags.iter().any(|tag| first.is_atom(tag)))
        };
        let Some((list, others)) = parts.split_last() else {
            return Ok(step.clone());
        };
        let list = if is(&["load_object_code"]) {
            self.settle_step_of_library(list, orders)?
        } else if is(&["suspend", "code_change"]) {
            self.settle_list(list, orders, false)?
        } else if is(&["resume"]) {
            self.settle_list(list, orders, true)?
        } else {
            return Ok(step.clone());
        };
        Ok(Term::tuple([others, &[list]].concat()))
    }

    /// Normalizes the modules in `{Library, Vsn, Modules}`.
    fn settle_step_of_library(&self, what: &Term, orders: &Orders) -> Result<Term, String> {
        match what.as_tuple() {
            Some([library, vsn, modules]) => {
                let modules = self.settle_list(modules, orders, false)?;
                Ok(Term::tuple([library.clone(), vsn.clone(), modules]))
            }
            _ => Ok(what.clone()),
        }
    }

    /// Normalizes a list of `M`, `{M,Timeout}` or `{M,Extra}`: the members of each group exchange their places.
    fn settle_list(&self, list: &Term, orders: &Orders, is_reversed: bool) -> Result<Term, String> {
        let module = |item: &Term| match item.as_tuple() {
            Some([module, ..]) => module.to_string(),
            _ => item.to_string(),
        };
        let items = list.as_list().unwrap_or_default();
        let mut settled = items.to_vec();
        for (group, order) in orders {
            let is_member = |at: &usize| self.groups.get(&module(&items[*at])) == Some(group);
            let places: Vec<usize> = (0..items.len()).filter(is_member).collect();
            let mut members: Vec<&Term> = places.iter().map(|at| &items[*at]).collect();
            let place = |item: &&Term| order.iter().position(|known| *known == module(item));
            let follows = match is_reversed {
                true => members.is_sorted_by(|one, next| place(one) > place(next)),
                false => members.is_sorted_by(|one, next| place(one) < place(next)),
            };
            if !follows {
                return Err(format!("{list} does not follow {order:?}"));
            }
            members.sort_by_key(|item| module(item));
            for (at, member) in places.iter().zip(members) {
                settled[*at] = member.clone();
            }
        }
        Ok(Term::from(settled))
    }

    fn circles(&self, orders: &Orders) -> Vec<Vec<String>> {
        let mut circles = Vec::new();
        for order in orders.values() {
            let in_circle = |one: &String, next: &String| self.dependencies.in_circle(one, next);
            circles.extend(order.chunk_by(in_circle).map(<[String]>::to_vec));
        }
        circles.retain(|circle| circle.len() > 1);
        circles.sort_by_key(|circle| circle.iter().min().cloned());
        circles
    }
}

fn reads_code(step: &Term) -> bool {
    comparison::is_tagged(step, "load_object_code")
}
