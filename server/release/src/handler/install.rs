//! Carries out a script, step by step.
//!
//! `prepare` and `preflight` do everything that may fail before the first change. After the first step that changes the node or
//! commits an exchange, an error says that the node was touched.

use std::time::Instant;

use pq_code::Change;
use pq_otp::Module;
use pq_otp::upgrade::{Driver, Plan, Transaction};
use pq_protocol::record::{InstallPhase, InstallRecord};
use pq_term::Atom;

use super::children::{self, Stopped};
use super::config::Before;
use super::error::{FailedStep, InstallError};
use super::exchange::Changes;
use super::prepare::{Prepared, Purpose};
use super::report::Sum;
use super::{Options, ReleaseHandler, Unpurged, apply, drift, losses};
use crate::instruction::Purge;
use crate::script::{Exchange, Step};

impl ReleaseHandler {
    /// Brings a release into force (`release_handler:install_release/2`). The release runs until the node ends; after
    /// [`ReleaseHandler::make_permanent`] it also boots next time.
    ///
    /// # Errors
    /// With the failed step. Nothing has changed unless [`InstallError::touched`] is true.
    pub fn install(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<InstallRecord, InstallError> {
        let record = self.recorded(|handler| handler.carry_out(driver, vsn, options))?;
        self.app_folders.clear();
        Ok(record)
    }

    /// Makes an attempt, and returns its record on success and on failure.
    pub(super) fn recorded(
        &mut self,
        attempt: impl FnOnce(&mut ReleaseHandler) -> Result<(), InstallError>,
    ) -> Result<InstallRecord, InstallError> {
        let began = Instant::now();
        let done = attempt(self);
        let record = InstallRecord {
            took_ms: began.elapsed().as_millis() as u64,
            unpurged: self.unpurged(),
            ..self.watch.end()
        };
        match done {
            Ok(()) => Ok(record),
            Err(error) => Err(error.recorded(record)),
        }
    }

    fn carry_out(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<(), InstallError> {
        let prepared = self.prepare(driver, vsn, Purpose::Install);
        let prepared = prepared
            .and_then(|prepared| drift::permit(prepared, options))
            .map_err(FailedStep::untouched)?;
        losses::permit(&prepared, &self.code, driver, options).map_err(FailedStep::untouched)?;
        self.run(driver, &prepared, options)?;
        let listed = match prepared.script.restart {
            false => self.registry.installed(vsn),
            true => self.registry.tmp_current(vsn),
        };
        listed.map_err(|error| FailedStep::from(error).touched())
    }

    /// Carries out a prepared install.
    pub(super) fn run(
        &mut self,
        driver: &mut dyn Driver,
        prepared: &Prepared,
        options: &Options,
    ) -> Result<(), InstallError> {
        self.note(prepared).map_err(FailedStep::untouched)?;
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
        run.note_sum();
        outcome.map_err(|step| match touched {
            true => step.touched(),
            false => step.untouched(),
        })
    }

    /// Records the facts that are known before the first step.
    fn note(&self, prepared: &Prepared) -> Result<(), FailedStep> {
        let modules = prepared.modules(&self.code)?;
        self.watch.note(|record| {
            record.modules = modules;
            record.warnings = prepared.warnings.clone();
            record.restart = prepared.script.restart;
        });
        Ok(())
    }
}

/// The state of a running install.
struct Run<'a, 'd> {
    handler: &'a mut ReleaseHandler,
    driver: &'a mut (dyn Driver + 'd),
    prepared: &'a Prepared,
    options: &'a Options,
    before: Before,
    /// True when a change was made that is not undone.
    touched: bool,
    sum: Sum,
    stopped: Vec<Stopped>,
    /// The number of connections dropped before this install began.
    dropped_before: u64,
}

impl Run<'_, '_> {
    fn all_steps(&mut self) -> Result<(), FailedStep> {
        for step in &self.prepared.script.steps {
            self.step(step)?;
        }
        self.before.enter(self.driver, &self.prepared.boot)?;
        let refused = self.before.tell(self.driver)?;
        let loaded = self.handler.loaded_since();
        self.handler.watch.note(|record| {
            record.warnings.extend(refused);
            record.bytes_loaded = loaded;
        });
        Ok(())
    }

    /// Records the measurements up to the end or the failure.
    fn note_sum(self) {
        let dropped = self.driver.node().ports_dropped() - self.dropped_before;
        self.handler.watch.note(|record| {
            record.connections_dropped = dropped;
            self.sum.record(record);
        });
    }

    fn step(&mut self, step: &Step) -> Result<(), FailedStep> {
        if let Step::Exchange(exchange) = step {
            return self.exchange(exchange);
        }
        self.before.enter(self.driver, &self.prepared.boot)?;
        self.touched = true;
        self.handler.watch.enter(InstallPhase::Apply);
        match step {
            Step::Exchange(_) => Ok(()),
            Step::Apply(mfa) => apply::apply(self.driver, &self.prepared.boot, mfa),
            Step::Stop(modules) => modules.iter().try_for_each(|module| self.stop(*module)),
            Step::Start(modules) => modules.iter().try_for_each(|module| self.start(*module)),
        }
    }

    fn exchange(&mut self, exchange: &Exchange) -> Result<(), FailedStep> {
        let changes = exchange.code_changes(&self.prepared.libraries)?;
        let own = Changes {
            before: &[],
            own: &changes,
        };
        let converters = &self.prepared.converters;
        let plan = exchange.plan(&self.handler.code, &own, converters, self.options)?;
        // Listed before the change, because the change makes these versions old or forgets them.
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

    /// Commits a whole exchange, or nothing. Returns the versions that are neither current nor old any more.
    ///
    /// The order guarantees this. The long steps that may fail come first, while all processes run (copy). The short steps that
    /// may fail follow, while processes are held (hold). Then come the files of the release, which can be restored. When the
    /// files are in force, no step is left that can fail. The files cannot wait for the commit, because the first callback of
    /// the new code reads its settings.
    fn transact(
        &mut self,
        plan: Plan,
        changes: &[Change<'static>],
    ) -> Result<Vec<Module>, FailedStep> {
        let watch = self.handler.watch.clone();
        let mut transaction = Transaction::begin(self.driver, plan);
        watch.follow(transaction.board());
        watch.enter(InstallPhase::Copy);
        transaction.copy_telling(|| watch.enter(InstallPhase::Follow))?;
        watch.enter(InstallPhase::Hold);
        let mut held = transaction.hold()?;
        self.before.enter(held.driver(), &self.prepared.boot)?;
        watch.enter(InstallPhase::Commit);
        let mut forgotten = Vec::new();
        let committed = held.commit(|| {
            forgotten =
                self.handler.code.change(changes).expect(
                    "the preview of these changes succeeded, and no other thread changes code",
                );
            watch.enter(InstallPhase::Swap);
        });
        self.sum.add(committed);
        Ok(forgotten)
    }

    /// Handles code that became old: no process runs the earlier version of a loaded module any more; processes that still run
    /// a removed module are purged later.
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
