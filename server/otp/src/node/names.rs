//! Names of processes: local names, and names in messages for people.

use pq_term::{Pid, shorten};

use super::Node;
use crate::unpoisoned::Unpoisoned;

/// Returns the name of a process, as people write it.
pub type NameHook = Box<dyn Fn(Pid) -> Option<String> + Send + Sync>;

/// The registry, for processes that move: they keep their names.
pub trait NameRegistry: Send + Sync {
    /// The names of a process, each as the bytes by which [`NameRegistry::register`] registers it again.
    fn names_of(&self, pid: Pid) -> Vec<Vec<u8>>;

    /// Gives a name to a process that has arrived.
    ///
    /// # Errors
    /// A sentence, when another process has the name or the bytes are no name.
    fn register(&self, node: &Node, name: &[u8], pid: Pid) -> Result<(), String>;
}

/// How many characters of a name a message shows: three times as many as an avatar's name may have.
const NAME_CHARS_MAX: usize = 64;

impl Node {
    /// The process with a local name (`erlang:whereis/1`).
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.shared.names.read().unpoisoned().get(name).copied()
    }

    /// All local names (`erlang:registered/0`).
    pub fn registered(&self) -> Vec<(String, Pid)> {
        let names = self.shared.names.read().unpoisoned();
        names
            .iter()
            .map(|(name, pid)| (name.clone(), *pid))
            .collect()
    }

    /// Registers a local name; the error is the pid that has the name already.
    pub(crate) fn register(&self, name: &str, pid: Pid) -> Result<(), Pid> {
        let mut names = self.shared.names.write().unpoisoned();
        match names.get(name) {
            Some(holder) => Err(*holder),
            None => {
                names.insert(name.to_string(), pid);
                Ok(())
            }
        }
    }

    pub(crate) fn unregister(&self, name: &str, pid: Pid) {
        let mut names = self.shared.names.write().unpoisoned();
        if names.get(name) == Some(&pid) {
            names.remove(name);
        }
    }

    /// The registry's name or the local name of a process, for messages: it may be shortened.
    pub fn name_of(&self, pid: Pid) -> Option<String> {
        let hook = self.config().name_of.as_ref();
        let name = hook.and_then(|name_of| name_of(pid));
        let name = name.or_else(|| {
            let mut names = self.registered().into_iter();
            names.find_map(|(name, named)| (named == pid).then_some(name))
        });
        name.map(|name| shorten(&name, NAME_CHARS_MAX).into_owned())
    }

    /// The process in messages: `Ann (<0.4.1>)`, or only the pid when it has no name.
    pub fn called(&self, pid: Pid) -> String {
        match self.name_of(pid) {
            Some(name) => format!("{name} ({pid})"),
            None => pid.to_string(),
        }
    }
}
