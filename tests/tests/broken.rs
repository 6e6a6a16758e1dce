//! Broken releases, each with one fault: every release is refused or rolled back while all players continue, and a good
//! release can be installed afterwards on the same node.
//!
//! | module | fault |
//! |---|---|
//! | `conversion` | a state does not convert, in each possible way |
//! | `thousand` | the state of one hero of a thousand does not convert |
//! | `library` | the library is missing, damaged, or must not be loaded |
//! | `files` | relup, appup, sys.config |
//! | `package` | the archive |
//! | `disk` | the disk is full |
//! | `killed` | no fault in the release; the node is killed meanwhile |
//! | `stopped` | no fault in the release; the program is stopped meanwhile |
//! | `stalled` | a callback does not end |
//! | `stage` | no fault; the common test fixture: a node, its players, and the checks after each attempt |

mod conversion;
mod crash;
mod disk;
mod files;
mod killed;
mod library;
mod package;
mod stage;
mod stalled;
mod stopped;
mod thousand;
