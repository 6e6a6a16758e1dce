//! Tests of the registry and of unpacking through the public interface: trees on a disk, forged packages, a killed node.
#![allow(clippy::unwrap_used)]

#[path = "registry/archive.rs"]
mod archive;
#[path = "registry/child.rs"]
mod child;
#[path = "registry/converters.rs"]
mod converters;
#[path = "registry/errors.rs"]
mod errors;
#[path = "registry/fixture.rs"]
mod fixture;
#[path = "registry/full_disk.rs"]
mod full_disk;
#[path = "registry/hostile.rs"]
mod hostile;
#[path = "registry/kill.rs"]
mod kill;
#[path = "registry/names.rs"]
mod names;
#[path = "registry/opening.rs"]
mod opening;
#[path = "registry/package.rs"]
mod package;
#[path = "registry/registers.rs"]
mod registers;
#[path = "registry/removing.rs"]
mod removing;
#[path = "registry/signed.rs"]
mod signed;
#[path = "registry/statuses.rs"]
mod statuses;
#[path = "registry/trust.rs"]
mod trust;
#[path = "registry/unpacking.rs"]
mod unpacking;
#[path = "registry/ways.rs"]
mod ways;
