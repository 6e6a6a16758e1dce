//! `pq top`: a live view of the node in the terminal (`crate::top`), and the question behind its list of processes.

use std::cmp::Reverse;

use clap::Args;
use pq_otp::{Measure, ProcessInfo};
use pq_protocol::answer::Rows;
use pq_protocol::{Exit, Failure};
use serde::{Deserialize, Serialize};

use super::command::{Typed, Words, request};
use super::kill::Kill;
use super::kinds::Question;
use super::sys::{Message, Sys};
use super::tree::{Tree, TreeRow, branches};
use crate::client::{At, Show, read};
use crate::noun::noun;
use crate::running::RunningNode;
use crate::top::{Deed, Figure, Listing, Node, Order, Process, Query, Shape, is_possible, top};

/// The rows of a list: a person reads a screen of them, and the rest has a filter.
const ROWS_MAX: usize = 1_000;

#[derive(Args, Debug)]
pub(crate) struct TopArgs {
    #[command(flatten)]
    at: At,
}

/// The processes with the largest figures.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Top {
    #[serde(default)]
    figure: Figure,
    /// Only processes whose module, version, pid or name contains this text.
    containing: String,
}

impl Typed for TopArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        if self.at.json || !is_possible() {
            let sentence = "failed to show the node: stdin and stdout have to be a terminal that can move its cursor; \
                            `pq events` is for files and, with --json, for programs";
            return Err(Failure::new(Exit::Usage, sentence));
        }
        top(&self.at.root, &noun().many, AtNode(self.at.clone()))
    }
}

impl Words for Top {
    const NAME: &'static str = "top";
    type Answer = Rows<TreeRow>;
}

impl Question for Top {
    fn answer(self, node: &RunningNode) -> Result<Rows<TreeRow>, Failure> {
        let (mut processes, missing) = node.measured_processes(self.measure());
        if !self.containing.is_empty() {
            processes.retain(|process| self.is_wanted(node, process));
        }
        let value = |process: &ProcessInfo| match self.figure {
            Figure::Waiting => u64::from(process.messages),
            Figure::Callbacks | Figure::Memory => process.measured.unwrap_or_default(),
        };
        processes.sort_unstable_by_key(|process| (Reverse(value(process)), process.pid));
        let more = processes.len().saturating_sub(ROWS_MAX) as u64;
        processes.truncate(ROWS_MAX);
        let row = |process| TreeRow::of(process, |process| name(node, process));
        let rows = Rows::of(processes.iter().map(row).collect()).without(missing);
        Ok(Rows { more, ..rows })
    }
}

impl Top {
    fn measure(&self) -> Measure {
        match self.figure {
            Figure::Waiting => Measure::Nothing,
            Figure::Callbacks => Measure::Callbacks,
            Figure::Memory => Measure::Memory,
        }
    }

    fn is_wanted(&self, node: &RunningNode, process: &ProcessInfo) -> bool {
        let has = |text: &str| text.contains(&self.containing);
        has(&process.module)
            || has(&process.vsn)
            || has(&process.pid.to_string())
            || name(node, process).is_some_and(|name| has(&name))
    }
}

/// The name of a process with the node, or else in the registry.
fn name(node: &RunningNode, process: &ProcessInfo) -> Option<String> {
    let local = process.registered.clone();
    local.or_else(|| {
        node.names()
            .name_of(process.pid)
            .map(|name| name.to_string())
    })
}

/// The node that the command line names.
struct AtNode(At);

impl Node for AtNode {
    fn list(&self, query: &Query) -> Result<Listing, Failure> {
        match query.shape {
            Shape::List => self.rows(&Top {
                figure: query.figure,
                containing: query.containing.clone(),
            }),
            Shape::Tree => self.rows(&Tree::summary()),
        }
    }

    fn carry_out(&self, order: &Order) -> Result<(), Failure> {
        let process = order.pid.clone();
        let sys = |message| Sys { process, message };
        match order.deed {
            Deed::Kill => self.ask(&Kill {
                process: order.pid.clone(),
                message: None,
            }),
            Deed::Suspend => self.ask(&sys(Message::Suspend)),
            Deed::Resume => self.ask(&sys(Message::Resume)),
        }
        .map(drop)
    }
}

impl AtNode {
    fn ask<W: Words>(&self, words: &W) -> Result<String, Failure> {
        self.0.ask(&words.typed(), &request(words)?)
    }

    fn rows(&self, words: &impl Words<Answer = Rows<TreeRow>>) -> Result<Listing, Failure> {
        let answer = read::<Rows<TreeRow>>(&self.ask(words)?)?;
        let missing = answer.missing();
        let branches = branches(answer.rows.iter().map(|row| row.depth as usize).collect());
        let rows = answer.rows.into_iter().zip(branches);
        Ok(Listing {
            more: answer.more,
            missing,
            rows: rows.map(|(row, branch)| process(row, branch)).collect(),
        })
    }
}

fn process(row: TreeRow, branch: String) -> Process {
    Process {
        branch,
        module: row.module,
        vsn: row.vsn,
        pid: row.pid,
        name: row.name.unwrap_or_default(),
        kind: row.kind,
        waiting: row.messages,
        figure: row.figure,
        is_suspended: row.suspended,
        count: row.count,
        below: row.below,
    }
}
