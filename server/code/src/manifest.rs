//! The manifest: what a library says of itself, as one Erlang term in a section of its own.
//!
//! ```erlang
//! {library,"processquest","1.0.0",[{abi,1886453761},{modules,[{pq_player,"1.0.0",gen_fsm},…]}]}.
//! ```
//!
//! The macro of the SDK writes it; here it is read and compared with what the library turns out to hold.

use pq_abi::{Kind, Module};
use pq_term::{ReadError, Term, checked_text, read_one};
use thiserror::Error;

/// How many bytes a manifest has at most. A module takes some 40, so this is room for 1 600 of them; names
/// become atoms, which are never given back, so the bound is not left to whoever made the file.
const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// What a library says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// The application it belongs to.
    pub application: String,
    /// That application's version.
    pub vsn: String,
    /// The version of the boundary it was compiled for: [`pq_abi::ABI_STAMP`] there.
    pub abi: u64,
    /// Its modules, in the order of its table.
    pub modules: Vec<ModuleEntry>,
}

/// A module, as the manifest lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModuleEntry {
    /// Its name.
    pub name: String,
    /// Its own version, which may be older than the application's.
    pub vsn: String,
    /// How the runtime drives it.
    pub kind: Kind,
}

/// Why a text is no manifest.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Longer than any manifest is.
    #[error("it has {0} bytes, where {MANIFEST_BYTES_MAX} are the most")]
    TooLong(usize),
    /// Not one Erlang term.
    #[error("{0}")]
    Syntax(#[from] ReadError),
    /// A term, but another one.
    #[error("it has `{found}`, where {wanted} belongs")]
    Shape {
        /// What stands there, as a term.
        found: String,
        /// What should.
        wanted: &'static str,
    },
    /// Two modules of one name.
    #[error("it lists module `{0}` twice")]
    Twice(String),
}

impl Manifest {
    /// Reads the bytes of a manifest's section.
    ///
    /// # Errors
    /// When they are anything but one term of the shape above.
    pub fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLong(bytes.len()));
        }
        let manifest = Manifest::from_term(&read_one(checked_text(bytes)?)?)?;
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

    /// What the library holds in another way than it says; `None` when all is as it says.
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
        let Some([name, vsn, kind]) = term.as_tuple() else {
            return Err(shape(term, "`{Module, Vsn, Kind}`"));
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
        })
    }
}

fn option<'a>(
    options: &'a Term,
    key: &str,
    wanted: &'static str,
) -> Result<&'a Term, ManifestError> {
    let pairs = options
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Term::as_tuple);
    let mut values = pairs
        .filter(|pair| pair.len() == 2 && pair[0].is_atom(key))
        .map(|pair| &pair[1]);
    values.next().ok_or_else(|| shape(options, wanted))
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
        };
        assert_eq!(manifest.modules, [entry]);
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
