//! The names of a node: any term, kept as its exact bytes, and found by what it looks like.
//!
//! Two texts that look alike are one name (`regis_confusable`), alone and in a pair with an atom such as
//! `{events, Name}`: so a second hero cannot pass for the first, whatever the version of the game behind it. A name is
//! shown as it was registered.
//!
//! A name is looked up more often than it is read, and comes from a library as bytes. Kept as a term it would be built
//! at each call, and lie in two or three blocks elsewhere, each of which the tables would have to visit to hash it
//! again when they grow.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use pq_otp::{Pid, Term};
use pq_term::msgpack;
use regis::{Regis, RegisterError, SHARDS_DEFAULT};
use regis_confusable::{Skeleton, skeleton};
use smallvec::SmallVec;

use crate::places::Places;

/// Names up to this length lie in the tables themselves: `{events, Name}` of ten letters is as long.
const INLINE_BYTES: usize = 24;

/// A name as [`msgpack::to_msgpack`] writes it.
struct Key(SmallVec<[u8; INLINE_BYTES]>);

/// In one piece, where that of a `SmallVec` goes byte by byte.
impl Clone for Key {
    fn clone(&self) -> Key {
        Key(SmallVec::from_slice(&self.0))
    }
}

/// The exact bytes of a name, kept or only asked for: one `Hash` and `Eq` serves both.
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

/// Of a name what makes it another than the next one.
#[derive(PartialEq)]
pub(crate) struct Looks<'a> {
    /// The atom of a pair such as `{events, Name}`.
    tag: Option<&'a [u8]>,
    rest: Rest<'a>,
}

#[derive(PartialEq)]
enum Rest<'a> {
    Text(Skeleton<'a>),
    /// A term that is no text, by its bytes.
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

/// As `places` wants it: the tag as a number, then the name in one piece.
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
        self.0.whereis(&name as &dyn Exact)
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
        self.0.unregister(&name as &dyn Exact);
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
            let owner = self.0.whereis(name).filter(|owner| !is_alive(*owner));
            owner.is_some_and(|owner| self.0.unregister_if(name, owner))
        });
        dead.count() as u64
    }
}

fn term(name: &[u8]) -> Term {
    msgpack::from_msgpack(name).expect("a name is the exact form of a term before it is kept")
}
