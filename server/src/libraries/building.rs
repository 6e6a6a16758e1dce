//! The cargo that builds a library: one at a time, and it can be stopped from another thread.

use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::cannot_run_cargo;

/// How often it is looked whether cargo has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Whether cargo builds.
#[derive(Default)]
pub(super) struct Building(Mutex<State>);

#[derive(Default)]
struct State {
    cargo: Option<Child>,
    is_stopped: bool,
}

impl Building {
    /// Runs this command to its end.
    ///
    /// # Errors
    /// When it cannot be run, and when the building is stopped before it begins.
    pub(super) fn run(&self, command: &mut Command) -> anyhow::Result<ExitStatus> {
        self.begin(command)?;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            sleep(LOOK);
        }
    }

    /// Kills the command that runs, and lets no other begin.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.is_stopped = true;
        if let Some(cargo) = &mut state.cargo {
            // It may have ended by itself.
            let _ = cargo.kill();
        }
    }

    fn begin(&self, command: &mut Command) -> anyhow::Result<()> {
        let mut state = self.lock();
        ensure!(!state.is_stopped, "the building is stopped");
        state.cargo = Some(command.spawn().with_context(cannot_run_cargo)?);
        Ok(())
    }

    fn ended(&self) -> anyhow::Result<Option<ExitStatus>> {
        let mut state = self.lock();
        let Some(cargo) = &mut state.cargo else {
            return Ok(None);
        };
        let status = cargo.try_wait().context("failed to wait for cargo")?;
        if status.is_some() {
            state.cargo = None;
        }
        Ok(status)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_runs_to_its_end_unless_the_building_is_stopped() {
        let building = Building::default();
        let ended = building.run(Command::new("sh").args(["-c", "exit 3"]));
        assert_eq!(ended.unwrap().code(), Some(3));
        let killed = std::thread::scope(|scope| {
            let running = scope.spawn(|| building.run(Command::new("sleep").arg("600")));
            while building.lock().cargo.is_none() {
                std::thread::yield_now();
            }
            building.stop();
            running.join().unwrap()
        });
        assert!(!killed.unwrap().success());
        let refused = building.run(&mut Command::new("true")).unwrap_err();
        assert_eq!(refused.to_string(), "the building is stopped");
    }
}
