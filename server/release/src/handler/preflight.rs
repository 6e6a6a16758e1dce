//! The exchanges of a script tried on copies, each upon the code that those before it would have brought.
//!
//! A check tries all of them. An install tries those behind its first step, because a failure there would come too late.

use std::collections::BTreeSet;
use std::time::Duration;

use pq_code::{Change, CodeServer};
use pq_otp::upgrade::{Driver, Plan, Transaction};
use pq_otp::{Kind, ProcessInfo};
use pq_protocol::record::InstallPhase;

use super::error::FailedStep;
use super::prepare::Prepared;
use super::report::CheckReport;
use super::{ASK_TIMEOUT_MS, Options, ReleaseHandler};
use crate::script::{Exchange, Step};

impl ReleaseHandler {
    /// What fails in a first exchange of code has changed nothing. What would fail in a later one is found out before
    /// the first step.
    pub(super) fn try_later_steps(
        &mut self,
        driver: &mut dyn Driver,
        prepared: &Prepared,
        options: &Options,
    ) -> Result<(), FailedStep> {
        let steps = &prepared.script.steps;
        let begins = usize::from(matches!(steps.first(), Some(Step::Exchange(_))));
        if prepared.script.exchanges().count() > begins {
            self.watch.enter(InstallPhase::Copy);
            let mut report = CheckReport::of(prepared);
            let tried = Tried {
                prepared,
                first: begins,
                processes: &driver.processes(ASK_TIMEOUT_MS)?,
            };
            self.try_exchanges(driver, &tried, options, &mut report)?;
        }
        Ok(())
    }

    /// Tries the exchanges from this one on, each upon the code that those before it would have brought.
    pub(super) fn try_exchanges(
        &mut self,
        driver: &mut dyn Driver,
        tried: &Tried<'_>,
        options: &Options,
        report: &mut CheckReport,
    ) -> Result<Expected, FailedStep> {
        let prepared = tried.prepared;
        let mut expected = Expected::default();
        let mut before: Vec<Change<'static>> = Vec::new();
        let nobody = BTreeSet::new();
        for (at, exchange) in prepared.script.exchanges().enumerate() {
            let own = exchange.code_changes(&prepared.libraries)?;
            if at >= tried.first {
                let runs = prepared.judgement.runs.get(at).unwrap_or(&nobody);
                let trial = Trial {
                    exchange,
                    runs,
                    before: &before,
                    own: &own,
                    options,
                    processes: tried.processes,
                };
                let this = self.try_exchange(driver, &trial, report)?;
                expected.pause = expected.pause.max(this.pause);
                expected.took += this.took;
            }
            before.extend(own);
        }
        Ok(expected)
    }

    fn try_exchange(
        &mut self,
        driver: &mut dyn Driver,
        trial: &Trial<'_>,
        report: &mut CheckReport,
    ) -> Result<Expected, FailedStep> {
        let mut plan = trial.plan(&self.code)?;
        let concerned: Vec<&str> = plan
            .targets
            .iter()
            .map(|target| target.module.name())
            .collect();
        let count = report.count(trial.processes, &concerned);
        self.watch.expect(count);
        plan.trial = true;
        let transaction = Transaction::begin(driver, plan);
        self.watch.follow(transaction.board());
        let progress = transaction.try_all()?;
        report.converted += progress.converted;
        report.differing += progress.differing;
        report.killed += progress.doomed;
        if progress.doomed > 0 {
            // Another thread would be given up for each of them; how long the others take is known.
            return Ok(Expected::default());
        }
        let plan = trial.plan(&self.code)?;
        let mut transaction = Transaction::begin(driver, plan);
        self.watch.follow(transaction.board());
        let copied = transaction.copy()?;
        if !copied.keeps_up() {
            report.warnings.push(format!(
                "the processors do not keep up: {} states change faster than they are converted, and their processes would \
                 be held for it",
                copied.left
            ));
        }
        Ok(Expected {
            pause: copied.expected_pause(),
            took: copied.took,
        })
    }
}

/// What an install would cost, from what a trial has.
#[derive(Default)]
pub(super) struct Expected {
    /// How long processes would be held, by the exchange that holds them longest.
    pub(super) pause: Duration,
    /// How long its exchanges would take.
    pub(super) took: Duration,
}

/// The exchanges that are tried.
pub(super) struct Tried<'a> {
    pub(super) prepared: &'a Prepared,
    /// From which one on.
    pub(super) first: usize,
    /// All processes of the node.
    pub(super) processes: &'a [ProcessInfo],
}

/// An exchange that is tried.
struct Trial<'a> {
    exchange: &'a Exchange,
    /// The modules that have processes when its turn comes.
    runs: &'a BTreeSet<String>,
    /// What the exchanges before it would have changed.
    before: &'a [Change<'static>],
    /// What it changes itself.
    own: &'a [Change<'static>],
    options: &'a Options,
    processes: &'a [ProcessInfo],
}

impl Trial<'_> {
    /// Its plan, without processes that an earlier step ends. Which handlers a manager has that is not ended is not asked.
    fn plan(&self, code: &CodeServer) -> Result<Plan, FailedStep> {
        let mut plan = self
            .exchange
            .plan(code, self.before, self.own, self.options)?;
        plan.targets.retain(|target| {
            let module = target.module;
            module.kind() == Kind::GenEvent || self.runs.contains(module.name())
        });
        Ok(plan)
    }
}
