//! `pq downgrade-app`: downgrades one application without a new release (`downgrade_app/2,3`).

use std::path::{Path, PathBuf};

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::record::InstallRecord;
use pq_protocol::{Exit, Failure};
use pq_release::app::App;
use pq_release::handler::ReleaseHandler;
use serde::{Deserialize, Serialize};

use super::absolute::absolute;
use super::command::{Words, word};
use super::install_options::How;
use super::kinds::OnReleases;
use super::upgrade_app::change;
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct DowngradeApp {
    /// The name of the application
    app: String,
    /// The older version of the application
    #[arg(value_name = "APP_VSN")]
    vsn: String,
    /// The directory of the older version
    #[arg(value_parser = absolute())]
    dir: PathBuf,
    #[command(flatten)]
    options: How,
}

impl Words for DowngradeApp {
    const NAME: &'static str = "downgrade_app";
    type Answer = InstallRecord;

    fn typed(&self) -> String {
        let (app, vsn, dir) = (&self.app, &self.vsn, self.dir.display());
        format!("{} {app} {vsn} {dir}", word::<Self>())
    }
}

impl OnReleases for DowngradeApp {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn installs(&self) -> bool {
        true
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, driver: &mut Live) -> Outcome {
        if let Err(failure) = is_version(&self.dir, &self.app, &self.vsn) {
            return Outcome::failed(failure);
        }
        change(&self.app, &self.options, |app| {
            handler.downgrade_app(driver, app, &self.dir, &self.options.options())
        })
    }
}

/// Checks that the directory contains this version of the application.
fn is_version(dir: &Path, app: &str, vsn: &str) -> Result<(), Failure> {
    let refuse = |why: String| Failure::new(Exit::Refused, format!("failed to {why}"));
    let file = dir.join(format!("ebin/{app}.app"));
    let found = App::read(&file).map_err(|error| refuse(error.to_string()))?;
    match found.vsn == vsn {
        true => Ok(()),
        false => Err(refuse(format!(
            "find {app}-{vsn} in {}: the directory contains version {}",
            dir.display(),
            found.vsn
        ))),
    }
}
