//! Answers as people read them.

use std::collections::BTreeMap;
use std::time::Duration;

use pq_release::handler::{CheckReport, Direction, Installed};

use super::table::{lines, printable, table};
use crate::operator::answer::{
    App, Done, Name, Operation, Release, Returned, Rows, Scope, Status, Stopped, SysReply, TreeRow,
};
use crate::operator::clock::span;
use crate::operator::history::{Entry, Past};

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
                format!(
                    "{} {} ({}) since {}",
                    release.name, release.vsn, release.status, release.since
                ),
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
        .map_or(String::new(), |progress| format!("; now {progress}"));
    format!("{operation} by {who} since {since}{step}")
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

impl Row for Release {
    const HEADING: &[&str] = &["NAME", "VSN", "STATUS", "ERTS", "APPLICATIONS"];

    fn cells(rows: &[Release]) -> Vec<Vec<String>> {
        let cells = |release: &Release| {
            vec![
                release.name.clone(),
                release.vsn.clone(),
                release.status.clone(),
                release.erts_vsn.clone(),
                release.applications.join(" "),
            ]
        };
        rows.iter().map(cells).collect()
    }
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

impl Show for Done {
    fn show(&self) -> String {
        let vsn = &self.vsn;
        match self.operation.as_str() {
            "unpack" | "set-unpacked" => {
                format!("release {vsn} is unpacked; `pq install {vsn}` brings it into force")
            }
            "make-permanent" => format!("release {vsn} is permanent: it boots next time, too"),
            "remove" => format!("release {vsn} is removed"),
            "set-removed" => {
                format!("release {vsn} is no longer listed; its files are still there")
            }
            "install-file" => format!("the file is in the folder of release {vsn}"),
            "reboot-old" => {
                format!("release {vsn} is permanent, and the node starts again with it")
            }
            other => format!("{other} {vsn}: done"),
        }
    }
}

impl Show for CheckReport {
    fn show(&self) -> String {
        let step = |step: &String| format!("  {}\n", printable(step));
        let steps: String = self.script.iter().map(step).collect();
        let tried = format!(
            "{} states converted there and back in {} ms",
            self.converted, self.took_ms
        );
        let lost = match self.differing {
            0 => String::new(),
            count => format!("{count} states: they came back as something else"),
        };
        let facts = lines(&[
            ("processes", processes(&self.processes)),
            ("tried", tried),
            ("way back loses something of", lost),
            ("held", format!("for about {} ms", self.expected_pause_ms)),
        ]);
        let (way, from, to) = (word(self.direction), &self.from, &self.to);
        format!("{way} from {from} to {to}:\n{steps}{facts}")
    }
}

impl Show for Installed {
    fn show(&self) -> String {
        let (pause, stall) = (self.pause_us, self.stall_us);
        let count = |count: u64| match count {
            0 => String::new(),
            count => count.to_string(),
        };
        let restart = match self.restart {
            true => "the node starts again with this release".to_string(),
            false => String::new(),
        };
        lines(&[
            (
                "installed",
                format!(
                    "{}, {} from {}, in {} ms",
                    self.to,
                    word(self.direction),
                    self.from,
                    self.took_ms
                ),
            ),
            ("processes", processes(&self.processes)),
            (
                "held",
                format!(
                    "{} us (half of them), {} us (99 of 100), {} us (all)",
                    pause.median, pause.p99, pause.max
                ),
            ),
            ("others waited", format!("{} us at most", stall.max)),
            ("loaded", format!("{} KiB", self.bytes_loaded >> 10)),
            ("killed", count(self.killed)),
            ("old code in use", self.unpurged.join(", ")),
            ("warnings", self.warnings.join("; ")),
            ("restart", restart),
        ])
    }
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// `303: pq_player 300, pq_market 3`
fn processes(by_module: &BTreeMap<String, u64>) -> String {
    let each = |(module, count): (&String, &u64)| format!("{module} {count}");
    let each: Vec<String> = by_module.iter().map(each).collect();
    match each.is_empty() {
        true => "0".to_string(),
        false => format!("{}: {}", by_module.values().sum::<u64>(), each.join(", ")),
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
