//! The text of a module's declarations in the manifest, without its name and version.
//!
//! The compiler assembles the text, because the manifest is read from libraries that are not loaded. The macro in
//! `library` calls this module; the code server reads the text, and the generator of appups uses it.

use std::marker::PhantomData;

use crate::adapter::Declares;
use crate::migrate::{Form, Migration};
use crate::module::Module;

/// The largest size of the declarations of one module in bytes. The hero of Process Quest calls twelve functions and
/// has 300 bytes; a module that calls three hundred functions still fits.
const DECLARED_BYTES_MAX: usize = 8 * 1024;

/// The declarations of a module, by its adapter.
pub struct Declared<A>(PhantomData<A>);

impl<A: Declares> Declared<A> {
    const WHOLE: Text = Text::EMPTY
        .with("[")
        .with_versions("converts", A::MIGRATIONS, Form::Other)
        .with_versions("keeps", A::MIGRATIONS, Form::Same)
        .with_losses(A::MIGRATIONS)
        .with_list("calls", A::Module::CALLS)
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
        let (mut text, mut at) = (self, 0);
        while at < items.len() {
            text = text.with_item(key, at, items[at]);
            at += 1;
        }
        text.closed(at)
    }

    /// Appends the list of versions whose state has this form.
    const fn with_versions(self, key: &str, migrations: &[Migration], form: Form) -> Text {
        let (mut text, mut at, mut count) = (self, 0, 0);
        while at < migrations.len() {
            if migrations[at].form.is(form) {
                text = text.with_item(key, count, migrations[at].vsn);
                count += 1;
            }
            at += 1;
        }
        text.closed(count)
    }

    /// Appends the list of fields that ways down lose, each behind the version that the way leads to: `"1.4.0:race"`.
    const fn with_losses(self, migrations: &[Migration]) -> Text {
        let (mut text, mut at, mut count) = (self, 0, 0);
        while at < migrations.len() {
            let (vsn, fields) = (migrations[at].vsn, migrations[at].loses);
            let mut field = 0;
            while field < fields.len() {
                text = text
                    .with_start("loses", count)
                    .with("\"")
                    .with_plain(vsn)
                    .with(":")
                    .with_plain(fields[field])
                    .with("\"");
                field += 1;
                count += 1;
            }
            at += 1;
        }
        text.closed(count)
    }

    /// Appends an item to a list of `count` items; the first item begins the list.
    const fn with_item(self, key: &str, count: usize, item: &str) -> Text {
        self.with_start(key, count).with_string(item)
    }

    /// Begins a list, or goes on with one of `count` items.
    const fn with_start(self, key: &str, count: usize) -> Text {
        match count {
            0 => {
                let comma = if self.len > 1 { "," } else { "" };
                self.with(comma).with("{").with(key).with(",[")
            }
            _ => self.with(","),
        }
    }

    /// Ends a list of `count` items; an empty list has no beginning.
    const fn closed(self, count: usize) -> Text {
        match count {
            0 => self,
            _ => self.with("]}"),
        }
    }

    const fn with_string(self, item: &str) -> Text {
        self.with("\"").with_plain(item).with("\"")
    }

    const fn with_plain(self, item: &str) -> Text {
        let bytes = item.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            assert!(
                bytes[at].is_ascii_graphic() && bytes[at] != b'"' && bytes[at] != b'\\',
                "a declaration is written in ASCII, without spaces, quotes and backslashes"
            );
            at += 1;
        }
        self.with(item)
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
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::{Ctx, GenServer, InitError, Migrate, Reason};

    struct Silent;

    impl Module for Silent {
        const NAME: &'static str = "silent";
        const VSN: &'static str = "1";
    }

    impl crate::Functions for Silent {}

    #[derive(Serialize, Deserialize)]
    struct Talker;

    impl Module for Talker {
        const NAME: &'static str = "talker";
        const VSN: &'static str = "3";
        const CALLS: &'static [&'static str] = &["dice:roll/1", "journal:note/2"];
    }

    impl GenServer for Talker {
        type Args = ();
        type Call = ();
        type Cast = ();
        const MIGRATIONS: &'static [Migration] = &[
            Migration::keeps::<Talker, Talker>("2"),
            Migration::converts::<Talker, Talker>("1").losing(&["voice", "pitch"]),
            Migration::keeps::<Talker, Talker>("2.1"),
        ];

        fn init((): (), _: &mut Ctx<'_>) -> Result<Talker, InitError> {
            Ok(Talker)
        }
    }

    impl Migrate<Talker> for Talker {
        fn up(old: Talker, _: &mut Ctx<'_>) -> Result<Talker, Reason> {
            Ok(old)
        }

        fn down(self, _: &mut Ctx<'_>) -> Result<Talker, Reason> {
            Ok(self)
        }
    }

    #[test]
    fn a_module_that_declares_nothing_has_an_empty_list() {
        assert_eq!(Declared::<crate::adapter!(functions Silent)>::TEXT, "[]");
    }

    #[test]
    fn what_is_declared_stands_in_lists_of_strings() {
        assert_eq!(
            Declared::<crate::adapter!(gen_server Talker)>::TEXT,
            r#"[{converts,["1"]},{keeps,["2","2.1"]},{loses,["1:voice","1:pitch"]},{calls,["dice:roll/1","journal:note/2"]}]"#
        );
    }
}
