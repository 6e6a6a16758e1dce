//! The saves of a node: the settings `durable` and `save`, the store in the release tree, and the versions of modules for
//! states of other versions. `pq-saves` does the work.
//!
//! | who | calls |
//! |---|---|
//! | `run` | [`open`] before the door opens, [`connect`] after it, [`finish`] before the applications stop |
//! | `commands` | the questions about rows, and the commands for a node that does not run ([`Release`], [`Removed`]) |

mod needs;
mod release;
mod removed;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pq_otp::Term;
use pq_saves::{Audience, BadSetting, CameBack, Durable, Pace, Saves, Setup, Telling, Waiting};
use sockserv::{Door, Noun};

use crate::boot::Booted;
use crate::client::counted;
use crate::door::Game;
use crate::options;
use crate::streams::say;
pub(crate) use needs::{Lost, lost_without};
pub(crate) use release::{Release, durable_names};
pub(crate) use removed::{Removed, write_new};
pub(crate) use versions::{versions_in, versions_of};

/// The directory of the store in a release tree.
pub(crate) const DATA: &str = "data";

/// The limit for the last save, of the 60 s that a stop may take.
const FINISH_TIMEOUT: Duration = Duration::from_secs(30);

/// The store of a release tree.
pub(crate) fn file(root: &Path) -> PathBuf {
    root.join(DATA).join("saves.db")
}

/// The directory with the removed rows of a release tree.
pub(crate) fn removed(root: &Path) -> PathBuf {
    root.join(DATA).join("removed")
}

/// Checks the settings of an application.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(crate) fn read(
    application: &str,
    env: impl Fn(&'static str) -> Option<Term>,
) -> Result<(Vec<Durable>, Pace), BadSetting> {
    let durable = Durable::read(application, env("durable").as_ref())?;
    Ok((durable, Pace::read(application, env("save").as_ref())?))
}

/// Opens the store, and begins to put all saved avatars back. When that is over, says how many, and calls `on_end`. `None` for a
/// release without durable avatars.
///
/// # Errors
/// When a setting is invalid, or the store cannot be used.
pub(crate) fn open(
    booted: &Booted,
    options: &options::Node,
    on_end: impl FnOnce() + Send + 'static,
) -> anyhow::Result<Option<Saves>> {
    let Some(application) = booted.behind_door() else {
        return Ok(None);
    };
    let (node, name) = (booted.node(), &*application.name);
    let (durable, pace) = read(name, |key| node.env(name, key))?;
    if durable.is_empty() || options.no_saves {
        return Ok(None);
    }
    let (file, noun) = (
        file(booted.root()),
        Game::of(booted).unwrap_or_default().noun,
    );
    let of_boot = file.clone();
    let setup = Setup {
        node: node.clone(),
        file,
        durable,
        pace,
        versions: Arc::new(versions_of(booted)),
        on_end: Box::new(move |back| {
            say_who_came_back(&back, &of_boot, &noun);
            on_end();
        }),
    };
    let saves = Saves::open(setup).map_err(|error| {
        anyhow::anyhow!("failed to {error}; --no-saves starts the node without its saves")
    })?;
    booted.names().reserve(Box::new(saves.reserved()));
    Ok(Some(saves))
}

fn say_who_came_back(back: &CameBack, file: &Path, noun: &Noun) {
    let file = file.display();
    let many = &noun.many;
    tracing::info!(file = %file, came_back = back.came_back, set_aside = back.set_aside, "{many} are saved");
    if back.came_back + back.set_aside + back.failed + back.left == 0 {
        return;
    }
    let aside = match back.set_aside {
        0 => String::new(),
        1 => "; 1 could not be opened and is set aside".to_string(),
        count => format!("; {count} could not be opened and are set aside"),
    };
    let failed = match back.failed {
        0 => String::new(),
        1 => "; 1 that has failed stays set aside".to_string(),
        count => format!("; {count} that have failed stay set aside"),
    };
    let left = match back.left {
        0 => String::new(),
        count => format!("; {count} of other supervisors stay as they are"),
    };
    let seconds = back.took.as_secs_f64();
    let avatars = counted(back.came_back, &noun.one, many);
    say(format_args!(
        "{avatars} came back in {seconds:.3} s from {file}{aside}{failed}{left}"
    ));
}

/// From now on, clients of this door are told of their avatars when that is on the disk; or else the avatars that they watch
/// are saved soon after each change. A client whose avatar is set aside is told so.
pub(crate) fn connect(saves: &Saves, door: &Arc<Door>, noun: &Noun) {
    // The node has the function as long as it runs, and the door has the node.
    let of_aside = Arc::downgrade(door);
    let text = format!(
        "Your {} cannot be continued now; it is kept for the operators.",
        noun.one
    );
    saves.on_set_aside(move |avatar| {
        if let Some(door) = of_aside.upgrade() {
            door.tell_player(avatar, &text);
        }
    });
    let door = door.clone();
    match saves.telling() {
        Telling::Lazy => saves.watch(move || door.list_played()),
        Telling::Durable => {
            let told = door.told().clone();
            told.hold(saves.tell(Box::new(Clients { door })));
        }
    }
}

/// The clients of a door.
struct Clients {
    door: Arc<Door>,
}

impl Audience for Clients {
    fn take_waiting(&self) -> Vec<Waiting> {
        let waiting = self.door.told().take().into_iter();
        let of_session = waiting.map(|output| Waiting {
            who: output.session,
            roots: self.door.avatars_of(output.session),
            release: Box::new(move || output.release()),
        });
        of_session.collect()
    }

    fn tell(&self, waits: bool) {
        self.door.told().tell(waits);
    }
}

/// Saves all avatars and closes the store, and says how many. Returns whether all are saved.
pub(crate) fn finish(saves: &Saves, noun: &Noun) -> bool {
    let finished = saves.finish(Instant::now() + FINISH_TIMEOUT);
    let (saved, living, many) = (finished.saved, finished.living, &noun.many);
    let seconds = finished.took.as_secs_f64();
    let is_whole = saved >= living && finished.took > Duration::ZERO;
    match is_whole {
        true => tracing::info!(saved, "{many} are saved: {saved} in {seconds:.3} s"),
        false => tracing::error!(
            "failed to save all {many}: {saved} of {living} are saved, and the others as they were before"
        ),
    }
    is_whole
}
