//! A registry of processes: any key, one owner, and a dead owner loses its name by itself.
//!
//! Here live the two tables, names to owners and owners to names, and the rules that keep them one.
//! What is *not* here: processes (an owner is any small `Copy` value, never used again after its
//! death), waiting for a name, several names per owner, other nodes. The runtime calls
//! [`Regis::exited`]; everybody else registers and looks up.
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
//! # How it stays one
//! Whoever changes the name of an owner holds the lock of that owner's shard in `by_owner` for the
//! whole change, and takes the lock of the name's shard in `names` inside it: reverse index first,
//! name second, in every call. Nobody waits for a shard of `by_owner` while holding one of `names`,
//! so there is no circle to wait in; and when the lock of an owner is free, both tables say the same
//! about it. Every call therefore happens at one instant, with two exceptions: `get_names` and `len` go
//! from shard to shard, and a takeover from a dead holder is two changes, with the name free between.
//!
//! No lock outlives a call, and none is held while the caller's code runs, with two exceptions that
//! are the caller's to respect. `Hash`, `Eq`, `Clone` and `Drop` of a key, and the `is_alive` given
//! to [`Regis::register_alive`], must not call the registry nor wait for anything.
//!
//! # What each race gives
//! | first | second | gives |
//! |---|---|---|
//! | two owners register one name | | one has it, the other is told by whom it is held |
//! | one owner is given two names | | one is given, the other call is told which |
//! | `register_alive` | the owner dies | the name is given, then freed by `exited`; `Ok` |
//! | the owner dies | `register_alive` | `Dead`; no lookup ever sees the name |
//! | the owner dies, `exited` not called yet | `whereis` | the owner: its death cannot have been observed yet |
//! | the owner dies, `exited` not called yet | `register_alive` by another | the other has the name; `exited` leaves it there |
//! | `register_alive` takes a name over | `register` by a third owner | one of the two has it, the other is told |
//! | the owner dies, `exited` not called yet | `register` by another | `NameTaken` with the dead holder |
//! | `exited` has returned | `register` of the same owner | **a leak**: `register` takes the owner's life for granted, see there |
//! | `unregister` by name | the name changes hands meanwhile | `false`, and the new holder keeps it |
//! | `get_names`, `len` | any change | each name as it was at some instant of the call, not all at the same instant |

mod error;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use dashmap::DashMap;
use dashmap::mapref::entry::{Entry, VacantEntry};
use foldhash::fast::RandomState;

pub use error::RegisterError;

/// How many shards each table has unless the caller says otherwise.
/// With dashmap's own choice (four per core, 8 on two cores) two threads that looked up 100 000
/// numbers in a bare map were slower than one, 17.5 ns against 11.7; with 256 they were faster,
/// 9.0 ns. A shard is 128 bytes, so an empty registry is 64 KiB.
pub const SHARDS_DEFAULT: usize = 256;

/// The most shards a table may have; more is cut down to this. 4 096 is one lock for every
/// 250 names of a million, and already 1 MiB for an empty registry.
pub const SHARDS_MAX: usize = 4_096;

/// How many dead holders one `register_alive` removes before it gives up and names the next one.
/// Each takes another owner that got the name after the last removal and died at once, so 16 in a
/// row means that a crowd is dying over this name and one more round would not help.
const DEAD_HOLDERS_MAX: usize = 16;

/// Why a name was not given, and the name, for another attempt.
type Refused<K, P> = (RegisterError<K, P>, K);

/// A registry of names `K` and their owners `P`: one name per owner and one owner per name.
///
/// Each name is kept twice (`K` is cloned once per registration). The tables hold no more names than
/// there are living owners, and keep the size of their fullest moment. The hash is seeded at random per table, because names may come
/// from players, who must not be able to choose which shard they crowd.
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
    /// An empty registry of [`SHARDS_DEFAULT`] shards.
    pub fn new() -> Self {
        Self::with_shards(SHARDS_DEFAULT)
    }

    /// An empty registry of `shards` shards per table, rounded up to a power of two between 2 and
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
    /// An empty registry with the caller's hash; `shards` as in [`Regis::with_shards`].
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

    /// Gives `name` to `owner`.
    ///
    /// The caller vouches that `owner` lives until this returns, as a process that registers itself
    /// does. For anybody else use [`register_alive`](Self::register_alive): a name given after
    /// [`exited`](Self::exited) stays until it is unregistered.
    ///
    /// # Errors
    /// [`RegisterError::AlreadyNamed`] before [`RegisterError::NameTaken`] if both hold.
    pub fn register(&self, name: K, owner: P) -> Result<(), RegisterError<K, P>> {
        self.claim(name, owner, || true).map_err(|(why, _)| why)
    }

    /// Gives `name` to `owner`, which may die at any moment, even during this call.
    ///
    /// A dead owner is refused, and a dead holder of the name loses it. `is_alive` must answer
    /// `false` for an owner from before [`exited`](Self::exited) is called for it, and for ever. It
    /// is asked about `owner` under the lock that `exited(owner)` needs: whatever it answers, either
    /// `exited` comes later and finds the name, or the death is seen here and no name is given. So
    /// it must be a short read, and must not take a lock under which `exited` is called.
    ///
    /// # Errors
    /// [`RegisterError::Dead`] first, then as [`register`](Self::register).
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

    /// Frees `name`, whoever holds it, and says whether somebody did. It cannot fail.
    pub fn unregister<Q>(&self, name: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.whereis(name)
            .is_some_and(|holder| self.unregister_if(name, holder))
    }

    /// Frees `name` if `owner` holds it, and says whether it did.
    pub fn unregister_if<Q>(&self, name: &Q, owner: P) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.release(owner, |held| held.borrow() == name).is_some()
    }

    /// Who holds `name`; never an owner for which [`exited`](Self::exited) has returned.
    pub fn whereis<Q>(&self, name: &Q) -> Option<P>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.names.get(name).map(|holder| *holder)
    }

    /// The name of `owner`.
    pub fn name_of(&self, owner: P) -> Option<K> {
        self.by_owner.get(&owner).map(|name| name.clone())
    }

    /// All names, in no order. One shard is locked at a time.
    pub fn get_names(&self) -> Vec<K> {
        self.names.iter().map(|held| held.key().clone()).collect()
    }

    /// How many names are held. Visits every shard.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is held.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Frees the name of an owner that has died, and returns it.
    ///
    /// The runtime calls this once per death, named or not, before links, monitors or anybody else
    /// can learn of the death: then whoever restarts the owner finds the name free. A name that
    /// another owner has meanwhile taken over stays where it is.
    pub fn exited(&self, owner: P) -> Option<K> {
        self.release(owner, |_| true)
    }

    /// Enters `owner` under `name` if it lives, has no name, and the name is free; else gives the name back.
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

    /// Writes both tables, under the lock of the owner, which `unnamed` hands on to `named`.
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

    /// Takes the name of `owner` out of both tables if `is_it`, under the lock of the owner.
    /// By the invariant the holder is always `owner`; it is compared all the same, so that not even a
    /// key whose `Eq` is wrong can rob somebody else.
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

/// How many names, not which: they may be a hundred thousand.
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
