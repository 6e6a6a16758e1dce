//! The text of a module's declarations in the manifest, without its name and version.
//!
//! The compiler assembles the text, because the manifest is read from libraries that are not loaded. The macro in
//! `library` calls this module; the code server reads the text, and the generator of appups uses it.

use std::marker::PhantomData;

use crate::module::Module;

/// The largest size of the declarations of one module in bytes. The hero of Process Quest calls twelve functions and
/// has 300 bytes; a module that calls three hundred functions still fits.
const DECLARED_BYTES_MAX: usize = 8 * 1024;

/// The declarations of a module.
pub struct Declared<M>(PhantomData<M>);

impl<M: Module> Declared<M> {
    const WHOLE: Text = Text::EMPTY
        .with("[")
        .with_list("converts", M::CONVERTS)
        .with_list("keeps", M::KEEPS)
        .with_list("calls", M::CALLS)
        .with("]");

    /// The text, such as `[{converts,["1.0.0"]},{calls,["pq_enemy:fetch/0"]}]`; an empty list is left out.
    pub const TEXT: &'static str = {
        let whole: &'static Text = &Self::WHOLE;
        whole.as_str()
    };
}

/// A text that grows at compile time.
struct Text {
    bytes: [u8; DECLARED_BYTES_MAX],
    len: usize,
}

impl Text {
    const EMPTY: Text = Text {
        bytes: [0; DECLARED_BYTES_MAX],
        len: 0,
    };

    const fn with(mut self, more: &str) -> Text {
        let more = more.as_bytes();
        assert!(
            self.len + more.len() <= DECLARED_BYTES_MAX,
            "a module declares more than its manifest has room for"
        );
        let mut at = 0;
        while at < more.len() {
            self.bytes[self.len] = more[at];
            self.len += 1;
            at += 1;
        }
        self
    }

    /// Appends `{Key,["Item",…]}`, behind a comma if it is not the first.
    const fn with_list(self, key: &str, items: &[&str]) -> Text {
        if items.is_empty() {
            return self;
        }
        let comma = if self.len > 1 { "," } else { "" };
        let mut text = self.with(comma).with("{").with(key).with(",[");
        let mut at = 0;
        while at < items.len() {
            let comma = if at > 0 { "," } else { "" };
            text = text.with(comma).with_string(items[at]);
            at += 1;
        }
        text.with("]}")
    }

    const fn with_string(self, item: &str) -> Text {
        let bytes = item.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at].is_ascii_graphic() && bytes[at] != b'"' && bytes[at] != b'\\',
                "a declaration is written in ASCII, without spaces, quotes and backslashes"
            );
            at += 1;
        }
        self.with("\"").with(item).with("\"")
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => panic!("the concatenation of texts is valid UTF-8"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;

    impl Module for Silent {
        const NAME: &'static str = "silent";
        const VSN: &'static str = "1";
    }

    struct Talker;

    impl Module for Talker {
        const NAME: &'static str = "talker";
        const VSN: &'static str = "3";
        const CONVERTS: &'static [&'static str] = &["1"];
        const KEEPS: &'static [&'static str] = &["2", "2.1"];
        const CALLS: &'static [&'static str] = &["dice:roll/1", "journal:note/2"];
    }

    #[test]
    fn a_module_that_declares_nothing_has_an_empty_list() {
        assert_eq!(Declared::<Silent>::TEXT, "[]");
    }

    #[test]
    fn what_is_declared_stands_in_lists_of_strings() {
        assert_eq!(
            Declared::<Talker>::TEXT,
            r#"[{converts,["1"]},{keeps,["2","2.1"]},{calls,["dice:roll/1","journal:note/2"]}]"#
        );
    }
}
