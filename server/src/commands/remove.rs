//! `pq remove`: removes a release, and the applications that no other release uses (`remove_release/1`).

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::answer::Done;
use pq_release::handler::ReleaseHandler;
use serde::{Deserialize, Serialize};

use super::command::{Words, word};
use super::kinds::OnReleases;
use crate::client::{Show, printable};
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Remove {
    /// The version of the release
    vsn: String,
}

/// The answer to `remove`.
#[derive(Serialize, Deserialize, Debug)]
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

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let done = handler.registry_mut().remove(&self.vsn);
        Outcome::of_registry(&word::<Self>(), done.map(|()| self.vsn.clone()))
    }
}

impl Show for Removed {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        format!("release {vsn} is removed")
    }
}
