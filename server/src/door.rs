//! The node's door: opened at its start, and set anew after an upgrade has changed the environment of `sockserv`.
//!
//! Rooms: `settings`, `limits`, `tls` and `web` read that environment, `game` and `sheet` answer the door's questions about
//! players, and here is what lists of games are told. What operators do at the door is `operator`'s.

mod game;
mod limits;
mod settings;
mod sheet;
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

/// The application whose environment it is.
const APPLICATION: &str = "sockserv";

/// Opens the door of `sockserv`, when the release has it.
pub(crate) async fn open(
    booted: &Booted,
    options: &options::Node,
    releases: Arc<Releases>,
) -> anyhow::Result<Option<Arc<Door>>> {
    let node = booted.node();
    let Some(port) = node.env(APPLICATION, "port") else {
        return Ok(None);
    };
    let address = SocketAddr::new(options.bind, settings::port_of(&port)?);
    let settings = read(booted, releases)?;
    let door = Door::open_with(node.clone(), address, "sockserv_sup", settings).await;
    let door = door.map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => "; choose a port with --port, 0 takes a free one",
            _ => "",
        };
        anyhow::anyhow!("failed to listen on {address}: {error}{advice}")
    })?;
    note_shares(&door, node.env(APPLICATION, "limits"));
    tls::open(&door, node.env(APPLICATION, "tls"), booted.root(), options).await?;
    web::open(&door, node.env(APPLICATION, "web"), options).await?;
    Ok(Some(Arc::new(door)))
}

/// Logs how many clients there are descriptors for, and that it is fewer than the release asks for, if it does.
fn note_shares(door: &Door, limits: Option<Term>) {
    let shares = door.shares();
    let (descriptors, clients) = (shares.descriptors, shares.clients);
    match limits.as_ref().and_then(limits::clients) {
        Some(asked) if asked as u64 > clients as u64 => tracing::warn!(
            "clients of sockserv's limits is {asked}, and {descriptors} descriptors are enough for {clients}: no more \
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
    door.configure(read(booted, releases)?);
    note_shares(door, booted.node().env(APPLICATION, "limits"));
    Ok(())
}

/// Reads the settings of a release that is to run.
///
/// # Errors
/// When a setting is none, with what would be right.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let env = |key| release.env(APPLICATION, key).cloned();
    let judged = || -> anyhow::Result<()> {
        env("port").map_or(Ok(0), |port| settings::port_of(&port))?;
        settings::read(env)?;
        tls::judge(env("tls"))?;
        web::judge(env("web"))
    };
    judged().map_err(|error| format!("{error:#}"))
}

fn read(booted: &Booted, releases: Arc<Releases>) -> anyhow::Result<Settings> {
    let node = booted.node();
    let (settings, variables) = settings::read(|key| node.env(APPLICATION, key))?;
    Ok(Settings {
        game: Arc::new(game::Quest::new(node, booted.names())),
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
