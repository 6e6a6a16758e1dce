//! Checks an install without carrying it out: its effects, and warnings.

use std::time::Instant;

use pq_otp::ProcessInfo;
use pq_otp::upgrade::Driver;
use pq_protocol::record::InstallPhase;
use pq_term::Term;

use super::error::{FailedStep, InstallError};
use super::preflight::Tried;
use super::prepare::{Prepared, Purpose};
use super::report::CheckReport;
use super::{ASK_TIMEOUT_MS, Options, ReleaseHandler, drift, losses, modules};
use crate::terms;

impl ReleaseHandler {
    /// Does everything of an install that changes nothing (`release_handler:check_install_release/1`): reads and verifies all
    /// files, loads the libraries, calls the functions before the relup's point of no return, and converts copies of all states
    /// there and back again while their processes run.
    ///
    /// # Errors
    /// With the first fault that would make the install fail.
    pub fn check_install(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<CheckReport, InstallError> {
        let began = Instant::now();
        let checked = self.try_out(driver, vsn, options);
        self.watch.end();
        let report = checked.map_err(FailedStep::untouched)?;
        Ok(CheckReport {
            took_ms: began.elapsed().as_millis() as u64,
            ..report
        })
    }

    fn try_out(
        &mut self,
        driver: &mut dyn Driver,
        vsn: &str,
        options: &Options,
    ) -> Result<CheckReport, FailedStep> {
        let began = Instant::now();
        let prepared = self.prepare(driver, vsn, Purpose::Check)?;
        let preparation = began.elapsed();
        let prepared = drift::permit(prepared, options)?;
        losses::permit(&prepared, &self.code, driver, options)?;
        let mut report = CheckReport::of(&prepared);
        let processes = driver.processes(ASK_TIMEOUT_MS)?;
        report.modules = prepared.modules(&self.code)?;
        for change in &mut report.modules {
            let current = self.code.current(&change.module);
            change.processes = modules::count(driver, current, &processes)?;
        }
        self.watch.enter(InstallPhase::Copy);
        let tried = Tried {
            prepared: &prepared,
            first: 0,
            processes: &processes,
        };
        let expected = self.try_exchanges(driver, &tried, options, &mut report)?;
        report.expected_pause_us = expected.pause.as_micros() as u64;
        report.expected_pause_ms = report.expected_pause_us.div_ceil(1_000);
        report.expected_took_ms = (preparation + expected.took).as_millis() as u64;
        Ok(report)
    }
}

impl CheckReport {
    pub(super) fn of(prepared: &Prepared) -> CheckReport {
        let script = prepared.planned.script.iter();
        let through = prepared.script.converters.iter();
        CheckReport {
            from: prepared.planned.from.clone(),
            to: prepared.planned.to.clone(),
            direction: prepared.planned.direction,
            description: words(&prepared.planned.description),
            script: script
                .map(|instruction| instruction.to_term().to_string())
                .collect(),
            through: through.map(|it| format!("{}-{}", it.lib, it.vsn)).collect(),
            modules: Vec::new(),
            calls: prepared.calls(),
            restart: prepared.script.restart,
            processes: Default::default(),
            converted: 0,
            differing: 0,
            killed: 0,
            ends: prepared.judgement.ends.clone(),
            expected_pause_ms: 0,
            expected_pause_us: 0,
            expected_took_ms: 0,
            warnings: prepared.warnings.clone(),
            took_ms: 0,
        }
    }

    /// Counts the processes of the concerned modules, and stores the number of each module.
    pub(super) fn count(&mut self, processes: &[ProcessInfo], concerned: &[&str]) -> u64 {
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
