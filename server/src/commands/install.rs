//! `pq install`: shows the plan, asks if wanted, and installs the release (`install_release/2`).
//!
//! The plan is the result of a check, so an install that would fail is refused before its start; the history records
//! the refusal. The plan is always shown. The command asks only with `--ask`, so scripts and people type the same
//! line. The node carries out exactly the plan that was shown, and refuses it if another release runs in the
//! meantime.

use std::io::IsTerminal;

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::record::InstallRecord;
use pq_protocol::{Exit, Failure};
use pq_release::handler::{CheckReport, ReleaseHandler};
use pq_release::registry::ReleaseRegistry;
use serde::{Deserialize, Serialize};

use super::check_install::{CheckInstall, processes, raw};
use super::command::{Note, Typed, Words, word};
use super::install_options::Options;
use super::kinds::OnReleases;
use super::status;
use crate::client::{At, Show, aside, counted, lines, read};
use crate::running::Outcome;
use crate::streams;

#[derive(Args, Debug)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    words: Install,
    /// Ask for confirmation before the install
    #[arg(long, conflicts_with = "yes")]
    ask: bool,
    /// Install without confirmation (the default)
    #[arg(long)]
    yes: bool,
    /// Show the relup's instructions, too
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    note: Note,
}

#[derive(Args, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Install {
    /// The version of the release to install
    pub(super) vsn: String,
    /// The version that ran when the plan was shown. The plan is invalid if another version runs now.
    #[arg(skip)]
    #[serde(default)]
    pub(super) from: Option<String>,
    #[command(flatten)]
    pub(super) options: Options,
}

impl Typed for InstallArgs {
    fn at(&self) -> &At {
        &self.note.at
    }

    fn run(&self) -> Result<(), Failure> {
        if self.ask && !std::io::stdin().is_terminal() {
            let sentence =
                "failed to ask before the install: stdin is not a terminal; omit `--ask`";
            return Err(Failure::new(Exit::Usage, sentence));
        }
        let plan = self.plan()?;
        if self.ask && !agreed() {
            return Err(Failure::new(
                Exit::Refused,
                "not installed: the operator declined",
            ));
        }
        self.note.show(&Install {
            from: Some(plan.from),
            ..self.words.clone()
        })?;
        say_what_boots(self.at());
        Ok(())
    }
}

impl InstallArgs {
    /// Has the node check the install, and shows the plan.
    fn plan(&self) -> Result<CheckReport, Failure> {
        let check = CheckInstall {
            vsn: self.words.vsn.clone(),
            options: self.words.options,
            of_install: true,
        };
        let plan = read::<CheckReport>(&self.note.ask(&check)?)?;
        aside(plan.show().trim_end());
        if self.verbose {
            aside(raw(&plan).trim_end());
        }
        Ok(plan)
    }
}

/// Asks on the terminal; any answer other than yes means no.
fn agreed() -> bool {
    // The question goes to stderr: an operator who cannot see the question does not answer it.
    streams::aside("install? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// Reminds the operator that the running release is not permanent.
fn say_what_boots(at: &At) {
    // The reminder is optional: a node that does not answer may be restarting.
    let status = status::ask(at).and_then(|text| read::<status::Report>(&text));
    if let Ok(status::Report { release, .. }) = status
        && release.status == "current"
    {
        let vsn = release.vsn;
        aside(&format!(
            "another release is permanent and boots at the next start; `pq make-permanent {vsn}` changes that"
        ));
    }
}

impl Words for Install {
    const NAME: &'static str = "install";
    type Answer = InstallRecord;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.vsn)
    }
}

impl OnReleases for Install {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn installs(&self) -> bool {
        true
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, driver: &mut Live) -> Outcome {
        if let Err(failure) = self.still_runs(handler.registry()) {
            return Outcome::failed(failure);
        }
        let installed = handler.install(driver, &self.vsn, &self.options.options());
        Outcome::of_install(installed, self.options.how.error_action)
    }
}

impl Install {
    /// Checks that the plan that the operator has seen is still valid.
    fn still_runs(&self, registry: &ReleaseRegistry) -> Result<(), Failure> {
        let (vsn, running) = (&self.vsn, &registry.running().vsn);
        match self.from.as_ref().filter(|from| *from != running) {
            None => Ok(()),
            Some(from) => {
                let sentence = format!(
                    "failed to install {vsn}: the plan was for a node that runs release {from}, and meanwhile it runs \
                     {running}; `pq install {vsn}` makes another plan"
                );
                Err(Failure::new(Exit::Refused, sentence))
            }
        }
    }
}

impl Show for InstallRecord {
    fn show(&self) -> String {
        let (way, pause) = (self.direction.word(), self.pause_us);
        let unless_none = |count: u64, text: String| match count {
            0 => String::new(),
            _ => text,
        };
        let restart = match self.restart {
            true => "the node restarts with this release",
            false => "",
        };
        let loaded = format!("{} KiB", self.bytes_loaded >> 10);
        lines(&[
            (
                "installed",
                format!(
                    "{}, {way} from {}, in {} ms",
                    self.to, self.from, self.took_ms
                ),
            ),
            ("processes", processes(&self.processes)),
            (
                "pause",
                format!(
                    "median {} us, p99 {} us, max {} us",
                    pause.median, pause.p99, pause.max
                ),
            ),
            ("others", format!("waited {} us at most", self.stall_us.max)),
            ("loaded", unless_none(self.bytes_loaded, loaded)),
            ("killed", unless_none(self.killed, self.killed.to_string())),
            (
                // Most readers look for a zero here.
                "dropped",
                counted(self.connections_dropped, "connection", "connections"),
            ),
            ("old code in use", self.unpurged.join(", ")),
            ("warnings", self.warnings.join("; ")),
            ("restart", restart.to_string()),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use pq_otp::Direction;
    use pq_protocol::record::Micros;

    #[test]
    fn a_report_leaves_out_what_did_not_happen() {
        let report = InstallRecord {
            from: "1.1.0".to_string(),
            to: "1.0.0".to_string(),
            direction: Direction::Down,
            pause_us: Micros {
                median: 12,
                p99: 40,
                max: 55,
            },
            stall_us: Micros {
                median: 1,
                p99: 7,
                max: 80,
            },
            took_ms: 8,
            ..InstallRecord::default()
        };
        expect![[r"
            installed  1.0.0, down from 1.1.0, in 8 ms
            processes  0
            pause      median 12 us, p99 40 us, max 55 us
            others     waited 80 us at most
            dropped    0 connections
        "]]
        .assert_eq(&report.show());
        let more = InstallRecord {
            killed: 2,
            connections_dropped: 1,
            bytes_loaded: 581_632,
            unpurged: vec!["pq_quest-1.1.0".to_string()],
            restart: true,
            ..report
        };
        expect![[r"
            loaded           568 KiB
            killed           2
            dropped          1 connection
            old code in use  pq_quest-1.1.0
            restart          the node restarts with this release
        "]]
        .assert_eq(
            &more
                .show()
                .split_inclusive('\n')
                .skip(4)
                .collect::<String>(),
        );
    }
}
