//! Compiles the scripts of appups to one list of low-level instructions (`systools_rc`).
//!
//! ```text
//!   expand ─► split ─► syntax ─► pairs ─► applications ─► groups ─► object_code ─► restarts
//!   short     before    terms to   matching  added and   modules   read each      place of
//!   forms     and after steps      instruc-  removed as  that      library once   the node's
//!             the point            tions     modules     depend                   restart
//! ```
//!
//! Each module is a function from one form of the script to the next. A step keeps its place in the appup, so that every error
//! has a line.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use super::{Location, Problem};
use crate::appup::{Instructions, Origin};
use crate::fit::Member;
use crate::instruction::{Change, Instruction, Purge, SyntaxError, Timeout};
use crate::rel::RelStart;
use crate::terms;

mod applications;
pub(super) mod composed;
mod dependencies;
mod expand;
mod groups;
mod object_code;
mod pairs;
mod restarts;
mod split;
mod syntax;

/// The instructions for one application, from an appup or generated.
pub(super) struct Script {
    instructions: Term,
    origin: Option<Origin>,
}

impl Script {
    /// An instruction that was generated.
    pub(super) fn made(instruction: Term) -> Script {
        Script {
            instructions: Term::list([instruction]),
            origin: None,
        }
    }

    /// The way of an appup.
    pub(super) fn of_appup(Instructions { term, origin, .. }: Instructions) -> Script {
        Script {
            instructions: term,
            origin: Some(origin),
        }
    }
}

/// A part of a script and its place; generated parts have no place.
#[derive(Debug, Clone)]
struct Step<T> {
    what: T,
    origin: Option<Origin>,
}

/// An instruction of any kind.
#[derive(Debug, Clone)]
enum Op {
    Plain(Plain),
    Application(ApplicationOp),
}

/// An instruction that is not about a whole application.
#[derive(Debug, Clone)]
enum Plain {
    Module(ModuleOp),
    Low(Instruction),
}

/// An instruction about a module, with dependencies on other modules.
#[derive(Debug, Clone)]
struct ModuleOp {
    module: Atom,
    change: ModuleChange,
    deps: Vec<Atom>,
}

#[derive(Debug, Clone)]
enum ModuleChange {
    /// The high-level instruction `update`.
    Update {
        style: Style,
        timeout: Timeout,
        change: Change,
        pre: Purge,
        post: Purge,
    },
    /// The instructions `load_module` and `add_module`.
    Load { pre: Purge, post: Purge },
    /// The high-level instruction `delete_module`.
    Delete,
}

/// ModType: on the way down, the newer code converts the states of dynamic modules, and the older code those of static ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Dynamic,
    Static,
}

#[derive(Debug, Clone, Copy)]
enum ApplicationOp {
    Add(Atom, RelStart),
    Remove(Atom),
    Restart(Atom),
}

/// Both parts of a script: before and after the point of no return.
struct Parts<B, A> {
    before: Vec<B>,
    after: Vec<A>,
}

/// Compiles all scripts to one list of instructions. `target` are the applications of the release that is reached, `source`
/// those of the release that is left.
pub(super) fn translate(
    direction: Direction,
    scripts: Vec<Script>,
    target: &[Member],
    source: &[Member],
) -> Result<Vec<Instruction>, Problem> {
    let scripts = scripts
        .into_iter()
        .map(expand::expand)
        .collect::<Result<Vec<_>, _>>()?;
    let parts = split::split(scripts)?;
    let parts = syntax::check(parts)?;
    pairs::check(&parts)?;
    let after = applications::translate(parts.after, target, source)?;
    let groups = groups::translate(direction, after, target)?;
    let mut before = parts.before;
    before.extend(groups.before);
    let before = object_code::merge(before)?;
    let parts = restarts::place(
        direction,
        Parts {
            before,
            after: groups.after,
        },
    );
    let mut script = parts.before;
    script.push(Instruction::PointOfNoReturn);
    script.extend(parts.after);
    Ok(script)
}

/// The modules that a script converts, with the arguments `Extra` of their conversions. Faulty instructions are left out.
pub(super) fn extras(script: Script) -> Vec<(Atom, Term)> {
    let steps = expand::expand(script).unwrap_or_default();
    let ops = steps
        .into_iter()
        .filter_map(|step| syntax::op(&step.what).ok());
    let extras = ops.flat_map(|op| match op {
        Op::Plain(Plain::Module(ModuleOp {
            module,
            change:
                ModuleChange::Update {
                    change: Change::Advanced(extra),
                    ..
                },
            ..
        })) => vec![(module, extra)],
        Op::Plain(Plain::Low(Instruction::CodeChange { changes, .. })) => changes,
        _ => Vec::new(),
    });
    extras.collect()
}

/// The problem at a place.
fn problem(origin: Option<&Origin>, sentence: String, term: Term) -> Problem {
    let location = |origin: &Origin| Location {
        file: origin.file().to_path_buf(),
        line: Some(origin.line()),
    };
    Problem {
        location: origin.map(location),
        sentence,
        term,
    }
}

fn syntax_problem(origin: Option<&Origin>, error: &SyntaxError) -> Problem {
    problem(origin, error.sentence(), error.to_term())
}

/// The problem `{Word,Name}` about a name in a wrong place.
fn name_problem(
    origin: Option<&Origin>,
    word: &'static str,
    name: Atom,
    sentence: String,
) -> Problem {
    problem(origin, sentence, terms::tagged(word, name))
}

/// A place for running text: `a.appup, line 3`.
fn shown(origin: Option<&Origin>) -> String {
    match origin {
        Some(origin) => format!("{}, line {}", origin.file().display(), origin.line()),
        None => "the comparison of the two releases".to_string(),
    }
}
