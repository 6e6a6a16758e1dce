//! The last notices: failures, restarts, installs, and the outcomes of orders.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::client::printable;
use crate::clock::rfc3339;

/// The notices that are kept: more than the lines of a terminal.
const NOTICES_MAX: usize = 200;

/// A sentence with its time.
pub(in crate::top) struct Notice {
    at_unix_ms: u64,
    text: String,
}

/// The last notices, the newest at the end.
#[derive(Default)]
pub(in crate::top) struct Notices(VecDeque<Notice>);

impl Notices {
    /// Adds a notice, without control characters.
    pub(super) fn add(&mut self, at_unix_ms: u64, text: &str) {
        if self.0.len() >= NOTICES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Notice {
            at_unix_ms,
            text: printable(text).into_owned(),
        });
    }

    /// The last notices, the newest at the end.
    pub(in crate::top) fn newest(&self, count: usize) -> impl Iterator<Item = &Notice> {
        self.0.iter().skip(self.0.len().saturating_sub(count))
    }
}

impl Notice {
    /// The notice as a line: `12:00:01 till of shop_sup is started again`, in UTC as all times of `pq`.
    pub(in crate::top) fn line(&self) -> String {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(self.at_unix_ms);
        let time = rfc3339(time);
        let clock = time.get(11..19).unwrap_or_default();
        format!("{clock} {}", self.text)
    }
}
