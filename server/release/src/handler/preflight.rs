//! Tries the exchanges of a script on copies, each on top of the code after the earlier exchanges.
//!
//! A check tries all exchanges. An install tries those after its first step, because their failure would come too late.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use pq_code::{Change, CodeServer};
use pq_otp::upgrade::{Copied, Driver, Plan, Progress, Transaction};
use pq_otp::{Kind, ProcessInfo};
use pq_protocol::record::InstallPhase;

use super::converters::Converter;
use super::error::FailedStep;
use super::exchange::Changes;
use super::prepare::{Prepared, Purpose};
use super::report::CheckReport;
use super::{ASK_TIMEOUT_MS, Options, ReleaseHandler};
use crate::script::{Exchange, Step};

impl ReleaseHandler {
    /// Tries the later exchanges before the first step. A failure of the first exchange needs no trial, because it changes
    /// nothing.
    pub(super) fn try_later_steps(
        &mut self,
        driver: &mut dyn Driver,
        prepared: &Prepared,
        options: &Options,
    ) -> Result<(), FailedStep> {
        let first = first_tried(prepared);
        if prepared.script.exchanges().count() > first {
            self.watch.enter(InstallPhase::Copy);
            let mut report = CheckReport::of(prepared);
            let tried = Tried {
                prepared,
                first,
                processes: &driver.processes(ASK_TIMEOUT_MS)?,
            };
            self.try_exchanges(driver, &tried, options, &mut report)?;
        }
        Ok(())
    }

    /// Tries the exchanges from `first` on, each on top of the code after the earlier exchanges. Only a check estimates their
    /// cost, because every estimate converts all states once more.
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
                    changes: Changes {
                        before: &before,
                        own: &own,
                    },
                    converters: &prepared.converters,
                    options,
                    processes: tried.processes,
                };
                let began = Instant::now();
                let progress = self.try_exchange(driver, &trial, report)?;
                if at >= first_tried(prepared) {
                    // The install tries this exchange as well.
                    expected.took += began.elapsed();
                }
                // Every trial of a callback that does not end would cost another thread.
                if prepared.purpose == Purpose::Check && progress.doomed == 0 {
                    let copied = self.copy_once_more(driver, &trial, report)?;
                    expected.pause = expected.pause.max(copied.expected_pause());
                    expected.took += copied.took;
                }
            }
            before.extend(own);
        }
        Ok(expected)
    }

    /// Converts the states of an exchange there and back.
    fn try_exchange(
        &mut self,
        driver: &mut dyn Driver,
        trial: &Trial<'_>,
        report: &mut CheckReport,
    ) -> Result<Progress, FailedStep> {
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
        Ok(progress)
    }

    /// Copies the states of an exchange as the install will, and measures that. No process is held.
    fn copy_once_more(
        &mut self,
        driver: &mut dyn Driver,
        trial: &Trial<'_>,
        report: &mut CheckReport,
    ) -> Result<Copied, FailedStep> {
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
        Ok(copied)
    }
}

/// The index of the first exchange that an install tries before its first step.
fn first_tried(prepared: &Prepared) -> usize {
    usize::from(matches!(
        prepared.script.steps.first(),
        Some(Step::Exchange(_))
    ))
}

/// The expected cost of an install, estimated from the trial.
#[derive(Default)]
pub(super) struct Expected {
    /// The time for which processes are held, in the exchange that holds them longest.
    pub(super) pause: Duration,
    /// The duration of the exchanges, with the trials of those that an install tries.
    pub(super) took: Duration,
}

/// The exchanges to try, and the processes of the node.
pub(super) struct Tried<'a> {
    pub(super) prepared: &'a Prepared,
    /// The index of the first exchange to try.
    pub(super) first: usize,
    pub(super) processes: &'a [ProcessInfo],
}

/// One exchange to try.
struct Trial<'a> {
    exchange: &'a Exchange,
    /// The modules that have processes when the exchange begins.
    runs: &'a BTreeSet<String>,
    changes: Changes<'a>,
    converters: &'a [Converter],
    options: &'a Options,
    processes: &'a [ProcessInfo],
}

impl Trial<'_> {
    /// The plan of the exchange, without processes that an earlier step ends. Event managers are not asked for their handlers.
    fn plan(&self, code: &CodeServer) -> Result<Plan, FailedStep> {
        let mut plan = self
            .exchange
            .plan(code, &self.changes, self.converters, self.options)?;
        plan.targets.retain(|target| {
            let module = target.module;
            module.kind() == Kind::GenEvent || self.runs.contains(module.name())
        });
        Ok(plan)
    }
}
