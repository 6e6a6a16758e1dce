//! The environment of applications, and the list of running ones.

use std::collections::BTreeMap;

use pq_term::Term;

use super::{Node, Running};
use crate::unpoisoned::Unpoisoned;

impl Node {
    /// A value of an application's environment (`application:get_env/2`).
    pub fn env(&self, application: &str, key: &str) -> Option<Term> {
        let env = self.shared.env.read().unpoisoned();
        env.get(&(application.to_string(), key.to_string()))
            .cloned()
    }

    /// Sets a value of an application's environment (`application:set_env/3`).
    pub fn set_env(&self, application: &str, key: &str, value: Term) {
        let mut env = self.shared.env.write().unpoisoned();
        env.insert((application.to_string(), key.to_string()), value);
    }

    /// Removes a value of an application's environment (`application:unset_env/2`).
    pub fn unset_env(&self, application: &str, key: &str) {
        let mut env = self.shared.env.write().unpoisoned();
        env.remove(&(application.to_string(), key.to_string()));
    }

    /// The environment of an application (`application:get_all_env/1`).
    pub fn env_of(&self, application: &str) -> BTreeMap<String, Term> {
        let env = self.shared.env.read().unpoisoned();
        env.iter()
            .filter(|((name, _), _)| name == application)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    /// Replaces the whole environment of an application.
    pub(crate) fn replace_env(&self, application: &str, with: BTreeMap<String, Term>) {
        let mut env = self.shared.env.write().unpoisoned();
        env.retain(|(name, _), _| name != application);
        let own = with.into_iter();
        env.extend(own.map(|(key, value)| ((application.to_string(), key), value)));
    }

    /// The running applications, the last started first, as their controller has listed them last, without asking it.
    pub fn applications_noted(&self) -> Vec<Running> {
        let noted = self.shared.applications.lock();
        noted.unpoisoned().clone()
    }

    pub(crate) fn note_applications(&self, running: Vec<Running>) {
        let noted = self.shared.applications.lock();
        *noted.unpoisoned() = running;
    }
}
