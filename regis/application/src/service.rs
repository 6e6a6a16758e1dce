//! The functions `regis:register/2`, `unregister/1`, `whereis/1`, `get_names/0` and `sweep/0`, from any thread.

use std::sync::Arc;

use pq_otp::{Config, Pid, Reason, Service, ServiceCall, Term};
use pq_sdk::regis::RegisterError as Refused;
use regis::{Regis, RegisterError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The names of a node.
pub type Names = Arc<Regis<Term, Pid>>;

/// Gives a node its registry: the service, and the hook that frees the names of the dead.
pub fn install(config: &mut Config) -> Names {
    let names: Names = Arc::new(Regis::new());
    let hook = names.clone();
    config.services.insert(
        "regis",
        Arc::new(Registry {
            names: names.clone(),
        }),
    );
    config.exited = Some(Box::new(move |pid| drop(hook.exited(pid))));
    names
}

struct Registry {
    names: Names,
}

impl Service for Registry {
    fn call(&self, call: ServiceCall<'_>) -> Result<Vec<u8>, Reason> {
        match call.function {
            "register" => self.register(call),
            "unregister" => {
                let (name,): (Term,) = args(call.args)?;
                self.names.unregister(&name);
                Ok(result(&()))
            }
            "whereis" => {
                let (name,): (Term,) = args(call.args)?;
                Ok(result(&self.names.whereis(&name)))
            }
            "get_names" => Ok(result(&self.names.get_names())),
            "sweep" => Ok(result(&self.sweep(&call))),
            other => Err(Reason::tagged("undef", &format!("regis:{other}"))),
        }
    }
}

impl Registry {
    fn register(&self, call: ServiceCall<'_>) -> Result<Vec<u8>, Reason> {
        let (name, pid): (Term, Pid) = args(call.args)?;
        if pid != call.caller {
            return Err(Reason::tagged(
                "badarg",
                "a process can register only itself",
            ));
        }
        let outcome = self
            .names
            .register_alive(name, pid, |pid| call.node.is_alive(pid));
        *call.holds_name |= outcome.is_ok();
        Ok(result(&outcome.map_err(|refused| match refused {
            RegisterError::NameTaken { holder } => Refused::NameTaken(holder),
            RegisterError::AlreadyNamed { name } => Refused::AlreadyNamed(name),
            RegisterError::Dead => Refused::Dead,
        })))
    }

    /// Frees the names of processes that do not live; there are none unless the hook has a bug.
    fn sweep(&self, call: &ServiceCall<'_>) -> u64 {
        let dead = self.names.get_names().into_iter().filter_map(|name| {
            let owner = self.names.whereis(&name)?;
            (!call.node.is_alive(owner)).then(|| self.names.unregister_if(&name, owner))
        });
        dead.filter(|removed| *removed).count() as u64
    }
}

fn args<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Reason> {
    rmp_serde::from_slice(bytes).map_err(|error| Reason::tagged("badarg", &error.to_string()))
}

fn result<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value)
        .expect("names and pids have a MessagePack form, and a Vec takes all bytes")
}
