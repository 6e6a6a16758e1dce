//! Rehearsals: copies of living avatars play another release in child processes, and the running release beside it.
//!
//! ```text
//!   copies ─► memory file ─┬─► child `new`: boot, put in, install, play, way back, play, install, play ─┐
//!                          └─► child `old`: boot, put in, play ─────────────────────────────────────────┴─► Report
//! ```
//! Both children simulate a node with the same seed. Each process has random numbers of its own ([`pq_otp::Dice::OfProcesses`]), so
//! an avatar does the same beside others, alone in a replay, and on both sides as long as the code is the same. Each child has one
//! node: libraries keep look-ups under one epoch for each process.
//!
//! | module | content | runs in |
//! |---|---|---|
//! | `order` | what a child has to do, and what it says | both |
//! | `copies` | the memory file with the copies | both |
//! | `sample` | a part of the copies, from all strata | child |
//! | `stage`, `drive` | a simulated node on a release tree, and its installs | child |
//! | `listener` | crashes, and the return of avatars as they were copied | child |
//! | `measures` | the game's own figures of each avatar | child |
//! | `side` | the phases of a side | child |
//! | `steps` | the steps of one avatar, for a replay | child |
//! | `limits` | memory, processor time, priority | child |
//! | `children` | starts children, and takes what they say | parent |
//! | `report`, `compared` | the figures of a side, and of both | both |
//! | `condition` | `--abort-if` | parent |
//!
//! Callers: the commands `rehearse` and `replay` of `pq`. The copies come from the node's operators' socket.

mod order;

mod copies;

mod sample;

mod stage;

mod drive;

mod listener;

mod measures;

mod side;

mod steps;

mod limits;

mod children;

mod report;

mod compared;

mod condition;

pub use children::{NotRun, rehearse, replay};
pub use compared::{Compared, Report, Spread};
pub use condition::{BadCondition, Condition};
pub use copies::{COPIES_BYTES_MAX, Copies};
pub use limits::Limits;
pub use measures::{Function, Judge, Measures};
pub use order::{ENTRY, Order, Program, Said, Sample, Side, Trace, Wanted};
pub use report::{Crash, Durations, Installed, SideReport, Suspect, Unconverted};
pub use side::{Say, run_child};
