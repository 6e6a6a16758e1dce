//! The feed: the one source that all views of a node read.
//!
//! ```text
//!   counters, records, gauges of the node ─► Reading ─┬► Feed ─► snapshot, then deltas ─► viewers (`pq events`, `pq top`)
//!                                                     └► exposition ─► `/metrics`
//!   failures, restarts, stalls ─► Happenings ─► the deltas
//! ```
//! | module | contents |
//! |---|---|
//! | [`reading`] | the figures of a node at one moment |
//! | [`happening`] | single events between two readings, in a bounded queue |
//! | [`patch`] | the difference of two readings, as a JSON merge patch (RFC 7396) |
//! | [`feed`] | frames, and the viewers that read them at their own pace |
//! | [`crowd`] | one dot for each avatar, in binary frames |
//! | [`recording`] | an install as it can be shown again |
//! | [`exposition`] | a reading as metrics for Prometheus |
//!
//! The crate takes no reading, has no thread and reads no clock: the program `pq` does that (`server/src/feed`). Nothing is read
//! while nobody looks.

pub mod crowd;
pub mod exposition;
pub mod feed;
pub mod happening;
pub mod patch;
pub mod reading;
pub mod recording;

pub use exposition::Format;
pub use feed::{Feed, TooMany, Viewer};
pub use happening::{Happening, Happenings, Kind};
pub use reading::Reading;
