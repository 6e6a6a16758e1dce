//! `pq tree`: the supervision tree, with the version that each process runs.

use clap::Args;
use pq_protocol::Failure;
use pq_protocol::answer::Rows;
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::Question;
use crate::client::Row;
use crate::running::RunningNode;
pub(super) use rows::TreeRow;

mod rows;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Tree {
    /// Show each process of a large group instead of one summary row
    #[arg(long)]
    all: bool,
}

impl Tree {
    /// The tree with one row for each large group of similar processes.
    pub(super) fn summary() -> Tree {
        Tree { all: false }
    }
}

impl Words for Tree {
    const NAME: &'static str = "tree";
    type Answer = Rows<TreeRow>;
}

impl Question for Tree {
    fn answer(self, node: &RunningNode) -> Result<Rows<TreeRow>, Failure> {
        let detail = match self.all {
            true => rows::Detail::All,
            false => rows::Detail::Summary,
        };
        let (processes, missing) = node.processes();
        Ok(Rows::of(rows::rows(processes, detail)).without(missing))
    }
}

impl Row for TreeRow {
    const HEADING: &[&str] = &["PROCESS", "VSN", "PID", "NAME", "KIND", "WAITING"];

    fn cells(rows: &[TreeRow]) -> Vec<Vec<String>> {
        let branches = branches(rows.iter().map(|row| row.depth as usize).collect());
        let cells = rows.iter().zip(&branches);
        cells.map(|(row, branch)| tree_cells(row, branch)).collect()
    }
}

fn tree_cells(row: &TreeRow, branch: &str) -> Vec<String> {
    let many = match (row.count, row.below) {
        (1, _) => String::new(),
        (count, 0) => format!(" × {count}"),
        (count, below) => format!(" × {count}, and {below} below them"),
    };
    let mut waiting = match row.messages {
        0 => String::new(),
        messages => messages.to_string(),
    };
    if row.suspended {
        waiting += " suspended";
    }
    vec![
        format!("{branch}{}{many}", row.module),
        row.vsn.clone(),
        row.pid.clone().unwrap_or_default(),
        row.name.clone().unwrap_or_default(),
        row.kind.clone(),
        waiting.trim_start().to_string(),
    ]
}

/// The lines that join each row of a tree to its parent, from the depths of the rows.
pub(super) fn branches(depths: Vec<usize>) -> Vec<String> {
    // For each depth: whether a row of this depth follows before a row that is nearer to the top.
    let mut follows: Vec<bool> = Vec::new();
    let mut drawn: Vec<String> = Vec::new();
    for depth in depths.into_iter().rev() {
        follows.resize(depth + 1, false);
        let above = (1..depth).map(|at| if follows[at] { "│  " } else { "   " });
        let own = match (depth, follows[depth]) {
            (0, _) => "",
            (_, true) => "├─ ",
            (_, false) => "└─ ",
        };
        drawn.push(above.chain([own]).collect());
        follows[depth] = true;
    }
    drawn.reverse();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn branches_join_children_to_their_parents() {
        let depths = vec![0, 1, 2, 2, 3, 1, 2, 0, 1];
        expect![[r"

            ├─ 
            │  ├─ 
            │  └─ 
            │     └─ 
            └─ 
               └─ 

            └─ "]]
        .assert_eq(&branches(depths).join("\n"));
    }
}
