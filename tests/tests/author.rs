//! What the author of a release types, through the `pq` program and with files on the disk.
#![allow(clippy::unwrap_used)]

#[path = "author/build.rs"]
mod build;
#[path = "author/appup.rs"]
mod appup;
#[path = "author/relup.rs"]
mod relup;
