//! The door's application: the application of a release whose environment has `port` or `game`.

use std::collections::BTreeSet;

use anyhow::bail;
use pq_release::boot::BootRelease;

/// The settings that mark the door's application.
const OF_DOOR: [&str; 2] = ["port", "game"];

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
    /// Fails if several applications of the release have such settings.
    pub(crate) fn of(release: &BootRelease) -> anyhow::Result<Option<Application>> {
        let names = release.applications.iter().map(|app| app.app.name.as_str());
        let is_behind = |name: &&str| OF_DOOR.iter().any(|key| release.env(name, key).is_some());
        let behind: BTreeSet<&str> = names.filter(is_behind).collect();
        let name = match Vec::from_iter(behind)[..] {
            [] => return Ok(None),
            [name] => name,
            [one, other, ..] => bail!(
                "{one} and {other} both have a setting port or game, but only one application can have the listeners"
            ),
        };
        let mut applications = release.applications.iter();
        let app = applications.find(|app| app.app.name.as_str() == name);
        let registered = app.and_then(|app| app.app.registered.first());
        Ok(Some(Application {
            name: name.to_string(),
            registered: registered.map(|name| name.as_str().to_string()),
        }))
    }
}
