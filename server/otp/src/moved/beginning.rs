//! Links, monitors, requests, timers and messages of arriving processes: everything that cannot fail.

use pq_abi::{Module, Reason};
use pq_term::Pid;
use serde_bytes::ByteBuf;

use super::letters::Letter;
use super::numbers::{Numbers, Outside, is_dead};
use super::value::{Clock, Moved, MovedTimer};
use crate::message::{Caller, Payload};
use crate::process::{Body, Extras, Flag, Wait, Watch};
use crate::shard::{Due, Shard};
use crate::wheel::TimerKey;

impl Shard {
    /// Lets a process with its state and names begin.
    pub(super) fn begin(&mut self, mut moved: Moved, numbers: &Numbers) {
        match (numbers.outside(), numbers.is_part()) {
            (_, true) => self.join_others(&mut moved, numbers),
            (Outside::IsDead, false) => moved.forget_outside(),
            (Outside::Stays, false) => (),
        }
        let pid = moved.pid;
        self.enter_extras(&moved);
        for timer in moved.timers.iter().rev() {
            self.enter_timer(pid, timer);
        }
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        for letter in moved.mailbox {
            self.arena
                .push(&mut process.mailbox, letter.into_envelope());
        }
        let handlers: Vec<Module> = match &process.body {
            Body::Manager(handlers) => handlers.iter().map(|it| it.state.module()).collect(),
            _ => Vec::new(),
        };
        for module in process.module.into_iter().chain(handlers) {
            self.follow(pid, module);
        }
    }

    fn enter_timer(&mut self, pid: Pid, timer: &MovedTimer) {
        let key = TimerKey::from_raw(timer.clock.key);
        if let Some(Due::Info(_, data) | Due::Event(_, data)) = self.core.wheel.what_mut(key) {
            *data = Payload::from_slice(&timer.data);
        }
        if let Some(process) = self.slab.get_mut(pid) {
            self.core.wheel.give(key, &mut process.timers);
        }
    }

    fn enter_extras(&mut self, moved: &Moved) {
        for number in moved.numbers() {
            self.core.note_ref(number);
        }
        let Some(process) = self.slab.get_mut(moved.pid) else {
            return;
        };
        if !moved.has_extras() {
            return;
        }
        process.flags.set(Flag::Timed, moved.wait.is_some());
        let extras: &mut Extras = process.extras();
        extras.links.clone_from(&moved.links);
        extras.watchers.extend(moved.watchers.iter().map(|watcher| {
            let (pid, tag) = (watcher.pid, watcher.tag);
            let why = match watcher.asks {
                true => Watch::Request,
                false => Watch::Monitor,
            };
            (Caller { pid, tag }, why)
        }));
        let monitors = moved.monitors.iter();
        extras.monitors = monitors
            .map(|monitor| (monitor.monitor, monitor.of))
            .collect();
        let requests = moved.requests.iter();
        extras.requests = requests
            .map(|request| (request.id, key_of(request.clock)))
            .collect();
        extras.wait = moved.wait.as_ref().map(|wait| {
            Box::new(Wait {
                number: wait.number,
                timer: key_of(wait.clock),
            })
        });
    }
}

fn key_of(clock: Option<Clock>) -> Option<TimerKey> {
    clock.map(|clock| TimerKey::from_raw(clock.key))
}

impl Moved {
    /// Drops links to processes outside of the subtree, and callers there. A monitor of such a process reports that the
    /// process does not exist.
    fn forget_outside(&mut self) {
        self.links.retain(|link| !is_dead(*link));
        self.watchers.retain(|watcher| !is_dead(watcher.pid));
        for monitor in self.monitors.iter().filter(|monitor| is_dead(monitor.of)) {
            let why = ByteBuf::from(Reason::NoProc.to_bytes());
            self.mailbox
                .push(Letter::Down(monitor.of, monitor.monitor, why));
        }
    }

    fn has_extras(&self) -> bool {
        let waits = self.wait.is_some() || !self.requests.is_empty();
        waits || !(self.links.is_empty() && self.watchers.is_empty() && self.monitors.is_empty())
    }

    /// The numbers of the requests and monitors that are open.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        let requests = self.requests.iter().map(|request| request.id);
        requests.chain(self.monitors.iter().map(|monitor| monitor.monitor))
    }
}
