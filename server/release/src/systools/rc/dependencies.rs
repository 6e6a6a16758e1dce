//! Groups the modules that change together, and orders them.
//!
//! A module has edges to its dependencies. Modules that are connected directly or through others are one group. In a group, a
//! module comes before its dependencies; modules that depend on each other in a circle keep the order of the appup. Where
//! several orders are possible, the order of the appup decides: this is our own rule, OTP's order depends on chance.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pq_term::Atom;

use super::{ModuleOp, Problem, Step, name_problem, shown};

/// The groups as indexes of `steps`, each in its order.
pub(super) fn groups(steps: &[&Step<ModuleOp>]) -> Result<Vec<Vec<usize>>, Problem> {
    let deps = edges(steps)?;
    Ok(components(&deps)
        .into_iter()
        .map(|group| in_order(&group, &deps))
        .collect())
}

/// The indexes of the dependencies of each step.
fn edges(steps: &[&Step<ModuleOp>]) -> Result<Vec<Vec<usize>>, Problem> {
    let mut places: HashMap<&'static str, usize> = HashMap::new();
    for (at, step) in steps.iter().enumerate() {
        let module = step.what.module;
        if let Some(first) = places.insert(module.as_str(), at) {
            let first = shown(steps[first].origin.as_ref());
            let sentence = format!(
                "`{module}` has an instruction already ({first}); one for each module would be right"
            );
            return Err(name_problem(
                step.origin.as_ref(),
                "muldef_module",
                module,
                sentence,
            ));
        }
    }
    let edges_of = |step: &&Step<ModuleOp>| {
        step.what
            .deps
            .iter()
            .map(|dep| place(&places, step, *dep))
            .collect()
    };
    steps.iter().map(edges_of).collect()
}

fn place(
    places: &HashMap<&'static str, usize>,
    step: &Step<ModuleOp>,
    dep: Atom,
) -> Result<usize, Problem> {
    places.get(dep.as_str()).copied().ok_or_else(|| {
        let module = step.what.module;
        let sentence = format!(
            "`{module}` depends on `{dep}`, which has no instruction of its own; give it one, or take it from the list"
        );
        name_problem(step.origin.as_ref(), "undef_module", dep, sentence)
    })
}

/// The connected components, each in ascending order; the components are ordered by their first members.
fn components(deps: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut neighbours = deps.to_vec();
    for (from, tos) in deps.iter().enumerate() {
        tos.iter().for_each(|to| neighbours[*to].push(from));
    }
    let mut seen = vec![false; deps.len()];
    let mut components = Vec::new();
    for first in 0..deps.len() {
        if !seen[first] {
            let component = reached(first, &neighbours);
            component.iter().for_each(|at| seen[*at] = true);
            components.push(component.into_iter().collect());
        }
    }
    components
}

/// All indexes that the arrows reach from `from`, including `from`.
fn reached(from: usize, arrows: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::from([from]);
    let mut ahead = vec![from];
    while let Some(at) = ahead.pop() {
        ahead.extend(arrows[at].iter().copied().filter(|to| reached.insert(*to)));
    }
    reached
}

/// Repeatedly takes the first member, in appup order, on which no remaining member depends. A circle counts as one member.
fn in_order(group: &[usize], deps: &[Vec<usize>]) -> Vec<usize> {
    let circle_of = circles(group, deps);
    let mut arrows = BTreeSet::new();
    for at in group {
        let to = deps[*at].iter().map(|dep| (circle_of[at], circle_of[dep]));
        arrows.extend(to.filter(|(from, to)| from != to));
    }
    let mut waiting: BTreeMap<usize, usize> = group.iter().map(|at| (circle_of[at], 0)).collect();
    for (_, to) in &arrows {
        *waiting.entry(*to).or_default() += 1;
    }
    let free = waiting.iter().filter(|(_, count)| **count == 0);
    let mut ready: BTreeSet<usize> = free.map(|(circle, _)| *circle).collect();
    let mut order = Vec::new();
    while let Some(circle) = ready.pop_first() {
        order.extend(group.iter().copied().filter(|at| circle_of[at] == circle));
        for (_, to) in arrows.range((circle, 0)..=(circle, usize::MAX)) {
            let count = waiting.entry(*to).or_default();
            *count -= 1;
            if *count == 0 {
                ready.insert(*to);
            }
        }
    }
    order
}

/// The first member of each member's circle; a member outside all circles is its own circle.
fn circles(group: &[usize], deps: &[Vec<usize>]) -> HashMap<usize, usize> {
    let reached: HashMap<usize, BTreeSet<usize>> =
        group.iter().map(|at| (*at, reached(*at, deps))).collect();
    let first = |at: &usize| {
        let in_circle =
            |other: &&usize| reached[at].contains(other) && reached[*other].contains(at);
        (*at, group.iter().find(in_circle).copied().unwrap_or(*at))
    };
    group.iter().map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(deps: &[&[usize]]) -> Vec<Vec<usize>> {
        let deps: Vec<Vec<usize>> = deps.iter().map(|deps| deps.to_vec()).collect();
        components(&deps)
            .iter()
            .map(|group| in_order(group, &deps))
            .collect()
    }

    #[test]
    fn who_depends_stands_first_and_otherwise_the_order_stays() {
        assert_eq!(order(&[&[], &[], &[]]), [[0], [1], [2]]);
        assert_eq!(order(&[&[], &[0], &[0]]), [[1, 2, 0]]);
        assert_eq!(order(&[&[1], &[2], &[]]), [[0, 1, 2]]);
        assert_eq!(order(&[&[], &[3], &[0], &[]]), [vec![2, 0], vec![1, 3]]);
    }

    #[test]
    fn a_circle_stays_together_in_its_order() {
        assert_eq!(order(&[&[2], &[0], &[1], &[1]]), [[3, 0, 1, 2]]);
        assert_eq!(order(&[&[0], &[0]]), [[1, 0]]);
    }
}
