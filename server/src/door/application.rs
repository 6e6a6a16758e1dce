//! The application behind the door: the one of a release whose environment has `game`, or else `port`.

use anyhow::bail;
use pq_release::boot::{BootApp, BootRelease};

/// The application behind the door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Application {
    /// Its name.
    pub(crate) name: String,
    /// The first name that its processes register: that of the supervisor which starts sessions, unless `game` says
    /// otherwise.
    pub(super) registered: Option<String>,
}

impl Application {
    /// That of this release, if it has one.
    ///
    /// # Errors
    /// When it has several.
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
                "{} and {} both have the setting {key}, and one application can be behind the door",
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
