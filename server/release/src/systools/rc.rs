//! Scripts of appups to one list of low-level instructions (`systools_rc`).
//!
//! ```text
//!   expand ─► split ─► syntax ─► pairs ─► applications ─► groups ─► object_code ─► restarts
//!   short     before    terms to   what      what comes     what      read each      where the
//!   forms     and after steps      belongs   and goes       depends   library once   node starts
//!             the point            together  as modules     together                 again
//! ```
//!
//! Each module is a function from one form of the script to the next. A step remembers where in which appup it
//! was written, so that every error has a line.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use super::{Location, Problem};
use crate::appup::{Instructions, Origin};
use crate::fit::Member;
use crate::instruction::{Instruction, Purge, SyntaxError, Timeout};
use crate::rel::RelStart;
use crate::terms;

mod applications;
mod dependencies;
mod expand;
mod groups;
mod object_code;
mod pairs;
mod restarts;
mod split;
mod syntax;

/// The instructions for one application, as they were written or made.
pub(super) struct Script {
    instructions: Term,
    origin: Option<Origin>,
}

impl Script {
    /// One instruction that no appup holds.
    pub(super) fn made(instruction: Term) -> Script {
        Script {
            instructions: Term::list([instruction]),
            origin: None,
        }
    }

    /// A way of an appup.
    pub(super) fn of_appup(Instructions { term, origin, .. }: Instructions) -> Script {
        Script {
            instructions: term,
            origin: Some(origin),
        }
    }
}

/// Something in a script, and where it was written; nowhere, if it was made.
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

/// An instruction about a module, which depends on others.
#[derive(Debug, Clone)]
struct ModuleOp {
    module: Atom,
    change: ModuleChange,
    deps: Vec<Atom>,
}

#[derive(Debug, Clone)]
enum ModuleChange {
    /// `update`
    Update {
        style: Style,
        timeout: Timeout,
        change: Change,
        pre: Purge,
        post: Purge,
    },
    /// `load_module` and `add_module`
    Load { pre: Purge, post: Purge },
    /// `delete_module`
    Delete,
}

/// ModType: on the way down, states of dynamic modules are converted by the newer code, those of static ones by the older.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Dynamic,
    Static,
}

/// Whether states are converted, and what `code_change` gets as extra.
#[derive(Debug, Clone)]
enum Change {
    Soft,
    Advanced(Term),
}

#[derive(Debug, Clone, Copy)]
enum ApplicationOp {
    Add(Atom, RelStart),
    Remove(Atom),
    Restart(Atom),
}

/// Both parts of a script: what is done while nothing has happened yet, and what follows.
struct Parts<B, A> {
    before: Vec<B>,
    after: Vec<A>,
}

/// One list of instructions from all scripts. `target` are the applications of the release that is reached, `source` those
/// of the release that is left.
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

/// The problem at a step.
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

/// `{Word,Name}` about a name that is not where it should be.
fn name_problem(
    origin: Option<&Origin>,
    word: &'static str,
    name: Atom,
    sentence: String,
) -> Problem {
    problem(origin, sentence, terms::tagged(word, name))
}

/// A place in running text: `a.appup, line 3`.
fn shown(origin: Option<&Origin>) -> String {
    match origin {
        Some(origin) => format!("{}, line {}", origin.file().display(), origin.line()),
        None => "the comparison of the two releases".to_string(),
    }
}
