//! The settings of the door, from the environment of the door's application.
//!
//! ```erlang
//! {talk, [{port, 8082},
//!         {keepalive_ms, 30000},        % or infinity, without keepalives
//!         {opening, probe},             % or quiet, where the client begins
//!         {mssp, [{"NAME", "Process Quest"}, {"CONTACT", "ann@example.org"}]},
//!         {limits, [{lines, {10, 30}}]},       % see `limits`
//!         {proxies, ["10.0.0.0/8"]},           % proxies, which must name their client's address; default: none
//!         {tls, [{port, 8992}, …]},            % see `tls`; read at the node's start
//!         {web, [{port, 8083}]},           % see `web`; read at the node's start
//!         {game, […]}]}                    % see `game`
//! ```
//! `sockserv` defines the effect of the settings.

use std::time::Duration;

use anyhow::{Context, bail};
use pq_term::Term;
use sockserv::{Opening, Settings};

use super::limits;

/// The settings that [`read`] parses.
pub(crate) const READ_AGAIN: [&str; 6] = [
    "keepalive_ms",
    "opening",
    "limits",
    "proxies",
    "mssp",
    "linger_ms",
];

/// The operator's values for lists of games (MSSP).
pub(super) type Variables = Vec<(String, String)>;

/// Parses all settings that take effect without a restart. The caller adds the questions to the game.
pub(super) fn read(
    application: &str,
    env: impl Fn(&'static str) -> Option<Term>,
) -> anyhow::Result<(Settings, Variables)> {
    let mut settings = Settings::default();
    if let Some(term) = env("keepalive_ms") {
        settings.keepalive = keepalive(application, &term)?;
    }
    if let Some(term) = env("opening") {
        settings.opening = opening(application, &term)?;
    }
    if let Some(term) = env("limits") {
        settings.limits = limits::read(application, &term)?;
    }
    if let Some(term) = env("proxies") {
        settings.proxies = limits::networks(&format!("proxies of {application}"), &term)?;
    }
    let variables = env("mssp").map_or(Ok(Vec::new()), |term| variables(application, &term))?;
    Ok((settings, variables))
}

/// Parses a port number.
pub(super) fn port_of(application: &str, term: &Term) -> anyhow::Result<u16> {
    let number = term.as_i64().and_then(|number| u16::try_from(number).ok());
    number.with_context(|| {
        format!("the port of {application} is {term}, where a number from 0 to 65535 is needed")
    })
}

fn keepalive(application: &str, term: &Term) -> anyhow::Result<Option<Duration>> {
    match term.as_i64() {
        _ if term.is_atom("infinity") => Ok(None),
        Some(ms @ 1..) => Ok(Some(Duration::from_millis(ms as u64))),
        _ => bail!(
            "keepalive_ms of {application} is {term}, where a number of milliseconds from 1 on or infinity is needed"
        ),
    }
}

fn opening(application: &str, term: &Term) -> anyhow::Result<Opening> {
    match term.as_atom().map(|atom| atom.as_str()) {
        Some("probe") => Ok(Opening::Probe),
        Some("quiet") => Ok(Opening::Quiet),
        _ => bail!("opening of {application} is {term}, where probe or quiet is needed"),
    }
}

fn variables(application: &str, term: &Term) -> anyhow::Result<Vec<(String, String)>> {
    let pairs = term
        .as_list()
        .and_then(|list| list.iter().map(variable).collect());
    pairs.with_context(|| {
        format!(
            "mssp of {application} is {term}, where a list of {{\"NAME\", \"value\"}} or {{\"NAME\", number}} is needed"
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

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        pq_term::read_term(text).unwrap()
    }

    #[test]
    fn settings_are_read_or_refused_with_what_would_be_right() {
        assert_eq!(keepalive("talk", &term("infinity")).unwrap(), None);
        let ms = keepalive("talk", &term("250")).unwrap();
        assert_eq!(ms, Some(Duration::from_millis(250)));
        assert_eq!(opening("talk", &term("quiet")).unwrap(), Opening::Quiet);
        for odd in ["0", "-1", "never", "\"1\""] {
            let error = keepalive("talk", &term(odd)).unwrap_err().to_string();
            assert!(error.contains("or infinity is needed"), "{error}");
        }
        assert!(opening("talk", &term("loud")).is_err());
        let proxies = |text: &'static str| {
            read("talk", |key| (key == "proxies").then(|| term(text)))
                .map(|(settings, _)| settings.proxies)
        };
        let ours = proxies(r#"["10.0.0.0/8","::1/128"]"#).unwrap();
        assert_eq!(ours.len(), 2);
        let error = proxies(r#"["10.0.0.1/40"]"#).unwrap_err().to_string();
        assert!(error.starts_with("proxies of talk is ["), "{error}");
        assert!(port_of("talk", &term("65536")).is_err());
    }

    #[test]
    fn variables_are_strings_or_numbers() {
        let read = variables("talk", &term(r#"[{"NAME","Quest"},{"CREATED",2013}]"#)).unwrap();
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        assert_eq!(read, [pair("NAME", "Quest"), pair("CREATED", "2013")]);
        for odd in ["name", r#"[{"NAME"}]"#, r#"[{name,"Quest"}]"#] {
            assert!(variables("talk", &term(odd)).is_err(), "{odd}");
        }
    }
}
