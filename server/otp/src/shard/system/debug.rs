//! The data that `sys` shows of a process, and the data that it gathers.

use std::collections::VecDeque;

use pq_term::{Atom, Pid, Term};

use super::{Shard, ok};
use crate::process::{Flag, Process, Seen};
use crate::sys::{Debug, LOG_DEFAULT, Statistics, Toggle};

impl Shard {
    /// The status `{status, Pid, {module, M}, [Dictionary, running | suspended, Parent, Debug, Misc]}`.
    pub(super) fn status(&mut self, pid: Pid) -> Term {
        let Some(process) = self.slab.get(pid) else {
            return Term::undefined();
        };
        let mode = if process.has(Flag::Suspended) {
            "suspended"
        } else {
            "running"
        };
        let module = Atom::new(process.name()).map_or(Term::undefined(), Term::from);
        let misc = [
            Term::list([]),
            Term::atom(mode),
            Term::from(process.parent),
            debug_list(process),
            Seen::new(process, self.gate.view()).info().to_term(),
        ];
        Term::tuple([
            Term::atom("status"),
            Term::from(pid),
            Term::tuple([Term::atom("module"), module]),
            Term::list(misc),
        ])
    }

    pub(super) fn statistics(&mut self, pid: Pid, toggle: Toggle) -> Term {
        self.debug(pid, |debug, now_ms| match (toggle, debug.statistics) {
            (Toggle::On(_), _) => {
                debug.statistics = Some(Statistics {
                    since_ms: now_ms,
                    messages_in: 0,
                    messages_out: 0,
                });
                ok()
            }
            (Toggle::Off, _) => {
                debug.statistics = None;
                ok()
            }
            (Toggle::Get, None) => Term::tuple([Term::atom("ok"), Term::atom("no_statistics")]),
            (Toggle::Get, Some(statistics)) => {
                let pair = |key, value: u64| Term::tuple([Term::atom(key), Term::from(value)]);
                let list = Term::list([
                    pair("start_time", statistics.since_ms),
                    pair("current_time", now_ms),
                    pair("messages_in", statistics.messages_in),
                    pair("messages_out", statistics.messages_out),
                ]);
                Term::tuple([Term::atom("ok"), list])
            }
        })
    }

    pub(super) fn log(&mut self, pid: Pid, toggle: Toggle) -> Term {
        self.debug(pid, |debug, _| match toggle {
            Toggle::On(max) => {
                let max = if max == 0 { LOG_DEFAULT } else { max };
                debug.log = Some((max, VecDeque::new()));
                ok()
            }
            Toggle::Off => {
                debug.log = None;
                ok()
            }
            Toggle::Get => Term::tuple([Term::atom("ok"), debug.entries()]),
        })
    }

    /// Changes the data that `sys` gathers about a process.
    pub(in crate::shard) fn debug(
        &mut self,
        pid: Pid,
        change: impl FnOnce(&mut Debug, u64) -> Term,
    ) -> Term {
        let now_ms = self.core.now_ms;
        let Some(process) = self.slab.get_mut(pid) else {
            return Term::undefined();
        };
        let mut debug = process.extras().debug.take().unwrap_or_default();
        let answer = change(&mut debug, now_ms);
        let on = !debug.is_off();
        process.flags.set(Flag::Debugged, on);
        process.extras().debug = on.then_some(debug);
        process.with_extras(|_| ());
        answer
    }
}

fn debug_list(process: &Process) -> Term {
    let debug = process
        .extras
        .as_ref()
        .and_then(|extras| extras.debug.as_ref());
    debug.map_or_else(|| Term::list([]), |debug| debug.to_term())
}
