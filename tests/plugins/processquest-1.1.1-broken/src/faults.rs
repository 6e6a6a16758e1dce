//! Faults that no `catch_unwind` catches: each ends the whole program, and has the name of the hero that causes it.
//!
//! Three of them need an instruction that safe Rust cannot express. Their functions contain a number; a test finds this
//! number in the code of the library and overwrites it with the instruction (`tests/tests/broken/crash.rs`). Without
//! that the functions do nothing.

use std::hint::black_box;

/// Causes the fault with this name, if there is one.
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

/// Recurses until the stack overflows.
#[inline(never)]
fn overflow(before: &[u64; 16]) -> u64 {
    let mut here = black_box(*before);
    here[0] += 1;
    match here[0] {
        // No stack is this large.
        u64::MAX => 0,
        _ => overflow(&here) + here[0],
    }
}

/// A panic cannot leave this function, so it ends the program.
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
