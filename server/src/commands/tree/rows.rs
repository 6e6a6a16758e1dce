//! The supervision tree as rows, from a list of processes; large groups of similar processes become one row.
//!
//! The functions are pure. A list of processes is no snapshot, so a process whose parent is not in the list becomes a
//! root.

use std::collections::HashMap;

use pq_otp::{Pid, ProcessInfo};
use serde::{Deserialize, Serialize};

/// The number of processes of one module, version and parent up to which each has a row; larger groups become one
/// row. The largest supervisor of the release with children of several kinds has three.
const ALIKE_MAX: usize = 8;

/// A process of the tree, or a group of similar processes.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
pub(crate) struct TreeRow {
    /// The distance to the root of the tree; 0 for a root.
    pub(in crate::commands) depth: u64,
    /// The pid of the process; `None` for a group.
    pub(in crate::commands) pid: Option<String>,
    /// The local name of the process.
    pub(in crate::commands) name: Option<String>,
    /// The module of the process.
    pub(in crate::commands) module: String,
    /// The version of the module that the process runs.
    pub(in crate::commands) vsn: String,
    /// The kind of the process: `gen_server`, `supervisor`, …
    pub(in crate::commands) kind: String,
    /// The number of waiting messages.
    pub(in crate::commands) messages: u64,
    /// The figure that `pq top` has asked for; `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) figure: Option<u64>,
    /// Whether `sys:suspend` holds the process, or at least one process of the group.
    pub(in crate::commands) suspended: bool,
    /// The number of processes in this row: 1, or more for a group.
    pub(in crate::commands) count: u64,
    /// The number of descendants of a group, which have no rows.
    pub(in crate::commands) below: u64,
}

impl TreeRow {
    /// The row of one process, outside of a tree.
    pub(in crate::commands) fn of(
        process: &ProcessInfo,
        name: impl FnOnce(&ProcessInfo) -> Option<String>,
    ) -> TreeRow {
        TreeRow {
            depth: 0,
            pid: Some(process.pid.to_string()),
            name: name(process),
            module: process.module.clone(),
            vsn: process.vsn.clone(),
            kind: process.kind.to_string(),
            messages: u64::from(process.messages),
            figure: process.measured,
            suspended: process.suspended,
            count: 1,
            below: 0,
        }
    }
}

/// Whether large groups of similar processes become one row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Detail {
    /// Large groups become one row.
    Summary,
    /// Each process has its own row.
    All,
}

/// The rows, each parent before its children; children are sorted by module.
pub(crate) fn rows(mut processes: Vec<ProcessInfo>, detail: Detail) -> Vec<TreeRow> {
    processes.sort_by(|a, b| (&a.module, &a.vsn, a.pid).cmp(&(&b.module, &b.vsn, b.pid)));
    let family = Family::of(&processes);
    let mut rows = Vec::new();
    // A stack of processes without a row so far; the next one is on top.
    let mut waiting = Vec::new();
    family.stack(&family.tops, 0, detail, &mut waiting);
    while let Some((depth, group)) = waiting.pop() {
        rows.push(family.row(depth, group));
        if let [one] = group {
            family.stack(&family.children[*one], depth + 1, detail, &mut waiting);
        }
    }
    rows
}

/// Parents and children as indices of the list of processes.
struct Family<'a> {
    processes: &'a [ProcessInfo],
    tops: Vec<usize>,
    children: Vec<Vec<usize>>,
}

impl<'a> Family<'a> {
    fn of(processes: &'a [ProcessInfo]) -> Family<'a> {
        let places = processes.iter().enumerate();
        let places: HashMap<Pid, usize> = places.map(|(at, process)| (process.pid, at)).collect();
        let mut children = vec![Vec::new(); processes.len()];
        let mut tops = Vec::new();
        for (at, process) in processes.iter().enumerate() {
            match process.parent.and_then(|parent| places.get(&parent)) {
                Some(parent) => children[*parent].push(at),
                None => tops.push(at),
            }
        }
        Family {
            processes,
            tops,
            children,
        }
    }

    /// Pushes these siblings on the stack in reverse order; siblings that become one row are one group.
    fn stack<'b>(
        &self,
        siblings: &'b [usize],
        depth: u64,
        detail: Detail,
        waiting: &mut Vec<(u64, &'b [usize])>,
    ) {
        for alike in siblings.chunk_by(|a, b| self.are_alike(*a, *b)).rev() {
            match alike.len() > ALIKE_MAX && detail == Detail::Summary {
                true => waiting.push((depth, alike)),
                false => waiting.extend(alike.chunks(1).rev().map(|one| (depth, one))),
            }
        }
    }

    fn are_alike(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.processes[a], &self.processes[b]);
        (&a.module, &a.vsn) == (&b.module, &b.vsn)
    }

    fn row(&self, depth: u64, group: &[usize]) -> TreeRow {
        let first = &self.processes[group[0]];
        let members = || group.iter().map(|at| &self.processes[*at]);
        let (pid, name, below) = match group {
            [_] => (Some(first.pid.to_string()), first.registered.clone(), 0),
            many => (None, None, self.below(many)),
        };
        TreeRow {
            depth,
            pid,
            name,
            module: first.module.clone(),
            vsn: first.vsn.clone(),
            kind: first.kind.to_string(),
            messages: members().map(|process| u64::from(process.messages)).sum(),
            figure: None,
            suspended: members().any(|process| process.suspended),
            count: group.len() as u64,
            below,
        }
    }

    /// The number of descendants of these processes.
    fn below(&self, group: &[usize]) -> u64 {
        let mut waiting: Vec<usize> = group.to_vec();
        let mut met = 0;
        while let Some(at) = waiting.pop() {
            met += 1;
            waiting.extend(&self.children[at]);
        }
        met - group.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn process(index: u32, parent: Option<u32>, module: &str) -> ProcessInfo {
        let pid = |index| Pid::new(0, index, 0);
        ProcessInfo {
            pid: pid(index),
            module: module.to_string(),
            kind: "gen_server",
            vsn: "1.0.0".to_string(),
            registered: None,
            parent: parent.map(pid),
            messages: 1,
            suspended: index == 105,
            held: false,
            measured: None,
        }
    }

    /// A root with two workers and `heroes` heroes of two processes each; children precede their parents in the list.
    fn game(heroes: u32) -> Vec<ProcessInfo> {
        let hero = |n| {
            [
                process(200 + n, Some(100 + n), "fsm"),
                process(100 + n, Some(1), "hero"),
            ]
        };
        let mut list: Vec<_> = (0..heroes).flat_map(hero).collect();
        list.push(process(3, Some(1), "market"));
        list.push(process(2, Some(1), "arena"));
        list.push(process(1, None, "top"));
        list.push(process(9, Some(8), "orphan"));
        list
    }

    fn drawn(processes: Vec<ProcessInfo>, detail: Detail) -> String {
        let mut text = String::new();
        for row in rows(processes, detail) {
            let indent = "  ".repeat(row.depth as usize);
            let pid = row.pid.unwrap_or_default();
            let (module, count, below) = (row.module, row.count, row.below);
            let held = if row.suspended { " held" } else { "" };
            writeln!(
                text,
                "{indent}{module} {pid} x{count} +{below} {}{held}",
                row.messages
            )
            .unwrap();
        }
        text
    }

    #[test]
    fn children_stand_below_their_parents() {
        expect_test::expect![[r"
            orphan <0.9.0> x1 +0 1
            top <0.1.0> x1 +0 1
              arena <0.2.0> x1 +0 1
              hero <0.100.0> x1 +0 1
                fsm <0.200.0> x1 +0 1
              hero <0.101.0> x1 +0 1
                fsm <0.201.0> x1 +0 1
              market <0.3.0> x1 +0 1
        "]]
        .assert_eq(&drawn(game(2), Detail::Summary));
    }

    #[test]
    fn many_that_are_alike_are_one_row_unless_all_are_wanted() {
        expect_test::expect![[r"
            orphan <0.9.0> x1 +0 1
            top <0.1.0> x1 +0 1
              arena <0.2.0> x1 +0 1
              hero  x9 +9 9 held
              market <0.3.0> x1 +0 1
        "]]
        .assert_eq(&drawn(game(9), Detail::Summary));
        assert_eq!(rows(game(8), Detail::Summary).len(), 20);
        assert_eq!(rows(game(9), Detail::All).len(), 22);
    }

    #[test]
    fn versions_are_never_summed_up_together() {
        let mut list = game(20);
        for process in list.iter_mut().filter(|process| process.pid.index() < 110) {
            process.vsn = "1.1.0".to_string();
        }
        let counts = rows(list, Detail::Summary);
        let counts: Vec<_> = counts
            .iter()
            .map(|row| row.count)
            .filter(|n| *n > 1)
            .collect();
        assert_eq!(counts, [10, 10]);
    }

    #[test]
    fn a_very_long_line_of_parents_is_no_harm() {
        let line = (0..200_000).map(|n: u32| process(n, n.checked_sub(1), "link"));
        assert_eq!(rows(line.collect(), Detail::Summary).len(), 200_000);
    }
}
