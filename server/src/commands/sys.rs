//! `pq sys`: a system message (`sys(3)`) to a process that is given by name or pid.

use std::fmt::Display;

use clap::{Args, Subcommand, ValueEnum};
use pq_otp::sys::{self, SysMessage};
use pq_otp::{Ask, Pid, RequestError, Term};
use pq_protocol::{Exit, Failure};
use pq_term::{pretty, read_outside};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Switch, Typed, Words, request};
use super::kinds::{Question, exit_of};
use crate::client::{At, Show};
use crate::running::RunningNode;

/// A text with such a first character is meant as a term, so its syntax error is reported; avatars' names begin
/// otherwise.
const BEGINS_A_TERM: [char; 5] = ['{', '[', '"', '\'', '#'];

/// The system messages of the command line.
#[derive(Subcommand, Debug)]
pub(crate) enum SysArgs {
    /// Show the state of the process as a term
    GetState {
        #[command(flatten)]
        of: Of,
    },
    /// Show the state, mode and parent of the process
    GetStatus {
        #[command(flatten)]
        of: Of,
    },
    /// Suspend the process: it handles system messages only
    Suspend {
        #[command(flatten)]
        of: Of,
    },
    /// Resume a suspended process
    Resume {
        #[command(flatten)]
        of: Of,
    },
    /// Count the messages of the process
    Statistics {
        #[command(flatten)]
        of: Of,
        /// Start or stop counting, or show the counts
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Keep the last messages of the process
    Log {
        #[command(flatten)]
        of: Of,
        /// Start or stop keeping messages, or show the kept messages
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Write each message of the process to the node's log
    Trace {
        #[command(flatten)]
        of: Of,
        /// Start or stop the trace
        #[arg(value_enum)]
        switch: Switch,
    },
}

/// The process that a system message is for.
#[derive(Args, Debug)]
pub(crate) struct Of {
    /// A registered name or the pid of the process
    #[arg(value_name = "NAME|PID")]
    process: String,
    #[command(flatten)]
    at: At,
}

/// The request of `pq sys`.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Sys {
    /// The pid or a registered name of the process.
    pub(super) process: String,
    pub(super) message: Message,
}

/// The system messages that an operator may send. The runtime has more ([`SysMessage`]), some of which contain
/// functions, which cannot be sent to the node.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// Returns the state as a term.
    GetState,
    /// Returns state, mode and parent.
    GetStatus,
    /// Suspends the process (`sys:suspend/1`).
    Suspend,
    /// Resumes the process (`sys:resume/1`).
    Resume,
    /// Starts, stops or returns the counts of messages.
    Statistics(Toggle),
    /// Starts, stops or returns the log of the last messages.
    Log(Toggle),
    /// Starts (`true`) or stops the trace of messages in the node's log.
    Trace(bool),
}

/// Start, stop or show. The runtime's own message also has a number of entries, which an operator cannot set.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Toggle {
    /// Start to gather data
    On,
    /// Stop gathering and forget the data
    Off,
    /// Show the gathered data
    Get,
}

/// The answer to `sys`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(crate) struct Reply {
    /// The pid of the process that answered.
    pid: String,
    /// The answer of the process as a term.
    reply: String,
}

impl Typed for SysArgs {
    fn at(&self) -> &At {
        &self.of().at
    }

    fn run(&self) -> Result<(), Failure> {
        let sys = Sys {
            process: self.of().process.clone(),
            message: self.message(),
        };
        self.at().show::<Reply>(&sys.typed(), &request(&sys)?)
    }
}

impl SysArgs {
    fn of(&self) -> &Of {
        match self {
            SysArgs::GetState { of }
            | SysArgs::GetStatus { of }
            | SysArgs::Suspend { of }
            | SysArgs::Resume { of }
            | SysArgs::Statistics { of, .. }
            | SysArgs::Log { of, .. }
            | SysArgs::Trace { of, .. } => of,
        }
    }

    fn message(&self) -> Message {
        match self {
            SysArgs::GetState { .. } => Message::GetState,
            SysArgs::GetStatus { .. } => Message::GetStatus,
            SysArgs::Suspend { .. } => Message::Suspend,
            SysArgs::Resume { .. } => Message::Resume,
            SysArgs::Statistics { toggle, .. } => Message::Statistics(*toggle),
            SysArgs::Log { toggle, .. } => Message::Log(*toggle),
            SysArgs::Trace { switch, .. } => Message::Trace(switch.is_on()),
        }
    }
}

impl From<Message> for SysMessage {
    fn from(message: Message) -> SysMessage {
        match message {
            Message::GetState => SysMessage::GetState,
            Message::GetStatus => SysMessage::GetStatus,
            Message::Suspend => SysMessage::Suspend,
            Message::Resume => SysMessage::Resume,
            Message::Statistics(toggle) => SysMessage::Statistics(toggle.into()),
            Message::Log(toggle) => SysMessage::Log(toggle.into()),
            Message::Trace(on) => SysMessage::Trace(on),
        }
    }
}

impl From<Toggle> for sys::Toggle {
    fn from(toggle: Toggle) -> sys::Toggle {
        match toggle {
            Toggle::On => sys::Toggle::On(0),
            Toggle::Off => sys::Toggle::Off,
            Toggle::Get => sys::Toggle::Get,
        }
    }
}

impl Words for Sys {
    const NAME: &'static str = "sys";
    type Answer = Reply;
}

impl Question for Sys {
    fn answer(self, node: &RunningNode) -> Result<Reply, Failure> {
        let (process, word) = (&self.process, SysMessage::from(self.message).word());
        let failed = |exit, why: &dyn Display| {
            Failure::new(exit, format!("failed to {word} {process}: {why}"))
        };
        let pid = find(node, process).map_err(|why| failed(Exit::Refused, &why))?;
        if let Some(stall) = node.node().stall_of(usize::from(pid.shard())) {
            return Err(failed(Exit::Refused, &stall));
        }
        let reply = node
            .node()
            .asking()
            .sys(pid, self.message.into(), sys::TIMEOUT_MS);
        let reply = reply.map_err(|error: RequestError| failed(exit_of(&error), &error))?;
        if let Some([tag, reason]) = reply.as_tuple()
            && tag.is_atom("error")
        {
            return Err(Failure {
                term: Some(reply.to_string()),
                ..failed(Exit::Refused, reason)
            });
        }
        tracing::info!(%pid, process, word, "system message from an operator");
        Ok(Reply {
            pid: pid.to_string(),
            reply: pretty(&reply),
        })
    }
}

/// The pid in a text, with or without the angle brackets, which shells require to be quoted.
pub(crate) fn pid_of(text: &str) -> Option<Pid> {
    let pid = text.parse().or_else(|_| format!("<{text}>").parse());
    pid.ok()
}

/// Finds the process of a text: its pid ([`pid_of`]), its local name, or its name in the registry, as a term or as the text of a string (`Ann` for `"Ann"`). Returns the
/// reason if there is none.
pub(crate) fn find(node: &RunningNode, text: &str) -> Result<Pid, String> {
    let nobody = || "no process has this name or pid".to_string();
    if let Some(pid) = pid_of(text) {
        return Some(pid)
            .filter(|pid| node.node().is_alive(*pid))
            .ok_or_else(nobody);
    }
    let names = node.names();
    if let Some(pid) = node
        .node()
        .whereis(text)
        .or_else(|| names.whereis(&Term::string(text)))
    {
        return Ok(pid);
    }
    let name = read_outside(text).or_else(|error| {
        if !text.starts_with(BEGINS_A_TERM) {
            return Err(nobody());
        }
        // Parsing a name makes the atoms in it known, so that names of a module can be read.
        names.get_names();
        read_outside(text).map_err(|_| format!("{}: {error}", nobody()))
    })?;
    names.whereis(&name).ok_or_else(nobody)
}

impl Show for Reply {
    fn show(&self) -> String {
        self.reply.clone()
    }
}
