//! The office and the packages it unpacks, from outside: trees on a disk, packages that lie, a node that is killed.
#![allow(clippy::unwrap_used)]

#[path = "office/archive.rs"]
mod archive;
#[path = "office/child.rs"]
mod child;
#[path = "office/errors.rs"]
mod errors;
#[path = "office/fixture.rs"]
mod fixture;
#[path = "office/full_disk.rs"]
mod full_disk;
#[path = "office/hostile.rs"]
mod hostile;
#[path = "office/kill.rs"]
mod kill;
#[path = "office/names.rs"]
mod names;
#[path = "office/opening.rs"]
mod opening;
#[path = "office/package.rs"]
mod package;
#[path = "office/registers.rs"]
mod registers;
#[path = "office/removing.rs"]
mod removing;
#[path = "office/statuses.rs"]
mod statuses;
#[path = "office/unpacking.rs"]
mod unpacking;
#[path = "office/ways.rs"]
mod ways;
