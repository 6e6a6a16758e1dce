//! Exported functions: `Module:Function(Args)` across versions.
//!
//! A call goes to the *current* version of the module, wherever that is. When it is the one in this very
//! library the call is a plain Rust call; otherwise arguments and result travel as MessagePack.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use pq_abi::plugin::Refusal;
use pq_abi::raw::Status;
use pq_abi::{OpCode, Reason};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{decode, encode};
use crate::ctx::Ctx;

/// An exported function, whatever its types.
pub trait Export: Sync {
    /// Its name.
    fn name(&self) -> &'static str;
    /// How many arguments it takes.
    fn arity(&self) -> u32;
    /// Runs it on encoded arguments; returns its encoded result.
    fn invoke(&self, ctx: &mut Ctx<'_>, args: &[u8]) -> Result<Vec<u8>, Refusal>;
    /// Tells it the address of its module's table in this library.
    #[doc(hidden)]
    fn set_home(&self, table: u64);
}

/// `()` in MessagePack.
const NO_ARGS: &[u8] = &[0xc0];

/// The arguments of a function: a tuple.
pub trait Args: Serialize + DeserializeOwned {
    /// How many.
    const ARITY: u32;
}

macro_rules! args {
    ($($arity:literal: $($name:ident)*;)*) => {$(
        impl<$($name: Serialize + DeserializeOwned),*> Args for ($($name,)*) {
            const ARITY: u32 = $arity;
        }
    )*};
}
args! { 0: ; 1: A; 2: A B; 3: A B C; 4: A B C D; 5: A B C D E; }

/// A function of a module that another library has.
pub struct Remote<A, R> {
    module: &'static str,
    name: &'static str,
    types: PhantomData<fn(A) -> R>,
}

impl<A: Args, R: DeserializeOwned> Remote<A, R> {
    /// Names a function.
    pub const fn new(module: &'static str, name: &'static str) -> Remote<A, R> {
        Remote {
            module,
            name,
            types: PhantomData,
        }
    }

    /// Calls its current version. Panics when that fails: as in Erlang, the caller's process ends for it.
    pub fn call(&self, ctx: &mut Ctx<'_>, args: A) -> R {
        self.try_call(ctx, &args).unwrap_or_else(|reason| {
            panic!(
                "{}:{}/{} failed: {reason}",
                self.module,
                self.name,
                A::ARITY
            )
        })
    }

    /// Calls its current version; a failure there is a value here.
    pub fn try_call(&self, ctx: &mut Ctx<'_>, args: &A) -> Result<R, Reason> {
        let name = format!("{}:{}", self.module, self.name);
        let args = encode(args);
        let (status, result) =
            ctx.host()
                .op_named(OpCode::CallModule, (0, 0), name.as_bytes(), &args);
        match status == Status::Ok as u64 {
            true => rmp_serde::from_slice(result)
                .map_err(|error| Reason::tagged("bad_return", &error.to_string())),
            false => Err(Reason::from_bytes(result)),
        }
    }
}

/// An exported function of a module: a `static` of it is both its export and the way to call it.
///
/// ```
/// use pq_sdk::{Ctx, Export, Function, Functions, Module, RngExt};
///
/// static ROLL: Function<(u32,), u32> =
///     Function::new("dice", "roll", |ctx, (sides,)| ctx.random_range(1..=sides));
///
/// struct Dice;
///
/// impl Module for Dice {
///     const NAME: &'static str = "dice";
///     const VSN: &'static str = "1.0.0";
///     const FUNCTIONS: &'static [&'static dyn Export] = &[&ROLL];
/// }
///
/// impl Functions for Dice {}
///
/// // In any callback of any module:
/// fn two_dice(ctx: &mut Ctx<'_>) -> u32 {
///     ROLL.call(ctx, (6,)) + ROLL.call(ctx, (6,))
/// }
/// ```
pub struct Function<A, R> {
    module: &'static str,
    name: &'static str,
    run: fn(&mut Ctx<'_>, A) -> R,
    /// The address of the module's table in this library; 0 until the library is attached.
    home: AtomicU64,
    seen: Seen,
}

impl<A: Args, R: Serialize + DeserializeOwned> Function<A, R> {
    /// Names and defines a function.
    pub const fn new(
        module: &'static str,
        name: &'static str,
        run: fn(&mut Ctx<'_>, A) -> R,
    ) -> Function<A, R> {
        Function {
            module,
            name,
            run,
            home: AtomicU64::new(0),
            seen: Seen::nothing(),
        }
    }

    /// Calls its current version. Panics when that fails: as in Erlang, the caller's process ends for it.
    pub fn call(&self, ctx: &mut Ctx<'_>, args: A) -> R {
        match self.is_here(ctx) {
            true => (self.run)(ctx, args),
            false => self.elsewhere().call(ctx, args),
        }
    }

    /// Calls its current version; a failure there is a value here.
    pub fn try_call(&self, ctx: &mut Ctx<'_>, args: A) -> Result<R, Reason> {
        match self.is_here(ctx) {
            true => Ok((self.run)(ctx, args)),
            false => self.elsewhere().try_call(ctx, &args),
        }
    }

    fn elsewhere(&self) -> Remote<A, R> {
        Remote::new(self.module, self.name)
    }

    fn is_here(&self, ctx: &mut Ctx<'_>) -> bool {
        let epoch = ctx.host().epoch();
        if let Some(is_here) = self.seen.at(epoch) {
            return is_here;
        }
        let (current, _) =
            ctx.host()
                .op_named(OpCode::Current, (0, 0), self.module.as_bytes(), &[]);
        let is_here = current != 0 && current == self.home.load(Ordering::Relaxed);
        self.seen.note(epoch, is_here);
        is_here
    }
}

/// Whether the current version of a module was this library's, and at which epoch of the node's code. Both are one
/// number, because threads read and write it without a lock: the lowest bit is the one, and the others are the other.
struct Seen(AtomicU64);

impl Seen {
    const HERE: u64 = 1;
    const EPOCH_SHIFT: u32 = 1;

    const fn nothing() -> Seen {
        Seen(AtomicU64::new(0))
    }

    /// Whether it was here at this epoch; nothing when another one was seen last.
    fn at(&self, epoch: u64) -> Option<bool> {
        let seen = self.0.load(Ordering::Relaxed);
        (seen >> Seen::EPOCH_SHIFT == epoch).then_some(seen & Seen::HERE != 0)
    }

    fn note(&self, epoch: u64, is_here: bool) {
        let here = if is_here { Seen::HERE } else { 0 };
        let seen = epoch << Seen::EPOCH_SHIFT | here;
        self.0.store(seen, Ordering::Relaxed);
    }
}

impl<A: Args, R: Serialize + DeserializeOwned> Export for Function<A, R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn arity(&self) -> u32 {
        A::ARITY
    }

    fn invoke(&self, ctx: &mut Ctx<'_>, args: &[u8]) -> Result<Vec<u8>, Refusal> {
        // An operator writes no arguments as an empty list, a module as `()`.
        let args = if A::ARITY == 0 { NO_ARGS } else { args };
        Ok(encode(&(self.run)(ctx, decode(args)?)))
    }

    fn set_home(&self, table: u64) {
        self.home.store(table, Ordering::Relaxed);
    }
}

/// Finds and runs an exported function; `module_info` lists them.
pub(crate) fn invoke(
    functions: &[&dyn Export],
    ctx: &mut Ctx<'_>,
    function: &str,
    args: &[u8],
) -> Result<Vec<u8>, Refusal> {
    if function == "module_info" {
        let listing: Vec<(&str, u32)> = functions
            .iter()
            .map(|export| (export.name(), export.arity()))
            .collect();
        return Ok(encode(&listing));
    }
    let found = functions.iter().find(|export| export.name() == function);
    found
        .ok_or_else(|| Refusal::Undefined(format!("function {function}")))?
        .invoke(ctx, args)
}
