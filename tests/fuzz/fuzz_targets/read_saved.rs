//! Any bytes as saved processes, and as a file that `pq avatars export` writes, give an error or a value. Encoding the value
//! again loses nothing, and people can be shown it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pq_otp::moved::Subtree;
use pq_saves::{Exported, Readable, export};
use pq_store::{Row, State};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(exported) = Exported::read(bytes) {
        is_read_again(&exported.row);
    }
    let Ok(subtree) = Subtree::from_bytes(bytes) else {
        return;
    };
    let again = Subtree::from_bytes(&subtree.to_bytes());
    assert_eq!(again.as_ref(), Ok(&subtree));
    assert_eq!(subtree.view().len(), subtree.len());
    let mut versions: Vec<(&str, &str)> = subtree.versions().collect();
    versions.sort_unstable();
    versions.dedup();
    let versions = versions.iter();
    let versions: Vec<String> = versions
        .map(|(module, vsn)| format!("{module}-{vsn}"))
        .collect();
    let row = Row {
        id: 0,
        seq: 0,
        key: "sup/name".to_string(),
        name: "name".to_string(),
        state: State::Playing,
        versions: versions.join(" ").into(),
        body: bytes.to_vec(),
        why: None,
        changed_unix_ms: 1,
    };
    is_read_again(&row);
});

fn is_read_again(row: &Row) {
    for readable in [Readable::Yes, Readable::No] {
        let exported = Exported::read(export(row, readable).as_bytes());
        assert_eq!(exported.map(|exported| exported.row).as_ref(), Ok(row));
    }
}
