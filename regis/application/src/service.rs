//! The functions `regis:register/2`, `unregister/1`, `whereis/1`, `get_names/0` and `sweep/0`, callable from any
//! thread.

use std::borrow::Cow;
use std::sync::Arc;

use pq_otp::{Config, NameRegistry, Node, Pid, Reason, Service, ServiceCall, Term};
use pq_sdk::pq_abi::text;
use pq_term::msgpack::{self, DecodeError};
use regis::RegisterError;

use crate::names::Names;

/// MessagePack's marker of an array with at most 15 elements; the number of elements is added to it.
const FIX_ARRAY: u8 = 0x90;

/// The holder of a name that is reserved.
const NOBODY: Pid = Pid::from_raw(0);

/// Adds the registry to a node: the service, the hook that frees the names of dead processes, and the names of
/// processes that move.
pub fn install(config: &mut Config) -> Names {
    let names = Names::of(config.shards);
    let hook = names.clone();
    config.services.insert(
        "regis",
        Arc::new(Registry {
            names: names.clone(),
        }),
    );
    config.exited = Some(Box::new(move |pid| hook.exited(pid)));
    let asked = names.clone();
    config.registry = Some(Box::new(names.clone()));
    config.name_of = Some(Box::new(move |pid| asked.name_of(pid).map(called)));
    names
}

/// A name as text for people: a string such as `"Ann"` without its quotes.
fn called(name: Term) -> String {
    name.as_str()
        .map_or_else(|| name.to_string(), str::to_string)
}

impl NameRegistry for Names {
    fn names_of(&self, pid: Pid) -> Vec<Vec<u8>> {
        self.exact_name_of(pid).into_iter().collect()
    }

    fn register(&self, node: &Node, name: &[u8], pid: Pid) -> Result<(), String> {
        let name = match msgpack::exact_len(name) {
            Some(length) if length == name.len() => Cow::Borrowed(name),
            _ => exact(&msgpack::from_msgpack(name).map_err(|error| error.to_string())?),
        };
        let outcome = self.register_alive(&name, pid, |pid| node.is_alive(pid));
        outcome.map_err(|error| match error {
            RegisterError::NameTaken { holder } => {
                format!("one of its names is that of {}", node.called(holder))
            }
            RegisterError::AlreadyNamed { name } => format!("it has the name {name} already"),
            RegisterError::Dead => "it has ended".to_string(),
        })
    }
}

struct Registry {
    names: Names,
}

impl Service for Registry {
    fn call(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        match call.function {
            b"register" => {
                let (name, pid) = name_and_pid(&call)?;
                self.register(call, &name, pid)
            }
            b"whereis" => self.whereis(call),
            b"unregister" => {
                let name = name_alone(&call)?;
                self.unregister(call, &name);
                Ok(())
            }
            _ => self.about_all(call),
        }
    }

    /// `register` is missing here: a process registers only itself, and a script is not a process.
    fn functions(&self) -> &'static [(&'static str, u32)] {
        &[
            ("unregister", 1),
            ("whereis", 1),
            ("get_names", 0),
            ("sweep", 0),
        ]
    }
}

impl Registry {
    fn register(&self, call: ServiceCall<'_>, name: &[u8], pid: Pid) -> Result<(), Reason> {
        if pid != call.caller {
            let why = "a process can register only itself";
            return Err(Reason::tagged("badarg", why));
        }
        let is_alive = |pid| call.node.is_alive(pid);
        let outcome = match self.names.is_reserved(name) {
            true => Err(RegisterError::NameTaken { holder: NOBODY }),
            false => self.names.register_alive(name, pid, is_alive),
        };
        *call.holds_name |= outcome.is_ok();
        match outcome {
            Ok(()) => call.answer.extend_from_slice(&msgpack::OK),
            Err(error) => *call.answer = refusal(error),
        }
        Ok(())
    }

    /// Bytes that are found in the tables are a name in exact form, so this path does not decode them.
    fn whereis(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        let name = call.args.strip_prefix(&[FIX_ARRAY | 1]);
        let holder = match name.and_then(|name| self.names.whereis_exact(name)) {
            None => self.names.whereis_exact(&name_alone(&call)?),
            found => found,
        };
        match holder {
            Some(holder) => call
                .answer
                .extend_from_slice(&msgpack::pid_to_msgpack(holder)),
            None => *call.answer = msgpack::to_msgpack(&Term::undefined()),
        }
        Ok(())
    }

    fn unregister(&self, call: ServiceCall<'_>, name: &[u8]) {
        self.names.unregister_exact(name);
        call.answer.extend_from_slice(&msgpack::OK);
    }

    /// Calls the functions without arguments. A caller may also pass `undefined`, which is Rust's `()`.
    fn about_all(&self, call: ServiceCall<'_>) -> Result<(), Reason> {
        let answer = match (call.function, arity(&call)?) {
            (b"get_names", 0) => Term::list(self.names.get_names()),
            // There is nothing to free unless the hook has a bug.
            (b"sweep", 0) => {
                let swept = self.names.sweep(|pid| call.node.is_alive(pid));
                Term::from(swept as i64)
            }
            _ => return Err(undef(&call)),
        };
        *call.answer = msgpack::to_msgpack(&answer);
        Ok(())
    }
}

/// The answer `{error, Why}`, as `pq_sdk::regis` reads it.
fn refusal(error: RegisterError<Term, Pid>) -> Vec<u8> {
    let why = match error {
        RegisterError::NameTaken { holder } => {
            Term::tuple([Term::atom("name_taken"), holder.into()])
        }
        RegisterError::AlreadyNamed { name } => Term::tuple([Term::atom("already_named"), name]),
        RegisterError::Dead => Term::atom("dead"),
    };
    msgpack::to_msgpack(&Term::tuple([Term::atom("error"), why]))
}

fn name_alone<'a>(call: &ServiceCall<'a>) -> Result<Cow<'a, [u8]>, Reason> {
    match name_first(call, 1) {
        Some((name, [])) => Ok(Cow::Borrowed(name)),
        _ => args(call).map(|[name]| exact(&name)),
    }
}

fn name_and_pid<'a>(call: &ServiceCall<'a>) -> Result<(Cow<'a, [u8]>, Pid), Reason> {
    let read = |(name, pid)| Some((Cow::Borrowed(name), msgpack::exact_pid(pid)?));
    if let Some(read) = name_first(call, 2).and_then(read) {
        return Ok(read);
    }
    match args(call)? {
        [name, Term::Pid(pid)] => Ok((exact(&name), pid)),
        _ => Err(undef(call)),
    }
}

/// Splits the arguments, which have to be `arity` in number, into the bytes of the first and of the others. Returns
/// `None` when the first has to be decoded. The start of a hero calls this function three times.
fn name_first<'a>(call: &ServiceCall<'a>, arity: u8) -> Option<(&'a [u8], &'a [u8])> {
    let (head, args) = call.args.split_first()?;
    (*head == FIX_ARRAY | arity).then_some(())?;
    args.split_at_checked(msgpack::exact_len(args)?)
}

fn exact(name: &Term) -> Cow<'static, [u8]> {
    Cow::Owned(msgpack::to_msgpack(name))
}

fn args<const N: usize>(call: &ServiceCall<'_>) -> Result<[Term; N], Reason> {
    let args = msgpack::from_msgpack(call.args).map_err(badarg)?;
    let args: Option<&[Term; N]> = args.as_list().and_then(|args| args.try_into().ok());
    args.cloned().ok_or_else(|| undef(call))
}

fn arity(call: &ServiceCall<'_>) -> Result<usize, Reason> {
    let args = msgpack::from_msgpack(call.args).map_err(badarg)?;
    Ok(args.as_list().map_or(0, <[Term]>::len))
}

fn undef(call: &ServiceCall<'_>) -> Reason {
    arity(call).map_or_else(
        |badarg| badarg,
        |arity| {
            let function = text(call.function);
            Reason::tagged("undef", &format!("regis:{function}/{arity}"))
        },
    )
}

fn badarg(error: DecodeError) -> Reason {
    Reason::tagged("badarg", &error.to_string())
}
