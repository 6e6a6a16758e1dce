//! A node as a machine runs it: under a service manager, with new settings while it runs, packaged, and with completions and
//! manual pages for people.
#![allow(clippy::unwrap_used)]

#[path = "service/completions.rs"]
mod completions;
#[path = "service/docker.rs"]
mod docker;
#[path = "service/manual.rs"]
mod manual;
#[path = "service/notified.rs"]
mod notified;
#[path = "service/reread.rs"]
mod reread;
#[path = "service/unit.rs"]
mod unit;
