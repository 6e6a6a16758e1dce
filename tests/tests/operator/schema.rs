//! The answers of commands with `--json` are as `pq schema` describes them.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use pq_tests::running::{Player, Tree, pq};
use serde_json::Value;

use crate::operator::typed::{node_with_heroes, run, typed};

/// Commands whose success needs a release or a row that this test does not have; their failures are judged.
const WITHOUT_SUCCESS: [&str; 15] = [
    "avatars import",
    "avatars reset-word",
    "avatars retry",
    "downgrade-app",
    "install-file",
    "new",
    "new app",
    "reboot-old",
    "release",
    "replay",
    "set-removed",
    "set-unpacked",
    "sign",
    "token",
    "upgrade-app",
];

/// Stands for a file of the test.
const COPY: &str = "COPY";
const EXPORTED: &str = "EXPORTED";
const PACKAGE: &str = "PACKAGE";

/// The commands of the test, in an order in which most of them succeed.
const STEPS: &[&[&str]] = &[
    &["status"],
    &["which-releases"],
    &["lesson", "check", "1"],
    &["apps"],
    &["who"],
    &["names"],
    &["tree"],
    &["tree", "--all"],
    &["events", "--for", "1"],
    &["watch", "Ann", "--for", "1"],
    &["trace", "bot-0", "--count", "20"],
    &["sys", "get-state", "bot-0"],
    &["sys", "get-status", "bot-0"],
    &["sys", "suspend", "bot-0"],
    &["sys", "resume", "bot-0"],
    &["sys", "statistics", "bot-0"],
    &["sys", "log", "bot-0"],
    &["sys", "trace", "bot-0", "off"],
    &["sys", "get-state", "nobody"],
    &["call", "regis", "get_names"],
    &["bans"],
    &["token"],
    &["ban", "Eve"],
    &["bans"],
    &["unban", "Eve"],
    &["wall", "Tea at five."],
    &["lock", "on"],
    &["lock", "off"],
    &["shutdown", "+5m"],
    &["status"],
    &["shutdown", "--cancel"],
    &["package", "show", PACKAGE],
    &["package", "diff", PACKAGE, PACKAGE],
    &["package", "verify", PACKAGE],
    &["key", "list"],
    &["sign", "/nowhere.tar.gz"],
    &["new", "no version"],
    &["release", "9.9.9"],
    &["unpack", "processquest-1.1.0"],
    &["check-install", "1.1.0"],
    &["rehearse", "1.1.0", "--for", "1m"],
    &["replay", "1", "Ann"],
    &["install", "1.1.0"],
    &["status"],
    &["install", "1.0.0"],
    &["make-permanent", "1.0.0"],
    &["remove", "1.1.0"],
    &["install", "9.9.9"],
    &["reboot-old", "9.9.9"],
    &["set-unpacked", "/nowhere.rel"],
    &["set-removed", "9.9.9"],
    &["install-file", "9.9.9", "/nowhere"],
    &["upgrade-app", "nothing", "/nowhere"],
    &["downgrade-app", "nothing", "1.0.0", "/nowhere"],
    &["history"],
    &["history", "1"],
    &["avatars"],
    &["avatars", "show", "Ann"],
    &["avatars", "export", "Ann", EXPORTED],
    &["avatars", "import", "/nowhere"],
    &["avatars", "retry", "nobody"],
    &["avatars", "reset-word", "nobody"],
    &["backup", COPY],
    &["store", "check"],
    &["restore", COPY],
    &["kill", "bot-1"],
    &["end-avatar", "bot-2"],
    &["end-avatar", "--abandoned"],
    &["avatars", "remove", "bot-0"],
    &["kick", "Ann"],
    &["stop"],
    &["restore", COPY],
    &["status"],
];

/// The judges of all answers, by the words of their commands.
struct Schemas {
    judges: BTreeMap<String, Validator>,
    /// The commands that have succeeded.
    done: BTreeSet<String>,
}

impl Schemas {
    fn read() -> Schemas {
        let written = run(&mut pq(["schema"]));
        let all: BTreeMap<String, Value> = serde_json::from_str(&written.out).unwrap();
        let judge = |(name, schema): (String, Value)| {
            let judge = jsonschema::validator_for(&schema);
            (
                name,
                judge.unwrap_or_else(|error| panic!("{error}: {schema}")),
            )
        };
        Schemas {
            judges: all.into_iter().map(judge).collect(),
            done: BTreeSet::new(),
        }
    }

    /// Runs a command and judges each line of its answer.
    fn judge(&mut self, tree: &Tree, args: &[&str]) {
        let typed_so = [args, &["--json"]].concat();
        // These commands know no tree.
        let answer = match args[0] {
            "package" | "sign" | "new" => run(&mut pq(typed_so)),
            _ => typed(tree, &typed_so),
        };
        let is_known = |words: &String| self.judges.contains_key(words);
        let words = [2, 1].map(|count| args[..count.min(args.len())].join(" "));
        let command = words.into_iter().find(is_known).unwrap();
        let name = match answer.code {
            0 => command.as_str(),
            _ => "failure",
        };
        assert!(!answer.out.is_empty(), "{args:?}: {answer:?}");
        for line in answer.out.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            let faults: Vec<String> = self.judges[name]
                .iter_errors(&value)
                .map(|fault| format!("{fault} at {}", fault.instance_path))
                .collect();
            assert_eq!(faults, [""; 0], "{args:?}: {line}");
        }
        if answer.code == 0 {
            self.done.insert(command);
        }
    }
}

#[test]
fn every_answer_is_as_its_schema_describes_it() {
    let tree = Tree::new();
    let node = node_with_heroes(&tree, 3);
    let ann = Player::enter(&node, "Ann");
    let mut schemas = Schemas::read();
    let file = |name: &str| tree.root().join(name).to_str().unwrap().to_string();
    let (copy, exported) = (file("copy.db"), file("ann.json"));
    let package = file("releases/processquest-1.1.0.tar.gz");
    for step in STEPS {
        let args = step.iter().map(|word| match *word {
            COPY => copy.as_str(),
            EXPORTED => exported.as_str(),
            PACKAGE => package.as_str(),
            word => word,
        });
        schemas.judge(&tree, &args.collect::<Vec<_>>());
    }
    ann.ends();
    let all: BTreeSet<&str> = schemas.judges.keys().map(String::as_str).collect();
    let done: BTreeSet<&str> = schemas.done.iter().map(String::as_str).collect();
    let expected: BTreeSet<&str> = [&WITHOUT_SUCCESS[..], &["failure"]]
        .concat()
        .into_iter()
        .collect();
    let missing: BTreeSet<&str> = all.difference(&done).copied().collect();
    assert_eq!(missing, expected);
}

#[test]
fn a_schema_is_a_document_of_its_own_and_an_unknown_command_is_refused() {
    let one = run(&mut pq(["schema", "store", "check"]));
    let document: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!(document["title"], "pq store check --json");
    let refused = run(&mut pq(["schema", "dance"]));
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("failed to find the schema of dance"),
        "{refused:?}"
    );
}
