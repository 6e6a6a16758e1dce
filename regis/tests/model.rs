//! The registry compared with a sequential model (two maps and the book's rules) for one caller. `history.rs` reuses
//! the model for several callers at once.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use proptest::prelude::*;
use regis::{Regis, RegisterError};

/// A call to the registry. Names and owners are small numbers, so that calls collide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Call {
    Register(u8, u8),
    RegisterAlive(u8, u8),
    Unregister(u8),
    UnregisterIf(u8, u8),
    Whereis(u8),
    NameOf(u8),
    /// The owner is dead from now on; the registry does not know yet.
    Die(u8),
    /// The registry learns of the death.
    Exited(u8),
}

/// The answer to a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Answer {
    Registered(Result<(), RegisterError<u8, u8>>),
    Freed(bool),
    Owner(Option<u8>),
    Name(Option<u8>),
    Done,
}

/// The book's registry for one caller: slow, and obviously right.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) holders: BTreeMap<u8, u8>,
    pub(crate) dead: BTreeSet<u8>,
}

impl Model {
    pub(crate) fn name_of(&self, owner: u8) -> Option<u8> {
        let held = self.holders.iter().find(|(_, holder)| **holder == owner);
        held.map(|(name, _)| *name)
    }

    fn register(&mut self, name: u8, owner: u8) -> Result<(), RegisterError<u8, u8>> {
        if let Some(name) = self.name_of(owner) {
            return Err(RegisterError::AlreadyNamed { name });
        }
        if let Some(&holder) = self.holders.get(&name) {
            return Err(RegisterError::NameTaken { holder });
        }
        self.holders.insert(name, owner);
        Ok(())
    }

    fn register_alive(&mut self, name: u8, owner: u8) -> Result<(), RegisterError<u8, u8>> {
        if self.dead.contains(&owner) {
            return Err(RegisterError::Dead);
        }
        match self.register(name, owner) {
            Err(RegisterError::NameTaken { holder }) if self.dead.contains(&holder) => {
                self.holders.remove(&name);
                self.register(name, owner)
            }
            answer => answer,
        }
    }

    fn unregister_if(&mut self, name: u8, owner: u8) -> bool {
        let holds = self.holders.get(&name) == Some(&owner);
        if holds {
            self.holders.remove(&name);
        }
        holds
    }

    pub(crate) fn call(&mut self, call: Call) -> Answer {
        match call {
            Call::Register(name, owner) => Answer::Registered(self.register(name, owner)),
            Call::RegisterAlive(name, owner) => {
                Answer::Registered(self.register_alive(name, owner))
            }
            Call::Unregister(name) => Answer::Freed(self.holders.remove(&name).is_some()),
            Call::UnregisterIf(name, owner) => Answer::Freed(self.unregister_if(name, owner)),
            Call::Whereis(name) => Answer::Owner(self.holders.get(&name).copied()),
            Call::NameOf(owner) => Answer::Name(self.name_of(owner)),
            Call::Die(owner) => {
                self.dead.insert(owner);
                Answer::Done
            }
            Call::Exited(owner) => {
                let name = self.name_of(owner);
                name.map(|name| self.holders.remove(&name));
                Answer::Name(name)
            }
        }
    }
}

/// Makes the same call to the registry itself. `K` is a name that `From<u8>` can make.
pub(crate) fn call<K>(
    regis: &Regis<K, u8>,
    call: Call,
    is_alive: impl Fn(u8) -> bool,
    die: impl FnOnce(u8),
) -> Answer
where
    K: Hash + Eq + Clone + From<u8> + Into<u8>,
{
    match call {
        Call::Register(name, owner) => {
            Answer::Registered(plain(regis.register(name.into(), owner)))
        }
        Call::RegisterAlive(name, owner) => {
            Answer::Registered(plain(regis.register_alive(name.into(), owner, is_alive)))
        }
        Call::Unregister(name) => Answer::Freed(regis.unregister(&K::from(name))),
        Call::UnregisterIf(name, owner) => {
            Answer::Freed(regis.unregister_if(&K::from(name), owner))
        }
        Call::Whereis(name) => Answer::Owner(regis.whereis(&K::from(name))),
        Call::NameOf(owner) => Answer::Name(regis.name_of(owner).map(Into::into)),
        Call::Die(owner) => {
            die(owner);
            Answer::Done
        }
        Call::Exited(owner) => Answer::Name(regis.exited(owner).map(Into::into)),
    }
}

fn plain<K: Into<u8>>(
    answer: Result<(), RegisterError<K, u8>>,
) -> Result<(), RegisterError<u8, u8>> {
    answer.map_err(|error| match error {
        RegisterError::NameTaken { holder } => RegisterError::NameTaken { holder },
        RegisterError::AlreadyNamed { name } => RegisterError::AlreadyNamed { name: name.into() },
        RegisterError::Dead => RegisterError::Dead,
    })
}

const NAMES: u8 = 5;
const OWNERS: u8 = 6;

fn any_call() -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => (0..NAMES, 0..OWNERS).prop_map(|(name, owner)| Call::Register(name, owner)),
        3 => (0..NAMES, 0..OWNERS).prop_map(|(name, owner)| Call::RegisterAlive(name, owner)),
        1 => (0..NAMES).prop_map(Call::Unregister),
        2 => (0..NAMES, 0..OWNERS).prop_map(|(name, owner)| Call::UnregisterIf(name, owner)),
        1 => (0..NAMES).prop_map(Call::Whereis),
        1 => (0..OWNERS).prop_map(Call::NameOf),
        1 => (0..OWNERS).prop_map(Call::Die),
        1 => (0..OWNERS).prop_map(Call::Exited),
    ]
}

/// Whether both tables, asked for every name and every owner, are equal to the model's map.
pub(crate) fn agrees<K>(regis: &Regis<K, u8>, model: &Model, names: u8, owners: u8) -> bool
where
    K: Hash + Eq + Clone + From<u8> + Into<u8>,
{
    let mut listed: Vec<u8> = regis.get_names().into_iter().map(Into::into).collect();
    listed.sort_unstable();
    listed.iter().eq(model.holders.keys())
        && regis.len() == model.holders.len()
        && (0..names).all(|name| regis.whereis(&K::from(name)) == model.holders.get(&name).copied())
        && (0..owners).all(|owner| regis.name_of(owner).map(Into::into) == model.name_of(owner))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_caller_sees_the_books_registry(calls in prop::collection::vec(any_call(), 1..120)) {
        let regis = Regis::<u8, u8>::with_shards(4);
        let mut model = Model::default();
        for made in calls {
            let dead = model.dead.clone();
            let answer = call(&regis, made, |owner| !dead.contains(&owner), |_| ());
            prop_assert_eq!(answer, model.call(made), "{:?}", made);
            prop_assert!(agrees(&regis, &model, NAMES, OWNERS), "{:?} is not {:?}", regis, model);
        }
    }
}
