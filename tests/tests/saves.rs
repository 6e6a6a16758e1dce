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

mod aside;
mod crowd;
mod disk;
mod extra;
mod fallen;
mod files;
mod generated;
mod killed;
mod one;
mod power;
mod saved;
mod stalled;
mod stopped;
mod told;
mod versions;
