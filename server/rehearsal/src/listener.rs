//! The failures of avatars, and their return: as in a node that saves, a process comes back as it was copied, and a second failure
//! within a minute is the last.
//!
//! Called by the shard of the simulated node, between two callbacks.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use pq_otp::moved::{Kept, Opens};
use pq_otp::supervisor::Cause;
use pq_otp::{Children, Comeback, EndOf, Node, Pid, Reason, Restart, Term};
use pq_term::shorten;

use crate::copies::Copies;
use crate::report::Crash;

/// The second failure of an avatar within this virtual time is the last.
const AGAIN_MS: u64 = 60_000;

/// The longest reason, in characters.
const WHY_CHARS_MAX: usize = 300;

/// An avatar that plays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Avatar {
    /// The first name of its processes that is a text.
    pub(crate) name: String,
    /// The number of its copy.
    pub(crate) copy: usize,
}

/// The listener of a side.
pub(crate) struct Listener {
    copies: Arc<Copies>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    avatars: Vec<Avatar>,
    /// The avatar of each root.
    roots: HashMap<Pid, usize>,
    /// Opens states of other versions.
    opens: Option<Arc<dyn Opens>>,
    phase: &'static str,
    began_ms: u64,
    now_ms: u64,
    /// The time of the last failure of each avatar.
    failed_ms: HashMap<usize, u64>,
    /// The avatars that play no more.
    lost: HashSet<usize>,
    /// The crashes since the last look.
    crashes: Vec<Crash>,
}

impl Listener {
    pub(crate) fn new(copies: Arc<Copies>) -> Listener {
        Listener {
            copies,
            state: Mutex::default(),
        }
    }

    /// Notes an avatar that has been put in.
    pub(crate) fn enter(&self, root: Pid, avatar: Avatar) {
        let mut state = self.state.lock();
        let number = state.avatars.len();
        state.avatars.push(avatar);
        state.roots.insert(root, number);
    }

    /// Opens states of other versions in this way from now on.
    pub(crate) fn open_with(&self, opens: Arc<dyn Opens>) {
        self.state.lock().opens = Some(opens);
    }

    /// Begins a phase, from which the times of crashes count.
    pub(crate) fn begin(&self, phase: &'static str, now_ms: u64) {
        let mut state = self.state.lock();
        (state.phase, state.began_ms, state.now_ms) = (phase, now_ms, now_ms);
    }

    /// Notes the virtual time.
    pub(crate) fn tick(&self, now_ms: u64) {
        self.state.lock().now_ms = now_ms;
    }

    /// The avatar with this root.
    pub(crate) fn avatar(&self, root: Pid) -> Option<Avatar> {
        let state = self.state.lock();
        let number = state.roots.get(&root)?;
        state.avatars.get(*number).cloned()
    }

    /// The root of the avatar with this name.
    pub(crate) fn root_of(&self, name: &str) -> Option<Pid> {
        let state = self.state.lock();
        let is_it = |number: &usize| state.avatars.get(*number).is_some_and(|it| it.name == name);
        let found = state.roots.iter().find(|(_, number)| is_it(number));
        found.map(|(root, _)| *root)
    }

    /// The number of avatars that were put in.
    pub(crate) fn count(&self) -> u64 {
        self.state.lock().avatars.len() as u64
    }

    /// The number of avatars that have failed.
    pub(crate) fn failed(&self) -> u64 {
        self.state.lock().failed_ms.len() as u64
    }

    /// Takes the crashes since the last call.
    pub(crate) fn take(&self) -> Vec<Crash> {
        std::mem::take(&mut self.state.lock().crashes)
    }

    /// How a process comes back.
    fn decide(&self, node: &Node, restart: &Restart) -> Comeback {
        let (avatar, opens) = {
            let mut state = self.state.lock();
            let Some(number) = state.roots.get(&restart.root).copied() else {
                return Comeback::Anew;
            };
            if let Some(cause) = &restart.why {
                state.note(number, process_of(restart, cause), (cause, restart.at_ms));
            }
            if state.lost.contains(&number) {
                return Comeback::Never;
            }
            (state.avatars[number].clone(), state.opens.clone())
        };
        let Some(opens) = opens else {
            return Comeback::Anew;
        };
        let part = self.copies.subtree(avatar.copy);
        let part = part
            .ok()
            .and_then(|copy| copy.part(&restart.path, Kept::Earlier));
        match part.map(|part| part.converted(node, &*opens)) {
            Some(Ok(part)) => Comeback::Saved(part, opens),
            // A process that the copy does not have begins anew.
            None => Comeback::Anew,
            Some(Err(why)) => {
                self.state.lock().lose(&restart.root, &why);
                Comeback::Never
            }
        }
    }
}

impl State {
    /// Notes the failure of a process. A failure within a minute of another one is the last.
    fn note(&mut self, number: usize, process: String, (cause, at_ms): (&Cause, u64)) {
        let before = self.failed_ms.insert(number, at_ms);
        if before.is_some_and(|before| at_ms.saturating_sub(before) < AGAIN_MS) {
            self.lost.insert(number);
        }
        self.crash(number, process, (&cause.reason.to_string(), at_ms));
    }

    fn crash(&mut self, number: usize, process: String, (why, at_ms): (&str, u64)) {
        let crash = Crash {
            avatar: self.avatars[number].name.clone(),
            process,
            why: shorten(why, WHY_CHARS_MAX).into_owned(),
            phase: self.phase.to_string(),
            after_ms: at_ms.saturating_sub(self.began_ms),
            came_back: !self.lost.contains(&number),
        };
        self.crashes.push(crash);
    }

    /// The copy of an avatar cannot come back in the version that runs.
    fn lose(&mut self, root: &Pid, why: &str) {
        if let Some(number) = self.roots.get(root).copied()
            && self.lost.insert(number)
        {
            let why = format!("its copy does not come back: {why}");
            self.crash(number, String::new(), (&why, self.now_ms));
        }
    }
}

/// The process that has failed, by the ids that lead to it. A restart may be that of another process below the same supervisor.
fn process_of(restart: &Restart, cause: &Cause) -> String {
    let above = restart
        .path
        .split_last()
        .map_or(&[][..], |(_, above)| above);
    let mut text = String::new();
    for id in above.iter().chain(&cause.child) {
        let before = if text.is_empty() { "" } else { "/" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{before}{}", plain(id));
    }
    text
}

/// A term without quotes where it is a name.
fn plain(id: &Term) -> String {
    id.as_atom()
        .map_or_else(|| id.to_string(), |atom| atom.as_str().to_string())
}

impl Children for Listener {
    fn started(&self, _: Pid, _: Pid) {}

    fn ended(&self, _: &Node, child: Pid, end: EndOf<'_>) {
        let mut state = self.state.lock();
        let (EndOf::Failure(why), Some(number)) = (end, state.roots.get(&child).copied()) else {
            return;
        };
        // The processes below have failed before, and their failures are known.
        let is_known = *why == Reason::Shutdown && state.lost.contains(&number);
        state.lost.insert(number);
        if !is_known {
            let at_ms = state.now_ms;
            state.failed_ms.insert(number, at_ms);
            state.crash(number, String::new(), (&why.to_string(), at_ms));
        }
    }

    fn replaced(&self, _: Pid, old: Pid, new: Pid) {
        let mut state = self.state.lock();
        if let Some(number) = state.roots.remove(&old) {
            state.roots.insert(new, number);
        }
    }

    fn keeps(&self, child: Pid) -> bool {
        self.state.lock().roots.contains_key(&child)
    }

    fn restart(&self, node: &Node, restart: Restart) {
        node.go_on(&restart, self.decide(node, &restart));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> Listener {
        let listener = Listener::new(Arc::new(Copies::new().unwrap()));
        let avatar = Avatar {
            name: "Ann".to_string(),
            copy: 0,
        };
        listener.enter(Pid::new(0, 3, 1), avatar);
        listener.begin("play", 1_000);
        listener
    }

    fn fail(listener: &Listener, at_ms: u64) {
        let cause = Cause {
            child: Some(Term::atom("ship")),
            reason: Reason::tagged("panic", "salt"),
        };
        let mut state = listener.state.lock();
        state.note(0, "crew/cook".to_string(), (&cause, at_ms));
    }

    #[test]
    fn a_second_failure_within_a_minute_is_the_last() {
        let listener = listener();
        fail(&listener, 2_000);
        fail(&listener, 2_000 + AGAIN_MS);
        fail(&listener, 2_001 + AGAIN_MS);
        let crashes = listener.take();
        let came_back: Vec<bool> = crashes.iter().map(|crash| crash.came_back).collect();
        assert_eq!(came_back, [true, true, false]);
        assert_eq!(
            (crashes[0].after_ms, &*crashes[0].process),
            (1_000, "crew/cook")
        );
        assert_eq!((&*crashes[0].avatar, &*crashes[0].phase), ("Ann", "play"));
        assert_eq!(crashes[0].why, "{panic,\"salt\"}");
        assert_eq!((listener.failed(), listener.count()), (1, 1));
        assert!(listener.take().is_empty());
    }

    #[test]
    fn only_copies_are_kept() {
        let listener = listener();
        assert!(listener.keeps(Pid::new(0, 3, 1)) && !listener.keeps(Pid::new(0, 4, 1)));
        listener.replaced(Pid::new(0, 1, 1), Pid::new(0, 3, 1), Pid::new(0, 9, 1));
        assert!(listener.keeps(Pid::new(0, 9, 1)) && !listener.keeps(Pid::new(0, 3, 1)));
        assert_eq!(listener.avatar(Pid::new(0, 9, 1)).unwrap().name, "Ann");
    }
}
