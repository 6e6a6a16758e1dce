//! What no `catch_unwind` catches: ends of the whole program, each under the name of a hero whose fate it is.
//!
//! Three of them need an instruction that safe Rust does not write. Their functions hold a number that a test finds in
//! the library's code and writes that instruction over (`tests/tests/broken/crash.rs`); without that they do nothing.

use std::hint::black_box;

/// The fault of this name, if one has it.
pub(crate) fn happen(name: &str) {
    match name {
        "Overflows" => {
            overflow(&[0; 16]);
        }
        "Aborts" => std::process::abort(),
        "Exits" => std::process::exit(7),
        "Unwinds" => may_not_unwind(),
        "Null" => {
            null();
        }
        "Illegal" => {
            illegal();
        }
        "Divides" => {
            divides();
        }
        _ => (),
    }
}

/// A call within a call, until there is no room.
#[inline(never)]
fn overflow(before: &[u64; 16]) -> u64 {
    let mut here = black_box(*before);
    here[0] += 1;
    match here[0] {
        // No stack has room for so many.
        u64::MAX => 0,
        _ => overflow(&here) + here[0],
    }
}

/// A panic stops here, and with it the program.
#[inline(never)]
extern "C" fn may_not_unwind() {
    panic!("as it should");
}

#[inline(never)]
fn null() -> u64 {
    black_box(0x7071_6e75_6c6c_0001)
}

#[inline(never)]
fn illegal() -> u64 {
    black_box(0x7071_6e75_6c6c_0002)
}

#[inline(never)]
fn divides() -> u64 {
    black_box(0x7071_6e75_6c6c_0003)
}
