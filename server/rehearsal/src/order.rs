//! The order of a child, and the lines that it writes meanwhile. An order is an argument of the child, and a line is JSON on its
//! standard output.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pq_code::CodeServer;
use pq_otp::Service;
use pq_release::boot::Runtime;
use pq_saves::Versions;
use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::measures::Judge;
use crate::report::{Crash, SideReport};

/// The word of the command line that makes the program a child; its order is the next one.
pub const ENTRY: &str = "rehearsal-side";

/// The parts of the program that a child needs and this crate does not know.
pub struct Program {
    /// The applications that are compiled into the program.
    pub runtime: Runtime,
    /// The built-in modules besides the registry, which modules of a release may call.
    pub services: Vec<(&'static str, Arc<dyn Service>)>,
    /// The versions of modules in a release tree, for states of other versions.
    pub versions: fn(Arc<CodeServer>, &Path) -> Arc<dyn Versions>,
}

/// The release that a side plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The release that the node runs.
    Old,
    /// The release that is rehearsed.
    New,
}

/// The copies that play.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sample {
    /// All copies of the file.
    All,
    /// This many, from all strata.
    Count(usize),
    /// Those with these names.
    Names(Vec<String>),
}

/// A rehearsal, the same for both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// The directory of the release tree.
    pub root: PathBuf,
    /// The version of the release that the node runs.
    pub from: String,
    /// The version of the release that is rehearsed.
    pub to: String,
    /// The local name of the supervisor of the avatars.
    pub supervisor: String,
    /// The module of an avatar, and its measures; `None` for a game without any.
    pub judge: Option<Judge>,
    /// The seed of all random numbers.
    pub seed: u64,
    /// The virtual time of play on the new release, in milliseconds.
    pub for_ms: u64,
    /// The copies that play.
    pub sample: Sample,
    /// Whether the relup may leave code of the running release in force.
    pub partial: bool,
    /// Whether the way to the release may lose fields of states. The way back always may.
    pub lossy: bool,
    /// The limits of each child.
    pub limits: Limits,
}

/// The work of one child.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The rehearsal that the child is a part of.
    pub wanted: Wanted,
    /// The side that the child plays.
    pub side: Side,
    /// The number of the process that has started the child.
    pub parent: u32,
    /// For a replay: the avatar whose steps the child says.
    pub trace: Option<Trace>,
}

/// The steps that a replay shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trace {
    /// The name of the avatar.
    pub name: String,
    /// The last steps before the crash at most.
    pub steps: usize,
}

/// A line of a child.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The child is in this phase, at this virtual time of it.
    At {
        /// The word for the phase.
        phase: String,
        /// The virtual time in the phase, in milliseconds.
        at_ms: u64,
        /// The length of the phase, in milliseconds.
        of_ms: u64,
    },
    /// A process has failed. Said at once: the child may end before its report.
    Crash(Crash),
    /// The last steps of an avatar before its crash.
    Steps(Vec<String>),
    /// The child cannot go on, for this reason, and ends.
    Ends(String),
    /// The report of the side.
    Done(Box<SideReport>),
}
