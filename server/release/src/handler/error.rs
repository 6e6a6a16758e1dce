//! The errors of an install, and whether the node has changed.

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

/// The longest error text in a sentence, in characters: a reason can be any term of a module.
const SENTENCE_CHARS_MAX: usize = 1_500;

/// A failed install. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
#[error("{step}")]
pub struct InstallError {
    /// The step that failed, with the reason.
    pub step: Box<FailedStep>,
    /// True when a change was made that is not undone: the node has to restart on the permanent release. Otherwise the node
    /// runs on unchanged.
    pub touched: bool,
    /// The record of the attempt; empty for a check.
    pub record: Box<InstallRecord>,
}

/// The step that failed. The variants are in the order of an install.
#[derive(Debug, thiserror::Error)]
pub enum FailedStep {
    /// No relup leads to the release.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The new release cannot boot.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// A file of an application is faulty.
    #[error(transparent)]
    File(#[from] FileError),
    /// A setting of the release is invalid.
    #[error("use the settings of {vsn}: {why}")]
    Settings {
        /// The version of the release.
        vsn: String,
        /// The invalid setting and the correct form.
        why: String,
    },
    /// The script cannot be carried out.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// The relup reads code from a version of an application that the release lacks.
    #[error("read {lib}-{vsn}: the release has {found}")]
    BadLibVsn {
        /// The application whose code the relup reads.
        lib: Atom,
        /// The version that the relup names.
        vsn: String,
        /// The version that the release has.
        found: String,
    },
    /// A version in between is missing or damaged.
    #[error(
        "read {lib}-{vsn}, through which states go on this way: {error}; the package of the release has it: unpack the release again"
    )]
    Converter {
        /// The application whose version is missing.
        lib: Atom,
        /// The version in between, from the relup.
        vsn: String,
        /// The reason, which names the faulty file.
        error: Box<BootError>,
    },
    /// The relup leaves code of the running release.
    #[error("install release {to} as a whole: {}; correct the relup, or install a part with --partial", .left.join("; "))]
    Partial {
        /// The version of the new release.
        to: String,
        /// Sentences about the modules that would stay.
        left: Vec<String>,
    },
    /// The way down loses fields of states, and the operator has not confirmed the loss.
    #[error(
        "go down to release {to} without a loss: {}; the values are kept beside their processes until these end, and the next \
         upgrade brings them back; --lossy accepts that", .losses.join("; ")
    )]
    Lossy {
        /// The version of the older release.
        to: String,
        /// Sentences about the modules, with the fields and the number of processes.
        losses: Vec<String>,
    },
    /// The code server refused a library.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A library lacks a module that the relup loads.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// Processes run old code that has to be purged first.
    #[error(
        "replace {0:?}: processes still run the version before it, and the relup says `soft_purge`"
    )]
    OldProcesses(Module),
    /// A module has another behaviour than its running version.
    #[error(
        "load {next:?}: it is a {} and {current:?} is a {}; give it another name, and stop the one and start the other",
        .next.kind().word(), .current.kind().word()
    )]
    Kind {
        /// The running version of the module.
        current: Module,
        /// The new version of the module.
        next: Module,
    },
    /// The judge refused the script or the release.
    #[error("carry out the relup: {}", sentences(.0))]
    Judged(Vec<Finding>),
    /// The memory is too small for both the states and their converted copies.
    #[error(
        "make room for the converted states: they need about {needed_mib} MiB beside the old ones, and {available_mib} MiB are available"
    )]
    NoRoom {
        /// The memory that the conversion needs, in MiB.
        needed_mib: u64,
        /// The memory that is available, in MiB.
        available_mib: u64,
    },
    /// A callback does not end, so its shard cannot take part in the transaction.
    #[error(
        "begin: {0}; a release is installed only while all shards answer. If the callback does not end, the node has to be \
         restarted: `pq stop --now` ends it"
    )]
    Stalled(String),
    /// The transaction was aborted.
    #[error(transparent)]
    Abort(#[from] Abort),
    /// A called function failed or returned an error.
    #[error("apply {module}:{function}/{arity}: {reason}")]
    Apply {
        /// The module of the called function.
        module: Atom,
        /// The name of the called function.
        function: Atom,
        /// The number of its arguments.
        arity: usize,
        /// The thrown or returned error.
        reason: Reason,
    },
    /// A process or the application controller did not answer.
    #[error("ask the node: {0}")]
    Node(#[from] RequestError),
    /// A supervisor cannot stop or start a process.
    #[error("{what} the processes of {module}: {reason}")]
    Child {
        /// The failed operation: "stop" or "start".
        what: &'static str,
        /// The module of the processes.
        module: Atom,
        /// The reason as a term.
        reason: Term,
    },
    /// The appup of an application cannot be compiled.
    #[error(transparent)]
    Systools(#[from] SystoolsError),
    /// An application is missing.
    #[error("find application {0}: {1}")]
    App(String, &'static str),
}

/// All findings in one sentence.
fn sentences(findings: &[Finding]) -> String {
    let each = findings.iter().map(ToString::to_string);
    each.collect::<Vec<_>>().join("; ")
}

impl FailedStep {
    /// Makes the error of an install that has changed nothing.
    pub(super) fn untouched(self) -> InstallError {
        InstallError {
            step: Box::new(self),
            touched: false,
            record: Box::default(),
        }
    }

    /// Makes the error of an install that has changed the node.
    pub(super) fn touched(self) -> InstallError {
        InstallError {
            touched: true,
            ..self.untouched()
        }
    }

    /// True when the conversion of a state failed.
    fn is_of_state(&self) -> bool {
        matches!(
            self,
            FailedStep::Abort(Abort::Convert(_) | Abort::Overrun { .. })
        )
    }

    /// The error as a term of OTP (`release_handler(3)`).
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
            FailedStep::Converter { error, .. } => error.to_term(),
            FailedStep::Partial { to, .. } => tagged("partial_release", Term::string(to.as_str())),
            FailedStep::Lossy { to, .. } => tagged("lossy_downgrade", Term::string(to.as_str())),
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

    /// The exit code of the operator's command, for a failure before any change.
    pub fn exit(&self) -> Exit {
        match self {
            FailedStep::Abort(_) | FailedStep::Apply { .. } => Exit::RolledBack,
            FailedStep::Registry(error) => error.exit(),
            step if step.is_checksum() => Exit::Checksum,
            _ => Exit::Refused,
        }
    }

    /// True when a file differs from its checksum: the file was changed after the build.
    fn is_checksum(&self) -> bool {
        match self {
            FailedStep::Load(error) => is_checksum(error),
            FailedStep::Boot(error) => error.is_checksum(),
            FailedStep::Converter { error, .. } => error.is_checksum(),
            FailedStep::File(error) => error.is_checksum(),
            _ => false,
        }
    }
}

impl InstallError {
    /// The same error, with the record of the attempt.
    pub(super) fn recorded(self, record: InstallRecord) -> InstallError {
        let record = Box::new(InstallRecord {
            failed: u64::from(self.step.is_of_state()),
            failure: Some(self.failure()),
            ..record
        });
        InstallError { record, ..self }
    }

    /// The answer to the operator's command: exit code, sentence and OTP's term.
    pub fn failure(&self) -> Failure {
        let consequence = match self.touched {
            true => {
                "; changes were made that are not undone: the node restarts on the permanent release"
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

    /// The exit code of the operator's command, which tells whether the node has changed.
    pub fn exit(&self) -> Exit {
        match self.touched {
            true => Exit::Degraded,
            false => self.step.exit(),
        }
    }

    /// The error as a term of OTP (`release_handler(3)`).
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
