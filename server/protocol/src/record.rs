//! The record of an install: what was done, and what it came to, whether it ended well or not.
//!
//! ```text
//!   the release handler measures ─► InstallRecord ─┬► `status`, while it is under way
//!                                                  ├► the answer of `pq install`
//!                                                  ├► an entry of the history
//!                                                  └► a line of the log
//! ```
//! Each report of an install tells what stands here, and measures nothing anew. An application that changes by itself
//! (`upgrade-app`) has a record too; its versions are those of the application.

use std::collections::BTreeMap;
use std::fmt;

use pq_abi::Direction;
use serde::{Deserialize, Serialize};

use super::exit::Failure;
use super::who::Who;

/// What is being done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstallPhase {
    /// Nothing.
    #[default]
    Idle,
    /// Files are read and verified, libraries loaded.
    Prepare,
    /// States are copied and converted while their processes play.
    Copy,
    /// Processes are held, what has changed is converted.
    Hold,
    /// It is decided: processes get their new versions.
    Commit,
    /// Functions are called, children stopped and started.
    Apply,
}

impl InstallPhase {
    /// Its word, as it is written and shown.
    pub const fn word(self) -> &'static str {
        match self {
            InstallPhase::Idle => "idle",
            InstallPhase::Prepare => "prepare",
            InstallPhase::Copy => "copy",
            InstallPhase::Hold => "hold",
            InstallPhase::Commit => "commit",
            InstallPhase::Apply => "apply",
        }
    }
}

/// A phase that has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PhaseTook {
    /// Which.
    pub phase: InstallPhase,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

/// Times in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Micros {
    /// Half of them took no longer.
    pub median: u64,
    /// 99 of 100 took no longer.
    pub p99: u64,
    /// None took longer.
    pub max: u64,
}

impl Micros {
    /// Of sorted times; all zero when there are none.
    pub fn of(sorted: &[u32]) -> Micros {
        Micros::of_some(sorted, 0)
    }

    /// Of sorted times, and so many that are zero.
    pub fn of_some(sorted: &[u32], zeros: u64) -> Micros {
        let zeros = usize::try_from(zeros).unwrap_or(usize::MAX);
        let all = sorted.len().saturating_add(zeros);
        let at = |share: f64| {
            let index = (all as f64 * share) as usize;
            let of_sorted = index.checked_sub(zeros);
            let time = of_sorted.and_then(|at| sorted.get(at).or(sorted.last()));
            time.map_or(0, |time| u64::from(*time))
        };
        Micros {
            median: at(0.5),
            p99: at(0.99),
            max: at(1.0),
        }
    }
}

/// How a module gets to its new version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It is not there yet.
    Add,
    /// It is replaced, and states are as before.
    Load,
    /// It is replaced, and states go through `code_change`.
    Convert,
    /// It is a supervisor, and is asked for its specification again.
    Supervisor,
    /// Its processes are stopped, and started with the new version.
    Restart,
    /// Its processes are stopped.
    Stop,
    /// It goes, and what runs it ends.
    Remove,
}

/// What becomes of a module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModuleChange {
    /// Which.
    pub module: String,
    /// The version that runs before.
    pub from: Option<String>,
    /// The version that runs afterwards.
    pub to: Option<String>,
    /// How.
    pub how: How,
    /// How many processes run it; of a handler of events, how many managers have it.
    pub processes: u64,
}

/// An install, from its first phase to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstallRecord {
    /// Who asked for it; the handler does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// What ran before.
    pub from: String,
    /// What was to run.
    pub to: String,
    /// Which way that is.
    pub direction: Direction,
    /// What becomes of each module, in the order of their names. Empty when the way was not found.
    #[serde(default)]
    pub modules: Vec<ModuleChange>,
    /// The phases in their order; one comes again where a script has several exchanges of code.
    #[serde(default)]
    pub phases: Vec<PhaseTook>,
    /// States converted, counting those that were converted again or only tried.
    #[serde(default)]
    pub converted: u64,
    /// States that did not convert: the first one ends the install.
    #[serde(default)]
    pub failed: u64,
    /// Processes that were killed: their module went, or their conversion did not end.
    pub killed: u64,
    /// Processes that play with a new version, by module.
    pub processes: BTreeMap<String, u64>,
    /// Connections that the node closed meanwhile because their process was ended or failed; neither it nor the client
    /// had wished it.
    pub connections_dropped: u64,
    /// How long processes were kept from running; those that had nothing to do were not. No process could have been kept
    /// for longer than `max`, whenever it had got something to do.
    pub pause_us: Micros,
    /// How long a turn of a shard took meanwhile: nobody else was kept waiting longer.
    pub stall_us: Micros,
    /// Bytes of libraries that were loaded and stay.
    pub bytes_loaded: u64,
    /// Old code that processes still run: `Module-Vsn`.
    pub unpurged: Vec<String>,
    /// What was odd or went wrong without stopping anything, as sentences.
    pub warnings: Vec<String>,
    /// The relup wants the node started again, with this release.
    pub restart: bool,
    /// How long all of it took.
    pub took_ms: u64,
    /// Why it was not done; `None` when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Default for InstallRecord {
    /// One of which nothing is known yet.
    fn default() -> InstallRecord {
        InstallRecord {
            who: None,
            from: String::new(),
            to: String::new(),
            direction: Direction::Up,
            modules: Vec::new(),
            phases: Vec::new(),
            converted: 0,
            failed: 0,
            killed: 0,
            processes: BTreeMap::new(),
            connections_dropped: 0,
            pause_us: Micros::default(),
            stall_us: Micros::default(),
            bytes_loaded: 0,
            unpurged: Vec::new(),
            warnings: Vec::new(),
            restart: false,
            took_ms: 0,
            failure: None,
        }
    }
}

impl InstallRecord {
    /// The sentence for the history: `done`, or why not, and what was odd.
    pub fn result(&self) -> String {
        let failure = self.failure.as_ref();
        let mut result = failure.map_or("done".to_string(), |failure| failure.sentence.clone());
        if failure.is_none() {
            for warning in &self.warnings {
                result.push_str("; ");
                result.push_str(warning);
            }
        }
        result
    }
}

/// One line: `1.0.0 to 1.1.0 (up): prepare 20140 us, copy 3100 us; 300 converted, 0 failed, 0 killed; paused 410 us at most`.
impl fmt::Display for InstallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InstallRecord {
            from,
            to,
            converted,
            failed,
            killed,
            ..
        } = self;
        let phase = |it: &PhaseTook| format!("{} {} us", it.phase.word(), it.took_us);
        let phases: Vec<String> = self.phases.iter().map(phase).collect();
        write!(
            f,
            "{from} to {to} ({}): {}; {converted} converted, {failed} failed, {killed} killed; paused {} us at most",
            self.direction.word(),
            phases.join(", "),
            self.pause_us.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn record() -> InstallRecord {
        let took = |phase, took_us| PhaseTook { phase, took_us };
        InstallRecord {
            from: "1.0.0".to_string(),
            to: "1.1.0".to_string(),
            phases: vec![
                took(InstallPhase::Prepare, 20_140),
                took(InstallPhase::Copy, 3_100),
            ],
            converted: 300,
            pause_us: Micros::of(&[12, 40, 410]),
            warnings: vec!["a setting is refused".to_string()],
            ..InstallRecord::default()
        }
    }

    #[test]
    fn a_line_of_the_log_has_phases_and_counts() {
        assert_eq!(
            record().to_string(),
            "1.0.0 to 1.1.0 (up): prepare 20140 us, copy 3100 us; 300 converted, 0 failed, 0 killed; paused 410 us at most"
        );
    }

    #[test]
    fn the_history_says_what_was_odd_about_an_install_that_was_done() {
        assert_eq!(record().result(), "done; a setting is refused");
        let failed = InstallRecord {
            failure: Some(Failure::new(Exit::Refused, "failed to begin")),
            ..record()
        };
        assert_eq!(failed.result(), "failed to begin");
    }

    #[test]
    fn an_answer_of_an_older_node_is_read() {
        let text = r#"{"from":"1","to":"2","direction":"down","processes":{},"killed":0,"connections_dropped":0,
            "pause_us":{"median":1,"p99":2,"max":3},"stall_us":{"median":0,"p99":0,"max":0},"bytes_loaded":0,"unpurged":[],
            "warnings":[],"restart":false,"took_ms":4}"#;
        let record: InstallRecord = serde_json::from_str(text).unwrap();
        assert_eq!((record.direction, record.took_ms), (Direction::Down, 4));
        assert!(record.phases.is_empty() && record.failure.is_none());
    }
}
