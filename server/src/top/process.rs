//! The words between the view and the node: lists of processes, and orders about one process.

use pq_protocol::Failure;
use serde::{Deserialize, Serialize};

/// The node of a view, as the command for it reaches the node. Both functions wait for the answer.
pub(crate) trait Node {
    /// Lists processes, at most as many as a person reads.
    fn list(&self, query: &Query) -> Result<Listing, Failure>;

    /// Carries out an order.
    fn carry_out(&self, order: &Order) -> Result<(), Failure>;
}

/// The processes that a view wants to show.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Query {
    pub(crate) shape: Shape,
    /// The figure of each process, by which a list is sorted.
    pub(crate) figure: Figure,
    /// Only processes with this text in a column; a tree is whole, so its rows are filtered where they are shown.
    pub(crate) containing: String,
}

/// The order of the rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Shape {
    /// Processes with a large figure first.
    #[default]
    List,
    /// Children below their supervisors; similar processes in one row.
    Tree,
}

/// A figure of a process. Only waiting messages are known without a question; the others are measured while a view asks.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    #[default]
    Waiting,
    /// The callbacks in the last second.
    Callbacks,
    /// The bytes of the process.
    Memory,
}

/// A list of processes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) rows: Vec<Process>,
    /// The number of further processes without a row.
    pub(crate) more: u64,
    /// A sentence on shards that do not answer.
    pub(crate) missing: Option<String>,
}

/// A process, or in a tree a group of similar processes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Process {
    /// The lines that join the row of a tree to its parent.
    pub(crate) branch: String,
    pub(crate) module: String,
    pub(crate) vsn: String,
    /// `None` for a group.
    pub(crate) pid: Option<String>,
    /// The name with the node or in the registry; empty without one.
    pub(crate) name: String,
    pub(crate) kind: String,
    /// The number of waiting messages.
    pub(crate) waiting: u64,
    /// The figure that was asked for, unless it is `waiting`; `None` while it is not known.
    pub(crate) figure: Option<u64>,
    pub(crate) is_suspended: bool,
    /// The number of processes in this row.
    pub(crate) count: u64,
    /// The number of descendants of a group.
    pub(crate) below: u64,
}

/// An action on one process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    pub(crate) deed: Deed,
    pub(crate) pid: String,
    /// The module and name of the process, for people.
    pub(crate) label: String,
}

/// The kind of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// `exit(Pid, kill)`: the process fails, and its supervisor decides.
    Kill,
    /// `sys:suspend/1`: the process handles system messages only.
    Suspend,
    /// `sys:resume/1`, the end of a suspension.
    Resume,
}

impl Deed {
    /// The verb for questions and outcomes.
    pub(super) fn word(self) -> &'static str {
        match self {
            Deed::Kill => "kill",
            Deed::Suspend => "suspend",
            Deed::Resume => "resume",
        }
    }
}

impl Process {
    /// Whether a column of the row contains this text.
    pub(super) fn contains(&self, text: &str) -> bool {
        let pid = self.pid.as_deref().unwrap_or_default();
        let columns = [&self.module, &self.vsn, pid, &self.name];
        columns.iter().any(|column| column.contains(text))
    }

    /// The value of a figure.
    pub(super) fn value(&self, figure: Figure) -> u64 {
        match figure {
            Figure::Waiting => self.waiting,
            Figure::Callbacks | Figure::Memory => self.figure.unwrap_or_default(),
        }
    }

    /// The module with its branch in a tree and the size of a group.
    pub(super) fn label(&self) -> String {
        let many = match (self.count, self.below) {
            (0 | 1, _) => String::new(),
            (count, 0) => format!(" × {count}"),
            (count, below) => format!(" × {count} +{below}"),
        };
        format!("{}{}{many}", self.branch, self.module)
    }
}
