//! What an operator may ask about releases.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What may be done with releases (`release_handler(3)`). Paths are absolute: the node has another folder to start
/// from.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReleaseRequest {
    /// `unpack_release`: a package of the tree by its name, or one anywhere by its path.
    Unpack {
        /// `Name-Vsn`, or a path.
        package: String,
    },
    /// `check_install_release`.
    CheckInstall {
        /// The release.
        vsn: String,
        /// How it would be installed.
        options: InstallOptions,
        /// An install begins with it: when the check refuses, that was the install's end.
        #[serde(default)]
        of_install: bool,
    },
    /// `install_release`.
    Install {
        /// The release.
        vsn: String,
        /// The release that ran when the plan was shown. When another one runs now, the plan is no longer true.
        #[serde(default)]
        from: Option<String>,
        /// How.
        options: InstallOptions,
    },
    /// `make_permanent`.
    MakePermanent {
        /// The release.
        vsn: String,
    },
    /// `remove_release`.
    Remove {
        /// The release.
        vsn: String,
    },
    /// `reboot_old_release`.
    RebootOld {
        /// The release.
        vsn: String,
    },
    /// `set_unpacked`.
    SetUnpacked {
        /// Its `.rel` file.
        rel_file: PathBuf,
        /// Applications that are elsewhere: name, version, and the folder that holds the folder `Name-Vsn`.
        app_dirs: Vec<(String, String, PathBuf)>,
    },
    /// `set_removed`.
    SetRemoved {
        /// The release.
        vsn: String,
    },
    /// `install_file`.
    InstallFile {
        /// The release.
        vsn: String,
        /// The file.
        file: PathBuf,
    },
    /// `upgrade_app`.
    UpgradeApp {
        /// The application.
        app: String,
        /// The folder of the newer version.
        dir: PathBuf,
        /// How.
        options: InstallOptions,
    },
    /// `downgrade_app`.
    DowngradeApp {
        /// The application.
        app: String,
        /// The older version.
        vsn: String,
        /// Its folder.
        dir: PathBuf,
        /// How.
        options: InstallOptions,
    },
}

impl ReleaseRequest {
    /// Its command.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            ReleaseRequest::Unpack { .. } => "unpack",
            ReleaseRequest::CheckInstall { .. } => "check-install",
            ReleaseRequest::Install { .. } => "install",
            ReleaseRequest::MakePermanent { .. } => "make-permanent",
            ReleaseRequest::Remove { .. } => "remove",
            ReleaseRequest::RebootOld { .. } => "reboot-old",
            ReleaseRequest::SetUnpacked { .. } => "set-unpacked",
            ReleaseRequest::SetRemoved { .. } => "set-removed",
            ReleaseRequest::InstallFile { .. } => "install-file",
            ReleaseRequest::UpgradeApp { .. } => "upgrade-app",
            ReleaseRequest::DowngradeApp { .. } => "downgrade-app",
        }
    }

    /// The release it is about, where the request names it.
    pub(crate) fn vsn(&self) -> Option<&str> {
        match self {
            ReleaseRequest::CheckInstall { vsn, .. }
            | ReleaseRequest::Install { vsn, .. }
            | ReleaseRequest::MakePermanent { vsn }
            | ReleaseRequest::Remove { vsn }
            | ReleaseRequest::RebootOld { vsn }
            | ReleaseRequest::SetRemoved { vsn }
            | ReleaseRequest::InstallFile { vsn, .. }
            | ReleaseRequest::DowngradeApp { vsn, .. } => Some(vsn),
            ReleaseRequest::Unpack { .. }
            | ReleaseRequest::SetUnpacked { .. }
            | ReleaseRequest::UpgradeApp { .. } => None,
        }
    }

    /// Whether other code, and with it another environment, is in force when it is done.
    pub(crate) fn installs(&self) -> bool {
        matches!(
            self,
            ReleaseRequest::Install { .. }
                | ReleaseRequest::UpgradeApp { .. }
                | ReleaseRequest::DowngradeApp { .. }
        )
    }

    /// What the history calls it, now that it has ended well or not; nothing when it was not to change anything.
    pub(crate) fn entry(&self, is_done: bool) -> Option<String> {
        match self {
            ReleaseRequest::CheckInstall {
                vsn,
                of_install: true,
                ..
            } if !is_done => Some(format!("install {vsn}")),
            ReleaseRequest::CheckInstall { .. } => None,
            other => Some(other.to_string()),
        }
    }
}

/// As it was typed, without its options.
impl fmt::Display for ReleaseRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            ReleaseRequest::Unpack { package } => write!(f, "{word} {package}"),
            ReleaseRequest::CheckInstall { vsn, .. }
            | ReleaseRequest::Install { vsn, .. }
            | ReleaseRequest::MakePermanent { vsn }
            | ReleaseRequest::Remove { vsn }
            | ReleaseRequest::RebootOld { vsn }
            | ReleaseRequest::SetRemoved { vsn } => write!(f, "{word} {vsn}"),
            ReleaseRequest::SetUnpacked { rel_file, .. } => {
                write!(f, "{word} {}", rel_file.display())
            }
            ReleaseRequest::InstallFile { vsn, file } => {
                write!(f, "{word} {vsn} {}", file.display())
            }
            ReleaseRequest::UpgradeApp { app, dir, .. } => {
                write!(f, "{word} {app} {}", dir.display())
            }
            ReleaseRequest::DowngradeApp { app, vsn, dir, .. } => {
                write!(f, "{word} {app} {vsn} {}", dir.display())
            }
        }
    }
}

/// How a release is installed (`release_handler:install_release/2`).
#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct InstallOptions {
    /// How long processes may be held until the decision.
    pub(crate) suspend_timeout_ms: Option<u64>,
    /// How long one conversion may take.
    pub(crate) code_change_timeout_ms: Option<u64>,
    /// What becomes of a process whose conversion takes longer.
    pub(crate) on_overrun: OnOverrun,
    /// What becomes of the node when it fails after the point of no return.
    pub(crate) error_action: ErrorAction,
    /// Code of the release that runs may stay in force where the relup leaves it.
    #[serde(default)]
    pub(crate) partial: bool,
}

/// What becomes of a process whose conversion takes too long.
#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq, Debug, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnOverrun {
    /// Nothing, and the install is given up.
    #[default]
    Abort,
    /// It is killed, and the install goes on.
    Kill,
}

/// What becomes of a node whose install has failed after the point of no return: it is to run the permanent release.
#[derive(Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq, Debug, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorAction {
    /// It starts itself again.
    #[default]
    Restart,
    /// It ends with exit code 1, for whoever started it to start it again.
    Reboot,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_in_the_history_when_an_install_has_ended_with_it() {
        let entry = |of_install, is_done| {
            let check = ReleaseRequest::CheckInstall {
                vsn: "1.1.0".to_string(),
                options: InstallOptions::default(),
                of_install,
            };
            check.entry(is_done)
        };
        assert_eq!(entry(true, false).as_deref(), Some("install 1.1.0"));
        assert_eq!((entry(true, true), entry(false, false)), (None, None));
    }
}
