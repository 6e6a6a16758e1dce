//! Why a release was not installed, and whether anything has happened.

use pq_code::{ChangeError, LoadError};
use pq_otp::upgrade::Abort;
use pq_otp::{Module, Reason, RequestError};
use pq_protocol::record::InstallRecord;
use pq_protocol::{Exit, Failure};
use pq_term::{Atom, Term, shorten};

use crate::boot::BootError;
use crate::file_error::FileError;
use crate::judge::Finding;
use crate::judge::author::is_checksum;
use crate::registry::RegistryError;
use crate::script::ScriptError;
use crate::systools::SystoolsError;
use crate::terms::tagged;

/// How much of an error a sentence has: a reason may be whatever a module has put into it.
const SENTENCE_CHARS_MAX: usize = 1_500;

/// An install that failed. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
#[error("{step}")]
pub struct InstallError {
    /// Where, and why.
    pub step: Box<FailedStep>,
    /// Something has happened already that is not undone: the node is to be started again on the permanent release.
    /// Otherwise the node plays on as if nothing had been.
    pub touched: bool,
    /// All that is known of the attempt; empty for a check, which is no attempt.
    pub record: Box<InstallRecord>,
}

/// What failed, in the order in which it is done.
#[derive(Debug, thiserror::Error)]
pub enum FailedStep {
    /// No way leads there.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The release that is to run cannot boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A file of an application cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting of it cannot be meant.
    #[error("use the settings of {vsn}: {why}")]
    Settings {
        /// The version.
        vsn: String,
        /// Which, and what would be right.
        why: String,
    },
    /// The script cannot be carried out as it stands.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Code is read from a version of an application that the release does not have.
    #[error("read {lib}-{vsn}: the release has {found}")]
    BadLibVsn {
        /// The application.
        lib: Atom,
        /// The version in the relup.
        vsn: String,
        /// What the release has.
        found: String,
    },
    /// The relup does not bring all of the release into force.
    #[error("install release {to} as a whole: {}; mend the relup, or --partial installs what it does", .left.join("; "))]
    Partial {
        /// The release.
        to: String,
        /// What stays, as sentences.
        left: Vec<String>,
    },
    /// A library was refused.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A library does not have what the relup wants of it.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Processes run code that has to go first.
    #[error(
        "replace {0:?}: processes still run the version before it, and the relup says `soft_purge`"
    )]
    OldProcesses(Module),
    /// A module is of another behaviour than before.
    #[error(
        "load {next:?}: it is a {} and {current:?} is a {}; give it another name, and stop the one and start the other",
        .next.kind().word(), .current.kind().word()
    )]
    Kind {
        /// The version that runs.
        current: Module,
        /// The version that was to run.
        next: Module,
    },
    /// The script, or the release, would not do what it says.
    #[error("carry out what the relup says: {}", sentences(.0))]
    Judged(Vec<Finding>),
    /// States and their copies would not find room.
    #[error(
        "make room for the converted states: they need about {needed_mib} MiB beside the old ones, and {available_mib} MiB are available"
    )]
    NoRoom {
        /// What is needed.
        needed_mib: u64,
        /// What there is.
        available_mib: u64,
    },
    /// A callback does not end, and nobody knows when its shard will take part.
    #[error(
        "begin: {0}; a release is installed only while all shards answer. If the callback does not end, the node has to be \
         restarted: `pq stop --now` ends it"
    )]
    Stalled(String),
    /// The transaction was given up.
    #[error(transparent)]
    Abort(#[from] Abort),
    /// A function failed, or returned an error.
    #[error("apply {module}:{function}/{arity}: {reason}")]
    Apply {
        /// The module.
        module: Atom,
        /// The function.
        function: Atom,
        /// How many arguments.
        arity: usize,
        /// What it threw or returned.
        reason: Reason,
    },
    /// Processes or the application controller did not answer.
    #[error("ask the node: {0}")]
    Node(#[from] RequestError),
    /// A process cannot be stopped or started by its supervisor.
    #[error("{what} the processes of {module}: {reason}")]
    Child {
        /// Stop or start.
        what: &'static str,
        /// The module.
        module: Atom,
        /// Why not.
        reason: Term,
    },
    /// The appup of an application makes no script.
    #[error(transparent)]
    Systools(#[from] SystoolsError),
    /// An application is not there.
    #[error("find application {0}: {1}")]
    App(String, &'static str),
}

/// All of them, one after the other.
fn sentences(findings: &[Finding]) -> String {
    let each = findings.iter().map(ToString::to_string);
    each.collect::<Vec<_>>().join("; ")
}

impl FailedStep {
    /// Nothing has happened.
    pub(super) fn untouched(self) -> InstallError {
        InstallError {
            step: Box::new(self),
            touched: false,
            record: Box::default(),
        }
    }

    /// Something has happened already.
    pub(super) fn touched(self) -> InstallError {
        InstallError {
            touched: true,
            ..self.untouched()
        }
    }

    /// A state did not convert.
    fn is_of_state(&self) -> bool {
        matches!(
            self,
            FailedStep::Abort(Abort::Convert(_) | Abort::Overrun { .. })
        )
    }

    /// In OTP's words.
    pub fn to_term(&self) -> Term {
        let text = || Term::string(self.to_string());
        match self {
            FailedStep::Registry(error) => error.to_term(),
            FailedStep::Boot(error) => error.to_term(),
            FailedStep::File(error) => error.to_term(),
            FailedStep::Settings { why, .. } => tagged("bad_config", Term::string(why.as_str())),
            FailedStep::Script(error) => error.to_term(),
            FailedStep::BadLibVsn { lib, found, .. } => Term::tuple([
                Term::atom("bad_lib_vsn"),
                Term::Atom(*lib),
                Term::string(found.as_str()),
            ]),
            FailedStep::Partial { to, .. } => tagged("partial_release", Term::string(to.as_str())),
            FailedStep::Load(_) => tagged("load_error", text()),
            FailedStep::Change(_) => tagged("no_such_module", text()),
            FailedStep::OldProcesses(module) => {
                tagged("old_processes", Term::string(module.name()))
            }
            FailedStep::Kind { next, .. } => tagged("bad_kind", Term::string(next.name())),
            FailedStep::Judged(findings) => {
                let first = findings.first().map(|finding| finding.term.clone());
                first.unwrap_or_else(Term::undefined)
            }
            FailedStep::NoRoom { .. } => tagged("system_limit", text()),
            FailedStep::Stalled(_) => tagged("shard_stalled", text()),
            FailedStep::Abort(abort) => abort_term(abort),
            FailedStep::Apply { reason, .. } => reason.to_term(),
            FailedStep::Node(_) => tagged("node", text()),
            FailedStep::Child { reason, .. } => reason.clone(),
            FailedStep::Systools(error) => error.to_term(),
            FailedStep::App(name, _) => tagged("no_such_application", Term::string(name.as_str())),
        }
    }

    /// How a command ends that it ends when nothing has happened yet.
    pub fn exit(&self) -> Exit {
        match self {
            FailedStep::Abort(_) | FailedStep::Apply { .. } => Exit::RolledBack,
            FailedStep::Registry(error) => error.exit(),
            step if step.is_checksum() => Exit::Checksum,
            _ => Exit::Refused,
        }
    }

    /// A checksum is not what it should be: somebody has changed a file.
    fn is_checksum(&self) -> bool {
        match self {
            FailedStep::Load(error) => is_checksum(error),
            FailedStep::Boot(error) => error.is_checksum(),
            FailedStep::File(error) => error.is_checksum(),
            _ => false,
        }
    }
}

impl InstallError {
    /// The same with the record of the attempt.
    pub(super) fn recorded(self, record: InstallRecord) -> InstallError {
        let record = Box::new(InstallRecord {
            failed: u64::from(self.step.is_of_state()),
            failure: Some(self.failure()),
            ..record
        });
        InstallError { record, ..self }
    }

    /// How the operator's command ends, with the sentence for people and OTP's words.
    pub fn failure(&self) -> Failure {
        let consequence = match self.touched {
            true => {
                "; some of it has happened: the node goes back to the permanent release by starting again"
            }
            false => "",
        };
        let step = self.step.to_string();
        let step = shorten(&step, SENTENCE_CHARS_MAX);
        Failure {
            exit: self.exit(),
            sentence: format!("failed to {step}{consequence}"),
            term: Some(self.to_term().to_string()),
        }
    }

    /// How the operator's command ends: whether the node was touched.
    pub fn exit(&self) -> Exit {
        match self.touched {
            true => Exit::Degraded,
            false => self.step.exit(),
        }
    }

    /// In OTP's words.
    pub fn to_term(&self) -> Term {
        self.step.to_term()
    }
}

fn abort_term(abort: &Abort) -> Term {
    match abort {
        Abort::Convert(failed) => Term::tuple([
            Term::atom("code_change_failed"),
            Term::from(failed.pid),
            Term::string(failed.from.name()),
            Term::string(failed.from.vsn()),
            failed.reason.to_term(),
        ]),
        Abort::Overrun { pid, module, .. } => Term::tuple([
            Term::atom("code_change_failed"),
            Term::from(*pid),
            Term::string(module.as_str()),
            Term::atom("timeout"),
        ]),
        Abort::Stalled(why) => tagged("shard_stalled", Term::string(why.as_str())),
        Abort::Copy { .. } => tagged("copy_failed", Term::atom("timeout")),
        Abort::Suspend { .. } => tagged("suspend_failed", Term::atom("timeout")),
    }
}
