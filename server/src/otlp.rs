//! Spans of installs for a collector of OpenTelemetry: OTLP over HTTP with JSON.
//!
//! ```text
//!   record of an install ─► queue ─► thread: spans ─► POST /v1/traces ─► collector
//! ```
//! ```erlang
//! {kernel, [{otlp, [{endpoint, "http://127.0.0.1:4318"}]}]}     % nothing is sent without it
//! ```
//! An install is a span with a child for each phase; all figures are those of the record. The export never delays an install: a
//! record is left out when the collector has not taken the ones before, and a failure is a line in the log.

mod post;
mod settings;
mod spans;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use parking_lot::Mutex;
use pq_otp::Node;
use pq_protocol::record::InstallRecord;

use crate::options;
pub(crate) use settings::judge;
use settings::{Endpoint, endpoint};
use spans::Install;

/// The records that wait for the collector. Installs take seconds, and a collector milliseconds.
const QUEUE: usize = 16;

/// The limit for the last records at the end of the node.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// The interval between looks whether the thread has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The export of a node.
pub(crate) struct Exporter {
    installs: Mutex<Option<SyncSender<Install>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Exporter {
    /// Begins the export, if the command line or the environment of the node has an endpoint.
    ///
    /// # Errors
    /// An invalid setting, or the system has no thread left.
    pub(crate) fn begin(node: &Node, options: &options::Node) -> anyhow::Result<Option<Exporter>> {
        let Some(endpoint) = endpoint(node, options.otlp_endpoint.as_deref())? else {
            return Ok(None);
        };
        tracing::info!(%endpoint, "spans of installs are sent");
        let (tell, told) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("pq-otlp".to_string());
        let thread = thread.spawn(move || send_all(&endpoint, &told));
        Ok(Some(Exporter {
            installs: Mutex::new(Some(tell)),
            thread: Mutex::new(Some(thread.context("failed to start a thread")?)),
        }))
    }

    /// Sends an install that has ended at this moment.
    pub(crate) fn install(&self, record: &InstallRecord) {
        let install = Install {
            record: record.clone(),
            ended: SystemTime::now(),
        };
        let installs = self.installs.lock();
        let Some(installs) = installs.as_ref() else {
            return;
        };
        if installs.try_send(install).is_err() {
            tracing::warn!("the spans of an install are not sent: the collector takes nothing");
        }
    }

    /// Waits until the last records are sent, for a limited time.
    pub(crate) fn finish(&self) {
        drop(self.installs.lock().take());
        let deadline = Instant::now() + FINISH_TIMEOUT;
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// Sends records until the node ends.
fn send_all(endpoint: &Endpoint, installs: &Receiver<Install>) {
    for install in installs {
        match post::post(endpoint, &install.json()) {
            Ok(()) => (),
            Err(why) => tracing::warn!(%endpoint, why, "the spans of an install are not sent"),
        }
    }
}
