//! The digest of a module's source: two modules with the same code have the same digest.
//!
//! A module is a file below `src` with the files that it declares. All other files of the package belong to each of
//! its modules. The digest covers tokens, so comments and line ends do not count, and neither do tests, the macro
//! that lists the modules, and the path of the checkout. For a module that an application takes from an older version
//! of itself, the digest comes from the package of that version, so both libraries have the same digest.
//!
//! `libraries` calls this module and passes the digests to the macro of the SDK.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use sha2::{Digest, Sha256};

use crate::libraries::text_if_there;

mod list;

use list::List;
pub(crate) use list::Listed;

/// The number of hexadecimal digits of the SHA-256 digest: 128 bits, so a collision takes about 2^64 sources.
const DIGITS: usize = 32;

/// The limit of nested brackets; cargo has a lower limit.
const DEPTH_MAX: usize = 128;

/// Items that end with a semicolon although they may contain braces.
const ENDS_WITH_SEMICOLON: [&str; 5] = ["use", "const", "static", "type", "extern"];

/// Macros that include a file.
const INCLUDES: [&str; 3] = ["include", "include_bytes", "include_str"];

/// The tokens of a package: those of each top module, and those that belong to all modules.
pub(crate) struct Sources {
    modules: BTreeMap<String, Files>,
    shared: Files,
    taken: BTreeMap<String, String>,
}

/// The tokens of files, by their paths below `src`.
type Files = BTreeMap<String, String>;

impl Sources {
    /// Reads the package in this directory; `of_application` are the modules of the application.
    ///
    /// # Errors
    /// Fails if a file is unreadable or not valid Rust.
    pub(crate) fn read(package: &Path, of_application: &BTreeSet<&str>) -> anyhow::Result<Sources> {
        let src = package.join("src");
        let mut crate_root = Reader::new(&src);
        crate_root.file(&src.join("lib.rs"), &src)?;
        let mut sources = Sources {
            modules: BTreeMap::new(),
            shared: crate_root.files,
            taken: crate_root.list.taken(),
        };
        for (name, file) in crate_root.children {
            let mut reader = Reader::new(&src);
            reader.tree(&file)?;
            match of_application.contains(&*name) {
                true => drop(sources.modules.insert(name, reader.files)),
                false => sources.shared.extend(reader.files),
            }
        }
        Ok(sources)
    }

    /// The crate from which a module is taken, according to the SDK's macro; `None` for a module of this package.
    pub(crate) fn taken_from(&self, module: &str) -> Option<&str> {
        self.taken.get(module).map(String::as_str)
    }

    /// The digest of a module; `None` for a module of another package.
    pub(crate) fn digest(&self, module: &str) -> Option<String> {
        let own = self.modules.get(module)?;
        let mut sum = Sha256::new();
        for (path, text) in own.iter().chain(&self.shared) {
            for part in [path, text] {
                sum.update((part.len() as u64).to_be_bytes());
                sum.update(part);
            }
        }
        let hex = sum
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        Some(hex[..DIGITS].to_string())
    }
}

/// Reads the files of a package as tokens.
struct Reader<'a> {
    src: &'a Path,
    files: Files,
    /// Declared modules with files of their own: names and files.
    children: Vec<(String, PathBuf)>,
    list: List,
}

/// The modules that the package in this directory lists for its library, in their order.
///
/// # Errors
/// Fails if a file is unreadable or not valid Rust.
pub(crate) fn listed(package: &Path) -> anyhow::Result<Vec<Listed>> {
    let src = package.join("src");
    let mut root = Reader::new(&src);
    root.file(&src.join("lib.rs"), &src)?;
    Ok(root.list.listed())
}

/// The place of tokens in the package.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// The file of the tokens.
    file: &'a Path,
    /// The directory for the files of modules that the file declares.
    below: &'a Path,
    depth: usize,
}

impl Reader<'_> {
    fn new(src: &Path) -> Reader<'_> {
        Reader {
            src,
            files: Files::new(),
            children: Vec::new(),
            list: List::default(),
        }
    }

    /// Reads a module with all modules that it declares.
    fn tree(&mut self, file: &Path) -> anyhow::Result<()> {
        let mut waiting = vec![file.to_path_buf()];
        while let Some(file) = waiting.pop() {
            let is_inner = file.file_name().is_some_and(|name| name == "mod.rs");
            let below = match is_inner {
                true => file.parent().unwrap_or(self.src).to_path_buf(),
                false => file.with_extension(""),
            };
            self.file(&file, &below)?;
            waiting.extend(self.children.drain(..).map(|(_, file)| file));
        }
        Ok(())
    }

    fn file(&mut self, file: &Path, below: &Path) -> anyhow::Result<()> {
        let Some(text) = text_if_there(file)? else {
            return Ok(());
        };
        let tokens = TokenStream::from_str(&text)
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("failed to read {} as Rust", file.display()))?;
        let mut out = String::new();
        let place = Scope {
            file,
            below,
            depth: 0,
        };
        self.tokens(tokens, place, &mut out)?;
        self.add(file, out);
        Ok(())
    }

    fn add(&mut self, file: &Path, text: String) {
        let path = file.strip_prefix(self.src).unwrap_or(file);
        self.files.insert(path.display().to_string(), text);
    }

    fn tokens(
        &mut self,
        tokens: TokenStream,
        place: Scope<'_>,
        out: &mut String,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(
            place.depth < DEPTH_MAX,
            "failed to read {}: brackets are nested deeper than {DEPTH_MAX}",
            place.file.display()
        );
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut path = None;
        while at < tokens.len() {
            let rest = &tokens[at..];
            if let Some((attribute, count)) = attribute(rest) {
                at += count;
                match Attribute::of(&attribute) {
                    Attribute::Doc => (),
                    Attribute::Test => at += item_len(&tokens[at..]),
                    Attribute::Path(named) => path = Some(named),
                    Attribute::Other => {
                        out.push_str("#[");
                        self.tokens(attribute.stream(), place.deeper(), out)?;
                        out.push(']');
                    }
                }
            } else if let Some((name, count)) = module_declaration(rest) {
                at += count;
                self.declared(name, path.take(), place);
            } else if let Some(list) = module_list(rest) {
                self.list.read(list.stream());
                at += 3;
            } else {
                self.token(rest, place, out)?;
                at += 1;
            }
        }
        Ok(())
    }

    fn token(
        &mut self,
        rest: &[TokenTree],
        place: Scope<'_>,
        out: &mut String,
    ) -> anyhow::Result<()> {
        if let Some((krate, name)) = renamed(rest) {
            self.list.names.insert(name, krate);
        }
        if let Some(named) = included(rest) {
            let file = place.file.with_file_name(named);
            let bytes = pq_files::read(&file, pq_code::LIBRARY_BYTES_MAX);
            // Cargo reports a missing file.
            let bytes = bytes.unwrap_or_default();
            self.add(&file, format!("{:x?}", Sha256::digest(bytes)));
        }
        match &rest[0] {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                out.push(open);
                self.tokens(group.stream(), place.deeper(), out)?;
                out.push(close);
            }
            other => {
                out.push_str(&other.to_string());
                out.push(' ');
            }
        }
        Ok(())
    }

    fn declared(&mut self, name: String, path: Option<String>, place: Scope<'_>) {
        let above = place.file.parent().unwrap_or(self.src);
        let places = match path {
            Some(path) => vec![above.join(path)],
            None => vec![
                place.below.join(format!("{name}.rs")),
                place.below.join(&name).join("mod.rs"),
            ],
        };
        let file = places.into_iter().find(|file| file.is_file());
        self.children.extend(file.map(|file| (name, file)));
    }
}

impl Scope<'_> {
    fn deeper(self) -> Self {
        Scope {
            depth: self.depth + 1,
            ..self
        }
    }
}

/// The effect of an attribute on the following item.
enum Attribute {
    /// A documentation comment, which does not count.
    Doc,
    /// The item exists in tests only.
    Test,
    /// The file of a module.
    Path(String),
    Other,
}

impl Attribute {
    fn of(attribute: &Group) -> Attribute {
        let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
        let text = attribute.stream().to_string().replace(' ', "");
        match (word(tokens.first()).as_deref(), &tokens[..]) {
            (Some("doc"), _) => Attribute::Doc,
            _ if text == "cfg(test)" || text == "test" => Attribute::Test,
            (Some("path"), [_, _, TokenTree::Literal(literal)]) => {
                Attribute::Path(literal.to_string().trim_matches('"').to_string())
            }
            _ => Attribute::Other,
        }
    }
}

/// Parses `#[…]` or `#![…]`; also returns its number of tokens.
fn attribute(tokens: &[TokenTree]) -> Option<(Group, usize)> {
    let group = |token: &TokenTree| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.clone()),
        _ => None,
    };
    match tokens {
        [hash, bracket, ..] if is_sign(hash, '#') && group(bracket).is_some() => {
            Some((group(bracket)?, 2))
        }
        [hash, mark, bracket, ..] if is_sign(hash, '#') && is_sign(mark, '!') => {
            Some((group(bracket)?, 3))
        }
        _ => None,
    }
}

/// Parses `mod name;` with an optional visibility.
fn module_declaration(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let visible = match tokens {
        [word_, TokenTree::Group(group), ..]
            if word(Some(word_)).as_deref() == Some("pub")
                && group.delimiter() == Delimiter::Parenthesis =>
        {
            2
        }
        [word_, ..] if word(Some(word_)).as_deref() == Some("pub") => 1,
        _ => 0,
    };
    match &tokens[visible..] {
        [keyword, name, end, ..]
            if word(Some(keyword)).as_deref() == Some("mod") && is_sign(end, ';') =>
        {
            Some((word(Some(name))?, visible + 3))
        }
        _ => None,
    }
}

/// Parses `library! { … }`.
fn module_list(tokens: &[TokenTree]) -> Option<&Group> {
    match tokens {
        [name, mark, TokenTree::Group(list), ..]
            if word(Some(name)).as_deref() == Some("library") && is_sign(mark, '!') =>
        {
            Some(list)
        }
        _ => None,
    }
}

/// Parses `use Crate as Name`.
fn renamed(tokens: &[TokenTree]) -> Option<(String, String)> {
    let words: Vec<String> = tokens
        .iter()
        .take(4)
        .map_while(|token| word(Some(token)))
        .collect();
    match &words[..] {
        [keyword, krate, as_, name] if keyword == "use" && as_ == "as" => {
            Some((krate.clone(), name.clone()))
        }
        _ => None,
    }
}

/// The file in `include_str!("file")` and similar macros.
fn included(tokens: &[TokenTree]) -> Option<String> {
    let [name, mark, TokenTree::Group(group), ..] = tokens else {
        return None;
    };
    let is_include = INCLUDES.contains(&&*word(Some(name))?) && is_sign(mark, '!');
    match group.stream().into_iter().next() {
        Some(TokenTree::Literal(literal)) if is_include => {
            Some(literal.to_string().trim_matches('"').to_string())
        }
        _ => None,
    }
}

/// The number of tokens of the next item, with its attributes.
fn item_len(tokens: &[TokenTree]) -> usize {
    let mut at = 0;
    while let Some((_, count)) = attribute(&tokens[at..]) {
        at += count;
    }
    let keywords = tokens[at..].iter().map_while(|token| word(Some(token)));
    let keywords: Vec<String> = keywords.filter(|word| word != "pub").take(2).collect();
    let is_function = keywords.iter().any(|word| word == "fn");
    let first = keywords.first().map_or("", String::as_str);
    let braces_end = is_function || !ENDS_WITH_SEMICOLON.contains(&first);
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => braces_end && group.delimiter() == Delimiter::Brace,
        other => is_sign(other, ';'),
    };
    match tokens[at..].iter().position(is_end) {
        Some(end) => at + end + 1,
        None => tokens.len(),
    }
}

fn word(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
        _ => None,
    }
}

fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn brackets(delimiter: Delimiter) -> (char, char) {
    match delimiter {
        Delimiter::Parenthesis => ('(', ')'),
        Delimiter::Brace => ('{', '}'),
        Delimiter::Bracket => ('[', ']'),
        Delimiter::None => (' ', ' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str =
        "pub mod pq_a;\npub mod pq_b;\nmod shared;\npq_sdk::library! { application: \"a\" }\n";

    /// A package of two modules and a file that both modules use.
    struct Package(tempfile::TempDir);

    impl Package {
        fn new() -> Package {
            let package = Package(tempfile::tempdir().unwrap());
            package.write("lib.rs", LIB);
            package.write(
                "pq_a.rs",
                "mod rules;\n#[cfg(test)]\nmod tests;\npub fn a() -> u8 { 1 }\n",
            );
            package.write(
                "pq_a/rules.rs",
                "pub(crate) const BEST: &str = include_str!(\"best.txt\");\n",
            );
            package.write("pq_a/best.txt", "best");
            package.write("pq_a/tests.rs", "#[test] fn it_is() {}\n");
            package.write("pq_b.rs", "pub fn b() -> u8 { 2 }\n");
            package.write("shared.rs", "pub fn c() {}\n");
            package
        }

        fn write(&self, file: &str, text: &str) {
            let file = self.0.path().join("src").join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }

        fn digests(&self) -> [Option<String>; 2] {
            let modules = BTreeSet::from(["pq_a", "pq_b"]);
            let sources = Sources::read(self.0.path(), &modules).unwrap();
            assert_eq!(sources.digest("shared"), None);
            ["pq_a", "pq_b"].map(|name| sources.digest(name))
        }
    }

    /// Which of the two modules have a new digest after a file has changed to this text.
    fn changed(file: &str, text: &str) -> [bool; 2] {
        let package = Package::new();
        let [a, b] = package.digests();
        assert!(a.is_some() && a != b);
        package.write(file, text);
        let [new_a, new_b] = package.digests();
        [a != new_a, b != new_b]
    }

    #[test]
    fn code_of_a_module_is_its_own_and_what_it_shares() {
        assert_eq!(
            changed("pq_b.rs", "pub fn b() -> u8 { 3 }\n"),
            [false, true]
        );
        assert_eq!(
            changed("pq_a/rules.rs", "pub(crate) const BEST: &str = \"\";\n"),
            [true, false]
        );
        assert_eq!(changed("pq_a/best.txt", "better"), [true, false]);
        assert_eq!(changed("shared.rs", "pub fn c() { c() }\n"), [true, true]);
        assert_eq!(
            changed("lib.rs", &format!("{LIB}const X: u8 = 1;\n")),
            [true, true]
        );
    }

    #[test]
    fn comments_tests_and_the_list_of_modules_are_no_code() {
        let none = [false, false];
        assert_eq!(
            changed(
                "pq_b.rs",
                "//! b\n\n/// More.\npub fn b()\n-> u8 { 2 } // it\n"
            ),
            none
        );
        assert_eq!(
            changed("pq_a/tests.rs", "#[test] fn it_is_not() {}\n"),
            none
        );
        assert_eq!(
            changed(
                "pq_b.rs",
                "pub fn b() -> u8 { 2 }\n#[cfg(test)]\nuse a::{b, c};\n"
            ),
            none
        );
        assert_eq!(
            changed(
                "pq_b.rs",
                "#[cfg(test)] mod tests { fn x() { mod y; } }\npub fn b() -> u8 { 2 }\n"
            ),
            none
        );
        let other = LIB
            .replace("pub mod pq_b;", "/// B.\nmod pq_b;")
            .replace("\"a\"", "\"b\"");
        assert_eq!(changed("lib.rs", &other), none);
    }

    #[test]
    fn a_module_of_an_older_version_is_known_by_the_list() {
        let package = Package::new();
        package.write(
            "lib.rs",
            "pub mod pq_a;\nuse a_1_0_0 as v1;\npq_sdk::library! {\n    application: \"a\", vsn: \"2\",\n    \
             gen_fsm pq_a::A,\n    functions v1::pq_b::B,\n    functions a_1_1_0::pq_c::C,\n}\n",
        );
        let modules = BTreeSet::from(["pq_a", "pq_b", "pq_c"]);
        let sources = Sources::read(package.0.path(), &modules).unwrap();
        let from = ["pq_a", "pq_b", "pq_c"].map(|module| sources.taken_from(module));
        assert_eq!(from, [None, Some("a_1_0_0"), Some("a_1_1_0")]);
    }

    #[test]
    fn the_place_of_a_checkout_makes_no_difference() {
        assert_eq!(Package::new().digests(), Package::new().digests());
    }
}
