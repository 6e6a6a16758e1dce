//! The names of a node: any term, kept as its exact bytes.
//!
//! A name is looked up more often than it is read, and comes from a library as bytes. Kept as a term it would be built
//! at each call, and lie in two or three blocks elsewhere, each of which the tables would have to visit to hash it
//! again when they grow.

use std::borrow::Borrow;
use std::sync::Arc;

use pq_otp::{Pid, Term};
use pq_term::msgpack;
use regis::{Regis, RegisterError, SHARDS_DEFAULT};
use smallvec::SmallVec;

use crate::places::Places;

/// Names up to this length lie in the tables themselves: `{events, Name}` of ten letters is as long.
const INLINE_BYTES: usize = 24;

/// A name as [`msgpack::to_msgpack`] writes it.
#[derive(PartialEq, Eq, Hash)]
struct Key(SmallVec<[u8; INLINE_BYTES]>);

/// In one piece, where that of a `SmallVec` goes byte by byte.
impl Clone for Key {
    fn clone(&self) -> Key {
        Key(SmallVec::from_slice(&self.0))
    }
}

/// The hash of a `SmallVec` is that of its slice.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// The names of a node, from any thread; clones are the same names. The rules are those of [`Regis`].
#[derive(Clone)]
pub struct Names(Arc<Regis<Key, Pid, Places>>);

impl Names {
    /// Of a node with so many shards of processes.
    pub(crate) fn of(shards: usize) -> Names {
        let places = Places::new(shards);
        Names(Arc::new(Regis::with_shards_and_hasher(
            SHARDS_DEFAULT,
            places,
        )))
    }

    /// Who has this name.
    pub fn whereis(&self, name: &Term) -> Option<Pid> {
        self.whereis_exact(&msgpack::to_msgpack(name))
    }

    /// The same, of its exact bytes.
    pub(crate) fn whereis_exact(&self, name: &[u8]) -> Option<Pid> {
        self.0.whereis(name)
    }

    /// Gives a name, as its exact bytes, unless its owner does not live; a dead holder loses it.
    ///
    /// # Errors
    /// As [`Regis::register_alive`].
    pub fn register_alive(
        &self,
        name: &[u8],
        owner: Pid,
        is_alive: impl Fn(Pid) -> bool,
    ) -> Result<(), RegisterError<Term, Pid>> {
        let given = self
            .0
            .register_alive(Key(SmallVec::from_slice(name)), owner, is_alive);
        given.map_err(|error| match error {
            RegisterError::NameTaken { holder } => RegisterError::NameTaken { holder },
            RegisterError::AlreadyNamed { name } => RegisterError::AlreadyNamed {
                name: term(&name.0),
            },
            RegisterError::Dead => RegisterError::Dead,
        })
    }

    /// Frees a name, given as its exact bytes, whoever has it.
    pub(crate) fn unregister_exact(&self, name: &[u8]) {
        self.0.unregister(name);
    }

    /// The name of a process.
    pub fn name_of(&self, owner: Pid) -> Option<Term> {
        self.0.name_of(owner).map(|name| term(&name.0))
    }

    /// All names, in no order.
    pub fn get_names(&self) -> Vec<Term> {
        self.0
            .get_names()
            .iter()
            .map(|name| term(&name.0))
            .collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A process has ended: its name is free.
    pub(crate) fn exited(&self, pid: Pid) {
        self.0.exited(pid);
    }

    /// Frees the names of those who do not live; how many they were.
    pub(crate) fn sweep(&self, is_alive: impl Fn(Pid) -> bool) -> u64 {
        let dead = self.0.get_names().into_iter().filter(|name| {
            let owner = self.0.whereis(&*name.0).filter(|owner| !is_alive(*owner));
            owner.is_some_and(|owner| self.0.unregister_if(&*name.0, owner))
        });
        dead.count() as u64
    }
}

fn term(name: &[u8]) -> Term {
    msgpack::from_msgpack(name).expect("a name is the exact form of a term before it is kept")
}
