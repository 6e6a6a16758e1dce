//! Any bytes as the text of a file give an error or terms. The printed terms read back as the same terms.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pq_term::{pretty, read_all, read_bytes, read_term, write_file_text};

fuzz_target!(|bytes: &[u8]| {
    let Ok(terms) = read_bytes(bytes) else {
        return;
    };
    for term in &terms {
        assert_eq!(read_term(&term.to_string()).as_ref(), Ok(term));
        assert_eq!(read_term(&pretty(term)).as_ref(), Ok(term));
    }
    assert_eq!(read_all(&write_file_text(&terms)), Ok(terms));
});
