//! The words of the commands about releases.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::At;
use crate::operator::request::{ErrorAction, InstallOptions, OnOverrun};

/// The longest message for the history: three lines of a terminal.
const MESSAGE_MAX: usize = 240;

/// Something about releases that is done at once.
#[derive(Subcommand, Debug)]
pub(crate) enum Release {
    /// Unpack a package into the tree
    Unpack {
        /// A package in the tree's folder `releases`, or the path of one
        #[arg(value_name = "NAME-VSN|FILE")]
        package: String,
        #[command(flatten)]
        noted: Noted,
    },
    /// Try an install on copies of all states, and change nothing
    CheckInstall {
        /// The release
        vsn: String,
        #[command(flatten)]
        how: How,
        /// Show the relup's instructions, too
        #[arg(long)]
        verbose: bool,
        #[command(flatten)]
        at: At,
    },
    /// Boot the release that runs next time, too
    MakePermanent {
        /// The release
        vsn: String,
        #[command(flatten)]
        noted: Noted,
    },
    /// Remove a release, and applications that no other release uses
    Remove {
        /// The release
        vsn: String,
        #[command(flatten)]
        noted: Noted,
    },
    /// Make a release permanent that ran before, and start the node again with it
    RebootOld {
        /// The release
        vsn: String,
        #[command(flatten)]
        noted: Noted,
    },
    /// List a release whose files are in the tree already
    SetUnpacked {
        /// Its .rel file
        #[arg(value_name = "RELFILE")]
        rel_file: PathBuf,
        /// Applications that are elsewhere: name, version, and the folder that holds the folder NAME-VSN
        #[arg(value_name = "APP VSN DIR", num_args = 3..)]
        app_dirs: Vec<String>,
        #[command(flatten)]
        noted: Noted,
    },
    /// Take a release off the list, and leave its files
    SetRemoved {
        /// The release
        vsn: String,
        #[command(flatten)]
        noted: Noted,
    },
    /// Copy a file into the folder of a release
    InstallFile {
        /// The release
        vsn: String,
        /// The file
        file: PathBuf,
        #[command(flatten)]
        noted: Noted,
    },
    /// Bring one application to a newer version, and no release
    UpgradeApp {
        /// The application
        app: String,
        /// The folder of the newer version
        dir: PathBuf,
        #[command(flatten)]
        how: How,
        #[command(flatten)]
        noted: Noted,
    },
    /// Bring one application back to an older version, and no release
    DowngradeApp {
        /// The application
        app: String,
        /// The older version
        vsn: String,
        /// Its folder
        dir: PathBuf,
        #[command(flatten)]
        how: How,
        #[command(flatten)]
        noted: Noted,
    },
}

/// `pq install`.
#[derive(Args, Debug)]
pub(crate) struct Install {
    /// The release
    pub(crate) vsn: String,
    #[command(flatten)]
    pub(crate) how: How,
    /// Ask before it begins
    #[arg(long, conflicts_with = "yes")]
    pub(crate) ask: bool,
    /// Do not ask, which is the default
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show the relup's instructions, too
    #[arg(long)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) noted: Noted,
}

/// How an install is done.
#[derive(Args, Debug, Clone, Copy)]
pub(crate) struct How {
    /// How long processes may be held [default: what the relup says, or 5000]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    suspend_timeout: Option<u64>,
    /// How long one conversion may take [default: 5000]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    code_change_timeout: Option<u64>,
    /// What becomes of the node when it fails after the point of no return
    #[arg(long, value_enum, default_value_t = ErrorAction::Restart)]
    error_action: ErrorAction,
    /// What becomes of a process whose conversion takes too long
    #[arg(long, value_enum, default_value_t = OnOverrun::Abort)]
    on_overrun: OnOverrun,
}

impl How {
    /// As it travels.
    pub(crate) fn options(self) -> InstallOptions {
        InstallOptions {
            suspend_timeout_ms: self.suspend_timeout,
            code_change_timeout_ms: self.code_change_timeout,
            on_overrun: self.on_overrun,
            error_action: self.error_action,
        }
    }
}

/// What is entered into the history.
#[derive(Args, Debug)]
pub(crate) struct Noted {
    /// Why, for the history
    #[arg(short, long, value_name = "TEXT", value_parser = message)]
    pub(crate) message: Option<String>,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Where a release stands, in OTP's words (`release_handler(3)`).
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum StatusWord {
    /// Its files are there.
    Unpacked,
    /// It runs, and another one boots next time.
    Current,
    /// It boots next time.
    Permanent,
    /// It ran before.
    Old,
}

impl StatusWord {
    /// The word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            StatusWord::Unpacked => "unpacked",
            StatusWord::Current => "current",
            StatusWord::Permanent => "permanent",
            StatusWord::Old => "old",
        }
    }
}

impl Release {
    /// Which node it is for.
    pub(super) fn at(&self) -> &At {
        match self {
            Release::Unpack { noted, .. }
            | Release::MakePermanent { noted, .. }
            | Release::Remove { noted, .. }
            | Release::RebootOld { noted, .. }
            | Release::SetUnpacked { noted, .. }
            | Release::SetRemoved { noted, .. }
            | Release::InstallFile { noted, .. }
            | Release::UpgradeApp { noted, .. }
            | Release::DowngradeApp { noted, .. } => &noted.at,
            Release::CheckInstall { at, .. } => at,
        }
    }
}

/// A message that fits a line of the history.
pub(in crate::client) fn message(text: &str) -> Result<String, String> {
    match text.chars().count() <= MESSAGE_MAX {
        true => Ok(text.to_string()),
        false => Err(format!(
            "a message has at most {MESSAGE_MAX} characters: it is for one line of the history"
        )),
    }
}
