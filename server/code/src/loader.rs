//! The loader: turns the bytes of a verified library into modules that can be called.
//!
//! This is the only file of the crate with `unsafe`. The dynamic linker has no safe interface: it runs code that the
//! compiler of this program never saw, and returns an address. `verify` has checked before what can be checked about
//! that code; the rest is trusted in this file, and nowhere else.
//!
//! The loader has four rules. Without any of them except the third, tests in `tests/hot_loading/traps.rs` fail or
//! crash:
//! - It opens a sealed copy in memory, not the file: a file can be overwritten while it is mapped.
//! - The descriptor of the copy is never closed. The linker identifies libraries by their path; a descriptor number
//!   that is used again would be a path that is used again, and the linker would return the old library.
//! - `RTLD_LOCAL`: a library must not find its functions in another version of itself.
//! - No library is closed (`dlclose`): threads keep what a library's std gave them.
#![allow(unsafe_code)]

use std::error::Error;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::os::fd::{IntoRawFd, RawFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use pq_abi::crash;
use pq_abi::host::{attach_library, claim_library, linked_library};
use pq_abi::memory::MemoryTable;
use pq_abi::raw::LibraryTable;
use pq_abi::{LIBRARY_SYMBOL, Module};

use crate::LOADS_MAX;
use crate::elf::Image;
use crate::error::FailedStep;
use crate::manifest::Manifest;
use crate::sealed;
use crate::verify::{Candidate, Verified};

/// A library that is mapped forever.
pub(crate) struct Loaded {
    pub(crate) modules: Vec<Module>,
    /// Counts the allocations of the library; `None` for libraries linked into this program, which count for the
    /// program.
    pub(crate) memory: Option<&'static MemoryTable>,
}

/// Loads a verified library. Its mapping has the name of the file, so that a crash report shows it.
pub(crate) fn load(
    path: &Path,
    candidate: &Candidate,
    verified: &Verified,
) -> Result<Loaded, FailedStep> {
    take_a_load()?;
    let file = path.to_string_lossy();
    crash::loading(&file, || map(&file, candidate, verified))
}

fn map(file: &str, candidate: &Candidate, verified: &Verified) -> Result<Loaded, FailedStep> {
    let manifest = &verified.manifest;
    let name = format!(
        "pq-{}-{}-{}",
        manifest.application,
        manifest.vsn,
        candidate.checksum.short()
    );
    let copy = sealed::copy(&name, &candidate.bytes).map_err(FailedStep::Seal)?;
    let library = open(copy.into_raw_fd())?;
    let (table, addresses) = find_table(&library, verified.image)?;
    let name = format!("{} {} ({file})", manifest.application, manifest.vsn);
    crash::note_library(addresses, name);
    let modules = claim(table, manifest)?;
    let memory = MemoryTable::leak();
    // SAFETY: `claim` has found the table to be one of the SDK's macro, of this stamp; its code stays mapped (`open`),
    // and `memory` is leaked.
    unsafe { attach_library(table, memory) };
    Ok(Loaded {
        modules,
        memory: Some(memory),
    })
}

/// The modules of a library that is linked into this program, and its manifest.
pub(crate) fn link(table: &'static LibraryTable) -> Result<(Manifest, Loaded), FailedStep> {
    let manifest = Manifest::read(table.manifest())?;
    let modules = linked_library(table).map_err(FailedStep::Table)?;
    compare(&manifest, &modules)?;
    Ok((
        manifest,
        Loaded {
            modules,
            memory: None,
        },
    ))
}

/// Counts the loads in this process of the operating system, because they use up resources of that process.
fn take_a_load() -> Result<(), FailedStep> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    take(&TAKEN, LOADS_MAX)
}

fn take(taken: &AtomicU32, max: u32) -> Result<(), FailedStep> {
    let next = |taken| (taken < max).then_some(taken + 1);
    match taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
        Ok(_) => Ok(()),
        Err(_) => Err(FailedStep::Budget {
            what: "loads in one process of the operating system",
            max,
        }),
    }
}

/// Maps a copy, whose descriptor must never be closed: its number is a part of the path.
fn open(copy: RawFd) -> Result<ManuallyDrop<Library>, FailedStep> {
    let path = format!("/proc/self/fd/{copy}");
    // SAFETY: opening runs the initialisers of the library: those of its std, which need nothing from the caller. The
    // lint has refused forms of libraries that could do harm when they are loaded, and a release contains only
    // libraries that its author wants to run. Terminating routines never run, because the library is never closed.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    library
        .map(ManuallyDrop::new)
        .map_err(|error| FailedStep::Open(linkers_own_words(&error)))
}

fn linkers_own_words(error: &libloading::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// Finds the table at the address of the symbol, which has to be inside the library. The result includes the addresses
/// of the library.
fn find_table(
    library: &Library,
    image: Image,
) -> Result<(*const LibraryTable, Range<usize>), FailedStep> {
    // SAFETY: this code assumes nothing about the type; it uses only the address.
    let symbol = unsafe { library.get::<*const *const LibraryTable>(LIBRARY_SYMBOL) };
    let place = symbol
        .map_err(|_| FailedStep::NoTable)?
        .into_raw()
        .cast::<*const LibraryTable>();
    if !place.is_aligned() || place.is_null() {
        return Err(FailedStep::Table(
            "its symbol has no address for a pointer".into(),
        ));
    }
    // SAFETY: the symbol is an aligned object of the size of an address inside of a segment (`Elf::image`).
    let table = unsafe { place.read() };
    let base = (place as u64).wrapping_sub(image.symbol);
    let first = base.wrapping_add(image.start);
    let last = base
        .wrapping_add(image.end)
        .wrapping_sub(LibraryTable::LEAST as u64);
    let addresses = first as usize..base.wrapping_add(image.end) as usize;
    match table.is_aligned() && (first..=last).contains(&(table as u64)) {
        true => Ok((table, addresses)),
        false => Err(FailedStep::Table(
            "its symbol points outside of the library".into(),
        )),
    }
}

/// The modules of the table, which have to be those of the manifest.
fn claim(table: *const LibraryTable, manifest: &Manifest) -> Result<Vec<Module>, FailedStep> {
    // SAFETY: the table lies in a library that carries a manifest of the macro which makes such tables, and is never
    // unloaded (`open`); its stamp and its size are looked at first.
    let modules = unsafe { claim_library(table) }.map_err(FailedStep::Table)?;
    compare(manifest, &modules)?;
    Ok(modules)
}

fn compare(manifest: &Manifest, modules: &[Module]) -> Result<(), FailedStep> {
    match manifest.contradiction(modules) {
        Some((listed, held)) => Err(FailedStep::Modules { listed, held }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_the_system_loads_so_often_and_no_more() {
        let taken = AtomicU32::new(0);
        let results = (0..5).map(|_| take(&taken, 3).is_ok()).collect::<Vec<_>>();
        assert_eq!(results, [true, true, true, false, false]);
        assert_eq!(
            take(&taken, 3).unwrap_err().to_string(),
            "the limit of 3 loads in one process of the operating system is reached: \
             purged code stays in memory, so restart the node with its release"
        );
    }
}
