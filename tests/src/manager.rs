//! A service manager for a test: the socket of `sd_notify(3)`, and the messages of a node on it.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use crate::running::{PATIENCE, uninterrupted};

/// The largest message; a node sends a few lines.
const MESSAGE_MAX: usize = 64 << 10;

/// The socket that a node notifies.
pub struct ServiceManager {
    folder: TempDir,
    socket: UnixDatagram,
}

impl ServiceManager {
    /// A manager that listens.
    pub fn new() -> ServiceManager {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("the name is free");
        let limit = socket.set_read_timeout(Some(PATIENCE));
        limit.expect("the limit is not zero");
        ServiceManager { folder, socket }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("notify")
    }

    /// The command as the manager starts it; `watchdog_ms` is the limit for a sign of life.
    pub fn starts<'a>(&self, command: &'a mut Command, watchdog_ms: u64) -> &'a mut Command {
        command
            .env("NOTIFY_SOCKET", self.path())
            .env("WATCHDOG_USEC", (watchdog_ms * 1_000).to_string())
    }

    /// The next message, as lines such as `READY=1`.
    pub fn next(&self) -> Vec<String> {
        let mut message = vec![0; MESSAGE_MAX];
        let length = uninterrupted(|| self.socket.recv(&mut message));
        let length = length.unwrap_or_else(|error| panic!("the node says nothing: {error}"));
        let text = String::from_utf8_lossy(&message[..length]).into_owned();
        text.lines().map(str::to_string).collect()
    }

    /// All lines up to the message in which one begins with `wanted`.
    pub fn until(&self, wanted: &str) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        while Instant::now() < deadline {
            let message = self.next();
            let is_last = message.iter().any(|line| line.starts_with(wanted));
            lines.extend(message);
            if is_last {
                return lines;
            }
        }
        panic!("the node never says {wanted}: {lines:?}")
    }
}

impl Default for ServiceManager {
    fn default() -> ServiceManager {
        ServiceManager::new()
    }
}
