//! `pq reboot-old`: makes an older release permanent and restarts the node with it (`reboot_old_release/1`).

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::answer::Done;
use pq_release::handler::ReleaseHandler;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, word};
use super::kinds::OnReleases;
use crate::client::{Show, printable};
use crate::restart::{ErrorAction, Restart};
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct RebootOld {
    /// The version of the release
    vsn: String,
}

/// The answer to `reboot-old`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Rebooting(Done);

impl Words for RebootOld {
    const NAME: &'static str = "reboot_old";
    type Answer = Rebooting;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.vsn)
    }
}

impl OnReleases for RebootOld {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let done = handler.registry_mut().reboot_old(&self.vsn);
        let outcome = Outcome::of_registry(&word::<Self>(), done.map(|()| self.vsn.clone()));
        match outcome.answer.is_ok() {
            true => outcome.then_restart(Restart::of_permanent(ErrorAction::Restart)),
            false => outcome,
        }
    }
}

impl Show for Rebooting {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        format!("release {vsn} is permanent, and the node restarts with it")
    }
}
