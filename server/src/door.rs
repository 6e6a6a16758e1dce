//! The node's listeners for players (the "door"): opened at the node's start, and reconfigured after an upgrade has
//! changed the environment of the door's application.
//!
//! | module | contents |
//! |---|---|
//! | `application` | the choice of the door's application |
//! | `settings`, `limits`, `game`, `tls`, `web` | the settings in its environment |
//! | `asker` | the door's questions about players to the game |
//! | this file | opening and configuring listeners, and the release's values for MSSP |
//!
//! Operators' actions on players are in `commands`.

mod application;
mod asker;
mod game;
mod limits;
mod settings;
mod tls;
pub(crate) mod web;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use pq_release::boot::BootRelease;
use pq_term::Term;
use sockserv::{Door, Listing, Mssp, Settings};

use crate::boot::Booted;
use crate::options;
use crate::running::Releases;
use crate::saves;
use crate::words::linger;
pub(crate) use application::Application;
use asker::Asker;
pub(crate) use game::{Game, Story};
pub(crate) use settings::READ_AGAIN;

/// Opens the listeners if the release has an application for them.
pub(crate) async fn open(
    booted: &Booted,
    options: &options::Node,
    releases: Arc<Releases>,
) -> anyhow::Result<Option<Arc<Door>>> {
    let Some(application) = booted.behind_door() else {
        return Ok(None);
    };
    let (node, name) = (booted.node(), &*application.name);
    let Some(port) = node.env(name, "port") else {
        return Ok(None);
    };
    let address = SocketAddr::new(options.bind, settings::port_of(name, &port)?);
    let settings = read(booted, application, releases)?;
    let door = Door::open(node.clone(), address, settings).await;
    let door = door.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => "; choose a port with --port, 0 takes a free one",
            _ => "",
        };
        anyhow::anyhow!("failed to listen on {address}: {error}{advice}")
    })?;
    note_shares(&door, name, node.env(name, "limits"));
    tls::open(
        &door,
        name,
        tls::Wanted {
            setting: node.env(name, "tls"),
            root: booted.root(),
            options,
        },
    )
    .await?;
    web::open(&door, name, node.env(name, "web"), options).await?;
    Ok(Some(Arc::new(door)))
}

/// Logs the number of clients that the descriptors permit, and warns if the release's limit is higher.
fn note_shares(door: &Door, application: &str, limits: Option<Term>) {
    let shares = door.shares();
    let (descriptors, clients) = (shares.descriptors, shares.clients);
    match limits.as_ref().and_then(limits::clients) {
        Some(asked) if asked as u64 > clients as u64 => tracing::warn!(
            "clients of {application}'s limits is {asked}, and {descriptors} descriptors are enough for {clients}: further \
             clients are refused; raise the limit of open files (ulimit -n, LimitNOFILE=) by {}",
            asked as u64 - clients as u64
        ),
        _ => tracing::info!(
            "{descriptors} descriptors: enough for {clients} clients and {} connections that load the page; {} are the \
             node's own",
            shares.visits,
            shares.reserve
        ),
    }
}

/// Applies the present settings. Addresses of open listeners do not change.
///
/// # Errors
/// Fails on an invalid setting, and then changes nothing.
pub(crate) fn configure(
    door: &Door,
    booted: &Booted,
    releases: Arc<Releases>,
) -> anyhow::Result<()> {
    let Some(application) = booted.behind_door() else {
        return Ok(());
    };
    door.configure(read(booted, application, releases)?);
    let limits = booted.node().env(&application.name, "limits");
    note_shares(door, &application.name, limits);
    Ok(())
}

/// Checks the settings of [`READ_AGAIN`] before they take effect.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(crate) fn judge_settings(
    application: &str,
    env: impl Fn(&'static str) -> Option<Term>,
) -> anyhow::Result<()> {
    linger::read(application, env(linger::SETTING).as_ref())?;
    settings::read(application, env).map(drop)
}

/// Checks the settings of a release before the release runs.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let judged = || -> anyhow::Result<()> {
        let Some(Application { name, .. }) = &Application::of(release)? else {
            return Ok(());
        };
        let env = |key| release.env(name, key).cloned();
        env("port").map_or(Ok(0), |port| settings::port_of(name, &port))?;
        settings::read(name, env)?;
        Game::read(name, env("game").as_ref())?;
        saves::read(name, env)?;
        linger::read(name, env(linger::SETTING).as_ref())?;
        tls::judge(name, env("tls"))?;
        web::judge(name, env("web"))
    };
    judged().map_err(|error| format!("{error:#}"))
}

fn read(
    booted: &Booted,
    application: &Application,
    releases: Arc<Releases>,
) -> anyhow::Result<Settings> {
    let (node, name) = (booted.node(), &*application.name);
    let (settings, variables) = settings::read(name, |key| node.env(name, key))?;
    let game = Game::of(booted)?;
    let sessions = game
        .sessions
        .clone()
        .or_else(|| application.registered.clone());
    Ok(Settings {
        supervisor: sessions.unwrap_or_default(),
        noun: game.noun.clone(),
        game: Arc::new(Asker::new(booted, &game)),
        listing: Arc::new(Listed {
            releases,
            variables,
        }),
        ..settings
    })
}

/// The values for lists of games (MSSP) that the door does not know: the running release, and the operator's own
/// values.
struct Listed {
    releases: Arc<Releases>,
    variables: settings::Variables,
}

impl Listing for Listed {
    fn list(&self, mssp: &mut Mssp) {
        let running = self.releases.running();
        mssp.set("NAME", &running.name);
        mssp.set("CODEBASE", format!("pq/{} {}", running.name, running.vsn));
        for (name, value) in &self.variables {
            mssp.set(name, value);
        }
    }
}
