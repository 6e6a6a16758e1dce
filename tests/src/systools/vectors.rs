//! The hundred questions with the answers of OTP 25.2.3.

use std::path::{Path, PathBuf};

use pq_release::systools::{Options, RelFile};
use pq_term::{Term, read_one};
use serde_json::Value;

use super::case::{Case, Files, OF_OTP_25};
use super::order::{Dependencies, Side};
use super::{comparison, order};

/// A question with OTP's answer.
pub struct Vector {
    /// The number and name of the vector.
    pub name: String,
    /// Whether OTP's order is one of several that are right.
    pub order_is_partial: bool,
    /// The question to systools.
    pub case: Case,
    /// The term that OTP returned.
    pub expected: Term,
}

/// All vectors of the file.
pub fn vectors() -> Vec<Vector> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/relup-vectors.json");
    let text = std::fs::read_to_string(file).expect("the file is part of the project");
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("it is JSON");
    vectors
        .iter()
        .map(|value| vector(value).unwrap_or_else(|| panic!("no vector: {value}")))
        .collect()
}

fn vector(value: &Value) -> Option<Vector> {
    let text = |key: &str| value[key].as_str();
    let files = value["files"].as_object()?.iter();
    let files = files.map(|(path, text)| Some((PathBuf::from(path), text.as_str()?.to_string())));
    Some(Vector {
        name: text("name")?.to_string(),
        order_is_partial: value["order_is_partial"].as_bool()?,
        case: case(
            Files(files.collect::<Option<_>>()?),
            &read_one(text("case")?).ok()?,
        )?,
        expected: read_one(text("expected")?).ok()?,
    })
}

/// Reads a case from `{'case',Name,Description,New,UpFrom,DownTo,Options}`.
fn case(mut files: Files, term: &Term) -> Option<Case> {
    let [_, _, _, new, up_from, down_to, options] = term.as_tuple()? else {
        return None;
    };
    files.add_otp(OF_OTP_25);
    let mut case = Case {
        files,
        new: rel_file(new)?,
        up_from: rel_files(up_from)?,
        down_to: rel_files(down_to)?,
        options: Options::default(),
    };
    for option in options.as_list()? {
        match option.as_atom()?.as_str() {
            "restart_emulator" => case.options.restart_emulator = true,
            "warnings_as_errors" => case.options.warnings_as_errors = true,
            _ => return None,
        }
    }
    Some(case)
}

fn rel_files(stems: &Term) -> Option<Vec<RelFile>> {
    stems.as_list()?.iter().map(rel_file).collect()
}

fn rel_file(stem: &Term) -> Option<RelFile> {
    Some(RelFile::from(format!("{}.rel", stem.as_str()?)))
}

impl Vector {
    /// Describes a difference between this answer and OTP's that is not allowed.
    pub fn difference(&self, answer: &Term) -> Option<String> {
        match self.order_is_partial {
            false => comparison::difference(answer, &self.expected),
            true => order::difference(answer, &self.expected, &|side, _, _| {
                self.dependencies(side)
            }),
        }
    }

    /// The dependencies in all appups; a vector has one other release.
    fn dependencies(&self, side: Side) -> Dependencies {
        let mut dependencies = Dependencies::default();
        let is_appup = |path: &Path| path.extension().is_some_and(|end| end == "appup");
        let appups = self.case.files.0.iter().filter(|(path, _)| is_appup(path));
        for (_, text) in appups {
            let appup = read_one(text).expect("OTP has read it");
            let ways = appup
                .as_tuple()
                .and_then(|appup| appup[side.index()].as_list());
            for way in ways.unwrap_or_default() {
                let script = way.as_tuple().and_then(|way| way[1].as_list());
                script
                    .unwrap_or_default()
                    .iter()
                    .for_each(|step| dependencies.add(step));
            }
        }
        dependencies
    }
}
