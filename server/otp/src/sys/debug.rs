//! The data that `sys` gathers about a process: counts of messages, the last messages, and a log line for each; and its
//! tracers ([`crate::trace`]).

use std::collections::VecDeque;
use std::fmt;

use pq_term::{Pid, Term};

use crate::effect::Effect;
use crate::message::Envelope;
use crate::process::{Flag, Process};
use crate::trace::{Content, Message, Peer, Step, Tracers, callback, sent, taken};

/// The debug functions that are on for one process.
#[derive(Debug, Default)]
pub(crate) struct Debug {
    pub(crate) statistics: Option<Statistics>,
    pub(crate) log: Option<(usize, VecDeque<String>)>,
    pub(crate) trace: bool,
    pub(crate) tracers: Tracers,
}

/// The counts of `sys:statistics/2`, and their start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statistics {
    pub(crate) since_ms: u64,
    pub(crate) messages_in: u64,
    pub(crate) messages_out: u64,
}

impl Debug {
    pub(crate) fn is_off(&self) -> bool {
        self.statistics.is_none() && self.log.is_none() && !self.trace && self.tracers.is_empty()
    }

    /// The lines that `log` keeps, the oldest first.
    pub(crate) fn entries(&self) -> Term {
        let lines = self.log.iter().flat_map(|(_, lines)| lines);
        Term::list(
            lines
                .map(|line| Term::string(line.as_str()))
                .collect::<Vec<_>>(),
        )
    }

    /// The Debug list of `get_status`: the functions that are on.
    pub(crate) fn to_term(&self) -> Term {
        let pair = |word, value| Term::tuple([Term::atom(word), value]);
        let number = |number: u64| Term::from(number);
        let statistics = self.statistics.map(|it| {
            let figures = [it.since_ms, it.messages_in, it.messages_out].map(number);
            pair("statistics", Term::tuple(figures))
        });
        let log = self
            .log
            .as_ref()
            .map(|(max, _)| pair("log", Term::tuple([Term::from(*max), self.entries()])));
        let trace = self.trace.then(|| pair("trace", Term::from(true)));
        let installed = !self.tracers.is_empty();
        let installed = installed.then(|| pair("install", Term::from(true)));
        let on = [statistics, log, trace, installed].into_iter().flatten();
        Term::list(on.collect::<Vec<_>>())
    }

    fn note(&mut self, pid: Pid, now_ms: u64, event: &Event<'_>) {
        if self.trace {
            let Message { kind, peer, .. } = &event.message;
            let (did, bytes) = (event.way.verb(), event.message.content.size());
            let peer = peer.to_string();
            tracing::info!(target: "sys", %pid, at_ms = now_ms, peer, bytes, "{did} {kind}");
            // Messages may contain the input of players, which no level above DEBUG shows.
            tracing::debug!(target: "sys", %pid, at_ms = now_ms, "{event}");
        }
        if let Some((max, lines)) = &mut self.log {
            if lines.len() >= *max {
                lines.pop_front();
            }
            lines.push_back(format!("{now_ms} ms: {event}"));
        }
    }
}

impl Process {
    fn debug(&mut self) -> Option<&mut Debug> {
        self.extras.as_mut()?.debug.as_deref_mut()
    }

    /// Counts, keeps and logs a message that the process takes, as far as these functions are on. Returns whether the
    /// process has a tracer.
    pub(crate) fn note_in(&mut self, envelope: &Envelope, now_ms: u64) -> bool {
        let (pid, waiting) = (self.pid, self.mailbox.len());
        let kind = self.module.map(|module| module.kind());
        let Some(debug) = self.debug() else {
            return false;
        };
        if let Some(statistics) = &mut debug.statistics {
            statistics.messages_in += 1;
        }
        let event = Event::new(Flow::In, taken(envelope));
        debug.note(pid, now_ms, &event);
        if debug.tracers.is_empty() {
            return false;
        }
        debug.tracers.callback = callback(kind, envelope);
        let message = event.message;
        self.trace(&Step::Received { message, waiting });
        self.is_traced()
    }

    /// Like `note_in`, for the messages that a callback sends.
    pub(crate) fn note_out(&mut self, effects: &[Effect], now_ms: u64) {
        let pid = self.pid;
        let Some(debug) = self.debug() else {
            return;
        };
        for message in effects.iter().filter_map(sent) {
            if let Some(statistics) = &mut debug.statistics {
                statistics.messages_out += 1;
            }
            debug.note(pid, now_ms, &Event::new(Flow::Out, message));
        }
    }

    /// Whether the process has a tracer.
    pub(crate) fn is_traced(&self) -> bool {
        self.tracers().is_some_and(|tracers| !tracers.is_empty())
    }

    pub(crate) fn tracers(&self) -> Option<&Tracers> {
        let debug = self.extras.as_ref()?.debug.as_deref()?;
        Some(&debug.tracers)
    }

    pub(crate) fn tracers_mut(&mut self) -> Option<&mut Tracers> {
        self.debug().map(|debug| &mut debug.tracers)
    }

    /// Passes a step to the tracers. Without a tracer or another function of `sys`, the process is as before.
    pub(crate) fn trace(&mut self, step: &Step<'_>) {
        let Some(debug) = self.debug() else {
            return;
        };
        debug.tracers.take(step);
        if debug.is_off() {
            self.flags.lower(Flag::Debugged);
            self.with_extras(|extras| extras.debug = None);
        }
    }
}

/// A message and its way.
struct Event<'a> {
    way: Flow,
    message: Message<'a>,
}

#[derive(Clone, Copy)]
enum Flow {
    In,
    Out,
}

impl Event<'_> {
    fn new(way: Flow, message: Message<'_>) -> Event<'_> {
        Event { way, message }
    }
}

impl Flow {
    fn verb(self) -> &'static str {
        match self {
            Flow::In => "got",
            Flow::Out => "sent",
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message {
            kind,
            content,
            peer,
        } = &self.message;
        let (way, towards) = match self.way {
            Flow::In => ("in", "from"),
            Flow::Out => ("out", "to"),
        };
        write!(f, "{way} {kind}")?;
        if !matches!(content, Content::Nothing) {
            write!(f, " {content}")?;
        }
        match peer {
            Peer::Unknown => Ok(()),
            peer => write!(f, " {towards} {peer}"),
        }
    }
}
