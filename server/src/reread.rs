//! `SIGHUP`: a running node reads its files again, and takes over all that may change while it runs.
//!
//! ```text
//!   releases/bans.json ─► listeners
//!   sys.config ─┬ settings of the door (`door::READ_AGAIN`) ─► environment ─► listeners
//!               ├ logger_level of kernel ─► environment ─► log
//!               └ all others ─► a line in the log: they take effect at the next start
//! ```
//! All files are read and judged before the first change. So a mistake in one of them is a line in the log, and the node keeps
//! everything that it had.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use anyhow::{anyhow, bail};
use pq_otp::Ask;
use pq_otp::application::{AppReply, AppRequest, LoadedApp, Settings};
use pq_term::Term;
use tokio::sync::mpsc;

use crate::door;
use crate::logging::level;
use crate::manager::{Manager, Word};
use crate::running::RunningNode;

/// The limit for an answer of the application controller in milliseconds; it only copies values.
const ASK_TIMEOUT_MS: u64 = 5_000;

/// Reads the files again at each of these messages, until the node is gone.
pub(crate) async fn each(
    mut hang_ups: mpsc::Receiver<()>,
    node: Weak<RunningNode>,
    manager: Arc<Manager>,
) {
    while hang_ups.recv().await.is_some() {
        let Some(node) = node.upgrade() else { return };
        manager.tell(Word::Reloads);
        // A panic of that thread is in the log, and the node goes on with what it has.
        let _ = tokio::task::spawn_blocking(move || reread(&node)).await;
        manager.tell(Word::HasReloaded);
    }
}

fn reread(node: &RunningNode) {
    match node.releases().between_operations(|| take_over(node)) {
        Some(Ok(())) => (),
        Some(Err(error)) => {
            tracing::error!("SIGHUP: {error:#}; the settings and bans stay as they were");
        }
        None => tracing::error!(
            "SIGHUP: an operation on releases is in progress; nothing has been read, send the signal again later"
        ),
    }
}

fn take_over(node: &RunningNode) -> anyhow::Result<()> {
    let change = Change::of(node)?;
    let bans = node.bans().reread()?;
    change.carry_out(node)?;
    let (added, lifted, closed) = (bans.added, bans.lifted, bans.closed);
    tracing::info!(added, lifted, closed, "SIGHUP: the bans have been read");
    change.say();
    Ok(())
}

/// The name of an application, and of a setting in its environment.
type Key = (String, String);

/// The settings that differ from those in force.
struct Change {
    /// Settings that take effect at once, with the value in force from now on; `None` for one that has no value any more.
    now: Vec<(Key, Option<Term>)>,
    /// Settings that take effect at the next start.
    later: Vec<Key>,
    /// The settings of `sys.config` in force from now on.
    settings: Settings,
}

impl Change {
    /// Reads the settings of the running release, and judges those that take effect at once.
    fn of(node: &RunningNode) -> anyhow::Result<Change> {
        let (apps, before) = in_force(node)?;
        let read = node.releases().read_settings();
        let fresh = read.map_err(|error| anyhow!("failed to {error}"))?;
        let keys: BTreeSet<Key> = before.keys().chain(fresh.keys()).cloned().collect();
        let changed = keys
            .into_iter()
            .filter(|key| before.get(key) != fresh.get(key));
        let behind_door = node
            .booted()
            .behind_door()
            .map(|application| &*application.name);
        let (now, later): (Vec<Key>, Vec<Key>) = changed.partition(|(application, key)| {
            let is_of_door =
                behind_door == Some(application) && door::READ_AGAIN.contains(&key.as_str());
            is_of_door || (application == level::APPLICATION && key == level::SETTING)
        });
        let mut settings = before;
        for key in &now {
            match fresh.get(key) {
                Some(value) => drop(settings.insert(key.clone(), value.clone())),
                None => drop(settings.remove(key)),
            }
        }
        let value = |application: &str, key: &str| value(&settings, &apps, application, key);
        if let Some(name) = behind_door {
            door::judge_settings(name, |key| value(name, key))?;
        }
        level::level(value(level::APPLICATION, level::SETTING).as_ref())?;
        let with_value = |key: Key| {
            let value = value(&key.0, &key.1);
            (key, value)
        };
        let now = now.into_iter().map(with_value).collect();
        Ok(Change {
            now,
            later,
            settings,
        })
    }

    fn carry_out(&self, node: &RunningNode) -> anyhow::Result<()> {
        // No application gets another environment here: it may have changed at run time.
        let request = AppRequest::ChangeData(Vec::new(), self.settings.clone());
        match node
            .node()
            .asking()
            .applications(&request, ASK_TIMEOUT_MS)?
        {
            AppReply::Ok => (),
            other => bail!("the application controller answers {other:?}"),
        }
        for ((application, key), value) in &self.now {
            match value {
                Some(value) => node.node().set_env(application, key, value.clone()),
                None => node.node().unset_env(application, key),
            }
        }
        node.configure();
        Ok(())
    }

    fn say(&self) {
        if self.now.is_empty() && self.later.is_empty() {
            tracing::info!("SIGHUP: the settings have not changed");
        }
        for ((application, key), value) in &self.now {
            match value {
                Some(value) => tracing::info!("SIGHUP: {key} of {application} is {value} now"),
                None => tracing::info!("SIGHUP: {key} of {application} has its default now"),
            }
        }
        for (application, key) in &self.later {
            tracing::warn!(
                "SIGHUP: {key} of {application} has changed and takes effect at the next start of the node"
            );
        }
    }
}

/// The applications, and the settings of `sys.config` in force.
fn in_force(node: &RunningNode) -> anyhow::Result<(Vec<LoadedApp>, Settings)> {
    match node
        .node()
        .asking()
        .applications(&AppRequest::Data, ASK_TIMEOUT_MS)?
    {
        AppReply::Data(apps, settings) => Ok((apps, settings)),
        other => bail!("the application controller answers {other:?}"),
    }
}

/// The value of a setting: that of `sys.config`, or else that of the `.app` file.
fn value(settings: &Settings, apps: &[LoadedApp], application: &str, key: &str) -> Option<Term> {
    let setting = settings.get(&(application.to_string(), key.to_string()));
    let of_file = || {
        let app = apps.iter().find(|app| app.spec.name == application)?;
        let pair = app.spec.env.iter().find(|(name, _)| name == key);
        pair.map(|(_, value)| value)
    };
    setting.or_else(of_file).cloned()
}
