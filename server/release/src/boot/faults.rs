//! A tree with two versions of everything and one faulty file: every reader names that file and the line.

use std::fs;
use std::io;

use super::*;
use crate::checksums::{Checksums, sha256};
use crate::systools::{Folders, Lookup, Options, make_relup};
use crate::tree::{AppPieces, ReleaseSpec, write_release};
use tempfile::TempDir;

/// The `.rel` file of version `V`: one application on line 4, another on line 5.
const REL: &str = "%% coding: utf-8\n{release, {\"pq\",\n \"V\"}, {erts, \"1\"}, [{kernel, \"1\"}, {stdlib, \"1\"}, {sasl, \"1\"},\n {talk, \"V\"},\n {quest, \"1\"}]}.";
const TALK: &str = "{application, talk,\n [{description, \"\"},\n  {vsn, \"V\"},\n  {modules, [talk,\n   talk_more]}, {registered, []},\n  {applications, [quest]},\n  {included_applications, []}]}.";
const QUEST: &str = "{application, quest, [{description, \"\"}, {vsn, \"1\"}, {modules, [quest]}, {registered, []}, {applications, [kernel, stdlib]}]}.";
const APPUP: &str = "%% both ways\n{\"V\",\n [{<<\"[12]\">>,\n   [{load_module, talk}]}],\n [{<<\"[12]\">>,\n   [{load_module, talk}]}]}.";
const RELUP: &str =
    "%% coding: utf-8\n{\"V\",\n [{\"1\", [],\n   [point_of_no_return]}],\n [{\"1\", [], []}]}.";
const CONFIG: &str = "[{talk, [{port, V}]},\n \"site\"].";
const SITE: &str = "[\n {talk, [{name, \"V\"}]}].";
const VERSIONS: [&str; 2] = ["1", "2"];

fn runtime() -> Runtime {
    let built_in = |name: &str| BuiltIn {
        name: name.to_string(),
        vsn: "1".to_string(),
        app_text: format!(
            "{{application, {name}, [{{description, \"\"}}, {{vsn, \"1\"}}, {{modules, [{name}]}}, {{registered, []}}, {{applications, []}}]}}."
        ),
    };
    Runtime {
        erts_vsn: "1".to_string(),
        built_in: ["kernel", "stdlib", "sasl"].map(built_in).to_vec(),
    }
}

fn tree() -> (TempDir, ReleaseTree) {
    let folder = tempfile::tempdir().unwrap();
    for vsn in VERSIONS {
        let of = |text: &str| text.replace('V', vsn);
        let [rel, talk, appup, relup, config, site] =
            [REL, TALK, APPUP, RELUP, CONFIG, SITE].map(of);
        let pieces = |app, appup| AppPieces {
            app,
            appup,
            library: Some(&b"code"[..]),
        };
        let spec = ReleaseSpec {
            rel: &rel,
            sys_config: Some(&config),
            configs: vec![(Path::new("site.config"), site.as_bytes())],
            relup: Some(&relup),
            applications: vec![pieces(&talk, Some(&*appup)), pieces(QUEST, None)],
        };
        write_release(folder.path(), &spec).unwrap();
    }
    let tree = ReleaseTree::open(folder.path(), runtime());
    (folder, tree)
}

/// The errors of all readers of the tree.
fn errors(tree: &ReleaseTree, files: &dyn Lookup) -> Vec<String> {
    let mut errors = Vec::new();
    let mut hear = |error: Option<String>| errors.extend(error);
    for vsn in VERSIONS {
        hear(tree.boot_vsn(vsn).err().map(|error| error.to_string()));
        hear(tree.relup(vsn).err().map(|error| error.to_string()));
    }
    hear(tree.boot().err().map(|error| error.to_string()));
    let rel = |vsn: &str| layout::rel_file(&tree.root, "pq", vsn).into();
    for (new, old) in [("1", "2"), ("2", "1")] {
        let made = make_relup(
            &rel(new),
            &[rel(old)],
            &[rel(old)],
            Options::default(),
            files,
        );
        hear(made.err().map(|error| error.to_string()));
    }
    let root = format!("{}/", tree.root.display());
    errors
        .iter()
        .map(|error| error.replace(&root, "root/"))
        .collect()
}

/// The first file that an error names, with its line.
fn place(error: &str) -> &str {
    let from = &error[error.find("root/").expect(error)..];
    let line = from.find("line ").map_or(0, |at| at + "line ".len());
    let digits = from[line..].bytes().take_while(u8::is_ascii_digit);
    &from[..line + digits.count()]
}

fn folders(folder: &TempDir) -> Folders {
    Folders::new(vec![folder.path().to_path_buf()], runtime().built_in)
}

#[test]
fn a_tree_in_which_nothing_is_broken_has_no_errors() {
    let (folder, tree) = tree();
    assert_eq!(errors(&tree, &folders(&folder)), [""; 0]);
}

/// A file, the text to replace, its replacement, and the line of the fault. `V` stands for each of the two versions in turn. An
/// empty text to replace means the whole file.
const BROKEN: &[(&str, &str, &str, usize)] = &[
    // Empty files.
    ("releases/V/pq.rel", "", "", 1),
    ("releases/V/relup", "", "", 1),
    ("releases/V/sys.config", "", "", 1),
    ("releases/V/site.config", "", "% nothing", 1),
    ("lib/talk-V/ebin/talk.app", "", "", 1),
    ("lib/talk-V/ebin/talk.appup", "", "", 1),
    ("releases/RELEASES", "", "", 1),
    ("releases/start_erl.data", "", "", 1),
    // Syntax errors.
    ("releases/V/pq.rel", "{talk,", "{talk;", 4),
    (
        "releases/V/relup",
        "[point_of_no_return]",
        "[point_of_no_return",
        4,
    ),
    ("releases/V/sys.config", "\"site\"", "site\"", 2),
    ("releases/V/site.config", "{talk, [", "{talk [", 2),
    ("lib/talk-V/ebin/talk.app", "{vsn,", "{vsn", 3),
    ("lib/talk-V/ebin/talk.appup", "talk}]}],", "talk]]}],", 4),
    ("releases/RELEASES", "{stdlib", "{stdlib]", 4),
    // Terms of a wrong form.
    ("releases/V/pq.rel", "{talk, ", "{talk, 7, ", 4),
    (
        "releases/V/pq.rel",
        "{quest, \"1\"}",
        "{quest, \"1\"}, {tls, 1}",
        5,
    ),
    (
        "releases/V/pq.rel",
        "{\"pq\",\n \"V\"}",
        "{\"pq\",\n \"3\"}",
        3,
    ),
    (
        "releases/V/relup",
        "point_of_no_return",
        "point_of_return",
        4,
    ),
    ("releases/V/relup", "{\"V\",", "{\"3\",", 2),
    ("releases/V/sys.config", "\"site\"", "\"sight\"", 2),
    ("releases/V/sys.config", "{port, V}", "{port}", 1),
    ("releases/V/site.config", "{name, \"V\"}", "name", 2),
    ("lib/talk-V/ebin/talk.app", "\"V\"", "v", 3),
    ("lib/talk-V/ebin/talk.app", "talk_more", "\"talk_more\"", 5),
    ("lib/talk-V/ebin/talk.app", "[quest]", "[quest, tls]", 6),
    (
        "lib/talk-V/ebin/talk.app",
        "{included_applications, []",
        "{included_applications, [tls]",
        7,
    ),
    (
        "lib/talk-V/ebin/talk.appup",
        "[{load_module, talk}]}],",
        "[{load_modul, talk}]}],",
        4,
    ),
    (
        "lib/talk-V/ebin/talk.appup",
        "<<\"[12]\">>",
        "<<\"[12\">>",
        3,
    ),
    ("lib/talk-V/ebin/talk.appup", "<<\"[12]\">>", "\"3\"", 3),
    (
        "lib/talk-V/SHA256SUMS",
        "  priv/talk.so",
        " priv/talk.so",
        3,
    ),
    ("releases/RELEASES", "{stdlib,\"1\"", "{stdlib,1", 4),
    ("releases/RELEASES", "permanent}", "permanently}", 8),
    ("releases/start_erl.data", "1 1", "1", 1),
    ("releases/start_erl.data", "1 1", "1 1\n2", 2),
    ("releases/start_erl.data", "1 1", "1 9", 1),
];

/// Writes a file, and its checksum where a parent directory has checksums: the fault is older than the checksums.
fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    for folder in path.ancestors().skip(1) {
        let sums_file = folder.join(checksums::FILE_NAME);
        if sums_file == path || !sums_file.is_file() {
            continue;
        }
        let mut sums = Checksums::read(&sums_file).unwrap();
        let name = path.strip_prefix(folder).unwrap().to_string_lossy();
        sums.0.insert(name.into_owned(), sha256(text.as_bytes()));
        fs::write(&sums_file, sums.to_text()).unwrap();
    }
}

#[test]
fn the_file_that_is_broken_is_the_one_that_is_named_with_its_line() {
    let (folder, tree) = tree();
    let mut wrong = String::new();
    for (file, from, to, line) in BROKEN {
        for vsn in VERSIONS {
            let of = |text: &str| text.replace('V', vsn);
            let path = folder.path().join(of(file));
            let text = crate::consult::read_text(&path).unwrap();
            let (from, to) = (of(from), of(to));
            assert!(text.contains(&from), "{file}: {text}");
            let broken = match from.is_empty() {
                true => to.clone(),
                false => text.replacen(&from, &to, 1),
            };
            put(&path, &broken);
            let errors = errors(&tree, &folders(&folder));
            put(&path, &text);
            assert!(
                !errors.is_empty(),
                "no reader has reported {to} in {file} of {vsn}"
            );
            let expected = format!("root/{}: line {line}", of(file));
            for error in errors.iter().filter(|error| place(error) != expected) {
                wrong += &format!(
                    "{to} is on {expected}, and not: {error}
"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Directories in which one file cannot be read.
struct Closed(Folders, PathBuf);

impl Lookup for Closed {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        match file == self.1 {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => self.0.read(file),
        }
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        self.0.app_files(name)
    }
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_the_one_that_is_named() {
    for vsn in VERSIONS {
        let (folder, tree) = tree();
        let file = layout::app_file(folder.path(), "talk", vsn);
        let errors = errors(&tree, &Closed(folders(&folder), file));
        assert_eq!(errors.len(), 2, "{errors:?}");
        for error in errors {
            let expected = format!("read the release: root/lib/talk-{vsn}/ebin/talk.app: ");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
