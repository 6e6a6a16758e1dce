//! The words of the operator's commands, their defaults, their help.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::operator::request::{ErrorAction, InstallOptions, OnOverrun, Question, Toggle};

/// The longest message for the history: three lines of a terminal.
const MESSAGE_MAX: usize = 240;

/// A command for a running node.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// What runs, since when, and what is being done
    Status {
        /// Show it again every second
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        at: At,
    },
    /// The releases of the tree, the newest first
    WhichReleases {
        /// Only those with this status
        #[arg(value_enum)]
        status: Option<StatusWord>,
        #[command(flatten)]
        at: At,
    },
    #[command(flatten)]
    Release(Release),
    /// Bring a release into force, up or down, while everybody plays on
    Install(Install),
    /// The applications that run
    Apps {
        #[command(flatten)]
        at: At,
    },
    /// The supervision tree, with the version that each process runs
    Tree {
        /// Show each of many processes that are alike
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        at: At,
    },
    /// Names of processes, the node's own and the registry's
    Names {
        /// Only names with this text in them
        #[arg(value_name = "TEXT")]
        containing: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Send a process a system message, as sys(3) does
    #[command(subcommand)]
    Sys(Sys),
    /// Call a function of a module
    Call {
        #[command(flatten)]
        what: Function,
        #[command(flatten)]
        at: At,
    },
    /// What operators did to the node, also when it does not run
    History {
        #[command(flatten)]
        at: At,
    },
    /// Stop the node in order, and wait until it has gone
    Stop {
        /// Why, for the history
        #[arg(short, long, value_name = "TEXT", value_parser = message)]
        message: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

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

/// Which node, and how its answer is written.
#[derive(Args, Debug, Clone)]
pub(crate) struct At {
    /// The release tree that the node runs on
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    pub(crate) root: PathBuf,
    /// Write the answer as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A system message.
#[derive(Subcommand, Debug)]
pub(crate) enum Sys {
    /// Its state, as a term
    GetState {
        #[command(flatten)]
        of: Of,
    },
    /// Its state, mode and parent
    GetStatus {
        #[command(flatten)]
        of: Of,
    },
    /// Let it take no messages but system messages
    Suspend {
        #[command(flatten)]
        of: Of,
    },
    /// Let it take messages again
    Resume {
        #[command(flatten)]
        of: Of,
    },
    /// Count its messages
    Statistics {
        #[command(flatten)]
        of: Of,
        /// Begin, end, or show the counts
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Keep its last messages
    Log {
        #[command(flatten)]
        of: Of,
        /// Begin, end, or show the messages
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Write each of its messages to the node's log
    Trace {
        #[command(flatten)]
        of: Of,
        /// Begin or end
        #[arg(value_enum)]
        switch: Switch,
    },
}

/// A process of a node.
#[derive(Args, Debug)]
pub(crate) struct Of {
    /// Its name or its pid
    #[arg(value_name = "NAME|PID")]
    pub(crate) process: String,
    #[command(flatten)]
    pub(crate) at: At,
}

/// Begin or end.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Switch {
    /// Begin.
    On,
    /// End.
    Off,
}

impl Switch {
    /// Whether it begins.
    pub(crate) fn is_on(self) -> bool {
        self == Switch::On
    }
}

/// A function and its arguments.
#[derive(Args, Debug)]
pub(crate) struct Function {
    /// The module
    module: String,
    /// The function
    function: String,
    /// Its arguments: a list of terms
    #[arg(default_value = "[]", value_parser = list)]
    args: String,
}

impl Function {
    /// As a question.
    pub(crate) fn question(self) -> Question {
        Question::Call {
            module: self.module,
            function: self.function,
            args: self.args,
        }
    }
}

impl Command {
    /// Which node it is for.
    pub(crate) fn at(&self) -> &At {
        match self {
            Command::Status { at, .. }
            | Command::WhichReleases { at, .. }
            | Command::Apps { at }
            | Command::Tree { at, .. }
            | Command::Names { at, .. }
            | Command::Call { at, .. }
            | Command::History { at }
            | Command::Stop { at, .. } => at,
            Command::Sys(sys) => &sys.of().at,
            Command::Release(release) => release.at(),
            Command::Install(install) => &install.noted.at,
        }
    }
}

impl Release {
    fn at(&self) -> &At {
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

impl Sys {
    fn of(&self) -> &Of {
        match self {
            Sys::GetState { of }
            | Sys::GetStatus { of }
            | Sys::Suspend { of }
            | Sys::Resume { of }
            | Sys::Statistics { of, .. }
            | Sys::Log { of, .. }
            | Sys::Trace { of, .. } => of,
        }
    }
}

/// A list of terms, kept as it was written: the node reads it again.
fn list(text: &str) -> Result<String, String> {
    let term = pq_term::read_term(text).map_err(|error| error.to_string())?;
    match term.as_list() {
        Some(_) => Ok(text.to_string()),
        None => Err(format!(
            "`{term}` is no list: write the arguments between `[` and `]`"
        )),
    }
}

fn message(text: &str) -> Result<String, String> {
    match text.chars().count() <= MESSAGE_MAX {
        true => Ok(text.to_string()),
        false => Err(format!(
            "a message has at most {MESSAGE_MAX} characters: it is for one line of the history"
        )),
    }
}
