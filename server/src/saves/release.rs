//! The release of a node that does not run: what it saves, and the modules that it has.

use std::collections::BTreeSet;
use std::path::Path;

use pq_release::boot::{BootRelease, ReleaseTree};
use pq_release::{layout, start_erl::StartErl, sys_config};
use pq_saves::{Durable, Stopped};

use crate::boot;
use crate::door::Application;

/// The permanent release of a tree.
pub(crate) struct Release {
    durable: Vec<Durable>,
    modules: BTreeSet<String>,
}

impl Release {
    /// Reads the permanent release.
    ///
    /// # Errors
    /// When it could not boot, or has an invalid setting.
    pub(crate) fn permanent(root: &Path) -> anyhow::Result<Release> {
        let release = ReleaseTree::open(root, boot::runtime()?).boot()?;
        let durable = match Application::of(&release)? {
            Some(Application { name, .. }) => {
                super::read(&name, |key| release.env(&name, key).cloned())?.0
            }
            None => Vec::new(),
        };
        let modules = modules(&release);
        Ok(Release { durable, modules })
    }

    /// The release, for operations on its store.
    pub(crate) fn with<T>(&self, work: impl FnOnce(Stopped<'_>) -> T) -> T {
        work(Stopped {
            durable: &self.durable,
            is_known: &|module| self.modules.contains(module),
        })
    }
}

fn modules(release: &BootRelease) -> BTreeSet<String> {
    let applications = release.applications.iter();
    let modules = applications.flat_map(|app| app.app.modules.iter());
    modules.map(|module| module.as_str().to_string()).collect()
}

/// The supervisors whose children the permanent release saves, as far as its `sys.config` says so.
pub(crate) fn durable_names(root: &Path) -> Vec<String> {
    let durable = || {
        let start = StartErl::read(&layout::start_erl(root)).ok()?;
        let settings = sys_config::read(&layout::release(root, &start.vsn)).ok()?;
        let mut settings = settings.into_iter();
        let ((application, _), durable) = settings.find(|((_, key), _)| key == "durable")?;
        Durable::read(&application, Some(&durable)).ok()
    };
    let durable = durable().unwrap_or_default().into_iter();
    durable.map(|it| it.supervisor).collect()
}
