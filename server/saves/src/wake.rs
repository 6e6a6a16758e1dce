//! The bell of the keeper: anybody may ring, on any thread, and nobody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use crate::keeper::News;

/// Wakes the keeper. At most one [`News::Look`] is on its way, so the channel always has room for the answers of shards.
#[derive(Clone, Debug)]
pub(crate) struct Wake {
    news: SyncSender<News>,
    is_rung: Arc<AtomicBool>,
}

impl Wake {
    pub(crate) fn new(news: SyncSender<News>) -> Wake {
        Wake {
            news,
            is_rung: Arc::default(),
        }
    }

    /// There is something to look at.
    pub(crate) fn wake(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            // The channel has a place for it.
            let _ = self.news.try_send(News::Look);
        }
    }

    /// The keeper has received [`News::Look`], and looks now.
    pub(crate) fn heard(&self) {
        self.is_rung.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_thousand_rings_take_one_place_of_the_channel() {
        let (sender, news) = sync_channel(2);
        let wake = Wake::new(sender);
        (0..1_000).for_each(|_| wake.wake());
        assert_eq!(news.try_iter().count(), 1);
        wake.heard();
        wake.wake();
        assert_eq!(news.try_iter().count(), 1);
    }
}
