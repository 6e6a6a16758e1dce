//! The rows that could not be opened any more without a library: for the removal of a release.

use pq_otp::{Kind, Module};
use pq_store::Need;

use crate::boot::pairs;
use crate::opening::{Opening, Version};

/// The needs that no version among these satisfies, each with the module and version that are missing. `targets` are the
/// modules that are to open the rows: those of the running release, or of the next boot.
pub fn missing(
    needs: Vec<Need>,
    versions: Vec<Version>,
    targets: &[Module],
) -> Vec<(Need, String, String)> {
    let opening = Opening::new(versions);
    let missing = needs.into_iter().filter_map(|need| {
        let mut pairs = pairs(&need.versions).into_iter();
        let (module, vsn) = pairs.find(|(module, vsn)| !opens(&opening, targets, module, vsn))?;
        Some((need, module, vsn))
    });
    missing.collect()
}

/// Whether a state of this version becomes one of each target. Supervisors and event managers have no states that are
/// converted. A module without a target is missing in any case.
fn opens(opening: &Opening, targets: &[Module], name: &str, vsn: &str) -> bool {
    let mut targets = targets.iter().filter(|module| module.name() == name);
    targets.all(|module| {
        matches!(module.kind(), Kind::Supervisor | Kind::EventManager)
            || opening.leads(vsn, *module)
    })
}
