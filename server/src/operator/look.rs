//! Looking at a node without touching it: `status`, `apps`, `tree`, `names`.

use std::collections::HashMap;
use std::time::SystemTime;

use pq_otp::application::{AppReply, AppRequest, CONTROLLER};
use pq_otp::{Pid, ProcessInfo, RequestError, Term};
use pq_protocol::answer::{Missing, Operation, Rows};
use pq_protocol::{Exit, Failure};

use super::answer::{App, Libraries, Name, NodeStatus, Scope, Stalled, Status, TreeRow};
use super::desk::Desk;
use super::door;
use super::tree::{self, Detail};
use crate::applications::NODE_VSN;
use crate::clock::rfc3339;
use crate::stdio;

/// How long the shards may take to list their processes. A million are listed within two seconds.
const LIST_TIMEOUT_MS: u64 = 10_000;

/// How long the application controller may take: it is asked while applications start and stop.
const APPS_TIMEOUT_MS: u64 = 5_000;

/// `status`: counts that cost nothing, whatever the node is at.
pub(crate) fn status(desk: &Desk) -> Status {
    let booted = &desk.booted;
    let counters = booted.counters();
    let count = |of: fn(&pq_otp::Counters) -> u64| counters.iter().map(of).sum::<u64>();
    let libraries = booted.code().libraries();
    Status {
        release: desk.releases.running(),
        settings: desk.releases.settings(),
        node: NodeStatus {
            vsn: NODE_VSN.to_string(),
            pid: std::process::id(),
            root: booted.root().display().to_string(),
            since: rfc3339(desk.started),
            uptime_ms: elapsed_ms(desk.started),
            // Besides them there is one for supervisors (`boot`).
            shards: counters.len().saturating_sub(1) as u64,
        },
        // A shard may have been read between a birth and the end that another shard counts.
        processes: count(|shard| shard.spawned).saturating_sub(count(|shard| shard.exited)),
        ports: booted.node().port_count() as u64,
        door: door::status(desk),
        libraries: Libraries {
            count: libraries.len() as u64,
            mapped_bytes: libraries.iter().map(|library| library.mapped_bytes).sum(),
            allocated_bytes: libraries
                .iter()
                .map(|library| library.allocated_bytes)
                .sum(),
        },
        stalls: stalls(desk),
        conversions_given_up: booted.node().conversions_given_up(),
        dropped_lines: stdio::dropped(),
        operation: operation(desk),
        shutdown: desk.shutdown.planned(),
    }
}

/// What does not end.
fn stalls(desk: &Desk) -> Vec<Stalled> {
    let stalled = |stall: pq_otp::Stall| Stalled {
        shard: stall.shard.map(|shard| shard as u64),
        processes: stall.shard.map_or(0, |shard| living(desk, shard)),
        pid: stall.pid.map(|pid| pid.to_string()),
        sentence: stall.to_string(),
        name: stall.name,
        module: stall.module,
        vsn: stall.vsn,
        function: stall.function,
        age_ms: stall.age_ms,
        cpu_ms: stall.cpu_ms,
        asleep_ms: stall.asleep_ms,
        is_stalled: stall.is_stalled,
    };
    desk.node().stalls().into_iter().map(stalled).collect()
}

/// How many processes live on a shard, as far as it has said.
fn living(desk: &Desk, shard: usize) -> u64 {
    let counters = desk.booted.counters();
    let counters = counters.get(shard).copied().unwrap_or_default();
    counters.spawned.saturating_sub(counters.exited)
}

/// The operation in progress, and how far it is at this moment.
fn operation(desk: &Desk) -> Option<Operation> {
    let noted = desk.turn.now()?;
    Some(Operation {
        progress: desk.releases.progress().or(noted.progress),
        ..noted
    })
}

/// Milliseconds since a moment; 0 when the clock was set back.
fn elapsed_ms(since: SystemTime) -> u64 {
    since.elapsed().unwrap_or_default().as_millis() as u64
}

/// `apps`: in the order of their start.
pub(crate) fn apps(desk: &Desk) -> Result<Rows<App>, Failure> {
    let reply = desk
        .node()
        .applications_while_answering(&AppRequest::Which, APPS_TIMEOUT_MS);
    if let Err(RequestError::Stalled(why)) = reply {
        return Ok(apps_noted(desk, why));
    }
    let running = match reply.map_err(|error| unanswered("list the applications", &error))? {
        AppReply::Running(running) => running,
        other => {
            let sentence = format!("failed to list the applications: the answer was {other:?}");
            return Err(Failure::new(Exit::Internal, sentence));
        }
    };
    Ok(Rows::of(running.into_iter().rev().map(app).collect()))
}

fn app((name, description, vsn): (String, String, String)) -> App {
    App {
        name,
        vsn,
        description,
    }
}

/// As the application controller has said last, where it cannot be asked.
fn apps_noted(desk: &Desk, why: String) -> Rows<App> {
    let running = desk.node().applications_noted().into_iter();
    let controller = desk.node().whereis(CONTROLLER);
    let shard = controller.map_or(0, |pid| usize::from(pid.shard()));
    let missing = Missing {
        shard: shard as u64,
        processes: living(desk, shard),
        why,
    };
    Rows::of(running.rev().map(app).collect()).without(vec![missing])
}

/// `tree`.
pub(crate) fn tree(desk: &Desk, detail: Detail) -> Result<Rows<TreeRow>, Failure> {
    let (processes, missing) = processes(desk);
    Ok(Rows::of(tree::rows(processes, detail)).without(missing))
}

/// `names`: the node's own first, each kind in order.
pub(crate) fn names(desk: &Desk, containing: Option<&str>) -> Result<Rows<Name>, Failure> {
    let wanted = |name: &str| containing.is_none_or(|text| name.contains(text));
    let mut local = desk.node().registered();
    local.sort();
    let local = local
        .into_iter()
        .map(|(name, pid)| (name, Scope::Local, pid));
    let registry = desk.booted.names();
    let mut kept: Vec<(Term, Pid)> = registry
        .get_names()
        .into_iter()
        .filter_map(|name| registry.whereis(&name).map(|pid| (name, pid)))
        .collect();
    kept.sort();
    let kept = kept
        .into_iter()
        .map(|(name, pid)| (name.to_string(), Scope::Regis, pid));
    let rows = local.chain(kept).filter(|(name, ..)| wanted(name));
    let (processes, missing) = processes(desk);
    // Who has ended while the others were looked up has no name any more.
    let rows = rows.filter(|(.., pid)| desk.node().is_alive(*pid));
    let of: HashMap<Pid, ProcessInfo> = processes
        .into_iter()
        .map(|process| (process.pid, process))
        .collect();
    let row = |(name, scope, pid): (String, Scope, Pid)| Name {
        name,
        scope,
        pid: pid.to_string(),
        module: of.get(&pid).map(|process| process.module.clone()),
        vsn: of.get(&pid).map(|process| process.vsn.clone()),
    };
    Ok(Rows::of(rows.map(row).collect()).without(missing))
}

/// All processes of the shards that answer, and which do not.
pub(super) fn processes(desk: &Desk) -> (Vec<ProcessInfo>, Vec<Missing>) {
    let listing = desk.node().processes_that_answer(LIST_TIMEOUT_MS);
    let missing = |missing: pq_otp::Missing| Missing {
        shard: missing.shard as u64,
        processes: living(desk, missing.shard),
        why: missing.why,
    };
    let missing = listing.missing.into_iter().map(missing).collect();
    (listing.answers, missing)
}

/// The node did not answer a question that changes nothing.
fn unanswered(what: &str, error: &RequestError) -> Failure {
    Failure::new(Exit::Unknown, format!("failed to {what}: {error}"))
}
