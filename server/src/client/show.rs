//! Answers as people read them.

use super::table::{lines, table};
use crate::operator::answer::{
    App, Name, Operation, Returned, Rows, Scope, Status, Stopped, SysReply, TreeRow,
};
use crate::operator::clock::span;
use crate::operator::history::{Entry, Past};
use std::time::Duration;

/// An answer that people can read.
pub(crate) trait Show {
    /// As text.
    fn show(&self) -> String;
}

impl Show for Status {
    fn show(&self) -> String {
        let (release, node) = (&self.release, &self.node);
        let up = span(Duration::from_millis(node.uptime_ms));
        let libraries = &self.libraries;
        lines(&[
            (
                "release",
                format!("{} {} since {}", release.name, release.vsn, release.since),
            ),
            (
                "node",
                format!(
                    "pq {}, process {}, {} shards, up {up}",
                    node.vsn, node.pid, node.shards
                ),
            ),
            ("root", node.root.clone()),
            ("processes", self.processes.to_string()),
            ("connections", self.ports.to_string()),
            (
                "libraries",
                format!(
                    "{}, {} KiB mapped, {} KiB allocated",
                    libraries.count,
                    libraries.mapped_bytes >> 10,
                    libraries.allocated_bytes >> 10
                ),
            ),
            (
                "operation",
                self.operation
                    .as_ref()
                    .map_or("none".to_string(), operation),
            ),
        ])
    }
}

fn operation(operation: &Operation) -> String {
    let Operation {
        operation,
        who,
        since,
        progress,
    } = operation;
    let step = progress
        .as_ref()
        .map(|progress| match (progress.done, progress.total) {
            (Some(done), Some(total)) => format!(", now: {}, {done} of {total}", progress.step),
            _ => format!(", now: {}", progress.step),
        });
    format!(
        "{operation} by {who} since {since}{}",
        step.unwrap_or_default()
    )
}

impl<R: Row> Show for Rows<R> {
    fn show(&self) -> String {
        let mut text = table(R::HEADING, R::cells(&self.rows));
        if self.more > 0 {
            text += &format!("\n… and {} more", self.more);
        }
        text
    }
}

/// A row of a listing.
pub(crate) trait Row: Sized {
    /// The headings of its columns.
    const HEADING: &[&str];
    /// The cells of all rows.
    fn cells(rows: &[Self]) -> Vec<Vec<String>>;
}

impl Row for App {
    const HEADING: &[&str] = &["NAME", "VSN", "DESCRIPTION"];

    fn cells(rows: &[App]) -> Vec<Vec<String>> {
        let cells = |app: &App| vec![app.name.clone(), app.vsn.clone(), app.description.clone()];
        rows.iter().map(cells).collect()
    }
}

impl Row for Name {
    const HEADING: &[&str] = &["NAME", "SCOPE", "PID", "MODULE", "VSN"];

    fn cells(rows: &[Name]) -> Vec<Vec<String>> {
        let cells = |name: &Name| {
            let scope = match name.scope {
                Scope::Local => "local",
                Scope::Regis => "regis",
            };
            let or_ended = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_string());
            vec![
                name.name.clone(),
                scope.to_string(),
                name.pid.clone(),
                or_ended(&name.module),
                or_ended(&name.vsn),
            ]
        };
        rows.iter().map(cells).collect()
    }
}

impl Row for TreeRow {
    const HEADING: &[&str] = &["PROCESS", "VSN", "PID", "NAME", "KIND", "WAITING"];

    fn cells(rows: &[TreeRow]) -> Vec<Vec<String>> {
        let branches = branches(rows.iter().map(|row| row.depth as usize).collect());
        rows.iter().zip(branches).map(tree_cells).collect()
    }
}

fn tree_cells((row, branch): (&TreeRow, String)) -> Vec<String> {
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

/// The lines that join each row of a tree to its parent, from the rows' depths.
fn branches(depths: Vec<usize>) -> Vec<String> {
    // Whether a row at this depth follows before one that is nearer to the top.
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

impl Show for SysReply {
    fn show(&self) -> String {
        self.reply.clone()
    }
}

impl Show for Returned {
    fn show(&self) -> String {
        self.result.clone()
    }
}

impl Show for Stopped {
    fn show(&self) -> String {
        format!(
            "stopped: release {} ran, and took {} ms to end",
            self.vsn, self.took_ms
        )
    }
}

impl Show for Past {
    fn show(&self) -> String {
        const HEADING: [&str; 8] = [
            "#",
            "WHEN",
            "WHO",
            "OPERATION",
            "RESULT",
            "TOOK",
            "PAUSE",
            "MESSAGE",
        ];
        table(&HEADING, self.entries.iter().map(entry_cells))
    }
}

fn entry_cells(entry: &Entry) -> Vec<String> {
    let deed = &entry.deed;
    let releases = match (&deed.from, &deed.to) {
        (Some(from), Some(to)) => format!(" {from} → {to}"),
        (Some(one), None) | (None, Some(one)) => format!(" {one}"),
        (None, None) => String::new(),
    };
    let pause = deed.pause_us.map(|pause| format!("{} us", pause.max));
    vec![
        entry.id.to_string(),
        entry.when.clone(),
        entry.who.to_string(),
        format!("{}{releases}", deed.operation),
        deed.result.clone(),
        format!("{} ms", deed.took_ms),
        pause.unwrap_or_default(),
        deed.message.clone().unwrap_or_default(),
    ]
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
