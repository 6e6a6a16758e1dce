//! Adds up the steps of a way through several versions: modules change as the difference of its ends, and states go through the
//! versions in between.
//!
//! ```text
//!   1.0.0 ─ load a ─► 1.0.1 ─ update a, delete b ─► 1.1.0
//!   1.0.0 ─ load_converters 1.0.1 [a soft], update a, delete b ─► 1.1.0
//! ```
//! `load_module`, `update`, `add_module` and `delete_module`, and the instructions that they are compiled to, each change one
//! module, so their effects can be added up. A step with any other instruction needs a way of its own.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use super::{
    ModuleChange, ModuleOp, Op, Origin, Plain, Problem, Script, Step, Style, expand, problem,
    syntax, syntax_problem,
};
use crate::instruction::{Change, Converters, Instruction, Purge, Timeout};
use crate::script::longer;
use crate::terms;

/// The ends of a way of one application.
pub(in crate::systools) struct Ends<'a> {
    pub(in crate::systools) direction: Direction,
    pub(in crate::systools) application: Atom,
    /// The modules of the version that is left.
    pub(in crate::systools) source: &'a [Atom],
    /// The modules of the version that is reached.
    pub(in crate::systools) target: &'a [Atom],
    /// A clause about the way and the remedy, for refusals.
    pub(in crate::systools) remedy: String,
}

/// The changes of a module in one step.
struct Mention {
    module: Atom,
    origin: Option<Origin>,
    is_deleted: bool,
    style: Style,
    timeout: Timeout,
    /// `None` for a module that is only loaded.
    change: Option<Change>,
    pre: Purge,
    post: Purge,
}

/// One script for these steps, each with the version that it reaches, in the order of the way.
pub(in crate::systools) fn composed(
    ends: &Ends<'_>,
    steps: Vec<(String, Script)>,
) -> Result<Script, Problem> {
    let mut read = Vec::new();
    for (vsn, script) in steps {
        read.push((vsn, mentions(ends, script)?));
    }
    let last = read.len().saturating_sub(1);
    let between = read[..last].iter();
    let mut script: Vec<Term> = between
        .filter_map(|(vsn, mentions)| converters(ends, vsn, mentions))
        .collect();
    for module in in_order(&read) {
        let own = read.iter().map(|(_, mentions)| find(mentions, module));
        script.extend(change(ends, module, &own.collect::<Vec<_>>())?);
    }
    Ok(Script {
        instructions: Term::list(script),
        origin: None,
    })
}

/// The modules of all steps, in the order in which the steps first name them.
fn in_order(steps: &[(String, Vec<Mention>)]) -> Vec<Atom> {
    let mut modules = Vec::new();
    for mention in steps.iter().flat_map(|(_, mentions)| mentions) {
        if !modules.contains(&mention.module) {
            modules.push(mention.module);
        }
    }
    modules
}

fn find(mentions: &[Mention], module: Atom) -> Option<&Mention> {
    mentions.iter().find(|mention| mention.module == module)
}

/// The instruction for a version in between; `None` when no state goes through it.
fn converters(ends: &Ends<'_>, vsn: &str, mentions: &[Mention]) -> Option<Term> {
    let has_states = |mention: &&Mention| {
        let at_both = [ends.source, ends.target].map(|end| end.contains(&mention.module));
        at_both == [true, true]
    };
    let change = |mention: &Mention| {
        let change = mention.change.clone().unwrap_or(Change::Soft);
        (mention.module, change)
    };
    let changes: Vec<_> = mentions.iter().filter(has_states).map(change).collect();
    let converters = Converters {
        direction: ends.direction,
        lib: ends.application,
        vsn: vsn.to_string(),
        changes,
    };
    (!converters.changes.is_empty()).then(|| converters.to_term())
}

/// The instruction that changes a module from one end to the other; `None` for a module of neither end.
fn change(
    ends: &Ends<'_>,
    module: Atom,
    steps: &[Option<&Mention>],
) -> Result<Option<Term>, Problem> {
    let named = |tag: &'static str| Some(terms::tagged(tag, module));
    let is_at = |end: &[Atom]| end.contains(&module);
    match (is_at(ends.source), is_at(ends.target)) {
        (false, false) => Ok(None),
        (false, true) => Ok(named("add_module")),
        (true, false) => Ok(named("delete_module")),
        (true, true) => {
            let mut own = steps.iter().flatten();
            match own.find(|mention| mention.is_deleted) {
                None => Ok(Some(exchange(module, steps))),
                Some(mention) => {
                    let what =
                        format!("the step deletes `{module}`, and a later one adds it again");
                    let term = terms::tagged("delete_module", module);
                    Err(refused(ends, mention.origin.as_ref(), &what, term))
                }
            }
        }
    }
}

/// The instruction for a module of both ends, with the longest timeout and the most careful purges of its steps.
fn exchange(module: Atom, steps: &[Option<&Mention>]) -> Term {
    let own = || steps.iter().flatten();
    let careful =
        |purge: fn(&Mention) -> Purge| match own().any(|mention| purge(mention) == Purge::Soft) {
            true => Purge::Soft.to_term(),
            false => Purge::Brutal.to_term(),
        };
    let (pre, post) = (
        careful(|mention| mention.pre),
        careful(|mention| mention.post),
    );
    let no_deps = Term::list([]);
    if own().all(|mention| mention.change.is_none()) {
        let parts = [
            Term::atom("load_module"),
            Term::Atom(module),
            pre,
            post,
            no_deps,
        ];
        return Term::tuple(parts);
    }
    let is_static = own().any(|mention| mention.style == Style::Static);
    let timeouts = own().map(|mention| Some(mention.timeout));
    let timeout = timeouts.fold(None, longer).unwrap_or(Timeout::Default);
    Term::tuple([
        Term::atom("update"),
        Term::Atom(module),
        Term::atom(if is_static { "static" } else { "dynamic" }),
        timeout.to_term(),
        last_change(steps).to_term(),
        pre,
        post,
        no_deps,
    ])
}

/// How states get to the version that is reached. A supervisor that any step asks for its children is asked there: its update is
/// static, and has no states.
fn last_change(steps: &[Option<&Mention>]) -> Change {
    let last = steps.last().copied().flatten();
    let last = last.filter(|mention| mention.change.is_some());
    let of_supervisor = || {
        let mut own = steps.iter().rev().flatten();
        own.find(|mention| mention.style == Style::Static && mention.change.is_some())
    };
    let mention = last.or_else(|| of_supervisor().copied());
    mention
        .and_then(|mention| mention.change.clone())
        .unwrap_or(Change::Soft)
}

/// The changes of each module in one step.
fn mentions(ends: &Ends<'_>, script: Script) -> Result<Vec<Mention>, Problem> {
    let mut mentions = Vec::new();
    for step in expand::expand(script)? {
        let Step { what, origin } = step;
        let op = syntax::op(&what).map_err(|error| syntax_problem(origin.as_ref(), &error))?;
        if !note(&mut mentions, op, origin.as_ref()) {
            let sentence = format!("`{what}` cannot be composed with other steps");
            return Err(refused(ends, origin.as_ref(), &sentence, what));
        }
    }
    Ok(mentions)
}

fn refused(ends: &Ends<'_>, origin: Option<&Origin>, what: &str, term: Term) -> Problem {
    let sentence = format!("{what}; {}", ends.remedy);
    problem(origin, sentence, terms::tagged("not_composable", term))
}

/// Notes what an instruction does to modules; `false` for an instruction that does anything else.
fn note(mentions: &mut Vec<Mention>, op: Op, origin: Option<&Origin>) -> bool {
    match op {
        Op::Plain(Plain::Module(ModuleOp { module, change, .. })) => {
            mention(mentions, module, origin).take(change)
        }
        Op::Plain(Plain::Low(instruction)) => match instruction {
            Instruction::Load {
                module,
                pre_purge: pre,
                post_purge: post,
            } => mention(mentions, module, origin).take(ModuleChange::Load { pre, post }),
            Instruction::Remove { module, .. } => {
                mention(mentions, module, origin).take(ModuleChange::Delete)
            }
            Instruction::CodeChange { changes, .. } => {
                for (module, extra) in changes {
                    mention(mentions, module, origin).change = Some(Change::Advanced(extra));
                }
            }
            Instruction::Suspend(modules) => {
                for suspend in modules {
                    let mention = mention(mentions, suspend.module, origin);
                    mention.change.get_or_insert(Change::Soft);
                    mention.wait(suspend.timeout);
                }
            }
            // These follow from the others.
            Instruction::LoadObjectCode { .. }
            | Instruction::PointOfNoReturn
            | Instruction::Purge(_)
            | Instruction::Resume(_) => (),
            _ => return false,
        },
        Op::Application(_) => return false,
    }
    true
}

fn mention<'m>(
    mentions: &'m mut Vec<Mention>,
    module: Atom,
    origin: Option<&Origin>,
) -> &'m mut Mention {
    let known = mentions.iter().position(|mention| mention.module == module);
    let at = known.unwrap_or_else(|| {
        mentions.push(Mention {
            module,
            origin: origin.cloned(),
            is_deleted: false,
            style: Style::Dynamic,
            timeout: Timeout::Default,
            change: None,
            pre: Purge::Brutal,
            post: Purge::Brutal,
        });
        mentions.len() - 1
    });
    &mut mentions[at]
}

impl Mention {
    fn take(&mut self, change: ModuleChange) {
        match change {
            ModuleChange::Update {
                style,
                timeout,
                change,
                pre,
                post,
            } => {
                (self.style, self.change) = (style, Some(change));
                (self.pre, self.post) = (pre, post);
                self.wait(Some(timeout));
            }
            ModuleChange::Load { pre, post } => (self.pre, self.post) = (pre, post),
            ModuleChange::Delete => self.is_deleted = true,
        }
    }

    fn wait(&mut self, timeout: Option<Timeout>) {
        self.timeout = longer(Some(self.timeout), timeout).unwrap_or(Timeout::Default);
    }
}
