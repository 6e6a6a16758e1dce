//! The node's door: where it stands, its settings from the environment of `sockserv`, and what it tells lists
//! of games.
//!
//! ```erlang
//! {sockserv, [{port, 8082},
//!             {keepalive_ms, 30000},        % or infinity: never
//!             {opening, probe},             % or quiet: the client begins
//!             {mssp, [{"NAME", "Process Quest"}, {"CONTACT", "ann@example.org"}]}]}
//! ```
//! What the door does with it is `sockserv`'s.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use pq_term::Term;
use sockserv::{Door, Listing, Mssp, Opening, Settings};

use crate::boot::Booted;
use crate::cli;
use crate::operator::Releases;

/// The application whose environment this is.
const APPLICATION: &str = "sockserv";

/// Opens the door of `sockserv`, when the release has it.
pub(super) async fn open(
    booted: &Booted,
    options: &cli::Node,
    releases: Arc<Releases>,
) -> anyhow::Result<Option<Arc<Door>>> {
    let env = |key| booted.node().env(APPLICATION, key);
    let Some(port) = env("port") else {
        return Ok(None);
    };
    let address = SocketAddr::new(options.bind, port_of(&port)?);
    let settings = settings(env, releases)?;
    let node = booted.node().clone();
    let door = Door::open_with(node, address, "sockserv_sup", settings).await;
    door.map(|door| Some(Arc::new(door))).map_err(|error| {
        let advice = match error.kind() {
            ErrorKind::AddrInUse => "; choose a port with --port, 0 takes a free one",
            _ => "",
        };
        anyhow::anyhow!("failed to listen on {address}: {error}{advice}")
    })
}

fn port_of(term: &Term) -> anyhow::Result<u16> {
    let number = term.as_i64().and_then(|number| u16::try_from(number).ok());
    number.with_context(|| {
        format!("the port of sockserv is {term}, where a number from 0 to 65535 is needed")
    })
}

fn settings(
    env: impl Fn(&'static str) -> Option<Term>,
    releases: Arc<Releases>,
) -> anyhow::Result<Settings> {
    let mut settings = Settings::default();
    if let Some(term) = env("keepalive_ms") {
        settings.keepalive = keepalive(&term)?;
    }
    if let Some(term) = env("opening") {
        settings.opening = opening(&term)?;
    }
    let variables = env("mssp").map_or(Ok(Vec::new()), |term| variables(&term))?;
    settings.listing = Arc::new(Game {
        releases,
        variables,
    });
    Ok(settings)
}

fn keepalive(term: &Term) -> anyhow::Result<Option<Duration>> {
    match term.as_i64() {
        _ if term.is_atom("infinity") => Ok(None),
        Some(ms @ 1..) => Ok(Some(Duration::from_millis(ms as u64))),
        _ => bail!(
            "keepalive_ms of sockserv is {term}, where a number of milliseconds from 1 on or infinity is needed"
        ),
    }
}

fn opening(term: &Term) -> anyhow::Result<Opening> {
    match term.as_atom().map(|atom| atom.as_str()) {
        Some("probe") => Ok(Opening::Probe),
        Some("quiet") => Ok(Opening::Quiet),
        _ => bail!("opening of sockserv is {term}, where probe or quiet is needed"),
    }
}

fn variables(term: &Term) -> anyhow::Result<Vec<(String, String)>> {
    let pairs = term
        .as_list()
        .and_then(|list| list.iter().map(variable).collect());
    pairs.with_context(|| {
        format!(
            "mssp of sockserv is {term}, where a list of {{\"NAME\", \"value\"}} or {{\"NAME\", number}} is needed"
        )
    })
}

fn variable(term: &Term) -> Option<(String, String)> {
    let [name, value] = term.as_tuple()? else {
        return None;
    };
    let value = match value.as_i64() {
        Some(number) => number.to_string(),
        None => value.as_str()?.to_string(),
    };
    Some((name.as_str()?.to_string(), value))
}

/// What lists of games are told besides what the door knows: the release that runs now, and what its operator
/// wants to be said.
struct Game {
    releases: Arc<Releases>,
    variables: Vec<(String, String)>,
}

impl Listing for Game {
    fn list(&self, mssp: &mut Mssp) {
        let running = self.releases.running();
        mssp.set("NAME", &running.name);
        mssp.set("CODEBASE", format!("pq/{} {}", running.name, running.vsn));
        for (name, value) in &self.variables {
            mssp.set(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        pq_term::read_term(text).unwrap()
    }

    #[test]
    fn settings_are_read_or_refused_with_what_would_be_right() {
        assert_eq!(keepalive(&term("infinity")).unwrap(), None);
        let ms = keepalive(&term("250")).unwrap();
        assert_eq!(ms, Some(Duration::from_millis(250)));
        assert_eq!(opening(&term("quiet")).unwrap(), Opening::Quiet);
        for odd in ["0", "-1", "never", "\"1\""] {
            let error = keepalive(&term(odd)).unwrap_err().to_string();
            assert!(error.contains("or infinity is needed"), "{error}");
        }
        assert!(opening(&term("loud")).is_err());
        assert!(port_of(&term("65536")).is_err());
    }

    #[test]
    fn variables_are_strings_or_numbers() {
        let read = variables(&term(r#"[{"NAME","Quest"},{"CREATED",2013}]"#)).unwrap();
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        assert_eq!(read, [pair("NAME", "Quest"), pair("CREATED", "2013")]);
        for odd in ["name", r#"[{"NAME"}]"#, r#"[{name,"Quest"}]"#] {
            assert!(variables(&term(odd)).is_err(), "{odd}");
        }
    }
}
