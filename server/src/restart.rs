//! A restart: the node stops in order, and its process becomes a new node on the same tree.
//!
//! The process executes the program anew. No thread, library or socket of the old node remains; the process keeps its
//! pid and the lock of its tree, so a service manager needs no action. The new node uses the ports of the command
//! line; without them the release defines the ports. Signals during the restart wait for the new node (`signals`);
//! std's `exec` would unblock them, so this module calls execv(3) itself.

use std::ffi::{CStr, CString, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use anyhow::{bail, ensure};
use clap::ValueEnum;
use nix::unistd::execv;
use pq_protocol::answer::Planned;
use serde::{Deserialize, Serialize};

use crate::addresses::Addresses;
use crate::options;
use crate::stdio;
use crate::system::TreeLock;

/// The path of this program, valid also after its file has been replaced.
const PROGRAM: &CStr = c"/proc/self/exe";

/// The last error message of a node that must not restart itself.
pub(crate) const ENDS_FOR_A_REBOOT: &str = "the node ends with exit code 1 for a reboot: its service manager must start the permanent release";

/// The action on an install that fails after the point of no return: the permanent release must run next.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, Default, PartialEq, Eq, Debug)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorAction {
    /// Restart the node with the permanent release
    #[default]
    Restart,
    /// End the node with exit code 1; a service manager starts the node again
    Reboot,
}

/// A restart of the node, with its release and reason.
pub(crate) struct Restart {
    /// The version of the release; `None` for the permanent release.
    release: Option<String>,
    action: ErrorAction,
    /// The reason, for the history.
    why: String,
    /// The planned shutdown, which remains in force.
    shutdown: Option<Planned>,
}

impl Restart {
    /// A restart with this release, which keeps its status (`restart_emulator`, `appup(4)`).
    pub(crate) fn of(vsn: &str) -> Restart {
        Restart {
            release: Some(vsn.to_string()),
            action: ErrorAction::Restart,
            why: String::new(),
            shutdown: None,
        }
    }

    /// A restart with the permanent release.
    pub(crate) fn of_permanent(action: ErrorAction) -> Restart {
        Restart {
            release: None,
            action,
            why: String::new(),
            shutdown: None,
        }
    }

    /// Sets the reason for the history.
    pub(crate) fn because(self, why: String) -> Restart {
        Restart { why, ..self }
    }

    /// Keeps the planned shutdown across the restart.
    pub(crate) fn with_shutdown(self, shutdown: Option<Planned>) -> Restart {
        Restart { shutdown, ..self }
    }

    /// The reason for the history.
    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    /// The version of the release; `None` for the permanent release.
    pub(crate) fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// Whether the process continues as a new node instead of ending for a service manager.
    pub(crate) fn goes_on(&self) -> bool {
        self.action == ErrorAction::Restart
    }

    /// Executes the restart; returns only on error. `addresses` are those of the previous listeners.
    pub(crate) fn carry_out(
        &self,
        lock: TreeLock,
        options: &options::Node,
        addresses: Addresses,
    ) -> anyhow::Result<()> {
        ensure!(self.goes_on(), ENDS_FOR_A_REBOOT);
        let root = lock.root();
        tracing::info!(root = %root.display(), release = self.release, "restarting");
        let args = self.args(root, &at(options, addresses)).into_iter();
        let args: Result<Vec<CString>, _> = args.map(|arg| CString::new(arg.into_vec())).collect();
        let args = [vec![c"pq".to_owned()], args?].concat();
        lock.hand_over()?;
        stdio::finish();
        let Err(error) = execv(PROGRAM, &args);
        bail!("failed to restart: {error}")
    }

    /// The arguments for `pq start`.
    fn args(&self, root: &Path, options: &options::Node) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["start".into(), "--root".into(), root.into()];
        let mut add = |name: &str, value: String| args.extend([name.into(), value.into()]);
        let format = options.log_format.to_possible_value();
        let shutdown = self.shutdown.as_ref();
        let seldom = [
            ("--release", self.release.clone()),
            (
                "--shutdown",
                shutdown.and_then(|planned| serde_json::to_string(planned).ok()),
            ),
            ("--port", options.port.map(|port| port.to_string())),
            ("--tls-port", options.tls_port.map(|port| port.to_string())),
            ("--web-port", options.web_port.map(|port| port.to_string())),
            (
                "--metrics-port",
                options.metrics_port.map(|port| port.to_string()),
            ),
            ("--otlp-endpoint", options.otlp_endpoint.clone()),
            ("--shards", options.shards.map(|shards| shards.to_string())),
            ("--seed", options.seed.map(|seed| seed.to_string())),
            (
                "--report-every",
                options.report_every.map(|every| every.to_string()),
            ),
            (
                "--log-format",
                format.map(|format| format.get_name().to_string()),
            ),
        ];
        add("--bind", options.bind.to_string());
        add("--avatars", options.avatars.to_string());
        add("--pace", options.pace.to_string());
        for (name, value) in seldom {
            value.into_iter().for_each(|value| add(name, value));
        }
        if let Some(dir) = &options.socket_dir {
            args.extend(["--socket-dir".into(), dir.into()]);
        }
        if options.no_saves {
            args.push("--no-saves".into());
        }
        if options.self_signed {
            args.push("--self-signed".into());
        }
        if self.release.is_some() {
            // A release that cannot boot is detected after the restart, and the permanent release must then run
            // instead.
            args.push("--or-permanent".into());
        }
        args
    }
}

/// Replaces port 0 in the options by the port that the old node has picked. Ports that the command line omits stay
/// omitted, because the new release may define other ports.
fn at(options: &options::Node, addresses: Addresses) -> options::Node {
    let port = |typed: Option<u16>, address: Option<SocketAddr>| {
        typed.map(|typed| address.map_or(typed, |address| address.port()))
    };
    options::Node {
        port: port(options.port, addresses.plain),
        tls_port: port(options.tls_port, addresses.tls),
        metrics_port: match options.usual_metrics_port {
            Some(_) => addresses.metrics.map(|address| address.port()),
            None => port(options.metrics_port, addresses.metrics),
        },
        web_port: match options.usual_web_port {
            // A node that had a page for browsers has one after the restart, too.
            Some(_) => addresses.web.map(|address| address.port()),
            None => port(options.web_port, addresses.web),
        },
        ..options.clone()
    }
}

#[cfg(test)]
mod tests {
    use pq_protocol::Who;

    use super::*;
    use crate::options::tests::{node as options, start};

    #[test]
    fn a_node_starts_again_as_it_was_started() {
        let all = [
            "--port",
            "0",
            "--bind",
            "::1",
            "--avatars",
            "7",
            "--pace",
            "50",
            "--shards",
            "3",
            "--seed",
            "9",
            "--report-every",
            "2",
            "--log-format",
            "json",
            "--tls-port",
            "7",
            "--self-signed",
            "--no-saves",
            "--web-port",
            "8",
            "--socket-dir",
            "/s d",
        ];
        for typed in [&all[..], &[]] {
            let before = options(typed);
            let shutdown = Some(Planned {
                at: "2026-01-31T23:59:59.042Z".to_string(),
                who: Who::own(),
                text: Some("new\ndisks".to_string()),
            });
            let restart = Restart::of("1.1.0").with_shutdown(shutdown.clone());
            let args = restart.args(Path::new("/a b"), &before);
            let again = start(args);
            assert_eq!(again.root, Path::new("/a b"));
            assert_eq!(again.release.as_deref(), Some("1.1.0"));
            assert!(again.or_permanent);
            assert_eq!(again.shutdown, shutdown);
            assert_eq!(format!("{:?}", again.node), format!("{before:?}"));
        }
        let args = Restart::of_permanent(ErrorAction::Restart).args(Path::new("r"), &options(&[]));
        assert!(!args.contains(&"--release".into()) && !args.contains(&"--port".into()));
    }

    #[test]
    fn a_port_is_the_one_that_was_typed_or_picked_and_else_the_releases() {
        let picked = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
        let addresses = Addresses {
            plain: picked(40_000),
            tls: picked(40_001),
            web: picked(40_002),
            metrics: picked(40_003),
        };
        let ports = |typed: &[&str], addresses| {
            let again = at(&options(typed), addresses);
            (again.port, again.tls_port)
        };
        assert_eq!(ports(&["--port", "0"], addresses), (Some(40_000), None));
        assert_eq!(ports(&["--tls-port", "0"], addresses), (None, Some(40_001)));
        assert_eq!(ports(&[], addresses), (None, None));
        let nowhere = Addresses::default();
        assert_eq!(ports(&["--port", "7"], nowhere), (Some(7), None));
    }

    #[test]
    fn a_page_that_was_there_is_there_again() {
        let page = Addresses {
            web: Some(SocketAddr::from(([127, 0, 0, 1], 40_002))),
            ..Addresses::default()
        };
        for (typed, usual, addresses, expected) in [
            (&["--web-port", "0"][..], None, page, Some(40_002)),
            (&[], Some(0), page, Some(40_002)),
            (&[], Some(8_083), Addresses::default(), None),
            (&[], None, page, None),
        ] {
            let before = options::Node {
                usual_web_port: usual,
                ..options(typed)
            };
            assert_eq!(
                at(&before, addresses).web_port,
                expected,
                "{typed:?} {usual:?}"
            );
        }
    }
}
