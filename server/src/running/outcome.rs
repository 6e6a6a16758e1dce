//! How an operation on releases ended: its answer, what the history says of it, and what becomes of the node.

use std::path::PathBuf;

use pq_protocol::answer::Done;
use pq_protocol::history::Pause;
use pq_protocol::{Exit, Failure};
use pq_release::handler::{CheckReport, InstallError, Installed};
use pq_release::package::PackageError;
use pq_release::registry::RegistryError;
use pq_term::shorten;
use serde::Serialize;
use serde_json::Value;

use crate::restart::{ErrorAction, Restart};

/// How much of an error a sentence has: a reason may be whatever a module has put into it.
const SENTENCE_CHARS_MAX: usize = 1_500;

/// An operation that has ended, well or not.
pub(crate) struct Outcome {
    /// Its answer, or why there is none.
    pub(crate) answer: Result<Value, Failure>,
    /// The release it was about, where that is known only now.
    pub(crate) to: Option<String>,
    /// How long processes stood still.
    pub(crate) pause_us: Option<Pause>,
    /// What the history says besides: what was odd about an install.
    pub(crate) noted: Vec<String>,
    /// What is to become of the node.
    pub(crate) restart: Option<Restart>,
}

impl Outcome {
    pub(crate) fn failed(failure: Failure) -> Outcome {
        Outcome {
            answer: Err(failure),
            to: None,
            pause_us: None,
            noted: Vec::new(),
            restart: None,
        }
    }

    fn of(answer: &impl Serialize, to: &str) -> Outcome {
        let answer = serde_json::to_value(answer).map_err(|error| {
            let sentence = format!("failed to write the answer: {error}");
            Failure::new(Exit::Internal, sentence)
        });
        Outcome {
            answer,
            to: Some(to.to_string()),
            pause_us: None,
            noted: Vec::new(),
            restart: None,
        }
    }

    pub(crate) fn of_registry(word: &str, done: Result<String, RegistryError>) -> Outcome {
        match done {
            Ok(vsn) => Outcome::of(&done_with(word, &vsn), &vsn),
            Err(error) => Outcome::failed(Failure {
                exit: exit_of(&error),
                sentence: format!("failed to {error}"),
                term: Some(error.to_term().to_string()),
            }),
        }
    }

    pub(crate) fn of_file(
        word: &str,
        vsn: &str,
        installed: Result<PathBuf, RegistryError>,
    ) -> Outcome {
        match installed {
            Ok(file) => {
                let file = Some(file.display().to_string());
                Outcome::of(
                    &Done {
                        file,
                        ..done_with(word, vsn)
                    },
                    vsn,
                )
            }
            Err(error) => Outcome::of_registry(word, Err(error)),
        }
    }

    pub(crate) fn of_check(checked: Result<CheckReport, InstallError>) -> Outcome {
        match checked {
            Ok(report) => Outcome::of(&report, &report.to),
            Err(error) => Outcome::failed(failure(&error)),
        }
    }

    pub(crate) fn of_install(
        installed: Result<Installed, InstallError>,
        error_action: ErrorAction,
    ) -> Outcome {
        match installed {
            Ok(report) => {
                let pause = report.pause_us;
                Outcome {
                    pause_us: Some(Pause {
                        median: pause.median.into(),
                        p99: pause.p99.into(),
                        max: pause.max.into(),
                    }),
                    noted: report.warnings.clone(),
                    restart: report.restart.then(|| Restart::of(&report.to)),
                    ..Outcome::of(&report, &report.to)
                }
            }
            Err(error) if error.touched => {
                Outcome::failed(failure(&error)).then_restart(Restart::of_permanent(error_action))
            }
            Err(error) => Outcome::failed(failure(&error)),
        }
    }

    pub(crate) fn then_restart(self, restart: Restart) -> Outcome {
        Outcome {
            restart: Some(restart),
            ..self
        }
    }
}

fn done_with(word: &str, vsn: &str) -> Done {
    Done {
        operation: word.to_string(),
        vsn: vsn.to_string(),
        file: None,
    }
}

fn failure(error: &InstallError) -> Failure {
    let consequence = match error.touched {
        true => {
            "; some of it has happened: the node goes back to the permanent release by starting again"
        }
        false => "",
    };
    Failure {
        exit: error.exit(),
        sentence: format!(
            "failed to {}{consequence}",
            shorten(&error.to_string(), SENTENCE_CHARS_MAX)
        ),
        term: Some(error.to_term().to_string()),
    }
}

/// The registry does all or nothing: what the system did not let it write was tried and taken back.
fn exit_of(error: &RegistryError) -> Exit {
    match error {
        _ if error.is_checksum() => Exit::Checksum,
        RegistryError::Write(_) | RegistryError::Package(PackageError::Write(_)) => {
            Exit::RolledBack
        }
        _ => Exit::Refused,
    }
}
