//! The builds of libraries by cargo: one at a time, and another thread can stop them.

use std::io::Read;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, ensure};
use parking_lot::Mutex;

use super::cargo::cannot_run_cargo;
use crate::{stdio, streams};

/// The interval between checks for the end of cargo.
const LOOK: Duration = Duration::from_millis(20);

/// Whether cargo is running.
#[derive(Default)]
pub(super) struct Building(Mutex<State>);

#[derive(Default)]
struct State {
    cargo: Option<Child>,
    is_stopped: bool,
}

impl Building {
    /// Runs a command to its end. On a terminal, the command writes to the terminal. Otherwise this program copies
    /// its output, because cargo fails if it cannot write.
    ///
    /// # Errors
    /// Fails if the command cannot be run, and after [`Building::stop`].
    pub(super) fn run(&self, command: &mut Command) -> anyhow::Result<ExitStatus> {
        let said = self.begin(command)?;
        let said = said.map(|said| thread::spawn(move || pass_on(said)));
        let status = loop {
            match self.ended()? {
                Some(status) => break status,
                None => sleep(LOOK),
            }
        };
        // Compilers of a killed cargo may still be running and write.
        if !self.0.lock().is_stopped {
            let _ = said.map(thread::JoinHandle::join);
        }
        Ok(status)
    }

    /// Kills the running command and prevents further commands.
    pub(super) fn stop(&self) {
        let mut state = self.0.lock();
        state.is_stopped = true;
        if let Some(cargo) = &mut state.cargo {
            // The command may have ended by itself.
            let _ = cargo.kill();
        }
    }

    fn begin(&self, command: &mut Command) -> anyhow::Result<Option<ChildStderr>> {
        let mut state = self.0.lock();
        ensure!(!state.is_stopped, "the building is stopped");
        command.stderr(match stdio::stderr_is_terminal() {
            true => stdio::for_progress(),
            false => Stdio::piped(),
        });
        let mut cargo = command.spawn().with_context(cannot_run_cargo)?;
        let said = cargo.stderr.take();
        state.cargo = Some(cargo);
        Ok(said)
    }

    fn ended(&self) -> anyhow::Result<Option<ExitStatus>> {
        let mut state = self.0.lock();
        let Some(cargo) = &mut state.cargo else {
            return Ok(None);
        };
        let status = cargo.try_wait().context("failed to wait for cargo")?;
        if status.is_some() {
            state.cargo = None;
        }
        Ok(status)
    }
}

fn pass_on(mut said: ChildStderr) {
    let mut piece = [0; 4_096];
    while let Ok(len @ 1..) = said.read(&mut piece) {
        streams::aside_bytes(&piece[..len]);
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
            while building.0.lock().cargo.is_none() {
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
