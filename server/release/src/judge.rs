//! The judge: whether a script, carried out on a release, does what it says, before anybody is touched.
//!
//! ```text
//!   two releases (Side) ─┐
//!   a script ────────────┼─► World ── walk ──► the world behind each step ──► Judgement
//!   a node (Live), or ───┘   code, applications, processes, children          refusals, warnings, who ends
//!   what a boot makes
//! ```
//! | room | what lives there |
//! |---|---|
//! | [`finding`] | what a judgement consists of |
//! | [`reach`] | what an `apply` may call besides the functions of the release: the table, and the reading of a call |
//! | [`child_spec`] | a term as a child specification |
//! | [`side`] | a release as it is judged: its applications and what their libraries say of themselves |
//! | [`world`] | code, applications and processes at one step of a script |
//! | [`tree`] | which processes an application starts, asked of its own `start` and `init` |
//! | [`live`] | the world of a node that runs |
//! | [`whole`] | a release by itself, as it boots |
//! | [`walk`], [`exchange`], [`calls`] | what each step of a script makes of the world |
//! | [`author`] | the same from files, for whoever makes a release |
//!
//! Every command that looks at a release asks here: `pq appup --check`, `pq relup`, `pq build`, `pq tar`, `pq start`,
//! `pq check-install` and `pq install`. What a function of the release does when it is called, and whether a state
//! converts, no judge can know; the one is the author's, the other is tried on copies.

pub mod finding;
pub mod reach;

mod child_spec;
mod side;
mod tree;
mod world;

mod live;
mod whole;

mod calls;
mod exchange;
mod walk;

pub mod author;

pub use finding::{Finding, Judgement};
pub use side::Side;

use crate::handler::script::Script;
use pq_code::CodeServer;
use pq_otp::upgrade::Driver;

pub(crate) use live::look;
pub(crate) use world::World;

/// Judges a script that leads from one release to another. The world is that in which it begins: of a node that runs
/// ([`look`]), or as the older release boots ([`World::booted`]).
pub(crate) fn judge(
    mut world: World<'_>,
    (from, to): (&Side, &Side),
    script: &Script,
) -> Judgement {
    let code = world.code();
    let before = whole::findings(&World::booted(code, from), from);
    let known = world.lost_calls();
    let mut judgement = walk::walk(&mut world, to, script, &known);
    // What was wrong before is no fault of this script, and must not keep one away that mends something else.
    for finding in whole::findings(&World::booted(code, to), to) {
        match before.iter().any(|old| old.term == finding.term) {
            true => judgement.warnings.push(finding.sentence),
            false => judgement.refuse(finding),
        }
    }
    judgement
}

/// The judgement of a node that runs.
pub(crate) fn judge_live(
    driver: &mut dyn Driver,
    code: &CodeServer,
    sides: (&Side, &Side),
    script: &Script,
) -> Result<Judgement, crate::handler::FailedStep> {
    let world = look(driver, code)?;
    Ok(judge(world, sides, script))
}

#[cfg(test)]
mod tests;
