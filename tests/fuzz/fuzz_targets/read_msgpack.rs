//! Any bytes as MessagePack give an error or a term. serde reads the same term, and encoding the term again loses
//! nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pq_term::Term;
use pq_term::msgpack::{from_msgpack, to_msgpack, to_plain_msgpack};

fuzz_target!(|bytes: &[u8]| {
    let through_serde = rmp_serde::from_slice::<Term>(bytes).ok();
    let Ok(term) = from_msgpack(bytes) else {
        return;
    };
    assert_eq!(through_serde.as_ref(), Some(&term));
    let packed = to_msgpack(&term);
    assert_eq!(rmp_serde::to_vec_named(&term).ok().as_ref(), Some(&packed));
    assert_eq!(from_msgpack(&packed).as_ref(), Ok(&term));
    // The plain form may nest equally deep, and every plain form can be read.
    assert!(from_msgpack(&to_plain_msgpack(&term)).is_ok());
});
