//! `pq avatars show`: a saved avatar with its processes, as the store of the tree has it. A node may run.

use clap::Args;
use pq_otp::moved::{ProcessView, StateView, Subtree};
use pq_protocol::Failure;
use pq_term::printable_lines;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::command::Typed;
use super::super::store::tell;
use super::super::tree::branches;
use super::{SavedAvatar, Which, found, saved};
use crate::client::{At, Show};

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    at: At,
}

/// The answer to `avatars show`.
#[derive(Serialize, Debug, JsonSchema)]
pub(in crate::commands) struct Whole {
    #[serde(flatten)]
    row: SavedAvatar,
    /// The processes, each before its children; empty if they cannot be decoded.
    #[schemars(with = "Vec<serde_json::Value>")]
    processes: Vec<ProcessView>,
    /// The reason why the processes cannot be decoded.
    damage: Option<String>,
}

impl Typed for ShowArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let row = self
            .which
            .choose(found(&self.at.root, &self.which.name)?, "show")?;
        let (processes, damage) = match Subtree::from_bytes(&row.body) {
            Ok(subtree) => (subtree.view(), None),
            Err(why) => (Vec::new(), Some(why.to_string())),
        };
        let row = saved(&row);
        tell(
            &self.at,
            &Whole {
                row,
                processes,
                damage,
            },
        )
    }
}

impl Show for Whole {
    fn show(&self) -> String {
        let row = &self.row;
        let mut lines = vec![
            format!(
                "{}: {}, saved {} ({}), {} bytes, row {}",
                row.name,
                row.state,
                row.age(),
                row.saved,
                row.bytes,
                row.id
            ),
            format!("versions: {}", row.versions),
        ];
        lines.extend(row.why.iter().map(|why| format!("set aside: {why}")));
        lines.extend(self.damage.clone());
        let depths = self.processes.iter().map(|it| it.depth as usize).collect();
        for (process, branch) in self.processes.iter().zip(branches(depths)) {
            lines.push(format!("{branch}{}", title(process)));
            let margin = " ".repeat(3 * process.depth as usize + 4);
            let details = details(process);
            let details = details.iter().flat_map(|detail| detail.lines());
            lines.extend(details.map(|line| format!("{margin}{line}")));
        }
        printable_lines(&lines.join("\n"))
    }
}

/// The line of a process in the tree.
fn title(process: &ProcessView) -> String {
    let ProcessView {
        module, vsn, pid, ..
    } = process;
    let mut title = format!("{module}-{vsn} {pid} {}", process.kind);
    let id = process.id.iter().map(|id| format!(", child {id}"));
    let registered = process.registered.iter();
    let registered = registered.map(|name| format!(", registered as {name}"));
    let names = process.names.iter().map(|name| format!(", name {name}"));
    title.extend(id.chain(registered).chain(names));
    if process.suspended {
        title += ", suspended";
    }
    title
}

/// The lines below a process: states, timers and messages.
fn details(process: &ProcessView) -> Vec<String> {
    let after = |data: &Option<String>| data.as_ref().map_or(String::new(), |it| format!(" {it}"));
    let states = process.states.iter().map(|it| state(process, it));
    let timers = process.timers.iter().map(|timer| {
        let data = after(&timer.data);
        format!("timer in {} ms: {}{data}", timer.in_ms, timer.kind)
    });
    let messages = process.messages.iter().map(|message| {
        let from = message.from.as_ref();
        let from = from.map_or(String::new(), |from| format!(" from {from}"));
        let data = after(&message.data);
        format!("waits: {}{from}{data}", message.kind)
    });
    states.chain(timers).chain(messages).collect()
}

fn state(process: &ProcessView, shown: &StateView) -> String {
    let StateView { module, vsn, state } = shown;
    match (process.kind.starts_with("supervisor"), module) {
        (true, _) => format!("arguments: {state}"),
        (false, module) if *module == process.module => format!("state: {state}"),
        (false, module) => format!("{module}-{vsn}: {state}"),
    }
}
