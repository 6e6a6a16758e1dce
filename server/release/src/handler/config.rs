//! Brings the `.app` files and the `sys.config` of the new release into force, and calls `config_change/3` (`application(3)`).
//!
//! In OTP they are in force before the script runs, and stay in force when it fails. Here they come into force with the first
//! step that cannot be undone.

use std::collections::BTreeMap;

use pq_otp::RequestError;
use pq_otp::application::{AppReply, AppRequest, LoadedApp, Settings};
use pq_otp::upgrade::Driver;
use pq_term::{Atom, Term, msgpack};

use super::ASK_TIMEOUT_MS;
use super::error::FailedStep;
use crate::boot::BootRelease;

/// The longest time of one change by the application controller, in ms. Processes are held meanwhile, and the controller only
/// replaces values in memory.
const CHANGE_TIMEOUT_MS: u64 = 1_000;

type Env = BTreeMap<String, Term>;

/// The applications and settings before an install, and whether they are still in force.
pub(super) struct Before {
    entered: bool,
    apps: Vec<LoadedApp>,
    sys_config: Settings,
    env: BTreeMap<String, Env>,
}

impl Before {
    pub(super) fn of(driver: &mut dyn Driver) -> Result<Before, FailedStep> {
        let (apps, sys_config) = data(driver)?;
        let env = apps.iter().map(|app| {
            let name = app.spec.name.clone();
            let env = driver.node().env_of(&name);
            (name, env)
        });
        Ok(Before {
            entered: false,
            env: env.collect(),
            apps,
            sys_config,
        })
    }

    /// Brings the files of the release into force, once. Restores the earlier ones on a failure.
    pub(super) fn enter(
        &mut self,
        driver: &mut dyn Driver,
        boot: &BootRelease,
    ) -> Result<(), FailedStep> {
        if self.entered {
            return Ok(());
        }
        let specs = boot.applications.iter().map(|app| app.app.spec()).collect();
        let changed = change(driver, specs, boot.settings.clone());
        changed.inspect_err(|_| self.restore(driver))?;
        self.entered = true;
        Ok(())
    }

    fn restore(&self, driver: &mut dyn Driver) {
        let specs = self.apps.iter().map(|app| app.spec.clone()).collect();
        if let Err(error) = change(driver, specs, self.sys_config.clone()) {
            tracing::error!("failed to {error}: settings of two releases may be mixed");
        }
    }

    /// Calls `config_change/3` of every running application whose environment has changed. Refusals are returned as sentences,
    /// because the new settings are in force in any case.
    pub(super) fn tell(&self, driver: &mut dyn Driver) -> Result<Vec<String>, FailedStep> {
        let (apps, _) = data(driver)?;
        let running = apps.into_iter().filter(|app| app.running);
        let told = running.filter_map(|app| self.tell_one(driver, &app).err());
        Ok(told.collect())
    }

    fn tell_one(&self, driver: &mut dyn Driver, app: &LoadedApp) -> Result<(), String> {
        let name = &app.spec.name;
        let Some((module, _)) = &app.spec.callback else {
            return Ok(());
        };
        let nothing = Env::new();
        let before = self.env.get(name).unwrap_or(&nothing);
        let Some(difference) = difference(before, &driver.node().env_of(name)) else {
            return Ok(());
        };
        let args = msgpack::list_to_msgpack(&difference);
        let told = driver.call_function(module.as_str(), "config_change", &args, ASK_TIMEOUT_MS);
        match told {
            Ok(_) => Ok(()),
            Err(error) => Err(format!(
                "{module}:config_change/3 of {name} failed: {error}"
            )),
        }
    }
}

/// The lists `Changed`, `New` and `Removed`; `None` when the environments are equal.
fn difference(before: &Env, after: &Env) -> Option<[Term; 3]> {
    let pair = |(key, value): (&String, &Term)| Term::tuple([key_term(key), value.clone()]);
    let changed = after
        .iter()
        .filter(|(key, value)| before.get(*key).is_some_and(|old| old != *value));
    let new = after.iter().filter(|(key, _)| !before.contains_key(*key));
    let removed = before.keys().filter(|key| !after.contains_key(*key));
    let lists = [
        changed.map(pair).collect::<Vec<_>>(),
        new.map(pair).collect(),
        removed.map(|key| key_term(key)).collect(),
    ];
    let any = lists.iter().any(|list| !list.is_empty());
    any.then(|| lists.map(Term::list))
}

/// Keys in files are atoms; only an environment that was set at run time has other keys.
fn key_term(key: &str) -> Term {
    Atom::new(key).map_or_else(|_| Term::string(key), Term::Atom)
}

fn data(driver: &mut dyn Driver) -> Result<(Vec<LoadedApp>, Settings), FailedStep> {
    match driver.applications(&AppRequest::Data, ASK_TIMEOUT_MS)? {
        AppReply::Data(apps, sys_config) => Ok((apps, sys_config)),
        other => Err(unexpected(&other)),
    }
}

fn change(
    driver: &mut dyn Driver,
    specs: Vec<pq_otp::application::AppSpec>,
    sys_config: Settings,
) -> Result<(), FailedStep> {
    let request = AppRequest::ChangeData(specs, sys_config);
    match driver.applications(&request, CHANGE_TIMEOUT_MS)? {
        AppReply::Ok => Ok(()),
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &AppReply) -> FailedStep {
    FailedStep::Node(RequestError::BadReply(format!("{reply:?}")))
}
