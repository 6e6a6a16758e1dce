//! `pq remove`: removes a release, and the applications that no other release uses (`remove_release/1`).

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::answer::Done;
use pq_protocol::{Exit, Failure};
use pq_release::handler::ReleaseHandler;
use pq_release::releases::{Lib, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sockserv::Noun;

use super::command::{Words, word};
use super::kinds::OnReleases;
use crate::client::{Show, counted, printable};
use crate::running::{Outcome, RunningNode};
use crate::saves::{Lost, lost_without};

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Remove {
    /// The version of the release
    vsn: String,
    /// Remove the release even if saves need its libraries; the next start sets these aside
    #[arg(long)]
    #[serde(default)]
    force: bool,
}

/// The answer to `remove`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Removed(Done);

impl Words for Remove {
    const NAME: &'static str = "remove";
    type Answer = Removed;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.vsn)
    }
}

impl OnReleases for Remove {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn judge(&self, node: &RunningNode, handler: &ReleaseHandler) -> Result<(), Failure> {
        let registry = handler.registry();
        // A release that may not be removed is refused by the operation itself.
        let Ok(goes) = registry.goes_with(&self.vsn) else {
            return Ok(());
        };
        if self.force {
            return Ok(());
        }
        let refused = |why: String| {
            let sentence = format!("failed to remove release {}: {why}", self.vsn);
            Failure::new(Exit::Refused, sentence)
        };
        let boots = registry.which_releases().iter();
        let boots = boots.filter(|it| it.status == Status::Permanent);
        let boots = boots.chain([registry.running()]);
        let targets: Vec<_> = boots.flat_map(|release| named(&release.libs)).collect();
        let lost = lost_without(node.booted(), &named(&goes), &targets);
        let lost = lost.map_err(|error| {
            refused(format!(
                "its libraries may be needed: failed to {error}; --force removes it"
            ))
        })?;
        match lost.is_empty() {
            true => Ok(()),
            false => Err(refused(sentence(&lost, &node.game().noun))),
        }
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let done = handler.registry_mut().remove(&self.vsn);
        Outcome::of_registry(&word::<Self>(), done.map(|()| self.vsn.clone()))
    }
}

/// The applications with their versions.
fn named(libs: &[Lib]) -> Vec<(String, String)> {
    let named = |lib: &Lib| (lib.name.as_str().to_string(), lib.vsn.clone());
    libs.iter().map(named).collect()
}

fn sentence(lost: &[Lost], noun: &Noun) -> String {
    let lost = lost.iter().map(|Lost { rows, library }| {
        let (one, many) = (format!("{} is", noun.one), format!("{} are", noun.many));
        let saved = counted(*rows, &one, &many);
        format!("{saved} saved with {library}, which no other release has")
    });
    let lost: Vec<String> = lost.collect();
    format!(
        "{}; --force removes it, and the next start sets them aside",
        lost.join(", and ")
    )
}

impl Show for Removed {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        format!("release {vsn} is removed")
    }
}
