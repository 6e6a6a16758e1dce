//! The door's application: the application of a release whose environment has `game`, or otherwise `port`.

use anyhow::bail;
use pq_release::boot::{BootApp, BootRelease};

/// The application that has the node's listeners.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Application {
    /// The name of the application.
    pub(crate) name: String,
    /// The first registered name of the application: the supervisor that starts sessions, unless `game` names another
    /// one.
    pub(super) registered: Option<String>,
}

impl Application {
    /// The door's application of this release; `None` if the release has none.
    ///
    /// # Errors
    /// Fails if several applications of the release have the setting.
    pub(crate) fn of(release: &BootRelease) -> anyhow::Result<Option<Application>> {
        match Application::with(release, "game")? {
            Some(application) => Ok(Some(application)),
            None => Application::with(release, "port"),
        }
    }

    fn with(release: &BootRelease, key: &str) -> anyhow::Result<Option<Application>> {
        let has = |app: &&BootApp| release.env(app.app.name.as_str(), key).is_some();
        let having: Vec<&BootApp> = release.applications.iter().filter(has).collect();
        let app = match having[..] {
            [] => return Ok(None),
            [app] => &app.app,
            [one, other, ..] => bail!(
                "{} and {} both have the setting {key}, but only one application can have the listeners",
                one.app.name.as_str(),
                other.app.name.as_str()
            ),
        };
        let registered = app.registered.first();
        Ok(Some(Application {
            name: app.name.as_str().to_string(),
            registered: registered.map(|name| name.as_str().to_string()),
        }))
    }
}
