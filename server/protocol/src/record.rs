//! The record of an install: the phases, measurements and result, after success or failure.
//!
//! ```text
//!   the release handler measures ─► InstallRecord ─┬► `status`, during the install
//!                                                  ├► the answer of `pq install`
//!                                                  ├► an entry of the history
//!                                                  └► a line of the log
//! ```
//! All reports of an install use this record and measure nothing themselves. An application that changes by itself
//! (`upgrade-app`) has a record, too; its versions are those of the application.

use std::collections::BTreeMap;
use std::fmt;

use pq_abi::Direction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exit::Failure;
use super::who::Who;
use pq_histogram::Histogram;

/// A phase of an install.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstallPhase {
    /// No phase has begun.
    #[default]
    Idle,
    /// Files are read and verified, and libraries are loaded.
    Prepare,
    /// States are copied and converted while their processes continue to run.
    Copy,
    /// Each state is converted once, and changed states are converted again while their processes continue to run.
    Follow,
    /// Processes are suspended, and changed states are converted again.
    Hold,
    /// The install is decided: the new versions are made current.
    Commit,
    /// Processes run again, and get their new versions.
    Swap,
    /// Functions are called, and children are stopped and started.
    Apply,
}

impl InstallPhase {
    /// The name of the phase in logs, answers and terminals.
    pub const fn word(self) -> &'static str {
        match self {
            InstallPhase::Idle => "idle",
            InstallPhase::Prepare => "prepare",
            InstallPhase::Copy => "copy",
            InstallPhase::Follow => "follow",
            InstallPhase::Hold => "hold",
            InstallPhase::Commit => "commit",
            InstallPhase::Swap => "swap",
            InstallPhase::Apply => "apply",
        }
    }
}

/// A completed phase and its duration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PhaseTook {
    /// The phase that has ended.
    pub phase: InstallPhase,
    /// The duration in microseconds.
    pub took_us: u64,
}

/// Statistics of durations in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Micros {
    /// The median of all durations.
    pub median: u64,
    /// The 99th percentile of all durations.
    pub p99: u64,
    /// The longest of all durations.
    pub max: u64,
}

impl Micros {
    /// Computes the statistics of sorted durations; all values are zero without durations.
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

/// The way in which a module gets its new version.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// The module is new.
    Add,
    /// The code is replaced; states do not change.
    Load,
    /// The code is replaced, and states are converted by `code_change`.
    Convert,
    /// The module is a supervisor, whose specification is read again.
    Supervisor,
    /// The processes of the module are restarted with the new version.
    Restart,
    /// The processes of the module are stopped.
    Stop,
    /// The module is removed, and its processes end.
    Remove,
}

/// The change of one module.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModuleChange {
    /// The name of the module.
    pub module: String,
    /// The version before the install; `None` for a new module.
    pub from: Option<String>,
    /// The versions in between through which states go, in the order of the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<String>,
    /// The version after the install; `None` for a removed module.
    pub to: Option<String>,
    /// The way in which the module changes.
    pub how: How,
    /// The number of processes that run the module; for an event handler, the number of managers with the handler.
    pub processes: u64,
}

/// An install, from its first phase to its end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InstallRecord {
    /// The operator who requested the install; the release handler leaves it empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// The version before the install.
    pub from: String,
    /// The version after a successful install.
    pub to: String,
    /// Whether the install is an upgrade or a downgrade.
    #[schemars(with = "String")]
    pub direction: Direction,
    /// The change of each module, sorted by name. The list is empty if no way between the releases exists.
    #[serde(default)]
    pub modules: Vec<ModuleChange>,
    /// The phases in their order; scripts with several exchanges of code repeat phases.
    #[serde(default)]
    pub phases: Vec<PhaseTook>,
    /// The number of converted states, including repeated and trial conversions.
    #[serde(default)]
    pub converted: u64,
    /// The number of failed conversions: the first one ends the install.
    #[serde(default)]
    pub failed: u64,
    /// The number of killed processes: their module was removed, or their conversion did not end.
    pub killed: u64,
    /// The number of processes that run a new version, by module.
    pub processes: BTreeMap<String, u64>,
    /// The number of connections that the node closed because their process was ended or failed, without a wish of
    /// the process or the client.
    pub connections_dropped: u64,
    /// The times for which processes with work were kept from running. `max` also bounds the others: no process could have been
    /// kept longer, had it got work at any moment.
    pub pause_us: Micros,
    /// The turns of a shard during the install: the maximum is the longest wait of other processes.
    pub stall_us: Micros,
    /// All these times for which processes were kept from running; a process with a new version and without work has one of
    /// zero.
    #[serde(default)]
    pub pauses: Histogram,
    /// All these turns of a shard.
    #[serde(default)]
    pub stalls: Histogram,
    /// The size of loaded libraries that stay, in bytes.
    pub bytes_loaded: u64,
    /// Old code that processes still run, as `Module-Vsn`.
    pub unpurged: Vec<String>,
    /// Sentences on oddities and failures that did not stop the install.
    pub warnings: Vec<String>,
    /// Whether the relup requires a restart of the node with this release.
    pub restart: bool,
    /// The duration of the install in milliseconds.
    pub took_ms: u64,
    /// The reason of the failure; `None` after success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Default for InstallRecord {
    /// A record without any known value.
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
            pauses: Histogram::default(),
            stalls: Histogram::default(),
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
    /// The result for the history: `done` or the failure, followed by the warnings.
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
