//! The outcome of an operation on releases: its answer, its part of the history's entry, and a restart of the node if
//! needed.

use std::path::PathBuf;

use pq_protocol::answer::Done;
use pq_protocol::record::InstallRecord;
use pq_protocol::{Exit, Failure, Who};
use pq_release::handler::{CheckReport, InstallError};
use pq_release::registry::{RegistryError, Unpacked};
use serde::Serialize;
use serde_json::Value;

use crate::restart::{ErrorAction, Restart};

/// A completed operation, successful or not.
pub(crate) struct Outcome {
    /// The answer, or the failure.
    pub(crate) answer: Result<Value, Failure>,
    /// The version of the release, for operations that find it out themselves.
    pub(crate) to: Option<String>,
    /// The author of an unpacked package, as far as he is known.
    pub(crate) author: Option<String>,
    /// The measurements of an install.
    pub(crate) record: Option<InstallRecord>,
    /// The restart that the operation requires.
    pub(crate) restart: Option<Restart>,
}

impl Outcome {
    pub(crate) fn failed(failure: Failure) -> Outcome {
        Outcome {
            answer: Err(failure),
            to: None,
            author: None,
            record: None,
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
            author: None,
            record: None,
            restart: None,
        }
    }

    pub(crate) fn of_registry(word: &str, done: Result<String, RegistryError>) -> Outcome {
        match done {
            Ok(vsn) => Outcome::of(&done_with(word, &vsn), &vsn),
            Err(error) => Outcome::failed(Failure {
                exit: error.exit(),
                sentence: format!("failed to {error}"),
                term: Some(error.to_term().to_string()),
            }),
        }
    }

    pub(crate) fn of_unpack(word: &str, unpacked: Result<Unpacked, RegistryError>) -> Outcome {
        match unpacked {
            Ok(Unpacked { vsn, author }) => {
                let author = Some(author.to_string());
                let done = Done {
                    author: author.clone(),
                    ..done_with(word, &vsn)
                };
                Outcome {
                    author,
                    ..Outcome::of(&done, &vsn)
                }
            }
            Err(error) => Outcome::of_registry(word, Err(error)),
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
            Err(error) => Outcome::failed(error.failure()),
        }
    }

    pub(crate) fn of_install(
        installed: Result<InstallRecord, InstallError>,
        error_action: ErrorAction,
    ) -> Outcome {
        match installed {
            Ok(record) => Outcome {
                restart: record.restart.then(|| Restart::of(&record.to)),
                ..Outcome::of(&record, &record.to)
            }
            .with(record),
            Err(error) => Outcome {
                restart: (error.touched).then(|| Restart::of_permanent(error_action)),
                ..Outcome::failed(error.failure())
            }
            .with(*error.record),
        }
    }

    /// Adds the operator to the record of the install.
    pub(crate) fn asked_by(mut self, who: &Who) -> Outcome {
        if let Some(record) = &mut self.record {
            record.who = Some(who.clone());
        }
        self
    }

    fn with(self, record: InstallRecord) -> Outcome {
        Outcome {
            record: Some(record),
            ..self
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
        author: None,
    }
}
