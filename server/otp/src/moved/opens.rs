//! The hook for versions: which version of a module opens a state, and the state that it gets.

use pq_abi::Module;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::node::Node;
use crate::residue::Residues;

/// A residue beside a state: data that a newer version has left there in a conversion down.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Residue {
    /// The version that left the residue.
    pub vsn: String,
    /// The value, as that version encoded it.
    pub bytes: ByteBuf,
}

impl Residue {
    /// The residues beside a state, as they are moved.
    pub(super) fn all_of(residues: Option<&Residues>) -> Vec<Residue> {
        let residues = residues.into_iter().flat_map(Residues::iter);
        let residue = |(vsn, bytes): (&str, &[u8])| Residue {
            vsn: vsn.to_string(),
            bytes: ByteBuf::from(bytes),
        };
        residues.map(residue).collect()
    }

    /// The residues that lie beside a state after a move.
    ///
    /// # Errors
    /// A sentence, when there are more than a state may have.
    pub(super) fn into_residues(moved: &[Residue]) -> Result<Option<Box<Residues>>, String> {
        let moved = moved.iter();
        Residues::moved(moved.map(|residue| (&*residue.vsn, &residue.bytes[..])))
    }
}

/// The kind of a part that is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The state of a gen_server or gen_fsm.
    State,
    /// The state of a handler of an event manager.
    Handler,
    /// An event manager, which has no state: the bytes are empty.
    Manager,
    /// A supervisor: the bytes are the arguments of its `init`. If another version opens it, that version's `init`
    /// gives the new specifications, and the children stay, as in an upgrade.
    Supervisor,
}

/// A part of a moved process as another node, or an earlier time, has left it. Its pids and timers are those after the
/// move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closed<'a> {
    /// The kind of the part.
    pub part: Part,
    /// The module of the part.
    pub module: &'a str,
    /// The version that wrote the bytes.
    pub vsn: &'a str,
    /// A name of the process in the registry, or else of another process of the subtree; empty without any. The random numbers
    /// of a conversion depend on it, and so are the same whenever the same save is opened.
    pub name: &'a [u8],
    /// The state as that version exports it, or what [`Part`] says.
    pub bytes: Vec<u8>,
    /// The data of other versions beside the state.
    pub residues: Vec<Residue>,
}

/// A part for the version that opens it.
pub struct Opened {
    /// The version that imports the bytes and runs from now on.
    pub module: Module,
    /// The state, as this version exports it.
    pub bytes: Vec<u8>,
    /// The residues that stay beside the state.
    pub residues: Vec<Residue>,
}

/// Finds the versions that open parts, and converts the parts for them. Called on the thread of a shard, which must not
/// wait.
pub trait Opens: Send + Sync {
    /// Opens a part.
    ///
    /// # Errors
    /// A sentence for people, when no version opens it. Then nothing of the subtree is put in.
    fn open(&self, node: &Node, part: Closed<'_>) -> Result<Opened, String>;
}

/// Opens each part with the version that wrote it, which must be the current one.
#[derive(Clone, Copy, Debug, Default)]
pub struct SameVersions;

impl Opens for SameVersions {
    fn open(&self, node: &Node, part: Closed<'_>) -> Result<Opened, String> {
        let Some(module) = node.module(part.module) else {
            return Err(format!("the module {} is not loaded", part.module));
        };
        if module.vsn() != part.vsn {
            let (name, current) = (part.module, module.vsn());
            return Err(format!(
                "{name} is in version {current} here, and not in {}",
                part.vsn
            ));
        }
        Ok(Opened {
            module,
            bytes: part.bytes,
            residues: part.residues,
        })
    }
}
