//! The Dockerfile: its files exist, its commands are commands of `pq`, and the node starts as the image starts it.

use std::path::Path;

use pq_tests::running::{Running, Tree, pq};

/// The instructions of the file with their arguments.
fn instructions() -> Vec<(String, String)> {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../server/packaging/Dockerfile"
    );
    let text = std::fs::read_to_string(file).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let instructions = lines.map(|line| line.split_once(' ').unwrap());
    instructions
        .map(|(word, rest)| (word.to_string(), rest.to_string()))
        .collect()
}

/// The arguments of the instructions with this name.
fn all(wanted: &str) -> Vec<String> {
    let meant = instructions()
        .into_iter()
        .filter(|(word, _)| word == wanted);
    meant.map(|(_, rest)| rest).collect()
}

/// The words of an instruction in the form of a list, such as `["pq", "status"]`.
fn list(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn every_file_that_is_copied_exists_and_everything_that_is_built_is_copied() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let copies = all("COPY")
        .into_iter()
        .filter(|copy| !copy.starts_with("--from"));
    let sources: Vec<String> = copies
        .flat_map(|copy| {
            let words: Vec<String> = copy.split(' ').map(str::to_string).collect();
            words[..words.len() - 1].to_vec()
        })
        .collect();
    for source in &sources {
        assert!(root.join(source).exists(), "{source}");
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = manifest
        .split_once("members = [")
        .unwrap()
        .1
        .split_once(']')
        .unwrap()
        .0;
    for member in members.split('"').skip(1).step_by(2) {
        let folder = member.split('/').next().unwrap();
        assert!(
            sources.iter().any(|source| source == folder),
            "{member} is not copied"
        );
    }
}

#[test]
fn every_command_of_the_image_is_one_of_pq() {
    let typed = all("RUN")
        .into_iter()
        .filter_map(|run| run.strip_prefix("pq ").map(str::to_string));
    let typed: Vec<Vec<String>> = typed
        .map(|run| run.split(' ').map(str::to_string).collect())
        .collect();
    assert_eq!(typed.len(), 4, "two builds, a relup and a package");
    let health = all("HEALTHCHECK").pop().unwrap();
    let health = list(&health[health.find('[').unwrap()..]);
    let started = list(&all("CMD").pop().unwrap());
    for words in typed.into_iter().chain([health[1..].to_vec(), started]) {
        let mut parsed = Running::start(pq(&words).arg("--help"));
        assert!(parsed.end().success(), "{words:?}: {}", parsed.log());
    }
}

#[test]
fn the_image_starts_a_node_for_others_than_root() {
    assert_eq!(all("USER"), ["pq"]);
    assert_eq!(list(&all("ENTRYPOINT").pop().unwrap()), ["pq"]);
    let tree = Tree::new();
    let words = list(&all("CMD").pop().unwrap()).into_iter();
    // The port of the page may be in use on this machine.
    let words = words.map(|word| {
        if word == "8083" {
            "0".to_string()
        } else {
            word
        }
    });
    let node = Running::listening(pq(words).args(["--port", "0"]).env("PQ_ROOT", tree.root()));
    assert!(node.address().ip().is_unspecified());
    assert!(tree.does(&["status"]).contains("1.0.0"));
}
