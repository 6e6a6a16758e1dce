//! The commands of a release's author: the `pq` program with files on the disk.
#![allow(clippy::unwrap_used)]

#[path = "author/appup.rs"]
mod appup;
#[path = "author/build.rs"]
mod build;
#[path = "author/demo.rs"]
mod demo;
#[path = "author/fresh.rs"]
mod fresh;
#[path = "author/heap.rs"]
mod heap;
#[path = "author/lamp.rs"]
mod lamp;
#[path = "author/lamp_sources.rs"]
mod lamp_sources;
#[path = "author/relup.rs"]
mod relup;
#[path = "author/toolchain.rs"]
mod toolchain;
