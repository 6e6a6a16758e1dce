//! The manifest: the description of a library, as one Erlang term in a section of its file.
//!
//! ```erlang
//! {library,"shop","1.1.0",[{abi,1886453762},{modules,[
//!   {shop_till,"1.1.0",gen_fsm,[{digest,"9f…"},{converts,["1.0.0"]},{calls,["shop_goods:fetch/0",…]}]},
//!   {shop_goods,"1.1.0",functions,[]},…]}]}.
//! ```
//!
//! The macro of the SDK writes the manifest; this module reads it and compares it with the modules in the library. The
//! declarations in the fourth place are for tools that compare two versions; running a module does not need them.

use std::fmt;

use pq_abi::{Kind, Module};
use pq_term::{ReadError, Term, checked_text, read_one};
use thiserror::Error;

/// The largest size of a manifest in bytes. A module takes about 40 bytes, and one that calls a dozen functions 350, so
/// this is enough for hundreds of modules. Names become atoms, which are never freed, so the author of the file must
/// not choose their number.
const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// The description of a library by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// The application to which the library belongs.
    pub application: String,
    /// The version of that application.
    pub vsn: String,
    /// The ABI stamp for which the library was compiled: [`pq_abi::ABI_STAMP`] of its SDK.
    pub abi: u64,
    /// Its modules, in the order of its table.
    pub modules: Vec<ModuleEntry>,
}

/// The entry of one module in a manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleEntry {
    /// The name of the module, such as `shop_till`.
    pub name: String,
    /// The version of the module, which may be older than the application's.
    pub vsn: String,
    /// The behaviour with which the runtime drives the module.
    pub kind: Kind,
    /// Its declarations for upgrades; `None` when the SDK of the library was too old to write them.
    pub declared: Option<Declared>,
    /// The digest of its source; two modules of one version with equal digests have the same code. `pq build` computes
    /// it; `None` in a library that was built in another way or by an older `pq`.
    pub digest: Option<String>,
}

/// The declarations of a module for upgrades. The texts come from the constants of `pq_sdk::Module` with the same
/// names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Declared {
    /// Older versions of the module whose state it converts, up and down.
    pub converts: Vec<String>,
    /// Older versions of the module that have the same state.
    pub keeps: Vec<String>,
    /// Fields that ways down lose, with the versions that the ways lead to.
    pub loses: Vec<Loss>,
    /// Functions that the module calls at their current version.
    pub calls: Vec<Callee>,
}

/// A field of a state for which an older version has no place: `Vsn:Field`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Loss {
    /// The older version, to which the way down leads.
    pub vsn: String,
    /// The name of the field.
    pub field: String,
}

/// A function that a module calls: `Module:Function/Arity`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Callee {
    /// The module of the function, such as `shop_goods`.
    pub module: String,
    /// The name of the function, such as `fetch`.
    pub function: String,
    /// The number of its arguments.
    pub arity: u32,
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.module, self.function, self.arity)
    }
}

/// Reasons why a text is not a manifest.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The manifest is longer than 64 KiB; its length in bytes.
    #[error("it has {0} bytes, where {MANIFEST_BYTES_MAX} are the most")]
    TooLong(usize),
    /// The text is not one Erlang term.
    #[error("{0}")]
    Syntax(#[from] ReadError),
    /// The text is a term of another shape.
    #[error("it has `{found}`, where {wanted} belongs")]
    Shape {
        /// The wrong part, printed as a term.
        found: String,
        /// A description of the right part.
        wanted: &'static str,
    },
    /// Two modules have this name.
    #[error("it lists module `{0}` twice")]
    Twice(String),
}

impl Manifest {
    /// Reads a manifest from the bytes of its section.
    ///
    /// # Errors
    /// Fails when they are not exactly one term of the shape that the documentation of this module shows.
    pub fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLong(bytes.len()));
        }
        let manifest = Manifest::from_term(&read_one(&checked_text(bytes)?)?)?;
        match manifest.twice() {
            Some(name) => Err(ManifestError::Twice(name.to_string())),
            None => Ok(manifest),
        }
    }

    fn from_term(term: &Term) -> Result<Manifest, ManifestError> {
        let Some([tag, application, vsn, options]) = term.as_tuple() else {
            return Err(shape(term, "`{library, Application, Vsn, Options}`"));
        };
        if !tag.is_atom("library") {
            return Err(shape(tag, "`library`"));
        }
        let abi = option(options, "abi", "`{abi, Stamp}`")?;
        let modules = option(options, "modules", "`{modules, [{Module, Vsn, Kind}]}`")?;
        Ok(Manifest {
            application: text(application, "the application's name, as a string")?,
            vsn: text(vsn, "the application's version, as a string")?,
            abi: abi
                .as_i64()
                .map(i64::cast_unsigned)
                .ok_or_else(|| shape(abi, "a number"))?,
            modules: modules
                .as_list()
                .ok_or_else(|| shape(modules, "a list of modules"))?
                .iter()
                .map(ModuleEntry::from_term)
                .collect::<Result<_, _>>()?,
        })
    }

    fn twice(&self) -> Option<&str> {
        let mut names: Vec<&str> = self
            .modules
            .iter()
            .map(|module| module.name.as_str())
            .collect();
        names.sort_unstable();
        names
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
    }

    /// The first difference between the manifest and the modules of the library, as the entry of each; `None` when they
    /// are equal.
    pub(crate) fn contradiction(&self, modules: &[Module]) -> Option<(String, String)> {
        let listed = self
            .modules
            .iter()
            .map(|entry| (&*entry.name, &*entry.vsn, entry.kind));
        let held = modules
            .iter()
            .map(|module| (module.name(), module.vsn(), module.kind()));
        let (listed, held): (Vec<_>, Vec<_>) = (listed.collect(), held.collect());
        let first =
            (0..listed.len().max(held.len())).find(|at| listed.get(*at) != held.get(*at))?;
        Some((entry_text(listed.get(first)), entry_text(held.get(first))))
    }
}

impl ModuleEntry {
    fn from_term(term: &Term) -> Result<ModuleEntry, ManifestError> {
        let parts = term.as_tuple().unwrap_or_default();
        let ([name, vsn, kind], declared) = match parts {
            [name, vsn, kind] => ([name, vsn, kind], None),
            [name, vsn, kind, declared] => ([name, vsn, kind], Some(declared)),
            _ => return Err(shape(term, "`{Module, Vsn, Kind, Declared}`")),
        };
        let name = name
            .as_atom()
            .ok_or_else(|| shape(name, "a module's name, as an atom"))?;
        let known = Kind::ALL
            .into_iter()
            .find(|known| kind.is_atom(known.word()));
        Ok(ModuleEntry {
            name: name.as_str().to_string(),
            vsn: text(vsn, "a module's version, as a string")?,
            kind: known.ok_or_else(|| shape(kind, "a kind of module that this node knows"))?,
            declared: declared.map(Declared::from_term).transpose()?,
            digest: declared
                .and_then(|declared| find(declared, "digest"))
                .map(|digest| text(digest, "the digest of a module's code, as a string"))
                .transpose()?,
        })
    }
}

impl Declared {
    /// An empty list may be missing, and unknown declarations of a newer SDK are ignored.
    fn from_term(term: &Term) -> Result<Declared, ManifestError> {
        Ok(Declared {
            converts: strings(term, "converts")?,
            keeps: strings(term, "keeps")?,
            loses: strings(term, "loses")?
                .iter()
                .map(|loss| Loss::read(loss).ok_or_else(|| shape(&Term::string(&**loss), LOSS)))
                .collect::<Result<_, _>>()?,
            calls: strings(term, "calls")?
                .iter()
                .map(|call| Callee::read(call).ok_or_else(|| shape(&Term::string(&**call), CALLEE)))
                .collect::<Result<_, _>>()?,
        })
    }
}

const LOSS: &str = "`Vsn:Field`";

impl Loss {
    fn read(text: &str) -> Option<Loss> {
        let (vsn, field) = text.split_once(':')?;
        let is_whole = !vsn.is_empty() && !field.is_empty();
        is_whole.then(|| Loss {
            vsn: vsn.to_string(),
            field: field.to_string(),
        })
    }
}

const CALLEE: &str = "`Module:Function/Arity`";

impl Callee {
    fn read(text: &str) -> Option<Callee> {
        let (module, rest) = text.split_once(':')?;
        let (function, arity) = rest.split_once('/')?;
        let is_whole = !module.is_empty() && !function.is_empty();
        is_whole.then_some(Callee {
            module: module.to_string(),
            function: function.to_string(),
            arity: arity.parse().ok()?,
        })
    }
}

/// The strings under a key; an empty list if the key is missing.
fn strings(options: &Term, key: &str) -> Result<Vec<String>, ManifestError> {
    if options.as_list().is_none() {
        return Err(shape(options, "a list of declarations"));
    }
    let Some(items) = find(options, key) else {
        return Ok(Vec::new());
    };
    let strings = items.as_list().ok_or_else(|| shape(items, "a list"))?;
    strings
        .iter()
        .map(|item| text(item, "a string with something in it"))
        .collect()
}

fn option<'a>(
    options: &'a Term,
    key: &str,
    wanted: &'static str,
) -> Result<&'a Term, ManifestError> {
    find(options, key).ok_or_else(|| shape(options, wanted))
}

fn find<'a>(options: &'a Term, key: &str) -> Option<&'a Term> {
    let pairs = options
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Term::as_tuple);
    let mut values = pairs
        .filter(|pair| pair.len() == 2 && pair[0].is_atom(key))
        .map(|pair| &pair[1]);
    values.next()
}

fn text(term: &Term, wanted: &'static str) -> Result<String, ManifestError> {
    match term.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_string()),
        _ => Err(shape(term, wanted)),
    }
}

fn shape(found: &Term, wanted: &'static str) -> ManifestError {
    ManifestError::Shape {
        found: found.to_string(),
        wanted,
    }
}

fn entry_text(entry: Option<&(&str, &str, Kind)>) -> String {
    entry.map_or("nothing".to_string(), |(name, vsn, kind)| {
        format!("{name} {vsn} ({})", kind.word())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        Manifest::read(text.as_bytes())
            .expect_err("a text that is no manifest")
            .to_string()
    }

    #[test]
    fn a_manifest_says_application_version_stamp_and_modules() {
        let text =
            r#"{library,"quest","1.1.0",[{abi,7},{modules,[{pq_sup,"1.0.0",supervisor}]}]}."#;
        let manifest = Manifest::read(text.as_bytes()).unwrap();
        assert_eq!(
            (&*manifest.application, &*manifest.vsn, manifest.abi),
            ("quest", "1.1.0", 7)
        );
        let entry = ModuleEntry {
            name: "pq_sup".into(),
            vsn: "1.0.0".into(),
            kind: Kind::Supervisor,
            declared: None,
            digest: None,
        };
        assert_eq!(manifest.modules, [entry]);
    }

    /// The declarations of the module in this entry.
    fn declared(entry: &str) -> Option<Declared> {
        let text = format!("{{library,\"a\",\"1\",[{{abi,7}},{{modules,[{entry}]}}]}}.");
        let mut manifest = Manifest::read(text.as_bytes()).unwrap();
        manifest.modules.remove(0).declared
    }

    #[test]
    fn a_module_declares_what_it_converts_what_it_keeps_and_whom_it_calls() {
        let some = declared(
            r#"{m,"3",functions,[{converts,["1"]},{keeps,["2","2.1"]},{calls,["dice:roll/1"]}]}"#,
        );
        let some = some.unwrap();
        assert_eq!(
            (&some.converts[..], &some.keeps[..]),
            (&["1".into()][..], &["2".into(), "2.1".into()][..])
        );
        let calls: Vec<String> = some.calls.iter().map(ToString::to_string).collect();
        assert_eq!(calls, ["dice:roll/1"]);
        assert!(some.loses.is_empty());
    }

    #[test]
    fn a_field_that_is_lost_stands_behind_the_version_below() {
        let some = declared(r#"{m,"3",functions,[{converts,["1"]},{loses,["1:mood"]}]}"#);
        let loss = Loss {
            vsn: "1".to_string(),
            field: "mood".to_string(),
        };
        assert_eq!(some.unwrap().loses, [loss]);
    }

    #[test]
    fn to_declare_nothing_is_not_to_say_nothing() {
        assert_eq!(declared(r#"{m,"1",functions}"#), None);
        let nothing = Some(Declared::default());
        assert_eq!(declared(r#"{m,"1",functions,[]}"#), nothing);
        assert_eq!(declared(r#"{m,"1",functions,[{mood,["good"]}]}"#), nothing);
    }

    #[test]
    fn the_digest_of_its_code_stands_beside_what_a_module_declares() {
        let text = r#"{library,"a","1",[{abi,7},{modules,[{m,"1",functions,[{digest,"0a"},{keeps,["0"]}]}]}]}."#;
        let module = Manifest::read(text.as_bytes()).unwrap().modules.remove(0);
        assert_eq!(module.digest.as_deref(), Some("0a"));
        assert_eq!(module.declared.unwrap().keeps, ["0"]);
        let text = text.replace("\"0a\"", "7");
        assert!(Manifest::read(text.as_bytes()).is_err());
    }

    #[test]
    fn a_text_that_is_no_manifest_is_refused_with_what_belongs_there() {
        let cases = [
            (
                "{library,\"a\"}.",
                "it has `{library,\"a\"}`, where `{library, Application, Vsn, Options}` belongs",
            ),
            (
                "{lib,\"a\",\"1\",[]}.",
                "it has `lib`, where `library` belongs",
            ),
            (
                "{library,\"a\",\"1\",[]}.",
                "it has `[]`, where `{abi, Stamp}` belongs",
            ),
            (
                "{library,\"\",\"1\",[{abi,1},{modules,[]}]}.",
                "it has `\"\"`, where the application's name, as a string belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\",wizard}]}]}.",
                "it has `wizard`, where a kind of module that this node knows belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\"}]}]}.",
                "it has `{m,\"1\"}`, where `{Module, Vsn, Kind, Declared}` belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\",functions,declared}]}]}.",
                "it has `declared`, where a list of declarations belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\",functions,[{keeps,all}]}]}]}.",
                "it has `all`, where a list belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\",functions,[{calls,[\"dice:roll\"]}]}]}]}.",
                "it has `\"dice:roll\"`, where `Module:Function/Arity` belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\",functions,[{loses,[\"mood\"]}]}]}]}.",
                "it has `\"mood\"`, where `Vsn:Field` belongs",
            ),
            (
                "{library,\"a\",\"1\",[{abi,1},{modules,[{m,\"1\",functions},{m,\"2\",functions}]}]}.",
                "it lists module `m` twice",
            ),
        ];
        for (text, wanted) in cases {
            assert_eq!(refusal(text), wanted);
        }
        assert!(
            refusal("{library").contains("line 1"),
            "{}",
            refusal("{library")
        );
        assert!(Manifest::read(&[0xff, 0xfe]).is_err());
        assert!(refusal(&" ".repeat(MANIFEST_BYTES_MAX + 1)).contains("65537 bytes"));
    }
}
