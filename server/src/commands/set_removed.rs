//! `pq set-removed`: takes a release off the list and keeps its files (`set_removed/1`).

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::answer::Done;
use pq_release::handler::ReleaseHandler;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, word};
use super::kinds::OnReleases;
use crate::client::{Show, printable};
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct SetRemoved {
    /// The version of the release
    vsn: String,
}

/// The answer to `set-removed`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Unlisted(Done);

impl Words for SetRemoved {
    const NAME: &'static str = "set_removed";
    type Answer = Unlisted;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.vsn)
    }
}

impl OnReleases for SetRemoved {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let done = handler.registry_mut().set_removed(&self.vsn);
        Outcome::of_registry(&word::<Self>(), done.map(|()| self.vsn.clone()))
    }
}

impl Show for Unlisted {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        format!("release {vsn} is no longer listed; its files remain")
    }
}
