//! `pq demo`: from the sources to a running game in one command.

use std::net::SocketAddr;
use std::path::Path;

use pq_release::tree::{AppPieces, ReleaseSpec, write_release};

use crate::cli;
use crate::libraries::{RELEASE_1_0_0, Workspace};
use crate::run::say;
use crate::{logging, run};

/// Builds release 1.0.0 below the root and runs it.
pub(crate) fn demo(options: &cli::Demo) -> anyhow::Result<()> {
    logging::install(options.node.log_format)?;
    let workspace = Workspace::find()?;
    let root = options
        .root
        .clone()
        .unwrap_or_else(|| workspace.default_release_root());
    build_release(&workspace, &root)?;
    run::run(&root, Some("1.0.0"), &options.node, say_what_to_type)
}

/// Lays the release out; what is there already and the same stays untouched.
fn build_release(workspace: &Workspace, root: &Path) -> anyhow::Result<()> {
    let texts: Vec<_> = RELEASE_1_0_0
        .iter()
        .map(|source| workspace.app_text(source))
        .collect::<Result<_, _>>()?;
    let libraries: Vec<_> = RELEASE_1_0_0
        .iter()
        .map(|source| workspace.build(source))
        .collect::<Result<_, _>>()?;
    let rel = workspace.release_file("1.0.0/processquest.rel")?;
    let sys_config = workspace.release_file("1.0.0/sys.config")?;
    let pieces = texts.iter().zip(&libraries);
    let applications = pieces
        .map(|(app, library)| AppPieces {
            app,
            appup: None,
            library: Some(library),
        })
        .collect();
    let spec = ReleaseSpec {
        rel: &rel,
        sys_config: Some(&sys_config),
        relup: None,
        applications,
    };
    let rel = write_release(root, &spec).map_err(|error| anyhow::anyhow!("failed to {error}"))?;
    say(format_args!(
        "release {} {} stands in {}",
        rel.name,
        rel.vsn,
        root.display()
    ));
    Ok(())
}

/// The lines to type next, as they stand.
fn say_what_to_type(address: Option<SocketAddr>) {
    let Some(address) = address else { return };
    let (host, port) = (
        if address.ip().is_loopback() {
            "localhost".to_string()
        } else {
            address.ip().to_string()
        },
        address.port(),
    );
    say(format_args!(
        "\nPlay it from another terminal:\n    telnet {host} {port}\nor  nc {host} {port}\n\n\
         Ctrl-C stops the node."
    ));
}
