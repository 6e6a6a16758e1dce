//! `pq schema`: the JSON schemas of answers with `--json` (draft 2020-12), made from the types of the answers.
//!
//! ```text
//!   commands::ANSWERS ─► the types with their doc comments ─► one document per command ─► stdout
//! ```
//! A document permits further fields: a later program may add some. Texts of a game, such as states, are terms in strings.

use anyhow::{Context, Result};
use clap::Args;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::commands::{ANSWERS, Answered};
use crate::streams;

/// The dialect of the documents.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

#[derive(Args, Debug)]
pub(crate) struct Command {
    /// The command, such as `status` or `store check`, or `failure` for the answer of any command that fails [default: all, as
    /// an object]
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

/// Writes the schema of one command, or the schemas of all.
///
/// # Errors
/// No command with `--json` has this name.
pub(crate) fn schema(command: &Command) -> Result<()> {
    let value = match command.words.join(" ").as_str() {
        "" => all(),
        name => {
            let found = ANSWERS.iter().find(|(of, _)| *of == name);
            document(found.with_context(|| unknown(name))?)
        }
    };
    streams::data(&format!("{value:#}\n"));
    Ok(())
}

fn unknown(name: &str) -> String {
    let names: Vec<&str> = ANSWERS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    format!("failed to find the schema of {name}: it is none of {names}")
}

fn all() -> Value {
    let documents = ANSWERS
        .iter()
        .map(|answered| (answered.0.to_string(), document(answered)));
    Value::Object(Map::from_iter(documents))
}

fn document((name, forms): &Answered) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let forms: Vec<Value> = forms
        .iter()
        .map(|form| form(&mut generator).to_value())
        .collect();
    json!({
        "$schema": DIALECT,
        "title": format!("pq {name} --json"),
        "anyOf": forms,
        "$defs": generator.definitions(),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// The commands below this one that write JSON, by their words.
    fn writing(command: &clap::Command, above: &str) -> Vec<String> {
        let below = command.get_subcommands().flat_map(|below| {
            let words = format!("{above} {}", below.get_name());
            let is_json = |arg: &&clap::Arg| arg.get_id() == "json" && !arg.is_hide_set();
            let own = below.get_arguments().find(is_json);
            let own = own.map(|_| words.trim().to_string());
            writing(below, &words).into_iter().chain(own)
        });
        below.collect()
    }

    #[test]
    fn every_command_with_json_has_a_schema_and_no_other_has() {
        let mut commands = writing(&Cli::command(), "");
        commands.push("failure".to_string());
        commands.sort();
        let mut known: Vec<String> = ANSWERS.iter().map(|(name, _)| name.to_string()).collect();
        known.sort();
        assert_eq!(commands, known);
    }

    #[test]
    fn a_document_has_the_fields_with_their_meaning() {
        let find = |name: &str| ANSWERS.iter().find(|(of, _)| *of == name).unwrap();
        let status = document(find("status"));
        assert_eq!(status["anyOf"][0]["$ref"], "#/$defs/Report");
        let processes = &status["$defs"]["Report"]["properties"]["processes"];
        assert_eq!(processes["description"], "The number of processes.");
        assert_eq!(
            document(find("history"))["anyOf"].as_array().unwrap().len(),
            2
        );
        assert!(unknown("dance").contains("none of status, events, "));
    }
}
