//! The test fixture: a tree from which a node runs, and packages of newer releases.
//!
//! | release | `talk` | `quest` | ways |
//! |---|---|---|---|
//! | 1.0.0 | 1.0.0 | 1.0.0 | |
//! | 1.1.0 | 1.1.0 | 1.0.0 | from and to 1.0.0 |
//! | 1.2.0 | 1.2.0 | 1.1.0 | from and to 1.1.0 |

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pq_release::boot::{BuiltIn, ReleaseTree, Runtime};
use pq_release::package::make_tar;
use pq_release::registry::ReleaseRegistry;
use pq_release::tree::{AppPieces, ReleaseSpec, write_release};
use tempfile::TempDir;

/// The pieces of a release.
pub(crate) struct Pieces {
    pub(crate) vsn: &'static str,
    pub(crate) talk: &'static str,
    pub(crate) quest: &'static str,
    /// The release with a way to this one and back.
    pub(crate) other: Option<&'static str>,
}

pub(crate) const RELEASES: [Pieces; 3] = [
    Pieces {
        vsn: "1.0.0",
        talk: "1.0.0",
        quest: "1.0.0",
        other: None,
    },
    Pieces {
        vsn: "1.1.0",
        talk: "1.1.0",
        quest: "1.0.0",
        other: Some("1.0.0"),
    },
    Pieces {
        vsn: "1.2.0",
        talk: "1.2.0",
        quest: "1.1.0",
        other: Some("1.1.0"),
    },
];

impl Pieces {
    pub(crate) fn rel(&self) -> String {
        let Pieces {
            vsn, talk, quest, ..
        } = self;
        format!(
            "{{release, {{\"pq\", \"{vsn}\"}}, {{erts, \"1.0.0\"}},\n [{{kernel, \"1.0.0\"}}, {{stdlib, \"1.0.0\"}}, {{quest, \"{quest}\"}}, {{talk, \"{talk}\"}}]}}.\n"
        )
    }

    fn relup(&self) -> Option<String> {
        let (vsn, other) = (self.vsn, self.other?);
        Some(format!(
            "{{\"{vsn}\",\n [{{\"{other}\",\"up to {vsn}\",[point_of_no_return]}}],\n [{{\"{other}\",\"back from {vsn}\",[point_of_no_return]}}]}}.\n"
        ))
    }

    /// The appup of `talk` between the two versions: for the author's next build, not for a node.
    fn appup(&self) -> Option<String> {
        let (talk, other) = (self.talk, self.other?);
        Some(format!(
            "{{\"{talk}\",\n [{{\"{other}\",[{{load_module,talk}}]}}],\n [{{\"{other}\",[{{load_module,talk}}]}}]}}.\n"
        ))
    }

    /// Writes the release to `root`, as its author does.
    pub(crate) fn lay_out(&self, root: &Path) {
        let apps = [
            app("talk", self.talk, "quest"),
            app("quest", self.quest, "kernel"),
        ];
        let libraries = [library("talk", self.talk), library("quest", self.quest)];
        let appup = self.appup();
        let appups = [appup.as_deref(), None];
        let pieces = |nth: usize| AppPieces {
            app: &apps[nth],
            appup: appups[nth],
            library: Some(&libraries[nth]),
        };
        let (rel, relup) = (self.rel(), self.relup());
        let spec = ReleaseSpec {
            rel: &rel,
            sys_config: Some("[{talk, [{port, 8080}]}].\n"),
            configs: vec![],
            relup: relup.as_deref(),
            applications: vec![pieces(0), pieces(1)],
        };
        write_release(root, &spec).unwrap();
    }
}

pub(crate) fn app(name: &str, vsn: &str, needs: &str) -> String {
    format!(
        "{{application, {name}, [{{description, \"\"}}, {{vsn, \"{vsn}\"}}, {{modules, [{name}]}}, {{registered, []}}, {{applications, [{needs}]}}]}}.\n"
    )
}

/// Bytes in place of a library: 20 KiB of a xorshift generator, which are incompressible.
fn library(name: &str, vsn: &str) -> Vec<u8> {
    let mix = |seed: u64, byte: u8| seed.wrapping_mul(31).wrapping_add(u64::from(byte));
    let seed = name.bytes().chain(vsn.bytes()).fold(1, mix);
    let next = |state: &u64| {
        let mut next = *state;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        Some(next)
    };
    let states = std::iter::successors(Some(seed), next);
    states
        .map(|state| (state >> 32) as u8)
        .take(20_480)
        .collect()
}

/// A library with only a valid form and manifest: enough to identify its application.
pub(crate) fn elf(application: &str, vsn: &str) -> Vec<u8> {
    let manifest = format!("{{library,\"{application}\",\"{vsn}\",[{{abi,1}},{{modules,[]}}]}}.");
    let names = b"\0.pq.manifest\0.shstrtab\0";
    let (machine, header, section) = match std::env::consts::ARCH {
        "aarch64" => (183_u16, 64_u64, 64_u16),
        _ => (62, 64, 64),
    };
    let names_at = header + manifest.len() as u64;
    let table_at = (names_at + names.len() as u64).next_multiple_of(8);
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
    bytes.resize(16, 0);
    let halves = |bytes: &mut Vec<u8>, values: &[u16]| {
        values
            .iter()
            .for_each(|value| bytes.extend(value.to_le_bytes()));
    };
    halves(&mut bytes, &[3, machine, 1, 0]);
    for value in [0, 0, table_at] {
        bytes.extend(value.to_le_bytes());
    }
    halves(&mut bytes, &[0, 0, 64, 56, 0, section, 3, 2]);
    bytes.extend(manifest.as_bytes());
    bytes.extend(names);
    bytes.resize(table_at as usize + 64, 0);
    let places = [
        (1_u32, 1_u32, header, manifest.len() as u64),
        (14, 3, names_at, names.len() as u64),
    ];
    for (name, kind, at, size) in places {
        bytes.extend(name.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        for value in [0, 0, at, size, 0, 1, 0] {
            bytes.extend(value.to_le_bytes());
        }
    }
    bytes
}

pub(crate) fn runtime() -> Runtime {
    let built_in = |name: &str| BuiltIn {
        name: name.to_string(),
        vsn: "1.0.0".to_string(),
        app_text: app(name, "1.0.0", "").replace(&format!("[{name}]"), "[]"),
    };
    Runtime {
        erts_vsn: "1.0.0".to_string(),
        built_in: vec![built_in("kernel"), built_in("stdlib")],
    }
}

/// A tree from which 1.0.0 runs, with a directory beside it for builds.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    /// A fixture in memory where the system has such a directory: syncing to a disk is slow, and most tests do not depend on
    /// it.
    pub(crate) fn new() -> Fixture {
        Fixture::of(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()))
    }

    /// A fixture on the disk.
    pub(crate) fn on_disk() -> Fixture {
        Fixture::of(tempfile::tempdir())
    }

    fn of(folder: std::io::Result<TempDir>) -> Fixture {
        let fixture = Fixture {
            folder: folder.unwrap(),
        };
        RELEASES[0].lay_out(&fixture.root());
        fixture
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A path outside the tree, beside it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn tree(&self) -> ReleaseTree {
        ReleaseTree::open(self.root(), runtime())
    }

    pub(crate) fn open(&self, running: &str) -> ReleaseRegistry {
        ReleaseRegistry::open(self.tree(), running).unwrap()
    }

    /// Builds a package of this release in a separate tree of its author.
    pub(crate) fn package(&self, vsn: &str) -> PathBuf {
        let pieces = RELEASES.iter().find(|pieces| pieces.vsn == vsn).unwrap();
        let author = self.beside(&format!("author-{vsn}"));
        pieces.lay_out(&author);
        let tree = ReleaseTree::open(author, runtime());
        make_tar(&tree, vsn, &self.beside("packages")).unwrap()
    }

    /// A registry in which 1.0.0 runs, with further releases unpacked.
    pub(crate) fn with(&self, releases: &[&str]) -> ReleaseRegistry {
        let mut registry = self.open("1.0.0");
        for vsn in releases {
            let package = self.package(vsn);
            registry.unpack(package.to_str().unwrap()).unwrap();
        }
        registry
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        snapshot(&self.root())
    }

    /// Checks that the tree has the same bytes as before.
    #[track_caller]
    pub(crate) fn is_as(&self, before: &Snapshot, context: &str) {
        let differing = differing(&self.snapshot(), before);
        assert!(differing.is_empty(), "{context}: {differing:?} changed");
    }
}

/// The contents of a directory, by path.
pub(crate) type Snapshot = BTreeMap<String, Vec<u8>>;

/// The paths in which two snapshots differ.
pub(crate) fn differing(one: &Snapshot, other: &Snapshot) -> Vec<String> {
    let all = one.keys().chain(other.keys());
    all.filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect()
}

/// Every file, directory and link below a directory: the bytes of files, and the targets of links.
pub(crate) fn snapshot(root: &Path) -> Snapshot {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let bytes = match (kind.is_symlink(), kind.is_dir()) {
                (true, _) => fs::read_link(&path).unwrap().display().to_string().into(),
                (_, true) => Vec::new(),
                _ => fs::read(&path).unwrap(),
            };
            found.insert(name, bytes);
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// The releases with their statuses: `1.1.0 current, 1.0.0 permanent`.
pub(crate) fn shown(registry: &ReleaseRegistry) -> String {
    let release = |it: &pq_release::releases::Release| format!("{} {}", it.vsn, it.status.word());
    let releases: Vec<_> = registry.which_releases().iter().map(release).collect();
    releases.join(", ")
}

/// The contents of `RELEASES`, and the release that boots.
pub(crate) fn on_disk(fixture: &Fixture) -> String {
    let tree = fixture.tree();
    let releases = tree.releases().unwrap();
    let release = |it: &pq_release::releases::Release| format!("{} {}", it.vsn, it.status.word());
    let releases: Vec<_> = releases.0.iter().map(release).collect();
    format!(
        "{}; boots {}",
        releases.join(", "),
        tree.start_erl().unwrap()
    )
}

/// Creates a named pipe.
pub(crate) fn make_pipe(place: &Path) {
    use rustix::fs::{CWD, FileType, Mode};
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(CWD, place, FileType::Fifo, mode, 0).unwrap();
}
