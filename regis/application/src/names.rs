//! The names of a node: any term, stored as its exact bytes, and compared by its looks.
//!
//! Two texts that look alike are one name (`regis_confusable`), alone and in a pair with an atom such as `{events,
//! Name}`. So a second hero cannot pass for the first, regardless of the version of the game. A name is shown as it was
//! registered.
//!
//! A name is looked up more often than it is decoded, and comes from a library as bytes. Names stored as terms would
//! have to be built at each call, and would take two or three heap blocks, which the tables would have to visit for a
//! new hash when they grow.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use pq_otp::{Pid, Term};
use pq_term::msgpack;
use regis::{Regis, RegisterError, SHARDS_DEFAULT};
use regis_confusable::{Skeleton, skeleton};
use smallvec::SmallVec;

use crate::places::Places;

/// Names of at most this length are stored in the tables themselves; `{events, Name}` with a name of ten letters has
/// exactly this length.
const INLINE_BYTES: usize = 24;

/// A name in the form that [`msgpack::to_msgpack`] writes.
struct Key(SmallVec<[u8; INLINE_BYTES]>);

/// Copies the bytes at once; the `Clone` of `SmallVec` copies byte by byte.
impl Clone for Key {
    fn clone(&self) -> Key {
        Key(SmallVec::from_slice(&self.0))
    }
}

/// The exact bytes of a name, stored or used in a look-up: both share one `Hash` and one `Eq`.
trait Exact {
    fn exact(&self) -> &[u8];
}

impl Exact for Key {
    fn exact(&self) -> &[u8] {
        &self.0
    }
}

impl Exact for &[u8] {
    fn exact(&self) -> &[u8] {
        self
    }
}

impl<'a> Borrow<dyn Exact + 'a> for Key {
    fn borrow(&self) -> &(dyn Exact + 'a) {
        self
    }
}

impl Hash for dyn Exact + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Looks::of(self.exact()).hash(state);
    }
}

impl PartialEq for dyn Exact + '_ {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.exact(), other.exact());
        one == other || Looks::of(one) == Looks::of(other)
    }
}

impl Eq for dyn Exact + '_ {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self as &dyn Exact).hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self as &dyn Exact) == (other as &dyn Exact)
    }
}

impl Eq for Key {}

/// The part of a name that distinguishes it from other names.
#[derive(PartialEq)]
pub(crate) struct Looks<'a> {
    /// The text of the atom in a pair such as `{events, Name}`.
    tag: Option<&'a [u8]>,
    rest: Rest<'a>,
}

#[derive(PartialEq)]
enum Rest<'a> {
    Text(Skeleton<'a>),
    /// A term that is not a text, as its bytes.
    Other(&'a [u8]),
}

impl<'a> Looks<'a> {
    pub(crate) fn of(exact: &'a [u8]) -> Looks<'a> {
        let (tag, rest) = match msgpack::exact_pair(exact) {
            Some((tag, rest)) => (Some(tag), rest),
            None => (None, exact),
        };
        let rest = match msgpack::exact_text(rest) {
            Some(text) => Rest::Text(skeleton(text)),
            None => Rest::Other(rest),
        };
        Looks { tag, rest }
    }
}

/// Writes what `places` expects: the tag as a number, then the name in one piece.
impl Hash for Looks<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let tag = self.tag.unwrap_or_default().iter();
        state.write_u32(tag.map(|byte| u32::from(*byte)).sum());
        state.write(match &self.rest {
            Rest::Text(skeleton) => skeleton.as_bytes(),
            Rest::Other(bytes) => bytes,
        });
    }
}

/// Whether a text, folded by `regis_confusable`, may not be the name of a new process.
pub type IsReserved = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// The names of a node, usable from any thread. Clones share the same names. The rules are those of [`Regis`].
#[derive(Clone)]
pub struct Names(Arc<Tables>);

struct Tables {
    names: Regis<Key, Pid, Places>,
    is_reserved: OnceLock<IsReserved>,
}

impl Names {
    /// The tables for a node with this number of shards of processes.
    pub(crate) fn of(shards: usize) -> Names {
        let places = Places::new(shards);
        Names(Arc::new(Tables {
            names: Regis::with_shards_and_hasher(SHARDS_DEFAULT, places),
            is_reserved: OnceLock::new(),
        }))
    }

    /// Sets the rule for texts that are kept for somebody who is not there: `regis:register` refuses them as if another process
    /// had them. Processes that come back with their names are not refused. A second call does nothing.
    pub fn reserve(&self, is_reserved: IsReserved) {
        let _ = self.0.is_reserved.set(is_reserved);
    }

    /// Whether this name, given as its exact bytes, is reserved.
    pub(crate) fn is_reserved(&self, name: &[u8]) -> bool {
        let Some(is_reserved) = self.0.is_reserved.get() else {
            return false;
        };
        match Looks::of(name) {
            Looks {
                tag: None,
                rest: Rest::Text(folded),
            } => is_reserved(folded.as_bytes()),
            _ => false,
        }
    }

    /// The process that has this name.
    pub fn whereis(&self, name: &Term) -> Option<Pid> {
        self.whereis_exact(&msgpack::to_msgpack(name))
    }

    /// Whether no further process can have this name: another has it, or it is reserved.
    pub fn is_taken(&self, name: &Term) -> bool {
        let exact = msgpack::to_msgpack(name);
        self.whereis_exact(&exact).is_some() || self.is_reserved(&exact)
    }

    /// Does the same as [`Names::whereis`] for the exact bytes of a name.
    pub(crate) fn whereis_exact(&self, name: &[u8]) -> Option<Pid> {
        self.0.names.whereis(&name as &dyn Exact)
    }

    /// Registers a name, given as its exact bytes, unless the owner is dead. A dead holder loses the name.
    ///
    /// # Errors
    /// See [`Regis::register_alive`].
    pub fn register_alive(
        &self,
        name: &[u8],
        owner: Pid,
        is_alive: impl Fn(Pid) -> bool,
    ) -> Result<(), RegisterError<Term, Pid>> {
        let given = self
            .0
            .names
            .register_alive(Key(SmallVec::from_slice(name)), owner, is_alive);
        given.map_err(|error| match error {
            RegisterError::NameTaken { holder } => RegisterError::NameTaken { holder },
            RegisterError::AlreadyNamed { name } => RegisterError::AlreadyNamed {
                name: term(&name.0),
            },
            RegisterError::Dead => RegisterError::Dead,
        })
    }

    /// Frees a name, given as its exact bytes, regardless of its holder.
    pub(crate) fn unregister_exact(&self, name: &[u8]) {
        self.0.names.unregister(&name as &dyn Exact);
    }

    /// The name of a process, if it has one.
    pub fn name_of(&self, owner: Pid) -> Option<Term> {
        self.0.names.name_of(owner).map(|name| term(&name.0))
    }

    /// The exact bytes of the name of a process.
    pub(crate) fn exact_name_of(&self, owner: Pid) -> Option<Vec<u8>> {
        self.0.names.name_of(owner).map(|name| name.0.to_vec())
    }

    /// All names, in no particular order.
    pub fn get_names(&self) -> Vec<Term> {
        self.0
            .names
            .get_names()
            .iter()
            .map(|name| term(&name.0))
            .collect()
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// Whether no name is registered.
    pub fn is_empty(&self) -> bool {
        self.0.names.is_empty()
    }

    /// Frees the name of a process that has ended.
    pub(crate) fn exited(&self, pid: Pid) {
        self.0.names.exited(pid);
    }

    /// Frees the names of processes that are dead, and returns their number.
    pub(crate) fn sweep(&self, is_alive: impl Fn(Pid) -> bool) -> u64 {
        let dead = self.0.names.get_names().into_iter().filter(|name| {
            let owner = self.0.names.whereis(name).filter(|owner| !is_alive(*owner));
            owner.is_some_and(|owner| self.0.names.unregister_if(name, owner))
        });
        dead.count() as u64
    }
}

fn term(name: &[u8]) -> Term {
    msgpack::from_msgpack(name).expect("a name is the exact form of a term before it is kept")
}
