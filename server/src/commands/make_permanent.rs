//! `pq make-permanent`: makes the running release permanent (`release_handler:make_permanent/1`).

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
pub(crate) struct MakePermanent {
    /// The version of the release
    pub(super) vsn: String,
}

/// The answer to `make-permanent`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Permanent(Done);

impl Words for MakePermanent {
    const NAME: &'static str = "make_permanent";
    type Answer = Permanent;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.vsn)
    }
}

impl OnReleases for MakePermanent {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, driver: &mut Live) -> Outcome {
        let done = handler.make_permanent(driver, &self.vsn);
        Outcome::of_registry(&word::<Self>(), done.map(|()| self.vsn.clone()))
    }
}

impl Show for Permanent {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        format!("release {vsn} is permanent: the node boots it at its next start, too")
    }
}
