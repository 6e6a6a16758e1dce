//! The sources of a small application: a package without dependencies, not even std, so that a build takes half a second. A node
//! can load its library.

const MANIFEST: &str = r#"[package]
name = "lamp-1_0_0"
version = "1.0.0"
edition = "2024"
"#;

/// The configuration of cargo: without std, a panic cannot unwind.
pub(crate) const CONFIG: &str = "[build]\nrustflags = [\"-C\", \"panic=abort\"]\n";

const APP: &str = "{application, lamp, [{description, \"\"}, {vsn, \"1.0.0\"}, {modules, [lamp]}, \
    {registered, []}, {applications, [kernel, stdlib]}]}.\n";

/// The text of its `.rel` file.
pub(crate) const REL: &str = "{release, {\"lamp\", \"1.0.0\"}, {erts, \"1.0.0\"}, \
    [{kernel, \"1.0.0\"}, {stdlib, \"1.0.0\"}, {lamp, \"1.0.0\"}]}.\n";

/// The code that `pq_sdk::library!` generates for a module of functions, written by hand with the types of
/// `pq_abi::raw` before its first addition.
const LIB: &str = r#"//! A lamp.
#![no_std]
pub mod lamp;

use core::ffi::c_void;

const DIGEST: &str = match option_env!("PQ_DIGESTS") {
    Some(list) => list.split_at("lamp=".len()).1.split_at(list.len() - "lamp=;".len()).0,
    None => "",
};
const PARTS: [&str; 3] = [
    "{library,\"lamp\",\"1.0.0\",[{abi,1886453762},{modules,[{lamp,\"1.0.0\",functions,[",
    DIGEST,
    "]}]}]}.",
];
const LEN: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len();
#[used]
#[unsafe(link_section = ".pq.manifest")]
static MANIFEST: [u8; LEN] = {
    let (mut bytes, mut at, mut part) = ([0; LEN], 0, 0);
    while part < PARTS.len() {
        let mut byte = 0;
        while byte < PARTS[part].len() {
            bytes[at] = PARTS[part].as_bytes()[byte];
            (at, byte) = (at + 1, byte + 1);
        }
        part += 1;
    }
    bytes
};

#[repr(C)]
pub struct Slice(*const u8, usize);

const fn slice(bytes: &[u8]) -> Slice {
    Slice(bytes.as_ptr(), bytes.len())
}

#[repr(C)]
pub struct Op {
    code: u32,
    operands: [u64; 2],
    name: Slice,
    data: Slice,
    result: Slice,
}

#[repr(C)]
pub struct HostTable {
    ctx: *mut c_void,
    op: unsafe extern "C" fn(*mut c_void, *mut Op) -> u64,
    epoch: *const c_void,
}

/// A callback that reports every request as unknown.
type Nothing = extern "C" fn() -> u32;

extern "C" fn nothing() -> u32 {
    5
}

#[repr(C)]
pub struct ModuleTable {
    name: Slice,
    vsn: Slice,
    registered: Slice,
    kind: u32,
    init: Nothing,
    handle: Nothing,
    call: unsafe extern "C" fn(*const HostTable, Slice, Slice) -> u32,
    export: Nothing,
    import: Nothing,
    code_change: Nothing,
    drop: Nothing,
}

#[repr(C)]
pub struct LibraryTable {
    abi: u64,
    size: usize,
    manifest: Slice,
    modules: *const &'static ModuleTable,
    modules_len: usize,
    attach: extern "C" fn(*const c_void),
}

unsafe impl Sync for ModuleTable {}
unsafe impl Sync for LibraryTable {}

/// Answers `module_info/0` with `[{"shine",0}]`, and `shine/0`.
unsafe extern "C" fn call(host: *const HostTable, function: Slice, _args: Slice) -> u32 {
    let answer: &[u8] = match unsafe { core::slice::from_raw_parts(function.0, function.1) } {
        b"module_info" => b"\x91\x92\xa5shine\x00",
        b"shine" => &[lamp::shine()],
        _ => return nothing(),
    };
    let mut out = Op {
        code: 0,
        operands: [0, 0],
        name: slice(b""),
        data: slice(answer),
        result: slice(b""),
    };
    unsafe { ((*host).op)((*host).ctx, &mut out) };
    0
}

extern "C" fn attach(_memory: *const c_void) {}

static LAMP: ModuleTable = ModuleTable {
    name: slice(b"lamp"),
    vsn: slice(b"1.0.0"),
    registered: slice(b""),
    kind: 0,
    init: nothing,
    handle: nothing,
    call,
    export: nothing,
    import: nothing,
    code_change: nothing,
    drop: nothing,
};

static MODULES: [&ModuleTable; 1] = [&LAMP];

static LIBRARY: LibraryTable = LibraryTable {
    abi: 1886453762,
    size: size_of::<LibraryTable>(),
    manifest: slice(&MANIFEST),
    modules: MODULES.as_ptr(),
    modules_len: MODULES.len(),
    attach,
};

#[unsafe(no_mangle)]
static PQ_LIBRARY: &LibraryTable = &LIBRARY;

#[panic_handler]
fn halt(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
"#;

const LAMP: &str = "pub fn shine() -> u8 { 1 }\n";

/// The files of a version, by their paths in the directory of its package.
pub(crate) fn package(vsn: &str) -> [(&'static str, String); 4] {
    let manifest = MANIFEST.replace("1_0_0", &vsn.replace('.', "_"));
    [
        ("Cargo.toml", manifest.replace("1.0.0", vsn)),
        ("lamp.app", APP.replace("1.0.0", vsn)),
        ("src/lib.rs", LIB.replace("1.0.0", vsn)),
        ("src/lamp.rs", LAMP.to_string()),
    ]
}
