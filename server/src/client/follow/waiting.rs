//! The waits of a view: for the node, for a signal, for the end of its time, and for the end of its reader.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pq_protocol::{Exit, Failure};

use crate::signals::Held;
use crate::streams;

/// The reason for the end of a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wake {
    /// The descriptor is ready: the node has sent something, or has closed the connection.
    Ready,
    /// The limit of the wait has passed.
    Nothing,
    /// The command is to end: by a signal, because its time is over, or because nobody reads its output.
    Told,
}

/// The state of a view that goes on.
pub(super) struct Waiting {
    signals: Held,
    until: Option<Instant>,
    has_heard: bool,
    /// The beginning of the time without a line; `None` while lines come.
    lost: Option<Instant>,
}

impl Waiting {
    /// Blocks the signals that end the command, to read them instead.
    ///
    /// # Errors
    /// [`Exit::Internal`] if the system has no descriptor left.
    pub(super) fn begin(time: Option<Duration>) -> Result<Waiting, Failure> {
        let signals = Held::hold();
        let signals =
            signals.map_err(|error| Failure::new(Exit::Internal, format!("{error:#}")))?;
        Ok(Waiting {
            signals,
            until: time.map(|time| Instant::now() + time),
            has_heard: false,
            lost: Some(Instant::now()),
        })
    }

    /// Notes that a line has come.
    pub(super) fn hear(&mut self) {
        self.has_heard = true;
        self.lost = None;
    }

    /// Whether a line has come at all.
    pub(super) fn has_heard(&self) -> bool {
        self.has_heard
    }

    /// Whether lines have come since the last loss of the node.
    pub(super) fn is_connected(&self) -> bool {
        self.lost.is_none()
    }

    /// Notes that the node is gone.
    pub(super) fn lose(&mut self) {
        self.lost = Some(Instant::now());
    }

    /// The time without a line since the beginning, or since the node is gone.
    pub(super) fn lost_for(&self) -> Duration {
        self.lost.map_or(Duration::ZERO, |lost| lost.elapsed())
    }

    /// Waits for the node, at most for `limit`. While the output has no room, nothing more is read: the node then leaves
    /// frames out.
    pub(super) fn wait(&self, stream: &UnixStream, limit: Duration) -> Wake {
        let room = PollFd::new(streams::data_descriptor(), PollFlags::POLLOUT);
        match self.poll(Some(room), streams::patience()) {
            Wake::Ready => {
                let node = PollFd::new(stream.as_fd(), PollFlags::POLLIN);
                self.poll(Some(node), limit)
            }
            Wake::Nothing | Wake::Told => Wake::Told,
        }
    }

    /// Waits for `limit`, or until the command is to end.
    pub(super) fn sleep(&self, limit: Duration) -> Wake {
        self.poll(None, limit)
    }

    fn poll(&self, wanted: Option<PollFd<'_>>, limit: Duration) -> Wake {
        let left = self.until.filter(|_| self.has_heard);
        let left = left.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) || streams::is_deaf() {
            return Wake::Told;
        }
        let signals = PollFd::new(self.signals.descriptor(), PollFlags::POLLIN);
        // Without a wish, only errors are reported: the reader is gone.
        let data = PollFd::new(streams::data_descriptor(), PollFlags::empty());
        let mut asked = vec![signals, data];
        asked.extend(wanted);
        // Rounded up, so that a wait for the last millisecond is one.
        let limit = left.map_or(limit, |left| left.min(limit)) + Duration::from_millis(1);
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        // An interrupted wait is repeated by the caller.
        let _ = poll(&mut asked, timeout);
        let is_there = |at: usize| asked.get(at).and_then(PollFd::any).unwrap_or(false);
        match (is_there(0) || is_there(1), is_there(2)) {
            (true, _) => Wake::Told,
            (false, true) => Wake::Ready,
            (false, false) => Wake::Nothing,
        }
    }
}
