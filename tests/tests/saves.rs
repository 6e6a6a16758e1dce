//! Heroes outlive their node: real nodes that are killed, stopped, upgraded and started again on their trees.
//!
//! | module | what happens |
//! |---|---|
//! | `killed` | `kill -9`: watched heroes, heroes that have quit, a second node on the tree |
//! | `stalled` | a callback that does not end |
//! | `stopped` | an orderly stop, which loses nothing |
//! | `versions` | installs, and rows of older and newer versions |
//! | `disk` | disks that fail, and `demo --fresh` |
//! | `extra` | conversions with the argument of an appup, on simulated nodes |
//! | `generated` | versions on simulated nodes |
//! | `aside` | rows that cannot be opened, and stores that cannot |
//! | `fallen` | heroes whose state machine fails |
//! | `files` | backup, restore, check, a full disk |
//! | `told` | kills at random moments: no client has read a fact that its hero lacks |
//! | `power` | the same with power cuts of a virtual machine |
//! | `one` | one hero in the hands of an operator |
//! | `crowd`, `saved` | clients that note what they read; the common questions |
#![allow(clippy::unwrap_used)]

#[path = "saves/aside.rs"]
mod aside;
#[path = "saves/crowd.rs"]
mod crowd;
#[path = "saves/disk.rs"]
mod disk;
#[path = "saves/extra.rs"]
mod extra;
#[path = "saves/fallen.rs"]
mod fallen;
#[path = "saves/files.rs"]
mod files;
#[path = "saves/generated.rs"]
mod generated;
#[path = "saves/killed.rs"]
mod killed;
#[path = "saves/one.rs"]
mod one;
#[path = "saves/power.rs"]
mod power;
#[path = "saves/saved.rs"]
mod saved;
#[path = "saves/stalled.rs"]
mod stalled;
#[path = "saves/stopped.rs"]
mod stopped;
#[path = "saves/told.rs"]
mod told;
#[path = "saves/versions.rs"]
mod versions;
