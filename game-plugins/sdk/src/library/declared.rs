//! What a module declares of itself besides name and version, as the text that stands in the manifest.
//!
//! The compiler puts it together, because a manifest is read from a library that is not loaded. Called by the
//! macro in `library`; read by the code server, used by the generator of appups.

use std::marker::PhantomData;

use crate::module::Module;

/// How many bytes the declarations of one module have at most. The hero of Process Quest, who calls twelve
/// functions, has 300; a module that calls three hundred still has room.
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

    /// `[{converts,["1.0.0"]},{calls,["pq_enemy:fetch/0"]}]`; an empty list is left out.
    pub const TEXT: &'static str = {
        let whole: &'static Text = &Self::WHOLE;
        whole.as_str()
    };
}

/// A text that grows while the compiler runs.
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

    /// `{Key,["Item",…]}`, behind a comma where something stands before it.
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
            Err(_) => panic!("texts that were put together are a text"),
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
