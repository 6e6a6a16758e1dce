//! `pq upgrade-app`: upgrades one application without a new release (`upgrade_app/2`).

use std::path::PathBuf;

use clap::Args;
use pq_otp::Atom;
use pq_otp::upgrade::Live;
use pq_protocol::record::InstallRecord;
use pq_protocol::{Exit, Failure};
use pq_release::handler::{InstallError, ReleaseHandler};
use serde::{Deserialize, Serialize};

use super::absolute::absolute;
use super::command::{Words, word};
use super::install_options::How;
use super::kinds::OnReleases;
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct UpgradeApp {
    /// The name of the application
    app: String,
    /// The directory of the newer version
    #[arg(value_parser = absolute())]
    dir: PathBuf,
    #[command(flatten)]
    options: How,
}

impl Words for UpgradeApp {
    const NAME: &'static str = "upgrade_app";
    type Answer = InstallRecord;

    fn typed(&self) -> String {
        format!("{} {} {}", word::<Self>(), self.app, self.dir.display())
    }
}

impl OnReleases for UpgradeApp {
    fn vsn(&self) -> Option<&str> {
        None
    }

    fn installs(&self) -> bool {
        true
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, driver: &mut Live) -> Outcome {
        change(&self.app, &self.options, |app| {
            handler.upgrade_app(driver, app, &self.dir, &self.options.options())
        })
    }
}

/// Upgrades or downgrades the application of this name to another version.
pub(crate) fn change(
    app: &str,
    how: &How,
    change: impl FnOnce(Atom) -> Result<InstallRecord, InstallError>,
) -> Outcome {
    match Atom::known(app.as_bytes()) {
        Some(app) => Outcome::of_install(change(app), how.error_action),
        None => {
            let sentence = format!(
                "failed to find application {app}: no application of the node has this name; `pq apps` lists the applications"
            );
            Outcome::failed(Failure::new(Exit::Refused, sentence))
        }
    }
}
