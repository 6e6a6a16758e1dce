//! The export macro: an application's modules become a library with a table and a manifest.
//!
//! The macro stands beside `server/abi` as the one place of a library where `unsafe` may appear: an exported
//! symbol, a link section and a global allocator are claims to the linker that no safe form exists for.

use std::marker::PhantomData;

use pq_abi::plugin::{CallbackData, Refusal};
use pq_abi::{Callback, Callbacks, Direction, HostRef, Kind, OpCode};

use crate::ctx::Ctx;
use crate::module::{Functions, Module};

/// A kind of module without a state: it is only called.
pub trait Stateless: 'static {
    /// The author's module.
    type Module: Module;
    /// Its kind.
    const KIND: Kind;
    /// Answers the functions that its behaviour gives it; `None` for any other.
    fn answer(ctx: &mut Ctx<'_>, function: &str, args: &[u8]) -> Option<Result<Vec<u8>, Refusal>>;
}

/// A [`Stateless`] module as the boundary sees it.
pub struct Adapter<S>(PhantomData<S>);

impl<S: Stateless> Callbacks for Adapter<S> {
    type State = ();
    const NAME: &'static str = S::Module::NAME;
    const VSN: &'static str = S::Module::VSN;
    const KIND: Kind = S::KIND;
    const REGISTERED: &'static str = S::Module::REGISTERED;

    fn init(_host: &mut HostRef, _args: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn handle(
        _: &mut (),
        _: &mut HostRef,
        callback: Callback,
        _: CallbackData<'_>,
    ) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!(
            "{callback:?} of {}",
            Self::NAME
        )))
    }

    fn call(host: &mut HostRef, function: &str, args: &[u8]) -> Result<(), Refusal> {
        match S::answer(&mut Ctx::new(host), function, args) {
            Some(answer) => {
                host.op(OpCode::Out, 0, 0, &answer?);
                Ok(())
            }
            None => call::<S::Module>(host, function, args),
        }
    }

    fn export(_: &()) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn import(_: &[u8]) -> Result<(), Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }

    fn code_change(
        _: &mut HostRef,
        _: Direction,
        _: &str,
        _: &[u8],
        _: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        Err(Refusal::Undefined(format!("state of {}", Self::NAME)))
    }
}

/// A module of functions, as the boundary sees it.
pub struct FunctionsAdapter<T>(PhantomData<T>);

impl<T: Functions> Stateless for FunctionsAdapter<T> {
    type Module = T;
    const KIND: Kind = Kind::Functions;

    fn answer(_: &mut Ctx<'_>, _: &str, _: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        None
    }
}

/// Calls an exported function of `M`.
pub(crate) fn call<M: Module>(
    host: &mut HostRef,
    function: &str,
    args: &[u8],
) -> Result<(), Refusal> {
    let result = crate::export::invoke(M::FUNCTIONS, &mut Ctx::new(host), function, args)?;
    host.op(OpCode::Out, 0, 0, &result);
    Ok(())
}

/// Tells the functions of `M` where their table is; called once per library.
#[doc(hidden)]
pub fn set_home<M: Module>(table: &'static pq_abi::raw::ModuleTable) {
    for function in M::FUNCTIONS {
        function.set_home(std::ptr::from_ref(table) as u64);
    }
}

/// The bytes of a constant text, for the manifest's section.
#[doc(hidden)]
pub const fn bytes_of<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        bytes[at] = text.as_bytes()[at];
        at += 1;
    }
    bytes
}

/// A constant text without its last byte.
#[doc(hidden)]
pub const fn without_last(text: &str) -> &str {
    text.split_at(text.len() - 1).0
}

/// Makes a library of modules.
///
/// ```ignore
/// pq_sdk::library! {
///     application: "processquest", vsn: "1.0.0",
///     application processquest::Processquest,
///     supervisor pq_sup::PqSup,
///     gen_fsm pq_player::Player,
///     functions pq_enemy::PqEnemy,
/// }
/// ```
///
/// It defines `LIBRARY`, the table that a program which links this crate hands to its node, and, while a
/// library is linked (`--cfg pq_library`), the exported symbol, the manifest section and the allocator.
#[macro_export]
macro_rules! library {
    (application: $application:literal, vsn: $vsn:literal, $($kind:ident $module:ty),+ $(,)?) => {
        const MODULE_COUNT: usize = [$(<$module as $crate::Module>::NAME),+].len();

        /// One entry per module, with a comma behind each; the manifest leaves the last comma out.
        const ENTRIES: &str = $crate::constcat::concat!($(
            "{", <$module as $crate::Module>::NAME, ",\"", <$module as $crate::Module>::VSN, "\",",
            stringify!($kind), "},"
        ),+);

        /// The manifest: one Erlang term.
        pub const MANIFEST: &str = $crate::constcat::concat!(
            "{library,\"", $application, "\",\"", $vsn, "\",[{abi,", $crate::library::ABI_TEXT, "},{modules,[",
            $crate::library::without_last(ENTRIES), "]}]}."
        );

        static TABLES: [$crate::pq_abi::raw::ModuleTable; MODULE_COUNT] =
            [$($crate::pq_abi::plugin::module_table::<$crate::adapter!($kind $module)>()),+];

        static MODULES: [&$crate::pq_abi::raw::ModuleTable; MODULE_COUNT] = {
            let mut modules = [&TABLES[0]; MODULE_COUNT];
            let mut at = 0;
            while at < MODULE_COUNT {
                modules[at] = &TABLES[at];
                at += 1;
            }
            modules
        };

        /// The modules of this library.
        #[allow(unsafe_code)]
        // SAFETY: the modules are made by `module_table`, and `attach` below takes both kinds of pointer.
        pub static LIBRARY: $crate::pq_abi::raw::LibraryTable =
            unsafe { $crate::pq_abi::raw::LibraryTable::new(MANIFEST, &MODULES, attach) };

        /// Called once by the node, before anything else of this library.
        ///
        /// # Safety
        /// `memory` is null or valid for ever.
        #[allow(unsafe_code, unused_variables)]
        unsafe extern "C" fn attach(memory: *const $crate::pq_abi::memory::MemoryTable) {
            // SAFETY: the node hands over a table that is valid for ever (`LibraryTable::attach`).
            #[cfg(pq_library)]
            unsafe { ALLOCATOR.attach(memory) };
            $crate::pq_abi::plugin::install_panic_recorder();
            let mut tables = TABLES.iter();
            $(if let Some(table) = tables.next() { $crate::library::set_home::<$module>(table); })+
        }

        #[cfg(pq_library)]
        #[global_allocator]
        static ALLOCATOR: $crate::pq_abi::memory::LibraryAllocator = $crate::pq_abi::memory::LibraryAllocator::new();

        // SAFETY: the name is this library's alone, because libraries are opened with RTLD_LOCAL.
        #[cfg(pq_library)]
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        static PQ_LIBRARY: &$crate::pq_abi::raw::LibraryTable = &LIBRARY;

        // SAFETY: a section of our own name that holds plain bytes.
        #[cfg(pq_library)]
        #[allow(unsafe_code)]
        #[used]
        #[unsafe(link_section = ".pq.manifest")]
        static MANIFEST_BYTES: [u8; MANIFEST.len()] = $crate::library::bytes_of(MANIFEST);
    };
}

/// [`pq_abi::ABI_STAMP`] as the manifest writes it.
pub const ABI_TEXT: &str = "1886453761";

const _: () = assert!(
    pq_abi::ABI_STAMP == 1_886_453_761,
    "ABI_TEXT must be ABI_STAMP in decimal"
);

/// The adapter of a kind.
#[doc(hidden)]
#[macro_export]
macro_rules! adapter {
    (functions $module:ty) => { $crate::library::Adapter<$crate::library::FunctionsAdapter<$module>> };
    (gen_server $module:ty) => { $crate::gen_server::Adapter<$module> };
    (gen_fsm $module:ty) => { $crate::gen_fsm::Adapter<$module> };
    (gen_event $module:ty) => { $crate::gen_event::Adapter<$module> };
    (event_manager $module:ty) => { $crate::library::Adapter<$crate::gen_event::ManagerAdapter<$module>> };
    (supervisor $module:ty) => { $crate::library::Adapter<$crate::supervisor::Adapter<$module>> };
    (application $module:ty) => { $crate::library::Adapter<$crate::application::Adapter<$module>> };
}
