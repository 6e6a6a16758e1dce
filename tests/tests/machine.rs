//! A node as a machine runs it: under a service manager, with new settings while it runs, packaged, and with completions and
//! manual pages for people.
#![allow(clippy::unwrap_used)]

#[path = "machine/completions.rs"]
mod completions;
#[path = "machine/debian.rs"]
mod debian;
#[path = "machine/docker.rs"]
mod docker;
#[path = "machine/manual.rs"]
mod manual;
#[path = "machine/notified.rs"]
mod notified;
#[path = "machine/reread.rs"]
mod reread;
#[path = "machine/unit.rs"]
mod unit;
