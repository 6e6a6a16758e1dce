//! The setting `otlp` of `kernel`: the address of the collector.

use std::fmt;

use anyhow::{Context, anyhow, bail};
use axum::http::Uri;
use pq_otp::Node;
use pq_release::boot::BootRelease;
use pq_term::Term;

const APPLICATION: &str = "kernel";
const SETTING: &str = "otlp";

/// The port of a collector for OTLP over HTTP (OpenTelemetry Protocol, "OTLP/HTTP Default Port").
const PORT: u16 = 4318;

/// The address of a collector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
    /// The path of the traces.
    pub(super) path: String,
}

/// The endpoint; `None` if neither the setting nor the command line has one. That of the command line wins.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(super) fn endpoint(node: &Node, typed: Option<&str>) -> anyhow::Result<Option<Endpoint>> {
    if let Some(typed) = typed {
        return Endpoint::read(typed).context("--otlp-endpoint").map(Some);
    }
    choose(node.env(APPLICATION, SETTING))
}

/// Checks the setting of a release before the release runs.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let chosen = choose(release.env(APPLICATION, SETTING).cloned());
    chosen.map(drop).map_err(|error| format!("{error:#}"))
}

fn choose(setting: Option<Term>) -> anyhow::Result<Option<Endpoint>> {
    let Some(term) = setting else { return Ok(None) };
    let needed = || {
        format!(
            "{SETTING} of {APPLICATION} is {term}, where [{{endpoint, \"http://127.0.0.1:{PORT}\"}}] is needed"
        )
    };
    match term.as_list() {
        Some([]) => Ok(None),
        Some([part]) => match part.as_tuple() {
            Some([key, url]) if key.is_atom("endpoint") => {
                let url = url.as_str().with_context(needed)?;
                Endpoint::read(url).with_context(needed).map(Some)
            }
            _ => Err(anyhow!(needed())),
        },
        _ => Err(anyhow!(needed())),
    }
}

impl Endpoint {
    /// Reads the base address of a collector, as `OTEL_EXPORTER_OTLP_ENDPOINT` has it.
    fn read(url: &str) -> anyhow::Result<Endpoint> {
        let uri: Uri = url
            .parse()
            .with_context(|| format!("{url} is no address"))?;
        match uri.scheme_str() {
            Some("http") => (),
            Some("https") => bail!(
                "{url} needs TLS, which this exporter does not have: send to a collector on this machine, which can send on"
            ),
            _ => bail!("{url} does not begin with http://"),
        }
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.with_context(|| format!("{url} has no host"))?;
        let base = uri.path().trim_end_matches('/');
        Ok(Endpoint {
            host: host.trim_matches(['[', ']']).to_string(),
            port: uri.port_u16().unwrap_or(PORT),
            path: format!("{base}/v1/traces"),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { host, port, path } = self;
        match host.contains(':') {
            true => write!(f, "http://[{host}]:{port}{path}"),
            false => write!(f, "http://{host}:{port}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_without_tls() {
        for (url, means) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://otel/base/", "http://otel:4318/base/v1/traces"),
            ("http://[::1]:1", "http://[::1]:1/v1/traces"),
        ] {
            assert_eq!(Endpoint::read(url).unwrap().to_string(), means);
        }
        for odd in ["https://otel", "otel:4318", "", "http://", "ftp://otel"] {
            assert!(Endpoint::read(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_wrong_setting_is_refused_with_an_example() {
        let term = |text: &str| Some(pq_term::read_term(text).unwrap());
        assert_eq!(choose(None).unwrap(), None);
        assert_eq!(choose(term("[]")).unwrap(), None);
        let set = choose(term("[{endpoint, \"http://otel\"}]")).unwrap();
        assert_eq!(set.unwrap().host, "otel");
        for odd in [
            "on",
            "[{endpoint, otel}]",
            "[{address, \"http://otel\"}]",
            "[{endpoint, \"x\"}]",
        ] {
            let error = format!("{:#}", choose(term(odd)).unwrap_err());
            assert!(error.starts_with("otlp of kernel is "), "{error}");
        }
    }
}
