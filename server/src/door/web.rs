//! The web listener for browsers: its port.
//!
//! ```erlang
//! {web, [{port, 8083}]}
//! ```
//! A port from the command line must be free. A default port, or a port from the release, may be in use by another
//! process: the node then logs a warning and runs without the page, because telnet still works.

use std::net::SocketAddr;

use anyhow::{Context, anyhow};
use pq_term::Term;
use sockserv::Door;

use super::settings::port_of;
use crate::options;

/// The default port, next to the telnet port 8082.
pub(crate) const PORT: u16 = 8_083;

/// Opens the web listener if the command line or the environment configures one.
pub(super) async fn open(
    door: &Door,
    application: &str,
    env: Option<Term>,
    options: &options::Node,
) -> anyhow::Result<()> {
    let asked = env.map(|term| read(application, &term)).transpose()?;
    let Some(port) = options.web_port.or(options.usual_web_port).or(asked) else {
        return Ok(());
    };
    let address = SocketAddr::new(options.bind, port);
    match door.listen_web(address).await {
        Ok(_) => Ok(()),
        Err(error) if options.web_port.is_some() => Err(anyhow!(
            "failed to listen on {address} for browsers: {error}; choose a port with --web-port, 0 takes a free one"
        )),
        Err(error) => {
            tracing::warn!(%address, %error, "no page for browsers: choose a port with --web-port, 0 takes a free one");
            Ok(())
        }
    }
}

/// Checks the setting `web` of a release.
pub(super) fn judge(application: &str, env: Option<Term>) -> anyhow::Result<()> {
    env.map_or(Ok(()), |term| read(application, &term).map(|_| ()))
}

/// Parses the port of the setting `web`.
fn read(application: &str, term: &Term) -> anyhow::Result<u16> {
    let needed = || format!("web of {application} is {term}, where [{{port, Number}}] is needed");
    let [pair] = term.as_list().with_context(needed)? else {
        return Err(anyhow!(needed()));
    };
    match pair.as_tuple() {
        Some([key, port]) if key.is_atom("port") => port_of(application, port).with_context(needed),
        _ => Err(anyhow!(needed())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_or_refused_with_what_would_be_right() {
        let read = |text: &str| read("talk", &pq_term::read_term(text).unwrap());
        assert_eq!(read("[{port,8083}]").unwrap(), 8_083);
        assert_eq!(read("[{port,0}]").unwrap(), 0);
        for odd in [
            "8083",
            "[]",
            "[{port,65536}]",
            "[{ports,1}]",
            "[port]",
            "[{port,1},{port,2}]",
        ] {
            let error = read(odd).unwrap_err().to_string();
            assert!(
                error.contains("[{port, Number}] is needed"),
                "{odd}: {error}"
            );
        }
    }
}
