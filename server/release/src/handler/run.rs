//! Carrying a script out, step by step, and trying it.

use std::collections::BTreeSet;
use std::time::Duration;

use pq_code::{Change, CodeServer};
use pq_otp::upgrade::{Copied, Driver, Plan, Transaction};
use pq_otp::{Kind, Module, ProcessInfo};
use pq_term::{Atom, Term};

use super::children::{self, Stopped};
use super::config::Before;
use super::error::{FailedStep, InstallError};
use super::prepare::Prepared;
use super::report::{CheckReport, Direction, Installed, Sum};
use super::script::{Exchange, Step};
use super::watch::Phase;
use super::{ASK_TIMEOUT_MS, Options, ReleaseHandler, Unpurged, apply, drift};
use crate::instruction::{Mode, Purge};
use crate::terms;

impl ReleaseHandler {
    pub(super) fn carry_out(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<Installed, InstallError> {
        let prepared = self.prepare(driver, vsn, false);
        let prepared = prepared
            .and_then(|prepared| drift::permit(prepared, options))
            .map_err(FailedStep::untouched)?;
        let installed = self.run(driver, &prepared, options)?;
        let listed = match installed.restart {
            false => self.office.installed(vsn),
            true => self.office.tmp_current(vsn),
        };
        listed.map_err(|error| InstallError {
            step: error.into(),
            touched: true,
        })?;
        Ok(installed)
    }

    /// Carries out what was prepared.
    pub(super) fn run(
        &mut self,
        driver: &mut dyn Driver,
        prepared: &Prepared,
        options: &Options,
    ) -> Result<Installed, InstallError> {
        self.try_later_steps(driver, prepared, options)
            .map_err(FailedStep::untouched)?;
        let dropped_before = driver.node().ports_dropped();
        let before = Before::of(driver).map_err(FailedStep::untouched)?;
        let mut run = Run {
            handler: self,
            driver,
            prepared,
            options,
            before,
            touched: false,
            sum: Sum::default(),
            stopped: Vec::new(),
            dropped_before,
        };
        let outcome = run.all_steps();
        let touched = run.touched;
        outcome.map_err(|step| InstallError { step, touched })
    }

    /// What an install would do, tried on copies.
    pub(super) fn check(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<CheckReport, InstallError> {
        let tried = self.try_out(driver, vsn, options);
        tried.map_err(FailedStep::untouched)
    }

    fn try_out(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<CheckReport, FailedStep> {
        let prepared = self.prepare(driver, vsn, true)?;
        let prepared = drift::permit(prepared, options)?;
        let mut report = CheckReport::of(&prepared);
        let processes = driver.processes(ASK_TIMEOUT_MS)?;
        report.modules = prepared.modules(&self.code, driver, &processes)?;
        self.watch.enter(Phase::Copy);
        let tried = Tried {
            prepared: &prepared,
            first: 0,
            processes: &processes,
        };
        let pause = self.try_exchanges(driver, &tried, options, &mut report)?;
        report.expected_pause_ms = (pause.as_millis() as u64).max(1);
        Ok(report)
    }

    /// What fails in a first exchange of code has changed nothing. What would fail in a later one is found out before
    /// the first step.
    fn try_later_steps(
        &mut self,
        driver: &mut dyn Driver,
        prepared: &Prepared,
        options: &Options,
    ) -> Result<(), FailedStep> {
        let steps = &prepared.script.steps;
        let begins = usize::from(matches!(steps.first(), Some(Step::Exchange(_))));
        if prepared.script.exchanges().count() > begins {
            self.watch.enter(Phase::Copy);
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
    fn try_exchanges(
        &mut self,
        driver: &mut dyn Driver,
        tried: &Tried<'_>,
        options: &Options,
        report: &mut CheckReport,
    ) -> Result<Duration, FailedStep> {
        let prepared = tried.prepared;
        let mut pause = Duration::ZERO;
        let mut before: Vec<Change<'static>> = Vec::new();
        let nobody = BTreeSet::new();
        for (at, exchange) in prepared.script.exchanges().enumerate() {
            let own = exchange.code_changes(&prepared.libraries)?;
            if at >= tried.first {
                let runs = prepared.judgement.runs.get(at).unwrap_or(&nobody);
                let trial = Trial {
                    exchange,
                    runs,
                    options,
                    processes: tried.processes,
                };
                pause += self.try_exchange(driver, &trial, (&before, &own), report)?;
            }
            before.extend(own);
        }
        Ok(pause)
    }

    fn try_exchange(
        &mut self,
        driver: &mut dyn Driver,
        trial: &Trial<'_>,
        changes: Changes<'_>,
        report: &mut CheckReport,
    ) -> Result<Duration, FailedStep> {
        let mut plan = trial.plan(&self.code, changes)?;
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
            return Ok(Duration::ZERO);
        }
        let plan = trial.plan(&self.code, changes)?;
        let suspend_timeout_ms = plan.suspend_timeout_ms;
        let mut transaction = Transaction::begin(driver, plan);
        self.watch.follow(transaction.board());
        let copied = transaction.copy();
        transaction.abort();
        let copied = copied?;
        can_hold(copied, suspend_timeout_ms)?;
        Ok(copied.took)
    }
}

/// States that change as fast as they are copied have to be converted again while their processes are held, which takes as
/// long as the last round of copying.
fn can_hold(copied: Copied, suspend_timeout_ms: u64) -> Result<(), FailedStep> {
    match u64::try_from(copied.took.as_millis()) {
        _ if copied.is_settled() => Ok(()),
        Ok(took_ms) if took_ms <= suspend_timeout_ms => Ok(()),
        _ => Err(FailedStep::CannotHold {
            states: copied.left,
            took_ms: copied.took.as_millis() as u64,
            suspend_timeout_ms,
        }),
    }
}

/// The exchanges that are tried.
struct Tried<'a> {
    prepared: &'a Prepared,
    /// From which one on.
    first: usize,
    /// All processes of the node.
    processes: &'a [ProcessInfo],
}

/// An exchange that is tried.
struct Trial<'a> {
    exchange: &'a Exchange,
    /// The modules that have processes when its turn comes.
    runs: &'a BTreeSet<String>,
    options: &'a Options,
    processes: &'a [ProcessInfo],
}

impl Trial<'_> {
    /// Its plan, without processes that an earlier step ends. Which handlers a manager has that is not ended is not asked.
    fn plan(&self, code: &CodeServer, changes: Changes<'_>) -> Result<Plan, FailedStep> {
        let mut plan = self.exchange.plan(code, changes, self.options)?;
        plan.targets.retain(|target| {
            let module = target.module;
            module.kind() == Kind::GenEvent || self.runs.contains(module.name())
        });
        Ok(plan)
    }
}

/// What the exchanges before one would have changed, and what it changes itself.
type Changes<'a> = (&'a [Change<'static>], &'a [Change<'static>]);

impl CheckReport {
    fn of(prepared: &Prepared) -> CheckReport {
        let script = prepared.planned.script.iter();
        CheckReport {
            from: prepared.planned.from.clone(),
            to: prepared.planned.to.clone(),
            direction: direction(prepared.planned.direction),
            description: words(&prepared.planned.description),
            script: script
                .map(|instruction| instruction.to_term().to_string())
                .collect(),
            modules: Vec::new(),
            calls: prepared.calls(),
            restart: prepared.script.restart,
            processes: Default::default(),
            converted: 0,
            differing: 0,
            killed: 0,
            ends: prepared.judgement.ends.clone(),
            expected_pause_ms: 0,
            warnings: prepared.warnings.clone(),
            took_ms: 0,
        }
    }

    /// Counts those concerned, and says how many they are.
    fn count(&mut self, processes: &[ProcessInfo], concerned: &[&str]) -> u64 {
        let concerned = processes
            .iter()
            .filter(|process| concerned.contains(&process.module.as_str()));
        let mut count = 0;
        for process in concerned {
            *self.processes.entry(process.module.clone()).or_default() += 1;
            count += 1;
        }
        count
    }
}

fn words(description: &Term) -> String {
    terms::text(description).unwrap_or_else(|| description.to_string())
}

fn direction(mode: Mode) -> Direction {
    match mode {
        Mode::Up => Direction::Up,
        Mode::Down => Direction::Down,
    }
}

/// An install under way.
struct Run<'a, 'd> {
    handler: &'a mut ReleaseHandler,
    driver: &'a mut (dyn Driver + 'd),
    prepared: &'a Prepared,
    options: &'a Options,
    before: Before,
    /// Something has happened that is not undone.
    touched: bool,
    sum: Sum,
    stopped: Vec<Stopped>,
    /// Connections dropped before this install began.
    dropped_before: u64,
}

impl Run<'_, '_> {
    fn all_steps(&mut self) -> Result<Installed, FailedStep> {
        for step in &self.prepared.script.steps {
            self.step(step)?;
        }
        self.before.enter(self.driver, &self.prepared.boot)?;
        let mut warnings = self.prepared.warnings.clone();
        warnings.extend(self.before.tell(self.driver)?);
        let (planned, restart) = (&self.prepared.planned, self.prepared.script.restart);
        Ok(Installed {
            from: planned.from.clone(),
            to: planned.to.clone(),
            direction: direction(planned.direction),
            pause_us: self.sum.pause_us(),
            stall_us: self.sum.stall_us(),
            processes: std::mem::take(&mut self.sum.processes),
            killed: self.sum.killed,
            connections_dropped: self.driver.node().ports_dropped() - self.dropped_before,
            bytes_loaded: self.handler.loaded_since(),
            unpurged: Vec::new(),
            warnings,
            restart,
            took_ms: 0,
        })
    }

    fn step(&mut self, step: &Step) -> Result<(), FailedStep> {
        if let Step::Exchange(exchange) = step {
            return self.exchange(exchange);
        }
        self.before.enter(self.driver, &self.prepared.boot)?;
        self.touched = true;
        self.handler.watch.enter(Phase::Apply);
        match step {
            Step::Exchange(_) => Ok(()),
            Step::Apply(mfa) => apply::apply(self.driver, &self.prepared.boot, mfa),
            Step::Stop(modules) => modules.iter().try_for_each(|module| self.stop(*module)),
            Step::Start(modules) => modules.iter().try_for_each(|module| self.start(*module)),
        }
    }

    fn exchange(&mut self, exchange: &Exchange) -> Result<(), FailedStep> {
        let changes = exchange.code_changes(&self.prepared.libraries)?;
        let plan = exchange.plan(&self.handler.code, (&[], &changes), self.options)?;
        // Asked before, because the change makes them old, or forgets them.
        let removed: Vec<(Module, Purge)> = exchange
            .removed()
            .filter_map(|(module, purge)| {
                Some((self.handler.code.current(module.as_str())?, purge))
            })
            .collect();
        let forgotten = self.transact(plan, &changes)?;
        self.touched = true;
        forgotten
            .into_iter()
            .for_each(|module| self.handler.purge_brutally(self.driver, module));
        self.put_away(&changes, removed);
        let suspend = exchange.left_suspended.iter().map(|module| (*module, true));
        let resume = exchange.resumed.iter().map(|module| (*module, false));
        suspend
            .chain(resume)
            .try_for_each(|(module, on)| children::suspend(self.driver, module, on))
    }

    /// All of it, or nothing. Answers the versions that are neither current nor old any more.
    ///
    /// The order is the promise. What takes long and may fail comes first, while everybody plays (copy); then what
    /// may fail only shortly, while processes stand still (hold); then the files of the release, which can be put back.
    /// When they are in force, nothing is left that can fail. They may not wait for the commit: the first callback
    /// of the new code reads its settings.
    fn transact(
        &mut self,
        plan: pq_otp::upgrade::Plan,
        changes: &[Change<'static>],
    ) -> Result<Vec<Module>, FailedStep> {
        let watch = self.handler.watch.clone();
        let suspend_timeout_ms = plan.suspend_timeout_ms;
        let mut transaction = Transaction::begin(self.driver, plan);
        watch.follow(transaction.board());
        watch.enter(Phase::Copy);
        can_hold(transaction.copy()?, suspend_timeout_ms)?;
        watch.enter(Phase::Hold);
        let mut held = transaction.hold()?;
        self.before.enter(held.driver(), &self.prepared.boot)?;
        watch.enter(Phase::Commit);
        let mut forgotten = Vec::new();
        let committed = held.commit(|| {
            forgotten = self
                .handler
                .code
                .change(changes)
                .expect("a preview of these changes was made, and nobody else changes code");
        });
        self.sum.add(committed);
        Ok(forgotten)
    }

    /// Code that became old: nothing runs the version before a loaded one any more, and what still runs a removed one
    /// is to be dealt with later.
    fn put_away(&mut self, changes: &[Change<'static>], removed: Vec<(Module, Purge)>) {
        for change in changes {
            if let Change::MakeCurrent(_, name) = change {
                self.handler.code.purge(name);
            }
        }
        let old = |(module, purge)| Unpurged { module, purge };
        let lingering = removed.into_iter().map(old).filter(|unpurged| {
            self.handler.code.old(unpurged.module.name()) == Some(unpurged.module)
        });
        let lingering: Vec<Unpurged> = lingering.collect();
        self.handler.unpurged.extend(lingering);
        self.handler.retry_purges(self.driver);
    }

    fn stop(&mut self, module: Atom) -> Result<(), FailedStep> {
        let stopped = children::stop(self.driver, module)?;
        self.stopped.extend(stopped);
        Ok(())
    }

    fn start(&mut self, module: Atom) -> Result<(), FailedStep> {
        let (own, others) = std::mem::take(&mut self.stopped)
            .into_iter()
            .partition(|stopped| stopped.is_of(module));
        self.stopped = others;
        let own: Vec<Stopped> = own;
        own.into_iter()
            .try_for_each(|stopped| children::start(self.driver, stopped))
    }
}
