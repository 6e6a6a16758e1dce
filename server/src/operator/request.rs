//! What an operator may ask a node. Each connection carries one request; the answer is a row of [`Event`]s.
//!
//! ```text
//!   operator ─► {"version": 1, "request": …}
//!   node     ─► waiting | progress | part …  ─► done | failed
//! ```

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::exit::Failure;

/// The version of this language. Another word that an older side would not understand is another version.
pub(crate) const PROTOCOL: u32 = 1;

/// A request as it travels.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Asked<R> {
    /// The language.
    pub(crate) version: u32,
    /// What is asked.
    pub(crate) request: R,
}

/// A request.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// Something that is answered at any time.
    Question(Question),
    /// Something about releases, one at a time.
    Release {
        /// What.
        request: ReleaseRequest,
        /// Why, for the history.
        message: Option<String>,
    },
    /// The end of the node, in order.
    Stop {
        /// Why, for the history.
        message: Option<String>,
    },
}

impl From<Question> for Request {
    fn from(question: Question) -> Request {
        Request::Question(question)
    }
}

/// What is answered at any time.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// What runs, since when, and what is being done.
    Status,
    /// The releases there are (`release_handler:which_releases/0,1`).
    WhichReleases {
        /// Only those with this status, in OTP's word.
        status: Option<String>,
    },
    /// The applications that run.
    Apps,
    /// The processes and who started whom.
    Tree {
        /// Also each of many that are alike.
        all: bool,
    },
    /// Names and whose they are.
    Names {
        /// Only names with this text in them.
        containing: Option<String>,
    },
    /// A system message to a process (`sys(3)`).
    Sys {
        /// Its pid or one of its names.
        process: String,
        /// Which message.
        message: SysRequest,
    },
    /// A call of a function (`rpc:call/4`).
    Call {
        /// The module.
        module: String,
        /// The function.
        function: String,
        /// A list of terms, as text.
        args: String,
    },
}

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
    },
    /// `install_release`.
    Install {
        /// The release.
        vsn: String,
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

    /// Whether it changes anything, unless it fails.
    pub(crate) fn changes(&self) -> bool {
        !matches!(self, ReleaseRequest::CheckInstall { .. })
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

/// The system messages that an operator may send (`sys(3)`).
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SysRequest {
    /// The state as a term.
    GetState,
    /// State, mode and parent.
    GetStatus,
    /// Take no messages.
    Suspend,
    /// Take messages again.
    Resume,
    /// Messages counted.
    Statistics(Toggle),
    /// The last messages.
    Log(Toggle),
    /// Each message in the node's log, or not any more.
    Trace(bool),
}

/// Begin, end or show.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Toggle {
    /// Begin.
    On,
    /// End, and forget what was gathered.
    Off,
    /// Show what was gathered.
    Get,
}

/// A piece of an answer.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The node is at it, and has nothing to say yet.
    Waiting,
    /// How far it is.
    Progress(Progress),
    /// The next piece of the answer, which is JSON.
    Part {
        /// The piece.
        text: String,
    },
    /// The answer is complete.
    Done,
    /// There is no answer, and why.
    Failed(Failure),
}

/// How far an operation is.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Progress {
    /// What is being done: `stopping`, or a phase of an install.
    pub(crate) step: String,
    /// States converted so far, counting those that were converted again.
    pub(crate) converted: u64,
    /// Processes that stand still now.
    pub(crate) held: u64,
    /// Processes that play with a new version.
    pub(crate) swapped: u64,
}

impl Progress {
    /// A step that counts nothing.
    pub(crate) fn step(step: &str) -> Progress {
        Progress {
            step: step.to_string(),
            converted: 0,
            held: 0,
            swapped: 0,
        }
    }
}

/// `copy: 1200 converted, 3 held`: what is not zero.
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.step)?;
        let counts = [
            (self.converted, "converted"),
            (self.held, "held"),
            (self.swapped, "with a new version"),
        ];
        let counted = counts.iter().filter(|(count, _)| *count > 0);
        let mut separator = ": ";
        for (count, what) in counted {
            write!(f, "{separator}{count} {what}")?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_what_is_not_zero() {
        assert_eq!(Progress::step("stopping").to_string(), "stopping");
        let progress = Progress {
            converted: 1_200,
            held: 3,
            ..Progress::step("hold")
        };
        assert_eq!(progress.to_string(), "hold: 1200 converted, 3 held");
    }
}
