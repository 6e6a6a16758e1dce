//! The budget of one client: a single token bucket that pays for all its input.
//!
//! ```text
//!   wire ─► bytes ─┬─► lines ────┐
//!                  ├─► commands ─┼─► one bucket: [`Limits::lines`] ─► too fast: the input waits, no byte is lost
//!                  ├─► frames ───┤
//!                  └─► requests ─┘
//! ```
//! The unit is a line. A client pays for bytes when they come from the wire (`metered`). It pays for lines, commands, frames
//! and requests, minus their own bytes, before the node handles them. So every kind of flood costs its sender the same:
//! the sender's window in the kernel fills at the rate of [`Limits::lines`], and other clients do not notice.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep};

use crate::settings::Current;
use crate::settings::limits::Bucket;
#[cfg(doc)]
use crate::settings::limits::Limits;

/// The number of bytes that cost as much as a line: a line of the usual greatest length is worth its bytes.
pub const BYTES_PER_LINE: u32 = 1_024;

/// The number of telnet commands, or WebSocket frames, that cost as much as a line. A client sends about 20 at its start,
/// and 30 a second while its window is resized. The usual rate of lines allows 160 a second, and 480 at once.
pub const COMMANDS_PER_LINE: u32 = 16;

/// Work that a client causes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// A line of so many bytes, or a request for a page.
    Line(usize),
    /// Another input that is answered or noted, of so many bytes.
    Command(usize),
}

/// The budget of one client.
#[derive(Debug)]
pub(crate) struct Budget {
    spent: Mutex<Bucket>,
    settings: Current,
    /// Set for a proxy, which speaks for many visitors and so is not a single client.
    is_waived: AtomicBool,
}

impl Budget {
    /// The full budget of a client that has sent nothing yet.
    pub(crate) fn new(settings: Current) -> Budget {
        Budget {
            spent: Mutex::default(),
            settings,
            is_waived: AtomicBool::new(false),
        }
    }

    /// Sets whether the budget has no effect.
    pub(crate) fn waive(&self, is_waived: bool) {
        self.is_waived.store(is_waived, Ordering::Relaxed);
    }

    /// Charges for received bytes.
    pub(crate) fn owe(&self, bytes: usize) {
        if self.is_waived.load(Ordering::Relaxed) {
            return;
        }
        let price = self.price_of_bytes(bytes);
        self.spent.lock().owe(price, Instant::now());
    }

    /// The time until the next bytes may be read; `None` when they may be read now.
    pub(crate) fn debt(&self) -> Option<Duration> {
        let rate = self.settings.load().limits.lines;
        let debt = self.spent.lock().debt(rate, Instant::now());
        (!debt.is_zero() && !self.is_waived.load(Ordering::Relaxed)).then_some(debt)
    }

    /// Pays for work if the budget suffices.
    ///
    /// # Errors
    /// The time until the budget will suffice.
    pub(crate) fn pay(&self, work: Work) -> Result<(), Duration> {
        if self.is_waived.load(Ordering::Relaxed) {
            return Ok(());
        }
        let rate = self.settings.load().limits.lines;
        let price = self.price(work);
        self.spent.lock().pay(rate, price, Instant::now())
    }

    /// Charges for work that is done already.
    pub(crate) fn charge(&self, work: Work) {
        let (price, now) = (self.price(work), Instant::now());
        self.spent.lock().owe(price, now);
    }

    /// Waits until the next bytes may be read.
    pub(crate) async fn clear(&self) {
        while let Some(debt) = self.debt() {
            sleep(debt).await;
        }
    }

    /// Waits until the budget suffices, and pays for work. Yields to other tasks before a task does too much in one turn.
    pub(crate) async fn wait(&self, work: Work) {
        consume_budget().await;
        while let Err(wait) = self.pay(work) {
            sleep(wait).await;
        }
    }

    /// Whether the bucket is full: the client may send as much at once as at the beginning.
    pub(crate) fn is_calm(&self) -> bool {
        self.spent.lock().is_calm(Instant::now())
    }

    /// The price of work without the price of its bytes.
    fn price(&self, work: Work) -> Duration {
        let line = self.settings.load().limits.lines.interval();
        let (price, bytes) = match work {
            Work::Line(bytes) => (line, bytes),
            Work::Command(bytes) => (line / COMMANDS_PER_LINE, bytes),
        };
        price.saturating_sub(self.price_of_bytes(bytes))
    }

    fn price_of_bytes(&self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.settings.load().limits.lines.interval() * bytes / BYTES_PER_LINE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::settings::limits::{Limits, Rate};

    fn budget(lines: Rate) -> Budget {
        let limits = Limits {
            lines,
            ..Limits::default()
        };
        let settings = Settings {
            limits,
            ..Settings::default()
        };
        Budget::new(settings.current())
    }

    fn at_once(budget: &Budget, work: Work) -> usize {
        (0..10_000).take_while(|_| budget.pay(work).is_ok()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn lines_commands_and_bytes_are_paid_from_one_bucket() {
        let full = || budget(Rate::new(10, 30));
        assert_eq!(at_once(&full(), Work::Line(0)), 30);
        assert_eq!(at_once(&full(), Work::Command(0)), 480);
        let mixed = full();
        mixed.owe(10 * 1_024);
        assert_eq!(at_once(&mixed, Work::Line(0)), 20);
        assert_eq!(at_once(&mixed, Work::Command(0)), 0);
        assert_eq!(mixed.debt(), None);
        mixed.owe(1_024);
        assert_eq!(mixed.debt(), Some(Duration::from_millis(100)));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(at_once(&mixed, Work::Command(0)), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn the_bytes_of_a_line_are_paid_once() {
        let budget = budget(Rate::new(10, 2));
        for _ in 0..2 {
            budget.owe(512);
            assert_eq!(budget.pay(Work::Line(512)), Ok(()));
        }
        assert_eq!(at_once(&budget, Work::Line(0)), 0);
        budget.waive(true);
        budget.owe(1 << 20);
        assert_eq!((budget.pay(Work::Line(1)), budget.debt()), (Ok(()), None));
    }

    #[tokio::test(start_paused = true)]
    async fn what_costs_more_than_all_is_done_when_nothing_is_owed() {
        let budget = budget(Rate::new(1, 1));
        let begin = Instant::now();
        budget.owe(512);
        budget.wait(Work::Line(0)).await;
        assert_eq!(begin.elapsed().as_millis(), 500);
        budget.wait(Work::Command(0)).await;
        assert!(begin.elapsed() >= Duration::from_millis(500 + 62));
    }
}
