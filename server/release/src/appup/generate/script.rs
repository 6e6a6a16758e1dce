//! Reads a way of an existing appup: which instruction does what with which module.
//!
//! Terms that are not instructions are ignored here: systools refuses them with their lines.

use pq_term::{Atom, Term};

use crate::appup::{Instructions, Origin};
use crate::instruction::Instruction;
use crate::terms;

/// The effect of an instruction on a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// `add_module`: the module is new in the version.
    Add,
    /// `load_module`, `{update, Mod}`, `{load, …}`
    Load,
    /// `{update, Mod, {advanced, Extra}}`, `{code_change, …}`: the newer version converts the states.
    Convert,
    /// `{update, Mod, supervisor}` and its full form: the newer version converts no state.
    Supervisor,
    /// `delete_module`, `{remove, …}`: the module does not exist in the version.
    Delete,
}

/// One module in one instruction.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) does: Does,
    pub(super) module: String,
    pub(super) deps: Vec<String>,
    pub(super) term: Term,
    pub(super) origin: Origin,
}

/// The steps of a way.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    /// True when the way restarts the node or the application, and with it every module.
    pub(super) restarts: bool,
}

/// Reads a way for an application.
pub(super) fn read(way: &Instructions, application: &str) -> Script {
    let items = terms::list(&way.term).unwrap_or_default();
    let mut placed: Vec<(&Term, Origin)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let origin = way.origin.part(at);
        match terms::list(item) {
            None => placed.push((item, origin)),
            Some(inner) => placed.extend(
                inner
                    .iter()
                    .enumerate()
                    .map(|(at, item)| (item, origin.part(at))),
            ),
        }
    }
    let mut script = Script::default();
    for (item, origin) in &placed {
        script.restarts |= restarts(item, application);
        script.steps.extend(step(item, origin));
    }
    let converted: Vec<String> = placed
        .iter()
        .flat_map(|(item, _)| converted(item))
        .collect();
    for step in &mut script.steps {
        if step.does == Does::Load && converted.contains(&step.module) {
            step.does = Does::Convert;
        }
    }
    script
}

impl Script {
    /// The position at which the group of a module is exchanged. Modules that depend on each other are one group, at the
    /// position of its first module.
    pub(super) fn place(&self, module: &str) -> Option<usize> {
        let mut group = vec![module];
        let mut at = 0;
        while let Some(one) = group.get(at).copied() {
            let tied = self.steps.iter().flat_map(|step| tied(step, one));
            let tied: Vec<&str> = tied.filter(|other| !group.contains(other)).collect();
            group.extend(tied);
            at += 1;
        }
        self.steps
            .iter()
            .position(|step| group.contains(&step.module.as_str()))
    }
}

/// The modules that a step puts into one group with `module`.
fn tied<'a>(step: &'a Step, module: &str) -> Vec<&'a str> {
    let deps = step.deps.iter().map(String::as_str);
    match step.module == module {
        true => deps.collect(),
        false if deps.clone().any(|dep| dep == module) => vec![&step.module],
        false => vec![],
    }
}

fn restarts(item: &Term, application: &str) -> bool {
    match item.as_tuple() {
        Some([tag, name]) => tag.is_atom("restart_application") && name.is_atom(application),
        _ => item.is_atom("restart_new_emulator") || item.is_atom("restart_emulator"),
    }
}

fn step(term: &Term, origin: &Origin) -> Option<Step> {
    let (does, module, deps) = high_level(term).or_else(|| low_level(term))?;
    Some(Step {
        does,
        module: module.as_str().to_string(),
        deps: deps.iter().map(|dep| dep.as_str().to_string()).collect(),
        term: term.clone(),
        origin: origin.clone(),
    })
}

fn high_level(term: &Term) -> Option<(Does, Atom, Vec<Atom>)> {
    let [Term::Atom(tag), Term::Atom(module), rest @ ..] = term.as_tuple()? else {
        return None;
    };
    let does = match tag.as_str() {
        "add_module" => Does::Add,
        "load_module" => Does::Load,
        "delete_module" => Does::Delete,
        "update" => update(rest),
        _ => return None,
    };
    let deps = rest.last().and_then(terms::atoms).unwrap_or_default();
    Some((does, *module, deps))
}

fn update(rest: &[Term]) -> Does {
    let has = |word: &str| rest.iter().any(|part| part.is_atom(word));
    let is_change =
        |part: &Term| matches!(part.as_tuple(), Some([tag, _]) if tag.is_atom("advanced"));
    match rest.iter().any(is_change) {
        true if has("static") => Does::Supervisor,
        true => Does::Convert,
        false if has("supervisor") => Does::Supervisor,
        false => Does::Load,
    }
}

fn low_level(term: &Term) -> Option<(Does, Atom, Vec<Atom>)> {
    match Instruction::read(term).ok()? {
        Instruction::Load { module, .. } => Some((Does::Load, module, Vec::new())),
        Instruction::Remove { module, .. } => Some((Does::Delete, module, Vec::new())),
        _ => None,
    }
}

/// The modules whose states a low-level instruction converts; other instructions load their code.
fn converted(term: &Term) -> Vec<String> {
    match Instruction::read(term) {
        Ok(Instruction::CodeChange { changes, .. }) => changes
            .iter()
            .map(|(module, _)| module.as_str().to_string())
            .collect(),
        _ => Vec::new(),
    }
}
