//! The parts of a judgement.

use std::collections::BTreeSet;
use std::fmt;

use pq_term::Term;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::systools::Location;

/// A fault that the judge has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file and line at fault; `None` when no file is.
    pub location: Option<Location>,
    /// A sentence about the fault and the correct form.
    pub sentence: String,
    /// The same fault as OTP's term, such as `{undef,"pq_pet:adobt/0"}`.
    pub term: Term,
}

/// The judge's result for a script or a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The reasons why the script must not start; empty when it may start.
    pub refusals: Vec<Finding>,
    /// Sentences about oddities that do not prevent the script.
    pub warnings: Vec<String>,
    /// The processes that the script ends.
    pub ends: Ends,
    /// For each exchange of code: the modules that processes run when it begins.
    pub runs: Vec<BTreeSet<String>>,
}

impl Finding {
    /// A finding without a file.
    pub(super) fn new(sentence: impl Into<String>, term: Term) -> Finding {
        Finding {
            location: None,
            sentence: sentence.into(),
            term,
        }
    }

    /// The same finding, about a line of a file.
    pub(super) fn at(self, location: Location) -> Finding {
        Finding {
            location: Some(location),
            ..self
        }
    }
}

/// Processes that an install would end.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ends {
    /// The number of processes.
    pub count: u64,
    /// The first of the processes, at most [`Ends::NAMED_MAX`].
    pub processes: Vec<Ending>,
}

/// A process that an install would end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ending {
    /// The pid of the process, such as `<0.42.0>`.
    pub pid: String,
    /// The registered name of the process; `None` without one.
    pub name: Option<String>,
    /// The module that the process runs.
    pub module: String,
    /// The instruction that ends it, such as `{purge,[shop_goods]}`.
    pub instruction: String,
}

impl Ends {
    /// The number of listed processes. A removed module may have 100 000 processes, and a list with one line each would be
    /// unreadable.
    pub const NAMED_MAX: usize = 20;

    /// Counts one more process.
    pub(crate) fn push(&mut self, ending: Ending) {
        self.count += 1;
        if self.processes.len() < Ends::NAMED_MAX {
            self.processes.push(ending);
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.sentence)
    }
}

impl Judgement {
    /// Adds a refusal, unless the judgement already contains it.
    pub(super) fn refuse(&mut self, finding: Finding) {
        if !self.refusals.contains(&finding) {
            self.refusals.push(finding);
        }
    }
}
