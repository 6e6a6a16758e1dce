//! How cargo links a library that this code server loads. `pq build` and the tests of the loader hand these words to cargo, so
//! a workspace needs no profile of its own, and its own settings of that profile do not count.

/// The name of the cargo profile.
pub const PROFILE: &str = "library";

/// The settings of the profile, each an argument of cargo's `--config`. Fat LTO drops the thread-local destructors of std, which
/// would pin a library for ever. Unwinding lets the library catch its own panics.
pub const PROFILE_SETTINGS: [&str; 6] = [
    "profile.library.inherits=\"release\"",
    "profile.library.lto=\"fat\"",
    "profile.library.codegen-units=1",
    "profile.library.panic=\"unwind\"",
    "profile.library.strip=true",
    "profile.library.debug=false",
];

/// The arguments of rustc with which `pq_sdk::library!` adds the exported symbol, the manifest section and the allocator.
pub const AS_A_LIBRARY: &[&str] = &["--cfg", "pq_library"];
