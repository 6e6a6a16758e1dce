//! The data that `sys` gathers about a process: counts of messages, the last messages, and a log line for each.

use std::collections::VecDeque;
use std::fmt;

use pq_abi::Reason;
use pq_term::{Pid, Term};

use crate::effect::Effect;
use crate::message::Envelope;
use crate::process::Process;

/// The debug functions that are on for one process.
#[derive(Debug, Default)]
pub(crate) struct Debug {
    pub(crate) statistics: Option<Statistics>,
    pub(crate) log: Option<(usize, VecDeque<String>)>,
    pub(crate) trace: bool,
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
        self.statistics.is_none() && self.log.is_none() && !self.trace
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
        let on = [statistics, log, trace].into_iter().flatten();
        Term::list(on.collect::<Vec<_>>())
    }

    fn note(&mut self, pid: Pid, now_ms: u64, event: &Event<'_>) {
        if self.trace {
            let Event { kind, peer, .. } = event;
            let (did, bytes) = (event.way.verb(), event.content.size());
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

    /// Counts, keeps and logs a message that the process takes, as far as these functions are on.
    pub(crate) fn note_in(&mut self, envelope: &Envelope, now_ms: u64) {
        let pid = self.pid;
        let Some(debug) = self.debug() else {
            return;
        };
        if let Some(statistics) = &mut debug.statistics {
            statistics.messages_in += 1;
        }
        debug.note(pid, now_ms, &taken(envelope));
    }

    /// Like `note_in`, for the messages that a callback sends.
    pub(crate) fn note_out(&mut self, effects: &[Effect], now_ms: u64) {
        let pid = self.pid;
        let Some(debug) = self.debug() else {
            return;
        };
        for event in effects.iter().filter_map(sent) {
            if let Some(statistics) = &mut debug.statistics {
                statistics.messages_out += 1;
            }
            debug.note(pid, now_ms, &event);
        }
    }
}

/// A message in a form for people.
struct Event<'a> {
    way: Flow,
    kind: &'static str,
    content: Content<'a>,
    /// The sender or the receiver; empty when it is unknown.
    peer: String,
}

#[derive(Clone, Copy)]
enum Flow {
    In,
    Out,
}

impl Flow {
    fn verb(self) -> &'static str {
        match self {
            Flow::In => "got",
            Flow::Out => "sent",
        }
    }
}

enum Content<'a> {
    Message(&'a [u8]),
    /// Bytes of a port: shown by their size only.
    Input(&'a [u8]),
    Reason(&'a Reason),
    Nothing,
}

impl Content<'_> {
    fn size(&self) -> usize {
        match self {
            Content::Message(bytes) | Content::Input(bytes) => bytes.len(),
            Content::Reason(_) | Content::Nothing => 0,
        }
    }
}

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let term = match self {
            Content::Message(bytes) => pq_term::msgpack::from_msgpack(bytes).ok(),
            _ => None,
        };
        match (self, term) {
            (_, Some(term)) => write!(f, " {term}"),
            (Content::Message(bytes) | Content::Input(bytes), None) => {
                write!(f, " {} bytes", bytes.len())
            }
            (Content::Reason(reason), None) => write!(f, " {reason}"),
            (Content::Nothing, None) => Ok(()),
        }
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Event { kind, content, .. } = self;
        let (way, towards) = match self.way {
            Flow::In => ("in", "from"),
            Flow::Out => ("out", "to"),
        };
        write!(f, "{way} {kind}{content}")?;
        match &self.peer[..] {
            "" => Ok(()),
            peer => write!(f, " {towards} {peer}"),
        }
    }
}

fn taken(envelope: &Envelope) -> Event<'_> {
    let (kind, content, peer) = match envelope {
        Envelope::Info(data) => ("info", Content::Message(data), String::new()),
        Envelope::Cast(data) => ("cast", Content::Message(data), String::new()),
        Envelope::Event(data) => ("event", Content::Message(data), String::new()),
        Envelope::Call(from, data) => ("call", Content::Message(data), from.pid.to_string()),
        Envelope::Continue(data) => ("continue", Content::Message(data), String::new()),
        Envelope::PortData(port, data) => ("input", Content::Input(data), of_port(*port)),
        Envelope::PortClosed(port, _) => ("end", Content::Nothing, of_port(*port)),
        Envelope::Exit(from, reason) => ("exit", Content::Reason(reason), from.to_string()),
        Envelope::Down(of, _, reason) => ("down", Content::Reason(reason), of.to_string()),
        Envelope::Response(id, _) => ("response", Content::Nothing, format!("request {id}")),
        Envelope::Started(ticket, _) => ("outcome", Content::Nothing, format!("start {ticket}")),
        Envelope::PutIn(from, _) => ("put_in", Content::Nothing, from.pid.to_string()),
        Envelope::Timer(_) => ("timeout", Content::Nothing, String::new()),
        Envelope::System(request) => (request.message.word(), Content::Nothing, String::new()),
    };
    Event {
        way: Flow::In,
        kind,
        content,
        peer,
    }
}

/// The message in an effect of a callback; `None` for effects that are no message.
fn sent(effect: &Effect) -> Option<Event<'_>> {
    let (kind, content, peer) = match effect {
        Effect::Send(to, envelope) => {
            let Event { kind, content, .. } = taken(envelope);
            (kind, content, to.to_string())
        }
        Effect::Request(request) => {
            let peer = request.to.to_string();
            ("call", Content::Message(&request.data), peer)
        }
        Effect::Reply(to, data) => ("reply", Content::Message(data), to.pid.to_string()),
        Effect::PortCommand(port, data) => ("output", Content::Input(data), of_port(*port)),
        _ => return None,
    };
    Some(Event {
        way: Flow::Out,
        kind,
        content,
        peer,
    })
}

fn of_port(port: u64) -> String {
    format!("port {port}")
}
