//! The node's door: opened at its start, and set anew after an upgrade has changed the environment of the application
//! behind it.
//!
//! | module | contents |
//! |---|---|
//! | `application` | which application is behind the door |
//! | `settings`, `limits`, `game`, `tls`, `web` | what its environment says |
//! | `asker` | the door's questions about players, asked of the game |
//! | here | what listens, and what lists of games are told |
//!
//! What operators do at the door is `operator`'s.

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
pub(crate) use application::Application;
use asker::Asker;
pub(crate) use game::Game;

/// Opens the door, when the release has an application behind it.
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

/// Logs how many clients there are descriptors for, and that it is fewer than the release asks for, if it does.
fn note_shares(door: &Door, application: &str, limits: Option<Term>) {
    let shares = door.shares();
    let (descriptors, clients) = (shares.descriptors, shares.clients);
    match limits.as_ref().and_then(limits::clients) {
        Some(asked) if asked as u64 > clients as u64 => tracing::warn!(
            "clients of {application}'s limits is {asked}, and {descriptors} descriptors are enough for {clients}: no more \
             are let in; raise the limit of open files (ulimit -n, LimitNOFILE=) by {}",
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

/// Brings the settings into force that the node has now. What listens where stays as it is.
///
/// # Errors
/// When a setting is none: the door stays as it was.
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

/// Reads the settings of a release that is to run.
///
/// # Errors
/// When a setting is none, with what would be right.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let judged = || -> anyhow::Result<()> {
        let Some(Application { name, .. }) = &Application::of(release)? else {
            return Ok(());
        };
        let env = |key| release.env(name, key).cloned();
        env("port").map_or(Ok(0), |port| settings::port_of(name, &port))?;
        settings::read(name, env)?;
        Game::read(name, env("game").as_ref())?;
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
        game: Arc::new(Asker::new(node, booted.names(), &game)),
        listing: Arc::new(Listed {
            releases,
            variables,
        }),
        ..settings
    })
}

/// What lists of games are told besides what the door knows: the release that runs now, and what its operator
/// wants to be said.
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
