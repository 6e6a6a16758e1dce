//! Encoding and decoding of a subtree: a pair of the format's number and a map with field names, in MessagePack.

use std::collections::BTreeMap;

use pq_term::Pid;
use rmp_serde::Serializer;
use serde::{Deserialize, Serialize};

use super::value::{Moved, MovedBody, PROCESSES_MAX, Subtree};

/// The largest encoded subtree that is decoded. A hero takes some hundred bytes.
pub const SUBTREE_BYTES_MAX: usize = 64 << 20;

/// The number of the format. A new field is no new format.
const FORMAT: u8 = 1;

/// The head of a pair in MessagePack.
const PAIR: u8 = 0x92;

/// How deep the parts of an encoded subtree may nest; those of this version nest 8 levels. The states inside are bytes.
const DEPTH_MAX: usize = 64;

/// The capacity of a new buffer: a hero takes about 1 KiB.
const FIRST_BYTES: usize = 2_048;

/// The reason why bytes are no subtree.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSubtree {
    /// The bytes do not begin as a subtree does.
    #[error("the bytes do not begin with the number of a format of moved processes")]
    NoSubtree,
    /// Another version of the node has written the bytes; its format.
    #[error("moved processes of format {0} cannot be read; this node reads format {FORMAT}")]
    Format(u8),
    /// More bytes than [`SUBTREE_BYTES_MAX`].
    #[error("moved processes of {0} bytes are too large; {SUBTREE_BYTES_MAX} is the maximum")]
    TooLarge(usize),
    /// The bytes cannot be decoded, for this reason.
    #[error("the moved processes cannot be decoded: {0}")]
    Undecodable(String),
    /// The parts contradict each other.
    #[error("the moved processes are inconsistent: {0}")]
    Inconsistent(String),
}

impl Subtree {
    /// Encodes the subtree. Pids of processes outside of it are dead after decoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIRST_BYTES);
        bytes.extend([PAIR, FORMAT]);
        let mut serializer = Serializer::new(&mut bytes).with_struct_map();
        let written = self.serialize(&mut serializer);
        written.expect("the parts have a MessagePack form, and a Vec takes all bytes");
        bytes
    }

    /// Decodes a subtree.
    ///
    /// # Errors
    /// When the bytes are no subtree of this format.
    pub fn from_bytes(bytes: &[u8]) -> Result<Subtree, BadSubtree> {
        let content = match bytes {
            _ if bytes.len() > SUBTREE_BYTES_MAX => return Err(BadSubtree::TooLarge(bytes.len())),
            [PAIR, FORMAT, content @ ..] => content,
            [PAIR, format @ ..=0x7f, ..] => return Err(BadSubtree::Format(*format)),
            _ => return Err(BadSubtree::NoSubtree),
        };
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(content);
        deserializer.set_max_depth(DEPTH_MAX);
        let subtree = Subtree::deserialize(&mut deserializer);
        let subtree = subtree.map_err(|error| BadSubtree::Undecodable(error.to_string()));
        subtree?.checked()
    }

    /// Checks the facts that all other code relies on.
    fn checked(mut self) -> Result<Subtree, BadSubtree> {
        let fault = match self.processes.len() {
            0 => Some("there is no process".to_string()),
            1..=PROCESSES_MAX => self.fault().or_else(|| self.fault_of_timers()),
            many => Some(format!("{many} processes are more than {PROCESSES_MAX}")),
        };
        match fault {
            None => Ok(self),
            Some(fault) => Err(BadSubtree::Inconsistent(fault)),
        }
    }

    fn fault(&self) -> Option<String> {
        let mut places = BTreeMap::new();
        for (place, process) in self.processes.iter().enumerate() {
            if place > 0 && !places.contains_key(&process.parent) {
                let called = process.called();
                return Some(format!("the parent of {called} does not stand before it"));
            }
            if places.insert(process.pid, place).is_some() {
                return Some(format!("two processes have the pid {}", process.pid));
            }
        }
        if self
            .ready
            .iter()
            .any(|place| *place as usize >= self.processes.len())
        {
            return Some("a process that does not exist waits to run".to_string());
        }
        self.processes
            .iter()
            .find_map(|process| self.fault_of(process, &places))
    }

    /// No two timers have one number.
    fn fault_of_timers(&mut self) -> Option<String> {
        let clocks = self.processes.iter_mut().flat_map(Moved::clocks_mut);
        let mut keys: Vec<u64> = clocks.map(|clock| clock.key).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).find(|pair| pair[0] == pair[1])?;
        Some(format!("two timers have the number {}", twice[0]))
    }

    /// Each child of a supervisor has that supervisor as its parent.
    fn fault_of(&self, process: &Moved, places: &BTreeMap<Pid, usize>) -> Option<String> {
        let MovedBody::Supervisor(_, rest) = &process.body else {
            return None;
        };
        let is_child = |pid: &Pid| {
            let child = places.get(pid).map(|place| &self.processes[*place]);
            child.is_some_and(|child| child.parent == process.pid)
        };
        let stranger = rest.pids().into_iter().find(|pid| !is_child(pid))?;
        Some(format!("{} is no child of {}", stranger, process.called()))
    }
}
