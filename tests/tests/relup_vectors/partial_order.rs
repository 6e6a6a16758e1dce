//! Judges a relup where the dependencies leave OTP a choice.
//!
//! It must hold the same instructions about the same modules as OTP's; whoever depends on a module stands before it
//! where code is read, processes suspended and states converted; modules that depend on each other stand together in
//! the order of the appup; processes are resumed in the reverse order; and loading goes against the order up, with it down.

use std::collections::BTreeMap;

use pq_term::{Term, read_one};

use super::comparison::{is_tagged, normal};
use super::vector::Vector;

/// The ways up stand in the second part of a relup and of an appup, those down in the third.
const UP: usize = 1;
const DOWN: usize = 2;

/// The first rule that our answer breaks.
pub(crate) fn difference(vector: &Vector, ours: &Term) -> Option<String> {
    if sorted(&normal(ours)) != sorted(&normal(&vector.expected)) {
        return Some("other instructions".to_string());
    }
    let relup = ours.as_tuple()?.get(1)?.as_tuple()?;
    [UP, DOWN].into_iter().find_map(|side| {
        let graph = Graph::of(vector, side);
        let way = relup[side].as_list()?.first()?.as_tuple()?;
        let fault = graph.fault(side, way[2].as_list()?);
        fault.map(|fault| format!("side {side}: {fault}"))
    })
}

/// The term with the lists of modules, and the instructions of each script, in the order of terms.
fn sorted(term: &Term) -> Term {
    match term {
        Term::Tuple(parts) => Term::tuple(parts.iter().map(sorted).collect::<Vec<_>>()),
        Term::List(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            items.sort();
            Term::from(items)
        }
        other => other.clone(),
    }
}

/// The modules of one side of the appups, in their order, each with those it depends on.
struct Graph {
    order: Vec<String>,
    deps: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn of(vector: &Vector, side: usize) -> Graph {
        let mut graph = Graph {
            order: Vec::new(),
            deps: BTreeMap::new(),
        };
        let appups = vector
            .files
            .iter()
            .filter(|(path, _)| path.ends_with(".appup"));
        for (_, text) in appups {
            let appup = read_one(text).unwrap();
            let ways = appup.as_tuple().unwrap()[side].as_list().unwrap();
            for instruction in ways
                .iter()
                .flat_map(|way| way.as_tuple().unwrap()[1].as_list().unwrap())
            {
                graph.add(instruction.as_tuple().unwrap());
            }
        }
        graph
    }

    fn add(&mut self, parts: &[Term]) {
        let module = parts[1].to_string();
        let deps = parts.last().and_then(Term::as_list).unwrap_or_default();
        self.order.push(module.clone());
        self.deps
            .insert(module, deps.iter().map(Term::to_string).collect());
    }

    fn leads(&self, from: &str, to: &str) -> bool {
        let mut seen = vec![from.to_string()];
        let mut at = 0;
        while at < seen.len() {
            let deps = self.deps.get(&seen[at]).cloned().unwrap_or_default();
            if deps.iter().any(|dep| dep == to) {
                return true;
            }
            seen.extend(
                deps.into_iter()
                    .filter(|dep| !seen.contains(dep))
                    .collect::<Vec<_>>(),
            );
            at += 1;
        }
        false
    }

    fn fault(&self, side: usize, script: &[Term]) -> Option<String> {
        let of = |tag: &'static str| script.iter().filter(move |step| is_tagged(step, tag));
        let read = of("load_object_code")
            .map(|read| ("read", modules(&argument(read).as_tuple().unwrap()[2])));
        let suspended = of("suspend").map(|suspend| ("suspended", modules(argument(suspend))));
        let resumed = of("resume").map(|resume| ("resumed", reversed(modules(argument(resume)))));
        let changed = of("code_change").map(|change| ("converted", modules(argument(change))));
        let loaded = modules(&of("load").map(|load| argument(load).clone()).collect());
        let loaded = if side == UP { reversed(loaded) } else { loaded };
        let orders = read
            .chain(suspended.clone())
            .chain(resumed.clone())
            .chain(changed);
        let mut orders = orders.chain([("loaded", loaded)]);
        let turned = orders.find_map(|(what, modules)| self.order_fault(what, &modules));
        let suspended = suspended.map(|(_, modules)| modules);
        let resumed = resumed.map(|(_, modules)| modules);
        turned.or_else(|| {
            suspended
                .ne(resumed)
                .then(|| "resumed in another than the reverse order".to_string())
        })
    }

    /// Two modules that stand the wrong way round, or a circle with a stranger in it.
    fn order_fault(&self, what: &str, modules: &[String]) -> Option<String> {
        let pairs =
            (0..modules.len()).flat_map(|at| (at + 1..modules.len()).map(move |other| (at, other)));
        pairs.into_iter().find_map(|(at, later)| {
            let (one, other) = (&modules[at], &modules[later]);
            let in_circle = self.in_circle(one, other);
            let is_parted = in_circle
                && modules[at..later]
                    .iter()
                    .any(|between| !self.in_circle(one, between));
            let is_turned = match in_circle {
                true => self.place(one) > self.place(other),
                false => self.leads(other, one),
            };
            (is_turned || is_parted).then(|| format!("{one} is {what} before {other}"))
        })
    }

    fn in_circle(&self, one: &str, other: &str) -> bool {
        one == other || self.leads(one, other) && self.leads(other, one)
    }

    fn place(&self, module: &str) -> Option<usize> {
        self.order.iter().position(|known| known == module)
    }
}

fn reversed(mut modules: Vec<String>) -> Vec<String> {
    modules.reverse();
    modules
}

/// What stands last in an instruction.
fn argument(instruction: &Term) -> &Term {
    instruction
        .as_tuple()
        .and_then(|parts| parts.last())
        .unwrap()
}

/// The modules of a list of `M`, `{M,T}` or `{M,Extra}`.
fn modules(list: &Term) -> Vec<String> {
    let module = |item: &Term| {
        item.as_tuple()
            .map_or_else(|| item.to_string(), |parts| parts[0].to_string())
    };
    list.as_list().unwrap().iter().map(module).collect()
}
