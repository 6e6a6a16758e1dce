//! `pq install-file`: copies a file into the directory of a release (`install_file/2`).

use std::path::PathBuf;

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::answer::Done;
use pq_release::handler::ReleaseHandler;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::absolute::absolute;
use super::command::{Words, word};
use super::kinds::OnReleases;
use crate::client::{Show, printable};
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct InstallFile {
    /// The version of the release
    vsn: String,
    /// The path of the file to copy
    #[arg(value_parser = absolute())]
    file: PathBuf,
}

/// The answer to `install-file`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Copied(Done);

impl Words for InstallFile {
    const NAME: &'static str = "install_file";
    type Answer = Copied;

    fn typed(&self) -> String {
        format!("{} {} {}", word::<Self>(), self.vsn, self.file.display())
    }
}

impl OnReleases for InstallFile {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let installed = handler.registry_mut().install_file(&self.vsn, &self.file);
        Outcome::of_file(&word::<Self>(), &self.vsn, installed)
    }
}

impl Show for Copied {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        let file = self.0.file.as_deref().unwrap_or("a file of its directory");
        format!("copied into release {vsn} as {}", printable(file))
    }
}
