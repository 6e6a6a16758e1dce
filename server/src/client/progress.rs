//! How far an operation is, on stderr: one line that moves where a terminal shows it, else a line per step.
//!
//! ```text
//!   install 1.1.0  [##########----------]  copy: 2060 of 4120 converted  0.8 s
//! ```

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use pq_protocol::Progress;

use super::say::warn;
use super::table::{cut, printable, terminal_width};
use crate::{console, streams};

/// How wide the bar is, without its ends.
const BAR: usize = 20;

/// How wide a terminal is that does not say it, or says nonsense (`script(1)` without one of its own: 0).
const WIDTH: usize = 80;
const WIDTH_MIN: usize = 20;

/// A step that takes so long is mentioned again where no line moves.
const AGAIN: Duration = Duration::from_secs(10);

/// Shows one operation; what moved is gone when this is dropped.
pub(super) struct Meter {
    operation: String,
    began: Instant,
    /// How many columns there are for a line that moves; nothing when none is to move.
    width: Option<usize>,
    /// How many columns the line takes now.
    shown: usize,
    /// The step that was mentioned last, and when.
    mentioned: (String, Instant),
}

impl Meter {
    /// For an operation, as it was typed.
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

    /// So far it is now.
    pub(super) fn note(&mut self, progress: &Progress) {
        match self.width {
            Some(width) => {
                let line = line(&self.operation, progress, self.began.elapsed());
                // The last column is left free: some terminals go to the next line behind it.
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

    /// Puts a line over the one before. Blanks wipe out what it does not cover, and no terminal needs to know more than CR.
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

/// The part that is done, of a step whose end is known: processes get their new versions after all states are converted.
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
