//! Avatars without clients, for benchmarks, demos and tests, started as the release defines (`fill` in `game`).

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use parking_lot::{Condvar, Mutex};
use pq_otp::spec::{self, SupReply, SupRequest};
use pq_otp::{Node, Payload, Reason};

use crate::door::Game;

/// The limit of concurrent starts: 2 ms of work, so no shard waits for this thread, and few enough for the cache of a
/// core.
const IN_FLIGHT_MAX: usize = 2_048;

/// The number of concurrent starts at which a new batch begins: waking a thread costs as much as one start.
const IN_FLIGHT_MIN: usize = IN_FLIGHT_MAX / 2;

/// The limit for one start; a slower node is not filled further.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The number of pending starts, and the first error.
struct Progress {
    in_flight: usize,
    failed: Option<String>,
}

/// A static, because a program fills one node once: a reference count per answer would move between the caches of two
/// cores twice per avatar.
static PROGRESS: Mutex<Progress> = Mutex::new(Progress {
    in_flight: 0,
    failed: None,
});

/// Notified when a new batch may begin, when all starts have ended, and after an error.
static CHANGED: Condvar = Condvar::new();

/// The avatars that were started, and the duration.
pub(crate) struct Filled {
    pub(crate) started: u64,
    pub(crate) took: Duration,
}

/// The avatars of a node without clients.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// The number of names: 0 to `count` - 1 behind the prefix of the release.
    pub(crate) count: u64,
    /// Their pace in milliseconds.
    pub(crate) pace_ms: u32,
}

/// Starts the avatars with these numbers, except those that play already: `plays` says whether one with this name does.
///
/// # Errors
/// Fails if the release does not define how to start avatars, or if a start exceeds its limit.
pub(crate) fn fill(
    node: &Node,
    game: &Game,
    wanted: Wanted,
    plays: impl Fn(&str) -> bool,
) -> anyhow::Result<Filled> {
    let Wanted { count, pace_ms } = wanted;
    let many = &game.noun.many;
    let (Some(supervisor), Some(fill)) = (&game.avatars, &game.fill) else {
        bail!(
            "failed to start {many}: the release has no {{avatars, …}} and {{fill, …}} in its setting game"
        );
    };
    let supervisor = node
        .whereis(supervisor)
        .with_context(|| format!("failed to start {many}: no process is {supervisor}"))?;
    let args = fill.at_pace(pace_ms);
    let began = Instant::now();
    let batch = IN_FLIGHT_MAX - IN_FLIGHT_MIN;
    let mut started = 0;
    for first in (0..count).step_by(batch) {
        wait_down_to(IN_FLIGHT_MIN)?;
        let numbers = first..count.min(first + batch as u64);
        let numbers: Vec<u64> = numbers
            .filter(|number| !plays(&args.name(*number)))
            .collect();
        started += numbers.len() as u64;
        PROGRESS.lock().in_flight += numbers.len();
        for number in numbers {
            let request = spec::encode(&SupRequest::StartChild(args.of(number)));
            node.request(supervisor, &request, note);
        }
    }
    wait_down_to(0)?;
    let took = began.elapsed();
    Ok(Filled { started, took })
}

fn note(answer: Result<Payload, Reason>) {
    let failed = match answer.map(|reply| spec::decode_reply(&reply)) {
        Ok(Ok(SupReply::Started(Some(_)))) => None,
        Ok(other) => Some(format!("{other:?}")),
        Err(reason) => Some(reason.to_string()),
    };
    let mut progress = PROGRESS.lock();
    progress.in_flight -= 1;
    progress.failed = progress.failed.take().or(failed);
    if [IN_FLIGHT_MIN, 0].contains(&progress.in_flight) || progress.failed.is_some() {
        CHANGED.notify_one();
    }
}

/// Waits until at most `limit` starts are pending.
fn wait_down_to(limit: usize) -> anyhow::Result<()> {
    let many = |progress: &mut Progress| progress.in_flight > limit && progress.failed.is_none();
    let mut progress = PROGRESS.lock();
    let waited = CHANGED.wait_while_for(&mut progress, many, START_TIMEOUT);
    match &progress.failed {
        Some(why) => bail!("failed to start all of them: {why}"),
        None if waited.timed_out() => bail!(
            "the avatars start too slowly: {} starts are pending",
            progress.in_flight
        ),
        None => Ok(()),
    }
}
