//! Each refusal with its step. A refusal leaves the server unchanged.

use std::fs;
use std::path::{Path, PathBuf};

use pq_abi::{ABI_STAMP, raw::LibraryTable};
use pq_code::{Checksum, FailedStep, LoadError, inspect};

use pq_code::linking::AS_A_LIBRARY;

use super::fixture::{KEEPS_NOTHING, Variant};

use super::growth::Tables;
use super::patch;
use super::support::{Node, V1, V2};

static WITH_DESTRUCTOR: Variant = Variant::new(
    "destructor",
    "1.0.0",
    "thread_local! { static SEEN: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) } }
     fn kept() -> u64 { SEEN.with_borrow_mut(|seen| { seen.push(1); seen.len() as u64 }) }",
    AS_A_LIBRARY,
);
static WITH_KEY: Variant = Variant::new(
    "key",
    "1.0.0",
    "fn kept() -> u64 { std::thread::current().name().map_or(0, |name| name.len() as u64) }",
    AS_A_LIBRARY,
);
static WITH_THREAD: Variant = Variant::new(
    "thread",
    "1.0.0",
    "fn kept() -> u64 { std::thread::spawn(|| 7).join().unwrap_or(0) }",
    AS_A_LIBRARY,
);
static WITH_MATHEMATICS: Variant = Variant::new(
    "mathematics",
    "1.0.0",
    "fn kept() -> u64 { std::hint::black_box(2.5f64).powf(std::hint::black_box(1.5)).to_bits() }",
    AS_A_LIBRARY,
);
static WITHOUT_CFG: Variant = Variant::new("without_cfg", "1.0.0", KEEPS_NOTHING, &[]);

/// Loads the bytes into a server that has a library, and checks that nothing changes there.
fn refusal(bytes: &[u8]) -> LoadError {
    refusal_of(|node| node.write("refused.so", bytes), None)
}

fn refusal_of(path: impl FnOnce(&Node) -> PathBuf, expected: Option<Checksum>) -> LoadError {
    let node = Node::new();
    let library = node.load("good.so", V1.bytes());
    node.code
        .make_all_current(library)
        .expect("the library is loaded");
    let path = path(&node);
    let before = (
        format!("{:?}", node.code.loaded()),
        node.code.libraries().len(),
        epoch(&node),
    );
    let error = node
        .code
        .load_library(&path, expected)
        .expect_err("the library must be refused");
    let after = (
        format!("{:?}", node.code.loaded()),
        node.code.libraries().len(),
        epoch(&node),
    );
    assert_eq!(before, after, "{error}");
    assert_eq!(node.version(library), "1.0.0");
    assert!(
        error.to_string().contains(&*path.to_string_lossy()),
        "{error}"
    );
    error
}

fn epoch(node: &Node) -> u64 {
    node.code.epoch().load(std::sync::atomic::Ordering::Acquire)
}

macro_rules! assert_refused {
    ($error:expr, $step:pat, $sentence:expr) => {
        let error: LoadError = $error;
        assert!(matches!(error.step, $step), "{error:?}");
        assert!(error.to_string().contains($sentence), "{error}");
    };
}

#[test]
fn a_thread_local_with_a_destructor_is_refused() {
    assert_refused!(
        refusal(WITH_DESTRUCTOR.bytes()),
        FailedStep::Import { .. },
        "__cxa_thread_atexit_impl"
    );
}

#[test]
fn code_that_takes_a_key_of_the_thread_library_is_refused() {
    for variant in [&WITH_KEY, &WITH_THREAD] {
        let error = refusal(variant.bytes());
        assert!(matches!(error.step, FailedStep::Import { .. }), "{error:?}");
        let named = ["`pthread_key_create`", "`__cxa_thread_atexit_impl`"];
        assert!(
            named.iter().any(|name| error.to_string().contains(name)),
            "{error}"
        );
    }
}

#[test]
fn mathematics_of_the_c_library_is_allowed() {
    let needed = b"\0libm.so.6\0";
    let bytes = WITH_MATHEMATICS.bytes();
    assert!(
        bytes.windows(needed.len()).any(|window| window == needed),
        "or this tests nothing"
    );
    let node = Node::new();
    let library = node.load("a.so", bytes);
    assert_eq!(node.version(library), "1.0.0");
}

#[test]
fn another_abi_stamp_in_the_manifest_is_refused_before_anything_runs() {
    let (ours, other) = (
        format!("{{abi,{ABI_STAMP}}}"),
        format!("{{abi,{}}}", ABI_STAMP + 1),
    );
    let patched = patch::section(V1.bytes(), ".pq.manifest", &ours, &other);
    assert_refused!(
        refusal(&patched),
        FailedStep::Abi { .. },
        "ABI stamp 0x70710003, this node has 0x70710002"
    );
}

#[test]
fn another_abi_stamp_in_the_table_is_refused() {
    let size = (size_of::<LibraryTable>() as u64).to_le_bytes();
    let claims = |abi: u64| [abi.to_le_bytes(), size].concat();
    let patched = patch::replaced(V1.bytes(), &claims(ABI_STAMP), &claims(ABI_STAMP + 1));
    assert_refused!(
        refusal(&patched),
        FailedStep::Table(_),
        "it has ABI stamp 0x70710003, this node has 0x70710002"
    );
}

#[test]
fn tables_that_have_less_than_those_of_the_first_libraries_are_refused() {
    let least = LibraryTable::LEAST as u64;
    assert_refused!(
        refusal(&Tables::of(&V1).with(least - 8, 0)),
        FailedStep::Table(_),
        "it has 48 bytes, and 56 are the least"
    );
    assert_refused!(
        refusal(&Tables::of(&V1).with(least + 8, 8)),
        FailedStep::Table(_),
        "the table of a module has 8 bytes, and 112 are the least"
    );
}

#[test]
fn modules_that_are_not_those_of_the_manifest_are_refused() {
    let manifest = |from, to: &str| patch::section(V1.bytes(), ".pq.manifest", from, to);
    let other_vsn = manifest("{fix_words,\"1.0.0\"", "{fix_words,\"1.0.7\"");
    let sentence =
        "lists fix_words 1.0.7 (functions) where its table has fix_words 1.0.0 (functions)";
    assert_refused!(refusal(&other_vsn), FailedStep::Modules { .. }, sentence);
    let one_less = manifest(",{fix_words,\"1.0.0\",functions,[]}", &" ".repeat(33));
    let sentence = "lists nothing where its table has fix_words 1.0.0 (functions)";
    assert_refused!(refusal(&one_less), FailedStep::Modules { .. }, sentence);
    let other_kind = manifest("gen_server", "supervisor");
    assert_refused!(
        refusal(&other_kind),
        FailedStep::Modules { .. },
        "fix_counter 1.0.0 (supervisor)"
    );
}

#[test]
fn a_manifest_that_cannot_be_understood_is_refused_with_its_place() {
    let broken = patch::section(V1.bytes(), ".pq.manifest", "{library,", "{library;");
    assert_refused!(refusal(&broken), FailedStep::Manifest(_), "line 1");
    let other = patch::section(V1.bytes(), ".pq.manifest", "{library,", "{archive,");
    assert_refused!(
        refusal(&other),
        FailedStep::Manifest(_),
        "it has `archive`, where `library` belongs"
    );
}

#[test]
fn a_file_that_was_cut_off_is_refused_wherever_it_was_cut() {
    let whole = V1.bytes();
    for part in 1..16 {
        let cut = &whole[..whole.len() * part / 16];
        assert_refused!(refusal(cut), FailedStep::Form(_), "is it whole?");
    }
    let headers_only = &whole[..40];
    assert_refused!(refusal(headers_only), FailedStep::Form(_), "is it whole?");
    let beyond = patch::segment(
        whole,
        |kind, _| kind == PT_LOAD,
        |load| load.file_bytes = 1 << 40,
    );
    assert_refused!(refusal(&beyond), FailedStep::Form(_), "it is cut off");
    let endless: [fn(&mut patch::Header); 2] = [
        |load| load.memory_bytes = u64::MAX,
        |load| load.memory_bytes = 1 << 40,
    ];
    for change in endless {
        let patched = patch::segment(whole, |kind, _| kind == PT_LOAD, change);
        assert_refused!(
            refusal(&patched),
            FailedStep::Form(_),
            "segments that could be mapped"
        );
    }
}

#[test]
fn files_that_are_no_libraries_are_refused_as_what_they_are() {
    assert_refused!(
        refusal(b""),
        FailedStep::Form(_),
        "it begins with \"\", not with an ELF header"
    );
    assert_refused!(
        refusal(b"hello, world\n"),
        FailedStep::Form(_),
        "it begins with \"hello, w\""
    );
    let program = fs::read("/bin/true").expect("every Linux has /bin/true");
    assert_refused!(refusal(&program), FailedStep::Form(_), "it is a program");
    let mathematics = fs::read(c_library().with_file_name("libm.so.6"))
        .expect("libm is in the directory of the C library");
    assert_refused!(
        refusal(&mathematics),
        FailedStep::NoManifest,
        "it has no section `.pq.manifest`"
    );
    let c = fs::read(c_library()).expect("the C library is mapped");
    assert!(matches!(
        refusal(&c).step,
        FailedStep::Form(_) | FailedStep::NoManifest
    ));
    assert_refused!(
        refusal(WITHOUT_CFG.bytes()),
        FailedStep::NoManifest,
        "linked with `--cfg pq_library`"
    );
    let mut foreign = V1.bytes().to_vec();
    foreign[18] = 243; // RISC-V, which no node of ours runs on.
    assert_refused!(
        refusal(&foreign),
        FailedStep::Form(_),
        "it is for machine 243"
    );
}

fn c_library() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").expect("this is Linux");
    let line = maps.lines().find(|line| line.ends_with("/libc.so.6"));
    line.and_then(|line| line.split_whitespace().last())
        .map(PathBuf::from)
        .expect("this program has a C library")
}

#[test]
fn what_is_no_readable_file_is_refused() {
    let gone = refusal_of(|node| node.path("gone.so"), None);
    assert_refused!(gone, FailedStep::Read(_), "cannot be read");
    let folder = refusal_of(
        |node| {
            node.path("good.so")
                .parent()
                .map(Path::to_path_buf)
                .expect("a file is in a directory")
        },
        None,
    );
    assert_refused!(folder, FailedStep::NotAFile, "not a regular file");
}

#[test]
fn other_bytes_than_those_that_were_meant_are_refused() {
    let meant = Checksum::of(V1.bytes());
    let error = refusal_of(|node| node.write("a.so", V2.bytes()), Some(meant));
    let sentence = format!(
        "its SHA-256 is {}, and {meant} is wanted",
        Checksum::of(V2.bytes())
    );
    assert_refused!(error, FailedStep::Checksum { .. }, &sentence);
    let node = Node::new();
    let path = node.write("a.so", V1.bytes());
    assert!(node.code.load_library(&path, Some(meant)).is_ok());
}

#[test]
fn a_need_besides_the_c_library_is_refused() {
    let other = patch::section(V1.bytes(), ".dynstr", "libgcc_s.so.1", "libssl3.so.33");
    assert_refused!(
        refusal(&other),
        FailedStep::Needs(_),
        "it needs `libssl3.so.33`"
    );
}

const PT_LOAD: u32 = 1;
const PT_GNU_STACK: u32 = 0x6474_e551;
const WRITE: u32 = 2;

#[test]
fn memory_that_could_be_written_and_run_is_refused() {
    let code = |kind, flags| kind == PT_LOAD && flags & WRITE != 0;
    let both = patch::segment(V1.bytes(), code, |load| load.flags |= 1);
    assert_refused!(
        refusal(&both),
        FailedStep::Linked { .. },
        "a segment that is writable and executable"
    );
    let stack = patch::segment(
        V1.bytes(),
        |kind, _| kind == PT_GNU_STACK,
        |stack| stack.flags |= 1,
    );
    assert_refused!(
        refusal(&stack),
        FailedStep::Linked { .. },
        "an executable stack"
    );
}

#[test]
fn run_paths_and_relocations_in_code_are_refused() {
    // The number of relative relocations is a hint, which no step before the refusal reads.
    let count = relative_relocations(V1.bytes());
    let tagged = |tag: u64| {
        patch::replaced(
            V1.bytes(),
            &count,
            &[&tag.to_le_bytes(), &count[8..]].concat(),
        )
    };
    for (tag, sentence) in [
        (15, "DT_RPATH"),
        (29, "DT_RUNPATH"),
        (22, "DT_TEXTREL"),
        (0x6fff_fefc, "DT_AUDIT"),
    ] {
        assert_refused!(refusal(&tagged(tag)), FailedStep::Linked { .. }, sentence);
    }
}

/// The entry DT_RELACOUNT of the dynamic table as bytes.
fn relative_relocations(bytes: &[u8]) -> Vec<u8> {
    let tag = 0x6fff_fff9_u64.to_le_bytes();
    let at = (0..bytes.len())
        .find(|at| bytes[*at..].starts_with(&tag))
        .expect("libraries in Rust have this entry");
    bytes[at..at + 16].to_vec()
}

#[test]
fn a_library_without_its_table_is_refused_before_anything_runs() {
    let renamed = patch::section(V1.bytes(), ".dynstr", "\0PQ_LIBRARY\0", "\0PQ_LIBRARX\0");
    assert_refused!(
        refusal(&renamed),
        FailedStep::NoTable,
        "exports no `PQ_LIBRARY`"
    );
}

#[test]
fn an_import_that_nobody_has_is_refused_by_the_dynamic_linker() {
    let unknown = patch::section(V1.bytes(), ".dynstr", "\0getcwd\0", "\0getxyz\0");
    assert_refused!(refusal(&unknown), FailedStep::Open(_), "getxyz");
}

#[test]
fn a_library_says_what_it_is_without_being_loaded() {
    let node = Node::new();
    let path = node.write("a.so", V2.bytes());
    let manifest = inspect(&path, Some(Checksum::of(V2.bytes()))).expect("the library is valid");
    assert_eq!(
        (&*manifest.application, &*manifest.vsn, manifest.abi),
        ("fixture", "1.1.0", ABI_STAMP)
    );
    let modules: Vec<_> = manifest
        .modules
        .iter()
        .map(|module| (&*module.name, &*module.vsn))
        .collect();
    assert_eq!(modules, [("fix_counter", "1.1.0"), ("fix_words", "1.1.0")]);
    let mapped = fs::read_to_string("/proc/self/maps").expect("this is Linux");
    assert!(!mapped.contains(&*path.to_string_lossy()));
}
