//! Rehearsals of releases: this program as a child, the settings of both releases, and the files for replays. `pq-rehearsal` plays.
//!
//! ```text
//!   pq rehearse ─► copies from the node ─► this program again, twice, with an order ─► report ─► rehearsals/SEED.json
//!   pq replay ───► copies from that file ─► this program again ─► the steps before the crash
//! ```

mod record;
mod shown;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use pq_abi::crash::{LastWords, arm, watch_thread};
use pq_otp::Service;
use pq_protocol::{Exit, Failure};
use pq_rehearsal::{ENTRY, Judge, Program, Said, run_child};
use pq_release::boot::{BootRelease, ReleaseTree};
use rustix::stdio::stdin;

use crate::boot;
use crate::door::{Application, Game};
use crate::players::Players;
use crate::saves::versions_in;
use crate::words::Words;
use crate::{stdio, streams};
pub(crate) use record::Record;
pub(crate) use shown::{at, failed_avatar};

/// The order of this process, if it is a child of a rehearsal. Children are not for people, so the command line does not list them.
pub(crate) fn order_of_child() -> Option<String> {
    let mut words = std::env::args_os().skip(1);
    let is_child = words.next()? == ENTRY;
    words.next().filter(|_| is_child)?.into_string().ok()
}

/// Plays a side of a rehearsal in this process. The copies are on its standard input.
///
/// # Errors
/// When the order cannot be carried out.
pub(crate) fn child(order: &str) -> anyhow::Result<()> {
    arm(LastWords {
        file: None,
        stderr: stdio::real_stderr()?,
        is_json: false,
        has_settled: stdio::has_settled,
    })
    .context("failed to handle signals of faults")?;
    watch_thread();
    let copies = stdin().try_clone_to_owned();
    let copies = copies.context("failed to read the copies")?;
    let say = |said: &Said| {
        if let Ok(line) = serde_json::to_string(said) {
            streams::data(&(line + "\n"));
        }
    };
    let played = run_child(order, copies, program()?, Arc::new(say));
    pq_abi::crash::disarm();
    played.map_err(|why| anyhow!("failed to {why}"))
}

/// The parts of this program that a simulated node has.
fn program() -> anyhow::Result<Program> {
    let services: [(&'static str, Arc<dyn Service>); 2] = [
        ("words", Arc::<Words>::default()),
        ("players", Arc::<Players>::default()),
    ];
    Ok(Program {
        runtime: boot::runtime()?,
        services: services.into(),
        versions: versions_in,
    })
}

/// The judge of avatars: that of the release that is rehearsed, or else that of the running one.
///
/// # Errors
/// When a release cannot boot, or has an invalid setting.
pub(crate) fn judge(root: &Path, releases: [&str; 2]) -> Result<Option<Judge>, Failure> {
    let tree = boot::runtime().map(|runtime| ReleaseTree::open(root, runtime));
    let tree = tree.map_err(|why| refused(&why))?;
    for vsn in releases {
        let release = tree.boot_vsn(vsn);
        let release = release.map_err(|why| refused(&anyhow!("{why}")))?;
        let game = game(&release).map_err(|why| refused(&why))?;
        if let Some(judge) = game.judge() {
            return Ok(Some(judge));
        }
    }
    Ok(None)
}

fn game(release: &BootRelease) -> anyhow::Result<Game> {
    match Application::of(release)? {
        Some(application) => {
            let name = &application.name;
            Game::read(name, release.env(name, "game"))
        }
        None => Ok(Game::default()),
    }
}

fn refused(why: &anyhow::Error) -> Failure {
    Failure::new(Exit::Refused, format!("failed to rehearse: {why:#}"))
}
