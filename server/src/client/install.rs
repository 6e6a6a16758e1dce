//! `pq install`: the plan, the question, the install.
//!
//! The plan is what a check has found, so an install that would fail is refused before anything is begun; the history
//! has that, too. It is shown always; asked is only who wants to be (`--ask`), because scripts and people type the same
//! lines. What is carried out is the plan that was shown: not if another release runs meanwhile.

use std::io::IsTerminal;

use pq_protocol::{Exit, Failure};
use pq_release::handler::{CheckReport, Installed};

use super::command::{At, Install};
use super::show::{Show, raw};
use super::{aside, read};
use crate::operator::answer::Status;
use crate::operator::request::{Question, ReleaseRequest, Request};
use crate::streams;

/// Runs it.
pub(crate) fn run(install: &Install) -> Result<(), Failure> {
    let (vsn, at) = (&install.vsn, &install.noted.at);
    let options = install.how.options_of(install.parts);
    if install.ask && !std::io::stdin().is_terminal() {
        let sentence = "failed to ask before the install: nobody is there; leave `--ask` away";
        return Err(Failure::new(Exit::Usage, sentence));
    }
    let message = &install.noted.message;
    let plan = at.ask(Request::Release {
        request: ReleaseRequest::CheckInstall {
            vsn: vsn.clone(),
            options,
            of_install: true,
        },
        message: message.clone(),
    })?;
    let plan = read::<CheckReport>(&plan)?;
    aside(plan.show().trim_end());
    if install.verbose {
        aside(raw(&plan).trim_end());
    }
    if install.ask && !agreed() {
        return Err(Failure::new(Exit::Refused, "not installed: as you said"));
    }
    let installed = at.ask(Request::Release {
        request: ReleaseRequest::Install {
            vsn: vsn.clone(),
            from: Some(plan.from),
            options,
        },
        message: message.clone(),
    })?;
    at.tell::<Installed>(&installed)?;
    say_what_boots(at);
    Ok(())
}

/// Asks on the terminal; anything but a yes is a no.
fn agreed() -> bool {
    // Who cannot see the question does not answer it.
    streams::aside("install? [y/N] ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// A release that runs and is not the one to boot is easily forgotten.
fn say_what_boots(at: &At) {
    // It is a hint: a node that does not answer it may be starting again.
    let status = at
        .ask(Question::Status)
        .and_then(|text| read::<Status>(&text));
    if let Ok(Status { release, .. }) = status
        && release.status == "current"
    {
        let vsn = release.vsn;
        aside(&format!(
            "another release boots next time, until `pq make-permanent {vsn}`"
        ));
    }
}
