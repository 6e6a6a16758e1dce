//! The application behind the door: the one of a release whose environment has `port` or `game`.

use std::collections::BTreeSet;

use anyhow::bail;
use pq_release::boot::BootRelease;

/// The settings that only an application behind the door has.
const OF_DOOR: [&str; 2] = ["port", "game"];

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
        let names = release.applications.iter().map(|app| app.app.name.as_str());
        let is_behind = |name: &&str| OF_DOOR.iter().any(|key| release.env(name, key).is_some());
        let behind: BTreeSet<&str> = names.filter(is_behind).collect();
        let name = match Vec::from_iter(behind)[..] {
            [] => return Ok(None),
            [name] => name,
            [one, other, ..] => bail!(
                "{one} and {other} both have a setting port or game, and one application can be behind the door"
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
