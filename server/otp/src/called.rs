//! How messages for people call processes and tell reasons: by their names, and within bounds.
//!
//! What does not live here: names themselves (`node`, the registry), and what a terminal may be shown (`pq_term`).

use pq_abi::Reason;
use pq_term::{Pid, shorten};

use crate::node::Node;

/// Says which name a process has, as people write it.
pub type NameHook = Box<dyn Fn(Pid) -> Option<String> + Send + Sync>;

/// How much of a name a message shows: a hero's has at most a third of it.
const NAME_CHARS_MAX: usize = 64;

/// How much of a reason a message shows: three lines of a terminal. It may hold a state, or whatever a module put into it.
const REASON_CHARS_MAX: usize = 300;

/// A reason, or its beginning.
pub(crate) fn brief(reason: &Reason) -> String {
    brief_text(&reason.to_string())
}

/// A text that says why, or its beginning.
pub(crate) fn brief_text(text: &str) -> String {
    shorten(text, REASON_CHARS_MAX).into_owned()
}

impl Node {
    /// The name of a process, that in the registry or its local one, for messages: it may be shortened.
    pub fn name_of(&self, pid: Pid) -> Option<String> {
        let hook = self.config().name_of.as_ref();
        let name = hook.and_then(|name_of| name_of(pid));
        let name = name.or_else(|| {
            let mut names = self.registered().into_iter();
            names.find_map(|(name, named)| (named == pid).then_some(name))
        });
        name.map(|name| shorten(&name, NAME_CHARS_MAX).into_owned())
    }

    /// The process as messages call it: `Ann (<0.4.1>)`, or its pid when it has no name.
    pub fn called(&self, pid: Pid) -> String {
        match self.name_of(pid) {
            Some(name) => format!("{name} ({pid})"),
            None => pid.to_string(),
        }
    }
}
