//! The digest of a module's source, which precedes its declarations in the manifest.
//!
//! `pq build` computes the digests and passes all of them as one text, because a macro cannot read files, and because
//! the source of a released library cannot change. The compiler selects the digest of a module. The macro in `library`
//! calls this module.

/// The declaration of a module's digest, `{digest,"9f…"}`; empty if there is none. The text has an entry
/// `Name={digest,"9f…"};` for each module.
pub const fn digest_of(module: &str, digests: &'static str) -> &'static str {
    let (bytes, mut from) = (digests.as_bytes(), 0);
    while from < bytes.len() {
        let end = find(bytes, from, b';');
        let name_end = find(bytes, from, b'=');
        if name_end < end && is_same(between(bytes, from, name_end), module.as_bytes()) {
            let rest = digests.split_at(name_end + 1).1;
            return rest.split_at(end - name_end - 1).0;
        }
        from = end + 1;
    }
    ""
}

/// The comma between a digest and a list of declarations, when both are not empty.
pub const fn behind_digest(digest: &str, declared: &str) -> &'static str {
    match digest.is_empty() || declared.len() == "[]".len() {
        true => "",
        false => ",",
    }
}

const fn find(bytes: &[u8], from: usize, wanted: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != wanted {
        at += 1;
    }
    at
}

const fn between(bytes: &[u8], from: usize, end: usize) -> &[u8] {
    bytes.split_at(end).0.split_at(from).1
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_gets_its_own_digest_and_a_comma_where_more_follows() {
        let digests = r#"pq_sup={digest,"0a"};sup={digest,"0b"};"#;
        assert_eq!(digest_of("sup", digests), r#"{digest,"0b"}"#);
        assert_eq!(digest_of("pq_sup", digests), r#"{digest,"0a"}"#);
        for (module, list) in [
            ("su", digests),
            ("pq", digests),
            ("sup", ""),
            ("sup", "sup"),
        ] {
            assert_eq!(digest_of(module, list), "");
        }
        let comma = |module, declared| behind_digest(digest_of(module, digests), declared);
        assert_eq!(comma("sup", r#"[{keeps,["1"]}]"#), ",");
        assert_eq!(
            (comma("sup", "[]"), comma("x", r#"[{keeps,["1"]}]"#)),
            ("", "")
        );
    }
}
