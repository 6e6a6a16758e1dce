//! The judge: checks that a script has the promised effect on a release, before it affects any process.
//!
//! ```text
//!   two releases (Side) ─┐
//!   a script ────────────┼─► World ── walk ──► the world after each step ──► Judgement
//!   a node (Live), or ───┘   code, applications, processes, children         refusals, warnings, ended processes
//!   a booted release
//! ```
//! | module | contents |
//! |---|---|
//! | [`finding`] | the parts of a judgement |
//! | [`reach`] | the table of functions that an `apply` may call besides those of the release, and the parser of a call |
//! | `child_spec` | parses a term as a child specification |
//! | `side` | a release to judge: its applications and the manifests of their libraries |
//! | `world` | code, applications and processes at one step of a script |
//! | `tree` | the processes that an application starts, computed by its own `start` and `init` |
//! | `live` | the world of a running node |
//! | `whole` | a release by itself, as it boots |
//! | `between` | the versions in between, through which states go |
//! | `walk`, `exchange`, `applications`, `children`, `calls` | the effect of each step of a script on the world |
//! | [`author`] | the same checks on files, for the author of a release |
//!
//! Every command about a release uses the judge: `pq appup --check`, `pq relup`, `pq build`, `pq tar`, `pq start`,
//! `pq check-install` and `pq install`. The judge cannot know the effect of a function of the release, which is up to the
//! author, nor whether a state converts, which is tried on copies.

pub mod finding;
pub mod reach;

mod child_spec;
mod side;
mod tree;
mod world;

mod live;
mod whole;

mod applications;
mod between;
mod calls;
mod children;
mod exchange;
mod walk;

pub mod author;

pub use finding::{Ending, Ends, Finding, Judgement};
pub use side::{Side, SideApp};

pub(crate) use live::ASK_TIMEOUT_MS;
pub(crate) use side::Passage;

use std::collections::BTreeSet;

use pq_code::{CodeServer, ModuleEntry};
use pq_otp::upgrade::Driver;
use pq_otp::{Kind, RequestError};
use pq_term::Atom;

use crate::rel::RelStart;
use crate::script::{CodeChange, Exchange, Script, Step};

pub(crate) use live::{Looks, look};
pub(crate) use world::World;

/// Judges a script that leads from one release to another. The script begins in `world`: that of a running node ([`look`]), or
/// that of the booted older release ([`World::booted`]).
pub(crate) fn judge(mut world: World<'_>, passage: &Passage<'_>) -> Judgement {
    let to = passage.to;
    let code = world.code();
    let known = world.lost_calls();
    let mut judgement = walk::walk(&mut world, passage, &known);
    let after = whole::findings(&World::booted(code, to), to);
    if after.is_empty() {
        return judgement;
    }
    // Earlier faults are not caused by this script, and must not prevent a script that repairs another fault.
    let from = (passage.from)();
    let before = whole::findings(&World::booted(code, &from), &from);
    for finding in after {
        match before.iter().any(|old| old.term == finding.term) {
            true => judgement.warnings.push(finding.to_string()),
            false => judgement.refuse(finding),
        }
    }
    judgement
}

/// Judges a script on a running node. A check always lists the processes, because it counts them.
pub(crate) fn judge_live(
    driver: &mut dyn Driver,
    code: &CodeServer,
    passage: &Passage<'_>,
    looks_at_processes: bool,
) -> Result<Judgement, RequestError> {
    let Passage {
        from, to, script, ..
    } = *passage;
    let concerns = concerns_processes(code, to, script);
    let looks = Looks {
        processes: looks_at_processes || concerns,
        applications: concerns || !has_the_applications_of(&from(), to),
    };
    let world = look(driver, code, looks)?;
    Ok(judge(world, passage))
}

/// True when both releases have the same applications with the same start types.
fn has_the_applications_of(from: &Side, to: &Side) -> bool {
    let names = |side: &Side| -> BTreeSet<Atom> {
        let starts = |app: &&SideApp| matches!(app.start, RelStart::Start(_));
        let started = side.applications.iter().filter(starts);
        started.map(|app| app.app.name).collect()
    };
    names(from) == names(to)
}

/// True when the judgement of a script depends on processes: it calls functions, removes modules that processes run, or
/// asks supervisors for their children again. Its other effects on processes are tried on copies of their states.
fn concerns_processes(code: &CodeServer, to: &Side, script: &Script) -> bool {
    let runs = |kind: Kind| !matches!(kind, Kind::Functions | Kind::Application);
    let is_supervisor = |module: &str| {
        let mut entries = to.applications.iter().filter_map(SideApp::known);
        let of = |(_, all): (_, &[ModuleEntry])| {
            all.iter().find(|it| it.name == module).map(|it| it.kind)
        };
        entries.find_map(of) == Some(Kind::Supervisor)
    };
    let changes = |exchange: &Exchange| {
        exchange.changes.iter().any(|change| match change {
            CodeChange::Load(module, _) => is_supervisor(module.as_str()),
            CodeChange::Remove(module, _) => code
                .current(module.as_str())
                .is_some_and(|module| runs(module.kind())),
            CodeChange::Purge(_) => false,
        }) || exchange
            .conversions
            .keys()
            .any(|module| is_supervisor(module.as_str()))
    };
    !script.checks.is_empty()
        || script.steps.iter().any(|step| match step {
            Step::Exchange(exchange) => changes(exchange),
            _ => true,
        })
}

#[cfg(test)]
mod tests;
