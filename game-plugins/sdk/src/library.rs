//! The export macro: makes a library with a table and a manifest from the modules of an application.
//!
//! Besides `server/abi`, this macro is the only code of a library with `unsafe`: an exported symbol, a link section and
//! a global allocator are promises to the linker that have no safe form.

use crate::module::Module;

mod declared;
mod digests;

#[doc(hidden)]
pub use declared::Declared;
#[doc(hidden)]
pub use digests::{behind_digest, digest_of};

/// Gives the functions of `M` the address of their module's table; called once per library.
#[doc(hidden)]
pub fn set_home<M: Module>(table: &'static pq_abi::raw::ModuleTable) {
    for function in M::FUNCTIONS {
        function.set_home(std::ptr::from_ref(table) as u64);
    }
}

/// The bytes of a constant text, for the section of the manifest.
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

/// A constant text without its first byte.
#[doc(hidden)]
pub const fn without_first(text: &str) -> &str {
    text.split_at(1).1
}

/// Makes a library from modules.
///
/// ```
/// # use pq_sdk::{Ctx, From, Functions, GenServer, InitError, Module, Next};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # pub struct Counter { count: u64 }
/// # impl Module for Counter { const NAME: &'static str = "counter"; const VSN: &'static str = "1.0.0"; }
/// # impl GenServer for Counter {
/// #     type Args = (u64,);
/// #     type Call = ();
/// #     type Cast = u64;
/// #     fn init((count,): (u64,), _: &mut Ctx<'_>) -> Result<Counter, InitError> { Ok(Counter { count }) }
/// # }
/// # pub struct Dice;
/// # impl Module for Dice {
/// #     const NAME: &'static str = "dice";
/// #     const VSN: &'static str = "1.0.0";
/// #     const CALLS: &'static [&'static str] = &["journal:note/1"];
/// # }
/// # impl Functions for Dice {}
/// pq_sdk::library! {
///     application: "counting", vsn: "1.0.0",
///     gen_server Counter,
///     functions Dice,
/// }
///
/// # fn main() {
/// let modules = r#"{modules,[{counter,"1.0.0",gen_server,[]},{dice,"1.0.0",functions,[{calls,["journal:note/1"]}]}]}]}."#;
/// assert!(MANIFEST.ends_with(modules));
/// # }
/// ```
///
/// The macro defines `LIBRARY`, the table that a program with this crate linked in passes to its node. When a library
/// is linked (`--cfg pq_library`), the macro also defines the exported symbol, the section of the manifest, and the
/// allocator.
#[macro_export]
macro_rules! library {
    (application: $application:literal, vsn: $vsn:literal, $($kind:ident $module:ty),+ $(,)?) => {
        const MODULE_COUNT: usize = [$(<$module as $crate::Module>::NAME),+].len();

        /// The parts that only a linked library has. They are in a module of their own, because the author's package
        /// does not declare the name `pq_library`, and the lint for that can be allowed for a module but not for an
        /// item.
        #[allow(unexpected_cfgs, unsafe_code)]
        mod linked {
            /// The digests of the modules' sources, which come from `pq build`.
            #[cfg(pq_library)]
            pub(super) const DIGESTS: &str = match option_env!("PQ_DIGESTS") {
                Some(digests) => digests,
                None => "",
            };
            #[cfg(not(pq_library))]
            pub(super) const DIGESTS: &str = "";

            #[cfg(pq_library)]
            #[global_allocator]
            pub(super) static ALLOCATOR: $crate::pq_abi::memory::LibraryAllocator =
                $crate::pq_abi::memory::LibraryAllocator::new();

            // SAFETY: the name cannot clash with that of another library, because libraries are opened with RTLD_LOCAL.
            #[cfg(pq_library)]
            #[unsafe(no_mangle)]
            static PQ_LIBRARY: &$crate::pq_abi::raw::LibraryTable = &super::LIBRARY;

            // SAFETY: the section has a name of our own and contains plain bytes.
            #[cfg(pq_library)]
            #[used]
            #[unsafe(link_section = ".pq.manifest")]
            static MANIFEST_BYTES: [u8; super::MANIFEST.len()] = $crate::library::bytes_of(super::MANIFEST);
        }

        /// One entry per module with a comma behind each; the manifest drops the last comma.
        const ENTRIES: &str = $crate::constcat::concat!($(
            "{", <$module as $crate::Module>::NAME, ",\"", <$module as $crate::Module>::VSN, "\",",
            stringify!($kind), ",[",
            $crate::library::digest_of(<$module as $crate::Module>::NAME, linked::DIGESTS),
            $crate::library::behind_digest(
                $crate::library::digest_of(<$module as $crate::Module>::NAME, linked::DIGESTS),
                $crate::library::Declared::<$crate::adapter!($kind $module)>::TEXT,
            ),
            $crate::library::without_first($crate::library::Declared::<$crate::adapter!($kind $module)>::TEXT), "},"
        ),+);

        /// The manifest, as the text of one Erlang term.
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

        /// The table with the modules of this library.
        #[allow(unsafe_code)]
        // SAFETY: the modules are made by `module_table`, and `attach` below takes both kinds of pointer.
        pub static LIBRARY: $crate::pq_abi::raw::LibraryTable =
            unsafe { $crate::pq_abi::raw::LibraryTable::new(MANIFEST, &MODULES, attach) };

        /// The node calls this function once, before any other code of this library.
        ///
        /// # Safety
        /// `memory` is null or valid forever.
        #[allow(unexpected_cfgs, unsafe_code, unused_variables)]
        unsafe extern "C" fn attach(memory: *const $crate::pq_abi::memory::MemoryTable) {
            // SAFETY: the node passes a table that is valid forever (`LibraryTable::attach`).
            #[cfg(pq_library)]
            unsafe { linked::ALLOCATOR.attach(memory) };
            $crate::pq_abi::plugin::install_panic_recorder();
            let mut tables = TABLES.iter();
            $(if let Some(table) = tables.next() { $crate::library::set_home::<$module>(table); })+
        }
    };
}

/// [`pq_abi::ABI_STAMP`] as the manifest contains it.
pub const ABI_TEXT: &str = "1886453762";

const _: () = assert!(
    pq_abi::ABI_STAMP == 1_886_453_762,
    "ABI_TEXT must be ABI_STAMP in decimal"
);

/// Expands to the adapter of a kind of module.
#[doc(hidden)]
#[macro_export]
macro_rules! adapter {
    (functions $module:ty) => { $crate::adapter::StatelessAdapter<$crate::adapter::FunctionsAdapter<$module>> };
    (gen_server $module:ty) => { $crate::adapter::StatefulAdapter<$crate::gen_server::Adapter<$module>> };
    (gen_fsm $module:ty) => { $crate::adapter::StatefulAdapter<$crate::gen_fsm::Adapter<$module>> };
    (gen_event $module:ty) => { $crate::adapter::StatefulAdapter<$crate::gen_event::Adapter<$module>> };
    (event_manager $module:ty) => { $crate::adapter::StatelessAdapter<$crate::gen_event::ManagerAdapter<$module>> };
    (supervisor $module:ty) => { $crate::adapter::StatelessAdapter<$crate::supervisor::Adapter<$module>> };
    (application $module:ty) => { $crate::adapter::StatelessAdapter<$crate::application::Adapter<$module>> };
}
