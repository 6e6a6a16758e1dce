//! Finds modules that changed and kept their version: an upgrade does not load them, so their changes have no effect.
//!
//! Code is compared by the digests in the manifests of the libraries, which `pq build` computes from the sources
//! (`server/src/digest.rs`). Builds, packages, appups and installs call this module.

use std::fmt;

use pq_code::{Manifest, ModuleEntry};

/// The modules with the same version in two libraries of one application whose code differs or cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SameVsn {
    /// The modules with different code.
    pub changed: Vec<String>,
    /// The modules without a digest in one of the libraries.
    pub unknown: Vec<String>,
}

impl SameVsn {
    /// Compares the modules of two libraries.
    pub fn of(one: &Manifest, other: &Manifest) -> SameVsn {
        let mut same = SameVsn::default();
        for (older, newer) in pairs(one, other) {
            match is_other_code(older, newer) {
                Some(false) => (),
                Some(true) => same.changed.push(newer.name.clone()),
                None => same.unknown.push(newer.name.clone()),
            }
        }
        same
    }
}

/// True when the code of two modules differs; `None` when one of them has no digest.
pub fn is_other_code(one: &ModuleEntry, other: &ModuleEntry) -> Option<bool> {
    Some(one.digest.as_ref()? != other.digest.as_ref()?)
}

/// The modules with the same version in both libraries.
fn pairs<'a>(
    one: &'a Manifest,
    other: &'a Manifest,
) -> impl Iterator<Item = (&'a ModuleEntry, &'a ModuleEntry)> {
    other.modules.iter().filter_map(|newer| {
        let is_it = |older: &&ModuleEntry| older.name == newer.name && older.vsn == newer.vsn;
        Some((one.modules.iter().find(is_it)?, newer))
    })
}

/// Displays as a fragment that begins with the modules; empty when there are none.
impl fmt::Display for SameVsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (changed, unknown) = (quoted(&self.changed), quoted(&self.unknown));
        match (self.changed.is_empty(), self.unknown.is_empty()) {
            (true, true) => Ok(()),
            (false, true) => write!(f, "{changed} changed under the same VSN"),
            (true, false) => write!(
                f,
                "{unknown} may have changed under the same VSN: a library does not say what their code is"
            ),
            (false, false) => write!(
                f,
                "{changed} changed under the same VSN, and {unknown} may have: a library does not say what their code is"
            ),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(modules: &str) -> Manifest {
        let text = format!("{{library,\"a\",\"1\",[{{abi,7}},{{modules,[{modules}]}}]}}.");
        Manifest::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn code_that_changed_is_known_by_its_digest() {
        let older = library(
            r#"{m,"1",functions,[{digest,"a"}]},{n,"1",functions,[{digest,"a"}]},{o,"1",functions},{p,"1",functions,[{digest,"a"}]}"#,
        );
        let newer = library(
            r#"{m,"1",functions,[{digest,"b"}]},{n,"2",functions,[{digest,"b"}]},{o,"1",functions,[{digest,"a"}]},{p,"1",functions,[{digest,"a"}]}"#,
        );
        let same = SameVsn::of(&older, &newer);
        assert_eq!(
            (same.changed.concat(), same.unknown.concat()),
            ("m".into(), "o".into())
        );
        assert_eq!(
            same.to_string(),
            "`m` changed under the same VSN, and `o` may have: a library does not say what their code is"
        );
        assert_eq!(SameVsn::of(&older, &library("")).to_string(), "");
    }
}
