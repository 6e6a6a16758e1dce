//! The progress of an operation on stderr: a terminal shows one line that is overwritten, other outputs get a line
//! per step.
//!
//! ```text
//!   install 1.1.0  [##########----------]  copy: 2060 of 4120 converted  0.8 s
//! ```

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use pq_protocol::Progress;

use super::say::warn;
use super::table::{cut, printable, terminal_width};
use crate::{console, streams};

/// The width of the bar in columns, without its ends.
const BAR: usize = 20;

/// The width in columns of a terminal that reports none or 0 (as `script(1)` without a terminal of its own does).
const WIDTH: usize = 80;
const WIDTH_MIN: usize = 20;

/// The interval at which a step in progress is written again to an output that is no terminal.
const AGAIN: Duration = Duration::from_secs(10);

/// Work of this process that ends earlier is not shown: a person does not wait for it.
const SOON: Duration = Duration::from_secs(1);

/// The interval at which the line of such work is written.
const TICK: Duration = Duration::from_millis(200);

/// Does work of this process that may take long, and shows its step and its time from the second second on.
pub(crate) fn metered<R>(operation: &str, step: &str, work: impl FnOnce() -> R) -> R {
    std::thread::scope(|scope| {
        let (done, is_done) = sync_channel::<()>(0);
        let ticker = std::thread::Builder::new();
        // Without a thread the work is done unseen.
        let _ = ticker.spawn_scoped(scope, move || tick(operation, step, &is_done));
        let result = work();
        drop(done);
        result
    })
}

/// Writes the line until the other end of the channel is gone.
fn tick(operation: &str, step: &str, is_done: &Receiver<()>) {
    let goes_on = |limit| is_done.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
    let mut meter = Meter::of(operation.to_string());
    let progress = Progress::step(step);
    let mut limit = SOON;
    while goes_on(limit) {
        meter.note(&progress);
        limit = TICK;
    }
}

/// Shows the progress of one operation; dropping the meter erases the line on a terminal.
pub(super) struct Meter {
    operation: String,
    began: Instant,
    /// The number of columns of the terminal; `None` if stderr is no terminal.
    width: Option<usize>,
    /// The number of columns that the line takes now.
    shown: usize,
    /// The last step that was written, and the time of writing.
    mentioned: (String, Instant),
}

impl Meter {
    /// Creates the meter of an operation; `operation` is the command as typed.
    pub(super) fn of(operation: String) -> Meter {
        let moves = std::io::stderr().is_terminal() && console::lines_may_move();
        Meter {
            operation,
            began: Instant::now(),
            width: moves
                .then(|| terminal_width().filter(|width| *width >= WIDTH_MIN))
                .map(|width| width.unwrap_or(WIDTH)),
            shown: 0,
            mentioned: (String::new(), Instant::now()),
        }
    }

    /// Shows the new progress.
    pub(super) fn note(&mut self, progress: &Progress) {
        match self.width {
            Some(width) => {
                let line = line(&self.operation, progress, self.began.elapsed());
                // The last column stays free: some terminals start a new line after it.
                self.put(&cut(&printable(&line), width.saturating_sub(1)));
            }
            None => self.mention(progress),
        }
    }

    fn mention(&mut self, progress: &Progress) {
        let (step, at) = &self.mentioned;
        if *step != progress.step || at.elapsed() >= AGAIN {
            warn(&format!("{}: {progress}", self.operation));
            self.mentioned = (progress.step.clone(), Instant::now());
        }
    }

    /// Overwrites the previous line. Blanks cover the rest of a longer line, so the terminal needs to support only
    /// CR.
    fn put(&mut self, line: &str) {
        let columns = line.chars().count();
        let blanks = self.shown.saturating_sub(columns);
        streams::aside(&format!("\r{line}{:blanks$}\r", ""));
        self.shown = columns;
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.shown > 0 {
            self.put("");
        }
    }
}

fn line(operation: &str, progress: &Progress, took: Duration) -> String {
    let bar = bar(progress);
    format!("{operation}  {bar}{progress}  {:.1} s", took.as_secs_f64())
}

/// The bar of a step with a known end: processes get their new versions after all states are converted.
fn bar(progress: &Progress) -> String {
    let done = match progress.swapped {
        0 => progress.converted,
        swapped => swapped,
    };
    if progress.total == 0 {
        return String::new();
    }
    let filled = (done.min(progress.total) * BAR as u64 / progress.total) as usize;
    format!("[{}{}]  ", "#".repeat(filled), "-".repeat(BAR - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metered_work_returns_its_result_or_its_panic() {
        assert_eq!(metered("backup", "copying", || 7), 7);
        let fails = || metered("backup", "copying", || panic!("no disk"));
        assert!(std::panic::catch_unwind(fails).is_err());
    }

    fn copy(converted: u64, total: u64) -> Progress {
        Progress {
            converted,
            total,
            ..Progress::step("copy")
        }
    }

    #[test]
    fn the_line_has_a_bar_counts_and_the_time() {
        let took = Duration::from_millis(840);
        assert_eq!(
            line("install 1.1.0", &copy(2_060, 4_120), took),
            "install 1.1.0  [##########----------]  copy: 2060 of 4120 converted  0.8 s"
        );
        assert_eq!(
            line("stop", &Progress::step("stopping"), took),
            "stop  stopping  0.8 s"
        );
    }

    #[test]
    fn the_bar_is_full_at_the_end_and_never_longer() {
        assert_eq!(bar(&copy(0, 7)), "[--------------------]  ");
        assert_eq!(bar(&copy(9, 7)), "[####################]  ");
        assert_eq!(bar(&copy(u64::MAX / 40, u64::MAX / 40)).len(), BAR + 4);
    }
}
