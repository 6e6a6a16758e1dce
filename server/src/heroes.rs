//! Heroes without sockets: for benches, demos and tests.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::{Node, Payload, Reason};
use pq_words::Opts;

/// Starts that are under way at once. Enough that no shard waits for this thread, few enough that their
/// requests fit an inbox (65 536).
const IN_FLIGHT_MAX: usize = 8_192;

/// How long a start may take before the filling gives up: a node that is that slow is not filled.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How the experience of a hero over a socket begins to count (`sockserv_serv`).
const LVLEXP: u64 = 50;

/// Starts that have not come out, and the first that failed.
#[derive(Default)]
struct Progress {
    in_flight: usize,
    failed: Option<String>,
}

type Shared = Arc<(Mutex<Progress>, Condvar)>;

/// Starts `count` heroes named `bot-0`, `bot-1` … at this pace; returns how long it took.
pub(crate) fn fill(node: &Node, count: u64, pace_ms: u32) -> anyhow::Result<Duration> {
    let supersup = node
        .whereis("pq_supersup")
        .context("processquest does not run: no process is pq_supersup")?;
    let opts = Opts {
        time: Some(pace_ms),
        lvlexp: Some(LVLEXP),
        ..Opts::default()
    };
    let shared = Shared::default();
    let began = Instant::now();
    for number in 0..count {
        wait_below(&shared, IN_FLIGHT_MAX)?;
        let args = rmp_serde::to_vec_named(&(format!("bot-{number}"), &opts))?;
        let (seen, counted) = (shared.clone(), shared.clone());
        counted
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .in_flight += 1;
        node.request(
            supersup,
            &spec::encode(&SupRequest::StartChild(args)),
            move |answer| note(&seen, answer),
        );
    }
    wait_below(&shared, 1)?;
    Ok(began.elapsed())
}

fn note(shared: &Shared, answer: Result<Payload, Reason>) {
    let failed = match answer.map(|reply| spec::decode(&reply)) {
        Ok(Ok(SupReply::Started(Some(_)))) => None,
        Ok(other) => Some(format!("{other:?}")),
        Err(reason) => Some(reason.to_string()),
    };
    let mut progress = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    progress.in_flight -= 1;
    progress.failed = progress.failed.take().or(failed);
    shared.1.notify_one();
}

/// Waits until fewer than `limit` starts are under way.
fn wait_below(shared: &Shared, limit: usize) -> anyhow::Result<()> {
    let progress = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
    let many = |progress: &mut Progress| progress.in_flight >= limit && progress.failed.is_none();
    let (progress, waited) = shared
        .1
        .wait_timeout_while(progress, START_TIMEOUT, many)
        .unwrap_or_else(PoisonError::into_inner);
    match &progress.failed {
        Some(why) => bail!("a hero could not be started: {why}"),
        None if waited.timed_out() => bail!(
            "heroes are started too slowly: {} are under way",
            progress.in_flight
        ),
        None => Ok(()),
    }
}
