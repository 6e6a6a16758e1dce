//! The commands of a release's author: the `pq` program with files on the disk.

mod appup;
mod build;
mod demo;
mod fresh;
mod heap;
pub(crate) mod lamp;
pub(crate) mod lamp_sources;
mod relup;
mod toolchain;
