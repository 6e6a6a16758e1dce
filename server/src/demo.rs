//! `pq demo`: builds the game from its sources and runs it, and prints three commands for its upgrade.
//!
//! ```text
//!   releases/1.0.0 ─► libraries ─► the tree ─► boot ─► players
//!   releases/1.1.0 ─► relup                          ─► libraries ─► a tree beside it ─► the package
//!   releases/1.2.0 ─► relup                            ─► the same behind that
//! ```
//! A tree whose permanent release is another one stays as it is, because a user has upgraded it.

use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, anyhow};
use pq_protocol::Who;
use pq_release::boot::ReleaseTree;
use pq_release::releases::{Release, Releases};
use pq_release::tree::Overwrite;
use pq_release::{FileError, layout};

use crate::addresses::Addresses;
use crate::author::build::{Pieces, say_where};
use crate::clock::rfc3339;
use crate::door::web;
use crate::libraries::Workspace;
use crate::live::tokens::LIFE_MAX;
use crate::running::RunningNode;
use crate::saves::DATA;
use crate::streams::say;
use crate::system::TreeLock;
use crate::{boot, cli, logging, metrics, options, run};

mod next;
mod typed;

use next::{FIRST, Next, Packing, after};
use typed::typed;

/// Builds the first release unless the tree has a newer one, runs the permanent release, and packs the next one
/// meanwhile.
pub(crate) fn demo(options: &cli::Demo) -> anyhow::Result<()> {
    logging::install(options.node.log_format)?;
    let workspace = Arc::new(Workspace::with_release(FIRST)?);
    say(format_args!(
        "the sources are in {}",
        workspace.root().display()
    ));
    let root = options.root.clone();
    let root = root.unwrap_or_else(|| workspace.target().join("rel"));
    let later = match permanent(&root)? {
        Some(vsn) if vsn != FIRST => {
            say(format_args!(
                "release {vsn} is permanent in {}",
                root.display()
            ));
            Next::missing(&workspace, &vsn, &listed(&root))?
        }
        _ => prepare(&workspace, &root)?,
    };
    if options.fresh {
        set_saves_aside(&root)?;
    }
    let node = with_pages(&options.node);
    let mut packing = None;
    run::run(&root, run::Which::default(), &node, |addresses, running| {
        say_where_to_watch(running);
        say_where_to_play(addresses, &node);
        match later.first() {
            Some(next) if is_next(&root, next.vsn) => say(format_args!(
                "\nRelease {} is being built. The lines that install it are printed when it is ready.",
                next.vsn
            )),
            _ => say_what_to_type(&root),
        }
        packing = Some(Packing::begin(workspace, later, root.clone(), say_packed));
    })
}

/// Whether this release follows the permanent one.
fn is_next(root: &Path, vsn: &str) -> bool {
    let permanent = permanent(root).ok().flatten();
    permanent.is_some_and(|permanent| after(&permanent) == Some(vsn))
}

/// Prints how to install a release that is packed.
fn say_packed(root: &Path, vsn: &str) {
    match is_next(root, vsn) {
        true => say_what_to_type(root),
        false => say(format_args!(
            "\nRelease {vsn} is packed, too: its players come back by a word. When the release before it is \
             permanent, the same lines with {vsn} install it."
        )),
    }
}

/// Adds the default web ports to the options; with `--port 0`, the web ports are also picked by the system.
fn with_pages(options: &options::Node) -> options::Node {
    let usual = |port| match options.port {
        Some(0) => 0,
        _ => port,
    };
    let is_picked = |typed: Option<u16>| typed.is_none();
    options::Node {
        usual_web_port: is_picked(options.web_port).then_some(usual(web::PORT)),
        usual_metrics_port: is_picked(options.metrics_port).then_some(usual(metrics::PORT)),
        ..options.clone()
    }
}

/// Gives the directory with the saves a name with the time.
fn set_saves_aside(root: &Path) -> anyhow::Result<()> {
    let _lock = TreeLock::take(root)?;
    let data = root.join(DATA);
    if !data.is_dir() {
        return Ok(());
    }
    let now = rfc3339(SystemTime::now()).replace(':', "-");
    let aside = root.join(format!("{DATA}.{now}"));
    std::fs::rename(&data, &aside)
        .with_context(|| format!("failed to rename {}", data.display()))?;
    say(format_args!("the saves so far are in {}", aside.display()));
    Ok(())
}

/// The version of the tree's permanent release; `None` without a tree.
fn permanent(root: &Path) -> anyhow::Result<Option<String>> {
    match ReleaseTree::open(root, boot::runtime()?).start_erl() {
        Ok(start) => Ok(Some(start.vsn)),
        Err(FileError::Read {
            kind: ErrorKind::NotFound,
            ..
        }) => Ok(None),
        Err(error) => Err(anyhow!("failed to {error}")),
    }
}

/// Builds the first release in the tree. Returns the later ones for packing, except those that the tree has.
fn prepare(workspace: &Arc<Workspace>, root: &Path) -> anyhow::Result<Vec<Next>> {
    if layout::releases(root).is_dir() {
        // Nothing is replaced under a running node, and a conflict is reported before cargo builds.
        drop(TreeLock::take(root)?);
    }
    let first = Pieces::build(workspace, &workspace.rel_file(FIRST)?)?;
    // New builds may change libraries without a new version, which is permitted here because no node runs them.
    say_where(&first.lay_out(workspace, root, Overwrite::Code)?, root);
    Next::missing(workspace, FIRST, &listed(root))
}

/// The directory of the first release in the sources; `None` without sources.
pub(crate) fn first_release() -> Option<PathBuf> {
    let sources = Workspace::folder_with_release(FIRST).ok()?;
    Some(sources.join("releases").join(FIRST))
}

/// The releases that the tree lists. An unreadable list counts as empty, because the boot reports its error.
fn listed(root: &Path) -> Vec<Release> {
    let releases = Releases::read(&layout::releases_file(root));
    releases.unwrap_or_default().0
}

/// Prints the address of the live page, with a token for its orders. The terminal is that of the operator.
fn say_where_to_watch(node: &RunningNode) {
    let token = node.tokens().issue(&Who::own(), LIFE_MAX);
    if let (Some(page), Ok(token)) = (node.live_page(), token) {
        say(format_args!(
            "\nWatch it, and upgrade it there, in a browser:\n    {page}#token={token}"
        ));
    }
}

/// Prints how to connect.
fn say_where_to_play(addresses: Addresses, options: &options::Node) {
    if let Some(address) = addresses.plain {
        let (name, port) = (host(address.ip()), address.port());
        say(format_args!(
            "\nPlay it from another terminal:\n    telnet {name} {port}\nor  nc {name} {port}"
        ));
        match (addresses.web, options.usual_web_port) {
            (Some(page), _) => {
                let name = match host(page.ip()) {
                    ip if ip.contains(':') => format!("[{ip}]"),
                    name => name,
                };
                say(format_args!(
                    "or open http://{name}:{}/ in a browser",
                    page.port()
                ));
            }
            (None, Some(port)) => say(format_args!(
                "No page for browsers: port {port} is in use. --web-port 0 takes a free port."
            )),
            (None, None) => (),
        }
    }
}

/// An address as users of this machine type it.
fn host(ip: IpAddr) -> String {
    match ip.is_loopback() || ip.is_unspecified() {
        true => "localhost".to_string(),
        false => ip.to_string(),
    }
}

/// Prints the commands for the upgrade.
fn say_what_to_type(root: &Path) {
    let permanent = permanent(root).ok().flatten().unwrap_or_default();
    let lines = next_lines(&permanent, &listed(root));
    if !lines.is_empty() {
        say(format_args!("\nUpgrade it while you play:"));
    }
    let program = std::env::current_exe().unwrap_or_else(|_| "pq".into());
    for line in lines {
        say(format_args!(
            "    {} {line} --root {}",
            typed(&program),
            typed(root)
        ));
    }
    say(format_args!("\nCtrl-C stops the node."));
}

/// The commands that upgrade the permanent release to the next release; empty if there is none.
fn next_lines(permanent: &str, listed: &[Release]) -> Vec<String> {
    let mut listed = listed.iter();
    let running = listed.clone().find(|release| release.vsn == permanent);
    let (Some(Release { name, .. }), Some(next)) = (running, after(permanent)) else {
        return Vec::new();
    };
    let is_new = listed.all(|release| release.vsn != next);
    let unpack = is_new.then(|| format!("unpack {name}-{next}"));
    let others = ["install", "make-permanent"].map(|word| format!("{word} {next}"));
    unpack.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use pq_release::releases::Status;

    use super::*;

    #[test]
    fn what_has_been_done_is_not_to_be_typed_again() {
        let lines = |permanent: &str, listed: &[&str]| {
            let release = |vsn: &&str| Release {
                name: "processquest".to_string(),
                vsn: vsn.to_string(),
                erts_vsn: "1.0.0".to_string(),
                libs: Vec::new(),
                status: Status::Old,
            };
            let listed: Vec<Release> = listed.iter().map(release).collect();
            next_lines(permanent, &listed)
        };
        assert_eq!(
            lines("1.0.0", &["1.0.0"]),
            [
                "unpack processquest-1.1.0",
                "install 1.1.0",
                "make-permanent 1.1.0"
            ]
        );
        assert_eq!(
            lines("1.0.0", &["1.1.0", "1.0.0"]),
            ["install 1.1.0", "make-permanent 1.1.0"]
        );
        assert_eq!(
            lines("1.1.0", &["1.1.0", "1.0.0"]),
            [
                "unpack processquest-1.2.0",
                "install 1.2.0",
                "make-permanent 1.2.0"
            ]
        );
        assert!(lines("1.2.0", &["1.2.0", "1.1.0"]).is_empty());
        assert!(lines("0.9.0", &["0.9.0"]).is_empty());
    }
}
