//! The pace of one client: input above its budget waits. The client is told so once, and again only after its budget was
//! full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::coop::consume_budget;

use crate::admission::budget::{Budget, COMMANDS_PER_LINE, Work};
use crate::admission::refused::Refusal;
use crate::settings::Current;

#[derive(Debug)]
pub(super) struct Pace {
    budget: Arc<Budget>,
    settings: Current,
    /// The client has been told that it sends too fast, and its budget was not full since.
    is_told: AtomicBool,
}

impl Pace {
    pub(super) fn new(budget: Arc<Budget>, settings: Current) -> Pace {
        Pace {
            budget,
            settings,
            is_told: AtomicBool::new(false),
        }
    }

    /// Waits until the budget suffices for this work. `tell` informs the client of the wait, unless it is informed already.
    pub(super) async fn pay(
        &self,
        work: Work,
        tell: impl FnOnce(Refusal) -> Refusal,
    ) -> Option<Refusal> {
        if self.budget.is_calm() {
            self.is_told.store(false, Ordering::Relaxed);
        }
        if self.budget.pay(work).is_ok() {
            consume_budget().await;
            return None;
        }
        let is_news = !self.is_told.swap(true, Ordering::Relaxed);
        let told = is_news.then(|| tell(self.hurry(work)));
        self.budget.wait(work).await;
        told
    }

    fn hurry(&self, work: Work) -> Refusal {
        let rate = self.settings.load().limits.lines.per_second;
        match work {
            Work::Line(_) => Refusal::Lines(rate),
            Work::Command(_) => Refusal::Commands(rate.saturating_mul(COMMANDS_PER_LINE)),
        }
    }

    /// Makes all further input of the client free.
    pub(super) fn waive(&self) {
        self.budget.waive(true);
    }
}
