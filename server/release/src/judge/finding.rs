//! What a judgement consists of.

use std::collections::BTreeSet;
use std::fmt;

use pq_term::Term;
use serde::{Deserialize, Serialize};

use crate::systools::Location;

/// Something that would go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, unless no file is to blame.
    pub location: Option<Location>,
    /// What would happen, and what would be right.
    pub sentence: String,
    /// The same in OTP's words, such as `{undef,"pq_pet:adobt/0"}`.
    pub term: Term,
}

/// What a script, or a release, comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Why it must not begin; empty when it may.
    pub refusals: Vec<Finding>,
    /// What deserves a second look, as sentences.
    pub warnings: Vec<String>,
    /// Processes that end on the way.
    pub ends: Ends,
    /// For each exchange of code the modules that processes still run when it begins.
    pub runs: Vec<BTreeSet<String>>,
}

impl Finding {
    /// One about no file.
    pub(super) fn new(sentence: impl Into<String>, term: Term) -> Finding {
        Finding {
            location: None,
            sentence: sentence.into(),
            term,
        }
    }

    /// The same, about a line of a file.
    pub(super) fn at(self, location: Location) -> Finding {
        Finding {
            location: Some(location),
            ..self
        }
    }
}

/// Processes that an install would end.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ends {
    /// How many.
    pub count: u64,
    /// The first of them, at most [`Ends::NAMED_MAX`].
    pub processes: Vec<Ending>,
}

/// A process that an install would end.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Ending {
    /// The process, as `<0.42.0>`.
    pub pid: String,
    /// The name it is registered under, when it has one.
    pub name: Option<String>,
    /// What it runs.
    pub module: String,
    /// The instruction that ends it, such as `{purge,[shop_goods]}`.
    pub instruction: String,
}

impl Ends {
    /// How many are named. A module that goes may have a hundred thousand processes, and one line of the answer each
    /// would be read by nobody.
    pub const NAMED_MAX: usize = 20;

    /// One more.
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
    /// A refusal more, unless it is there.
    pub(super) fn refuse(&mut self, finding: Finding) {
        if !self.refusals.contains(&finding) {
            self.refusals.push(finding);
        }
    }
}
