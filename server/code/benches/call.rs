//! The cost of a call: asking the code server for the current version, and calling through the table of a library that
//! was loaded as a release loads it.

use std::fs;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pq_abi::{Callback, Module, State};
use pq_code::CodeServer;

#[path = "../tests/hot_loading/fixture.rs"]
mod fixture;
#[path = "../tests/hot_loading/host.rs"]
mod host;

use fixture::{KEEPS_NOTHING, Variant};
use host::TestHost;
use pq_code::linking::AS_A_LIBRARY;

static V1: Variant = Variant::new("v1", "1.0.0", KEEPS_NOTHING, AS_A_LIBRARY);

/// A server with the fixture loaded and current.
fn server() -> CodeServer {
    let code = CodeServer::new();
    let folder = tempfile::TempDir::new().expect("there is room for a folder");
    let path = folder.path().join("a.so");
    fs::write(&path, V1.bytes()).expect("the folder can be written");
    let library = code
        .load_library(&path, None)
        .unwrap_or_else(|error| panic!("failed to {error}"));
    code.make_all_current(library)
        .unwrap_or_else(|error| panic!("failed to {error}"));
    code
}

fn call(c: &mut Criterion) {
    let code = server();
    c.bench_function("current", |b| {
        b.iter(|| code.current(black_box("fix_words")))
    });
    c.bench_function("current of an unknown module", |b| {
        b.iter(|| code.current(black_box("fix_absent")))
    });
    let counter = code.current("fix_counter").expect("it was made current");
    c.bench_function("is_current", |b| {
        b.iter(|| code.is_current(black_box(counter)))
    });
    handle(c, &code, counter);
    module_call(c, &code);
    panics(c, &code, counter);
    verify(c);
}

/// All steps before the dynamic linker: reading, SHA-256, form, manifest, lint.
fn verify(c: &mut Criterion) {
    let folder = tempfile::TempDir::new().expect("there is room for a folder");
    let path = folder.path().join("a.so");
    fs::write(&path, V1.bytes()).expect("the folder can be written");
    c.bench_function("inspect", |b| {
        b.iter(|| pq_code::inspect(black_box(&path), None))
    });
}

fn state(code: &CodeServer, counter: Module) -> State {
    host::counter(code, counter, 0)
}

/// A cast of a number: decodes one byte, adds, returns.
fn handle(c: &mut Criterion, code: &CodeServer, counter: Module) {
    let (mut state, mut host) = (state(code, counter), TestHost::new(code));
    c.bench_function("handle (a cast that adds)", |b| {
        b.iter(|| state.handle(&mut host, Callback::Cast, (0, 0), black_box(&[1])))
    });
    let undisturbed = [0xc0];
    c.bench_function("handle (an info that is ignored)", |b| {
        b.iter(|| state.handle(&mut host, Callback::Info, (0, 0), black_box(&undisturbed)))
    });
}

/// A function called by name, with arguments and result as MessagePack.
fn module_call(c: &mut Criterion, code: &CodeServer) {
    let args = rmp_serde::to_vec(&(2,)).expect("a tuple of a number is MessagePack");
    let mut host = TestHost::new(code);
    let words = code.current("fix_words").expect("it was made current");
    c.bench_function("call (module known)", |b| {
        b.iter(|| words.call(&mut host, "kept", black_box(&args)))
    });
    c.bench_function("call (current looked up)", |b| {
        b.iter(|| {
            code.current(black_box("fix_words"))
                .map(|words| words.call(&mut host, "kept", black_box(&args)))
        })
    });
    assert_eq!(host::version(code, words), "1.0.0");
}

fn panics(c: &mut Criterion, code: &CodeServer, counter: Module) {
    #[derive(serde::Serialize)]
    enum Request {
        Panic,
    }
    let mut state = state(code, counter);
    c.bench_function("a panic that is caught", |b| {
        b.iter(|| host::ask(code, &mut state, &Request::Panic))
    });
}

criterion_group!(benches, call);
criterion_main!(benches);
