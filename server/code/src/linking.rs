//! The settings with which cargo links a library for this code server. `pq build` and the tests of the loader pass them
//! to cargo. So a workspace needs no profile of its own, and its settings for a profile of this name have no effect.

/// The name of the cargo profile for libraries.
pub const PROFILE: &str = "library";

/// The settings of the profile, each an argument of cargo's `--config`. Fat LTO drops the thread-local destructors of
/// std, which would pin a library in memory forever; with `opt-level = 1` it leaves them, so a library cannot be built faster
/// that way. Unwinding lets the library catch its own panics.
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
