//! Commands of an upgrade, called as an operator calls them, and the state of the releases afterwards.

use std::path::Path;

use serde_json::Value;

use super::{Running, Tree, pq};

/// The result of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The exit code of the command; -1 after a signal.
    pub code: i32,
    /// The standard output with the data.
    pub out: String,
    /// The standard error with all messages.
    pub err: String,
}

impl Tree {
    /// Runs a command for the node of this tree.
    pub fn operate(&self, args: &[&str]) -> Said {
        operate(self.root(), args)
    }

    /// Runs a command that must succeed; returns its data.
    pub fn does(&self, args: &[&str]) -> String {
        let said = self.operate(args);
        assert_eq!(said.code, 0, "{args:?}: {said:?}");
        said.out
    }

    /// Runs a command that must fail with this code; returns its message.
    pub fn refuses(&self, args: &[&str], code: i32) -> String {
        let said = self.operate(args);
        assert_eq!(
            (said.code, said.out.as_str()),
            (code, ""),
            "{args:?}: {said:?}"
        );
        let last = said.err.lines().last().unwrap_or_default();
        let sentence = last.strip_prefix("pq: ");
        sentence
            .unwrap_or_else(|| panic!("{args:?} has no message: {said:?}"))
            .to_string()
    }

    /// The answer of a command as JSON.
    pub fn answer(&self, args: &[&str]) -> Value {
        let out = self.does(&[args, &["--json"]].concat());
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{args:?}: {error}: {out}"))
    }

    /// Version and status of each release according to `pq which-releases`, the newest first.
    pub fn releases(&self) -> Vec<(String, String)> {
        let answer = self.answer(&["which-releases"]);
        let rows = answer["rows"].as_array().expect("it is a list of releases");
        let text = |row: &Value, key: &str| {
            let value = row[key].as_str();
            value
                .unwrap_or_else(|| panic!("no {key} in {row}"))
                .to_string()
        };
        rows.iter()
            .map(|row| (text(row, "vsn"), text(row, "status")))
            .collect()
    }

    /// Asserts the list of releases with their statuses.
    pub fn has_releases(&self, expected: &[(&str, &str)]) {
        let found = self.releases();
        let found: Vec<_> = found
            .iter()
            .map(|(vsn, status)| (vsn.as_str(), status.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    /// The state of the process with this name, as a term.
    pub fn state_of(&self, name: &str) -> String {
        let answer = self.answer(&["sys", "get-state", name]);
        answer["reply"].as_str().unwrap_or_default().to_string()
    }
}

/// Runs a command for the node of the tree at `root`.
pub fn operate(root: &Path, args: &[&str]) -> Said {
    let mut command = pq(args);
    command.arg("--root").arg(root);
    let mut running = Running::start(&mut command);
    let status = running.end();
    Said {
        // A program killed by a signal has no exit code.
        code: status.code().unwrap_or(-1),
        out: running.out(),
        err: running.log(),
    }
}
