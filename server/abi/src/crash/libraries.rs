//! The address range of each library. Libraries are never unloaded, so the list only grows.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Above the number of libraries that the code server loads into one process of the system (`pq_code::LOADS_MAX`).
const LIBRARIES_MAX: usize = 1_024;

/// One loaded library: its address range and its name.
pub(super) struct Library {
    addresses: Range<usize>,
    /// Its application with the version, and its file.
    pub(super) name: String,
}

static LIBRARIES: [AtomicPtr<Library>; LIBRARIES_MAX] =
    [const { AtomicPtr::new(ptr::null_mut()) }; LIBRARIES_MAX];

/// Records that these addresses belong to the library, for the rest of the process.
pub fn note_library(addresses: Range<usize>, name: String) {
    let library = Box::into_raw(Box::new(Library { addresses, name }));
    let free = LIBRARIES.iter().find(|place| {
        let taken = place.compare_exchange(
            ptr::null_mut(),
            library,
            Ordering::Release,
            Ordering::Relaxed,
        );
        taken.is_ok()
    });
    if free.is_none() {
        // SAFETY: it was made above, and no other thread has its address.
        drop(unsafe { Box::from_raw(library) });
    }
}

/// The library that has this address.
pub(super) fn at(address: usize) -> Option<&'static Library> {
    let libraries = LIBRARIES.iter().map_while(|place| {
        // SAFETY: an address in the list was leaked for it, and what it points to never changes.
        unsafe { place.load(Ordering::Acquire).as_ref() }
    });
    libraries
        .into_iter()
        .find(|library| library.addresses.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_librarys_from_its_first_byte_to_its_last() {
        note_library(100..200, "a 1.0.0".to_string());
        note_library(200..300, "b 1.0.0".to_string());
        let name = |address| at(address).map(|library| library.name.as_str());
        assert_eq!((name(99), name(300)), (None, None));
        assert_eq!((name(100), name(199)), (Some("a 1.0.0"), Some("a 1.0.0")));
        assert_eq!((name(200), name(299)), (Some("b 1.0.0"), Some("b 1.0.0")));
    }
}
