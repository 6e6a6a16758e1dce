//! `pq sys`: a system message to a process (`sys(3)`), by the names that people use.

use std::fmt::Display;

use clap::{Args, Subcommand, ValueEnum};
use pq_otp::sys::{self, SysMessage};
use pq_otp::{Ask, Pid, RequestError, Term};
use pq_protocol::{Exit, Failure};
use pq_term::{pretty, read_outside};
use serde::{Deserialize, Serialize};

use super::command::{Switch, Typed, Words, request};
use super::kinds::{Question, exit_of};
use crate::client::{At, Show};
use crate::running::RunningNode;

/// Text that begins so is meant to be a term, and what is wrong with it is worth saying; an avatar's name begins otherwise.
const BEGINS_A_TERM: [char; 5] = ['{', '[', '"', '\'', '#'];

/// A system message.
#[derive(Subcommand, Debug)]
pub(crate) enum SysArgs {
    /// Its state, as a term
    GetState {
        #[command(flatten)]
        of: Of,
    },
    /// Its state, mode and parent
    GetStatus {
        #[command(flatten)]
        of: Of,
    },
    /// Let it take no messages but system messages
    Suspend {
        #[command(flatten)]
        of: Of,
    },
    /// Let it take messages again
    Resume {
        #[command(flatten)]
        of: Of,
    },
    /// Count its messages
    Statistics {
        #[command(flatten)]
        of: Of,
        /// Begin, end, or show the counts
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Keep its last messages
    Log {
        #[command(flatten)]
        of: Of,
        /// Begin, end, or show the messages
        #[arg(value_enum, default_value_t = Toggle::Get)]
        toggle: Toggle,
    },
    /// Write each of its messages to the node's log
    Trace {
        #[command(flatten)]
        of: Of,
        /// Begin or end
        #[arg(value_enum)]
        switch: Switch,
    },
}

/// A process of a node.
#[derive(Args, Debug)]
pub(crate) struct Of {
    /// Its name or its pid
    #[arg(value_name = "NAME|PID")]
    process: String,
    #[command(flatten)]
    at: At,
}

/// A system message to a process.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Sys {
    /// Its pid or one of its names.
    process: String,
    message: Message,
}

/// The system messages that an operator may send. Those of the runtime ([`SysMessage`]) are more, and some of them hold
/// functions, which do not travel.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// The state as a term.
    GetState,
    /// State, mode and parent.
    GetStatus,
    /// Take no messages.
    Suspend,
    /// Take messages again.
    Resume,
    /// Messages counted.
    Statistics(Toggle),
    /// The last messages.
    Log(Toggle),
    /// Each message in the node's log, or not any more.
    Trace(bool),
}

/// Begin, end or show. The runtime's own word has room for a number of entries besides, which an operator does not give.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Toggle {
    /// Begin.
    On,
    /// End, and forget what was gathered.
    Off,
    /// Show what was gathered.
    Get,
}

/// What a process answered.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Reply {
    /// Which process.
    pid: String,
    /// Its answer, a term.
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

/// The process that this text means: its pid, with or without its brackets, which shells ask to be quoted; its
/// local name; or its name in the registry, as a term or as the text of a string (`Ann` for `"Ann"`). Says why there is
/// none.
fn find(node: &RunningNode, text: &str) -> Result<Pid, String> {
    let nobody = || "no process has this name or pid".to_string();
    if let Ok(pid) = text.parse::<Pid>().or_else(|_| format!("<{text}>").parse()) {
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
        // A module's own words become known here when a name that holds them is read.
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
