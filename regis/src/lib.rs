//! A registry of processes: a key of any type has one owner, and the name of a dead owner becomes free.
//!
//! The crate contains two tables, names to owners and owners to names, and the rules that keep them consistent. It does
//! not contain processes (an owner is any small `Copy` value that is never used again after its death), waiting for a
//! name, several names per owner, or other nodes. The runtime calls [`Regis::exited`]; all other callers register and
//! look up.
//!
//! ```
//! use regis::{Regis, RegisterError};
//!
//! let regis: Regis<String, u64> = Regis::new();
//! regis.register("gandalf".into(), 1)?;
//! assert_eq!(regis.whereis("gandalf"), Some(1));
//! let taken = regis.register("gandalf".into(), 2);
//! assert_eq!(taken, Err(RegisterError::NameTaken { holder: 1 }));
//! regis.exited(1);
//! regis.register("gandalf".into(), 2)?;
//! # Ok::<(), RegisterError<String, u64>>(())
//! ```
//!
//! # Consistency of the two tables
//! A call that changes the name of an owner holds the lock of that owner's shard in `by_owner` for the whole change,
//! and takes the lock of the name's shard in `names` inside it: reverse index first, name second, in every call. No
//! call waits for a shard of `by_owner` while it holds one of `names`, so there is no deadlock; and while the lock of
//! an owner is free, both tables agree about it. Every call therefore happens at one instant, with two exceptions:
//! `get_names` and `len` go from shard to shard, and a takeover from a dead holder is two changes with the name free in
//! between.
//!
//! No lock outlives a call, and none is held while code of the caller runs, with two exceptions. `Hash`, `Eq`, `Clone`
//! and `Drop` of a key, and the `is_alive` given to [`Regis::register_alive`], run under a lock: they must not call the
//! registry, and must not wait.
//!
//! # The result of each race
//! | first | second | result |
//! |---|---|---|
//! | two owners register one name | | one gets it, the other learns the holder |
//! | one owner gets two names | | one is registered, the other call learns which |
//! | `register_alive` | the owner dies | the name is registered, then freed by `exited`; `Ok` |
//! | the owner dies | `register_alive` | `Dead`; no lookup ever finds the name |
//! | the owner dies, `exited` not called yet | `whereis` | the owner: nothing can have observed its death yet |
//! | the owner dies, `exited` not called yet | `register_alive` by another | the other gets the name; `exited` leaves it there |
//! | `register_alive` takes a name over | `register` by a third owner | one of the two gets it, the other an error |
//! | the owner dies, `exited` not called yet | `register` by another | `NameTaken` with the dead holder |
//! | `exited` has returned | `register` of the same owner | **a leak**: `register` requires a living owner, see there |
//! | `unregister` | the name gets another holder meanwhile | `false`, and the new holder keeps it |
//! | `get_names`, `len` | any change | each name as it was at some instant of the call, not all at the same instant |

// The example of the README is a doctest.
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod error;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use dashmap::DashMap;
use dashmap::mapref::entry::{Entry, VacantEntry};
use foldhash::fast::RandomState;

pub use error::RegisterError;

/// The default number of shards of each table. With dashmap's own choice (four per core, 8 on two cores) two threads
/// that looked up 100 000 numbers in a bare map were slower than one, 17.5 ns against 11.7; with 256 they were faster,
/// 9.0 ns. A shard is 128 bytes, so an empty registry takes 64 KiB.
pub const SHARDS_DEFAULT: usize = 256;

/// The largest number of shards of a table; larger numbers are reduced to it. With 4 096 shards, a million names have a
/// lock for every 250 names, and an empty registry takes 1 MiB.
pub const SHARDS_MAX: usize = 4_096;

/// The number of dead holders that one `register_alive` removes before it gives up and returns the next one. Each of
/// them is another owner that got the name after the last removal and died at once, so 16 in a row mean that many
/// owners are dying over this name, and another round would not help.
const DEAD_HOLDERS_MAX: usize = 16;

/// An error, and the name for another attempt.
type Refused<K, P> = (RegisterError<K, P>, K);

/// A registry of names `K` and their owners `P`: one name per owner and one owner per name.
///
/// Each name is stored twice (`K` is cloned once per registration). The tables contain at most as many names as there
/// are living owners, and keep the size of their fullest moment. Each table has a random seed for its hash: names may
/// come from players, who must not be able to choose the shard that they fill.
pub struct Regis<K, P, S = RandomState> {
    /// INVARIANT: while the lock of an owner's shard is free, `by_owner[p] == n` exactly if
    /// `names[n] == p` (`tests/model.rs`, `tests/history.rs` and `tests/stress.rs` compare the two).
    by_owner: DashMap<P, K, S>,
    names: DashMap<K, P, S>,
}

impl<K, P> Regis<K, P>
where
    K: Hash + Eq + Clone,
    P: Hash + Eq + Copy,
{
    /// Makes an empty registry with [`SHARDS_DEFAULT`] shards.
    pub fn new() -> Self {
        Self::with_shards(SHARDS_DEFAULT)
    }

    /// Makes an empty registry with `shards` shards per table, rounded up to a power of two between 2 and
    /// [`SHARDS_MAX`].
    pub fn with_shards(shards: usize) -> Self {
        Self::from_hashers(shards, RandomState::default(), RandomState::default())
    }
}

impl<K, P, S> Regis<K, P, S>
where
    K: Hash + Eq + Clone,
    P: Hash + Eq + Copy,
    S: BuildHasher + Clone,
{
    /// Makes an empty registry with the caller's hash; `shards` as in [`Regis::with_shards`].
    pub fn with_shards_and_hasher(shards: usize, hasher: S) -> Self {
        Self::from_hashers(shards, hasher.clone(), hasher)
    }

    fn from_hashers(shards: usize, of_owners: S, of_names: S) -> Self {
        let shards = shards.clamp(2, SHARDS_MAX).next_power_of_two();
        Self {
            by_owner: DashMap::with_hasher_and_shard_amount(of_owners, shards),
            names: DashMap::with_hasher_and_shard_amount(of_names, shards),
        }
    }

    /// Registers `name` for `owner`.
    ///
    /// The caller guarantees that `owner` lives until this call returns, as a process does that registers itself. For
    /// other owners use [`register_alive`](Self::register_alive): a name registered after [`exited`](Self::exited)
    /// stays until it is unregistered.
    ///
    /// # Errors
    /// Returns [`RegisterError::AlreadyNamed`] rather than [`RegisterError::NameTaken`] if both apply.
    pub fn register(&self, name: K, owner: P) -> Result<(), RegisterError<K, P>> {
        self.claim(name, owner, || true).map_err(|(why, _)| why)
    }

    /// Registers `name` for `owner`, which may die at any moment, even during this call.
    ///
    /// A dead owner is refused, and a dead holder of the name loses it. `is_alive` must return `false` for an owner
    /// before [`exited`](Self::exited) is called for it, and forever after. The registry calls `is_alive(owner)` under
    /// the lock that `exited(owner)` needs. So in either case no name is left behind: `exited` comes later and finds
    /// the name, or `is_alive` reports the death here and no name is registered. `is_alive` must be a short read, and
    /// must not take a lock under which `exited` is called.
    ///
    /// # Errors
    /// Returns [`RegisterError::Dead`] first, then the errors of [`register`](Self::register).
    pub fn register_alive(
        &self,
        mut name: K,
        owner: P,
        is_alive: impl Fn(P) -> bool,
    ) -> Result<(), RegisterError<K, P>> {
        for _ in 0..DEAD_HOLDERS_MAX {
            match self.claim(name, owner, || is_alive(owner)) {
                Err((RegisterError::NameTaken { holder }, refused)) if !is_alive(holder) => {
                    self.unregister_if(&refused, holder);
                    name = refused;
                }
                answer => return answer.map_err(|(why, _)| why),
            }
        }
        self.claim(name, owner, || is_alive(owner))
            .map_err(|(why, _)| why)
    }

    /// Frees `name`, regardless of its holder, and says whether it had one. It cannot fail.
    pub fn unregister<Q>(&self, name: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.whereis(name)
            .is_some_and(|holder| self.unregister_if(name, holder))
    }

    /// Frees `name` if `owner` holds it, and says whether that was the case.
    pub fn unregister_if<Q>(&self, name: &Q, owner: P) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.release(owner, |held| held.borrow() == name).is_some()
    }

    /// The holder of `name`; never an owner for which [`exited`](Self::exited) has returned.
    pub fn whereis<Q>(&self, name: &Q) -> Option<P>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.names.get(name).map(|holder| *holder)
    }

    /// The name of `owner`, if it has one.
    pub fn name_of(&self, owner: P) -> Option<K> {
        self.by_owner.get(&owner).map(|name| name.clone())
    }

    /// All names, in no particular order. One shard is locked at a time.
    pub fn get_names(&self) -> Vec<K> {
        self.names.iter().map(|held| held.key().clone()).collect()
    }

    /// The number of names. The call visits every shard.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is registered.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Frees the name of an owner that has died, and returns it.
    ///
    /// The runtime calls this once per death, whether the owner has a name or not, before links, monitors or any other
    /// code can learn of the death. So a supervisor that restarts the owner finds the name free. A name that another
    /// owner has taken over meanwhile stays with that owner.
    pub fn exited(&self, owner: P) -> Option<K> {
        self.release(owner, |_| true)
    }

    /// Registers `owner` under `name` if it lives, has no name, and the name is free; else returns the name in the
    /// error.
    fn claim(
        &self,
        name: K,
        owner: P,
        is_alive: impl FnOnce() -> bool,
    ) -> Result<(), Refused<K, P>> {
        match self.by_owner.entry(owner) {
            _ if !is_alive() => Err((RegisterError::Dead, name)),
            Entry::Vacant(unnamed) => self.enter(name, unnamed),
            Entry::Occupied(named) => {
                let held = named.get().clone();
                Err((RegisterError::AlreadyNamed { name: held }, name))
            }
        }
    }

    /// Writes both tables under the lock of the owner, which `unnamed` passes to `named`.
    fn enter(&self, name: K, unnamed: VacantEntry<'_, P, K>) -> Result<(), Refused<K, P>> {
        match self.names.entry(name) {
            Entry::Occupied(held) => {
                let holder = *held.get();
                Err((RegisterError::NameTaken { holder }, held.into_key()))
            }
            Entry::Vacant(free) => {
                let owner = *unnamed.key();
                let named = unnamed.insert(free.key().clone());
                free.insert(owner);
                drop(named);
                Ok(())
            }
        }
    }

    /// Removes the name of `owner` from both tables if `is_it`, under the lock of the owner. By the invariant the
    /// holder is always `owner`. It is compared nevertheless, so that a key with a wrong `Eq` cannot take the name of
    /// another owner.
    fn release(&self, owner: P, is_it: impl FnOnce(&K) -> bool) -> Option<K> {
        let free = |name: &K| self.names.remove_if(name, |_, holder| *holder == owner);
        self.by_owner
            .remove_if(&owner, |_, name| is_it(name) && free(name).is_some())
            .map(|(_, name)| name)
    }
}

impl<K, P> Default for Regis<K, P>
where
    K: Hash + Eq + Clone,
    P: Hash + Eq + Copy,
{
    fn default() -> Self {
        Self::new()
    }
}

/// Prints the number of names instead of the names, because there may be a hundred thousand.
impl<K, P, S> fmt::Debug for Regis<K, P, S>
where
    K: Hash + Eq + Clone,
    P: Hash + Eq + Copy,
    S: BuildHasher + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Regis")
            .field("names", &self.len())
            .finish_non_exhaustive()
    }
}
