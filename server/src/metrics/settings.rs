//! The setting `metrics` of `kernel`: the port, the address if it is not to be loopback, and names of the node for the live page.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use pq_otp::Node;
use pq_release::boot::BootRelease;
use pq_term::Term;

const APPLICATION: &str = "kernel";
const SETTING: &str = "metrics";

/// The address unless the setting says otherwise: the figures of a node are not for everybody.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The address of the port, and the names of the node.
#[derive(Default)]
pub(super) struct Settings {
    /// `None` if neither the setting nor the command line opens a port. The port of the command line wins.
    pub(super) address: Option<SocketAddr>,
    /// The names by which browsers may find the live page.
    pub(super) hosts: Vec<String>,
}

/// The settings of a running node.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(super) fn settings(node: &Node, typed: Option<u16>) -> anyhow::Result<Settings> {
    choose(node.env(APPLICATION, SETTING), typed)
}

/// Checks the setting of a release before the release runs.
///
/// # Errors
/// The invalid setting, with a valid example.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let chosen = choose(release.env(APPLICATION, SETTING).cloned(), None);
    chosen.map(drop).map_err(|error| error.to_string())
}

fn choose(setting: Option<Term>, typed: Option<u16>) -> anyhow::Result<Settings> {
    let set = setting.map(|term| read(&term)).transpose()?;
    let Settings { address, hosts } = set.unwrap_or_default();
    let ip = address.map_or(LOOPBACK, |address| address.ip());
    let port = typed.or(address.map(|address| address.port()));
    Ok(Settings {
        address: port.map(|port| SocketAddr::new(ip, port)),
        hosts,
    })
}

fn read(term: &Term) -> anyhow::Result<Settings> {
    parts(term).with_context(|| {
        format!(
            "{SETTING} of {APPLICATION} is {term}, where [{{port, Number}}] or [{{port, Number}}, {{address, \"0.0.0.0\"}}, \
             {{hosts, [\"ops.example\"]}}] is needed"
        )
    })
}

fn parts(term: &Term) -> Option<Settings> {
    let (mut port, mut address, mut hosts) = (None, LOOPBACK, Vec::new());
    for part in term.as_list()? {
        let [name, value] = part.as_tuple()? else {
            return None;
        };
        match name.as_atom()?.as_str() {
            "port" => port = Some(u16::try_from(value.as_i64()?).ok()?),
            "address" => address = value.as_str()?.parse().ok()?,
            "hosts" => {
                let names = value
                    .as_list()?
                    .iter()
                    .map(|name| Some(name.as_str()?.to_string()));
                hosts = names.collect::<Option<_>>()?;
            }
            _ => return None,
        }
    }
    port.map(|port| Settings {
        address: Some(SocketAddr::new(address, port)),
        hosts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(setting: &str, typed: Option<u16>) -> Option<String> {
        let setting = (!setting.is_empty()).then(|| pq_term::read_term(setting).unwrap());
        let settings = choose(setting, typed).unwrap();
        settings.address.map(|address| address.to_string())
    }

    #[test]
    fn the_port_is_closed_unless_something_opens_it_and_loopback_unless_set() {
        for (setting, typed, expected) in [
            ("", None, None),
            ("", Some(0), Some("127.0.0.1:0")),
            ("[{port, 9464}]", None, Some("127.0.0.1:9464")),
            ("[{port, 9464}]", Some(1), Some("127.0.0.1:1")),
            (
                r#"[{address, "::"}, {port, 9464}]"#,
                None,
                Some("[::]:9464"),
            ),
            (
                r#"[{port, 9464}, {hosts, ["ops.example"]}]"#,
                None,
                Some("127.0.0.1:9464"),
            ),
            (
                r#"[{port, 9464}, {address, "10.0.0.1"}]"#,
                Some(7),
                Some("10.0.0.1:7"),
            ),
        ] {
            assert_eq!(chosen(setting, typed).as_deref(), expected, "{setting}");
        }
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_refused_with_one_that_can() {
        for odd in [
            "9464",
            "[]",
            "[{port, 65536}]",
            r#"[{port, 1}, {address, "here"}]"#,
            "[{prot, 1}]",
            "[{port, 1}, {hosts, [ops]}]",
        ] {
            let error = read(&pq_term::read_term(odd).unwrap());
            let error = error.err().unwrap().to_string();
            assert!(error.contains("where [{port, Number}] or"), "{error}");
        }
    }
}
