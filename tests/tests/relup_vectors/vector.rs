//! One case: the files and options that OTP was given, and what it answered.

use std::collections::BTreeMap;
use std::path::Path;

use pq_release::relup::Relup;
use pq_release::systools::{Options, RelFile, SystoolsError, Warning, make_relup};
use pq_term::{Term, read_one};
use serde_json::Value;

use super::memory::Memory;

/// A case, as the file has it.
pub(crate) struct Vector {
    /// Number and name.
    pub(crate) name: String,
    /// True when OTP's order is one of several.
    pub(crate) order_is_partial: bool,
    /// The texts of the files, by path.
    pub(crate) files: BTreeMap<String, String>,
    /// What OTP answered.
    pub(crate) expected: Term,
    case: Term,
}

/// All cases.
pub(crate) fn vectors() -> Vec<Vector> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/relup-vectors.json");
    let text = std::fs::read_to_string(file).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    cases.iter().map(vector).collect()
}

fn vector(case: &Value) -> Vector {
    let text = |key: &str| case[key].as_str().unwrap();
    let files = case["files"].as_object().unwrap().iter();
    Vector {
        name: text("name").to_string(),
        order_is_partial: case["order_is_partial"].as_bool().unwrap(),
        files: files
            .map(|(path, text)| (path.clone(), text.as_str().unwrap().to_string()))
            .collect(),
        expected: read_one(text("expected")).unwrap(),
        case: read_one(text("case")).unwrap(),
    }
}

impl Vector {
    /// What we answer.
    pub(crate) fn make(&self) -> Result<(Relup, Vec<Warning>), SystoolsError> {
        let [_, _, _, new, up_from, down_to, options] = self.case.as_tuple().unwrap() else {
            panic!("{}: a case has seven parts", self.name)
        };
        let files = Memory::new(&self.files);
        make_relup(
            &rel_file(new),
            &rel_files(up_from),
            &rel_files(down_to),
            self.options(options),
            &files,
        )
    }

    /// What we answer, as OTP would write it.
    pub(crate) fn ours(&self) -> Term {
        match self.make() {
            Ok((relup, warnings)) => {
                let warnings = warnings.iter().map(Warning::to_term).collect();
                Term::tuple([Term::atom("ok"), relup.to_term(), warnings])
            }
            Err(error) => error.to_term(),
        }
    }

    fn options(&self, term: &Term) -> Options {
        let mut options = Options::default();
        for option in term.as_list().unwrap() {
            match option.as_atom().unwrap().as_str() {
                "restart_emulator" => options.restart_emulator = true,
                "warnings_as_errors" => options.warnings_as_errors = true,
                other => panic!("{}: option {other}", self.name),
            }
        }
        options
    }
}

fn rel_files(term: &Term) -> Vec<RelFile> {
    term.as_list().unwrap().iter().map(rel_file).collect()
}

/// `"R1"` or `{"R1",Description}`
fn rel_file(term: &Term) -> RelFile {
    match term.as_tuple() {
        Some([stem, description]) => RelFile {
            description: description.clone(),
            ..rel_file(stem)
        },
        _ => RelFile::from(format!("{}.rel", term.as_str().unwrap())),
    }
}
