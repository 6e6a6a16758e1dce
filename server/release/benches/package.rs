//! The cost of a package's proof: its signature, and the checksums of 20 MB of files, with and without the archive around them.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use pq_release::boot::{ReleaseTree, Runtime};
use pq_release::checksums::sha256;
use pq_release::package::{Contents, make_tar, sign};
use pq_release::tree::{AppPieces, ReleaseSpec, write_release};
use pq_signing::{Date, Keys, SecretKey, Trusted};

/// The size of the library in the package. That of Process Quest has half a megabyte.
const LIBRARY_BYTES: usize = 20_000_000;

const REL: &str = "{release, {\"big\", \"1.0.0\"}, {erts, \"1.0.0\"}, [{big, \"1.0.0\"}]}.\n";

const APP: &str = "{application, big, [{description, \"\"}, {vsn, \"1.0.0\"}, {modules, [big]}, {registered, []}, {applications, []}]}.\n";

/// The bytes of a xorshift generator, which no archive makes smaller.
fn noise(count: usize) -> Vec<u8> {
    let next = |state: &u64| {
        let mut next = *state;
        next ^= next << 13;
        next ^= next >> 7;
        next ^= next << 17;
        Some(next)
    };
    let states = std::iter::successors(Some(0x9e37_79b9_7f4a_7c15), next);
    states.map(|state| state as u8).take(count).collect()
}

/// Lays out the release and packs it.
fn package(folder: &Path, library: &[u8]) -> std::path::PathBuf {
    let spec = ReleaseSpec {
        rel: REL,
        sys_config: None,
        configs: vec![],
        relup: None,
        applications: vec![AppPieces {
            app: APP,
            appup: None,
            library: Some(library),
        }],
    };
    write_release(folder, &spec).unwrap_or_else(|error| panic!("failed to {error}"));
    let runtime = Runtime {
        erts_vsn: "1.0.0".to_string(),
        built_in: Vec::new(),
    };
    let tree = ReleaseTree::open(folder, runtime);
    make_tar(&tree, "1.0.0", folder).unwrap_or_else(|error| panic!("failed to {error}"))
}

fn proof(c: &mut Criterion) {
    let folder = tempfile::TempDir::new().expect("a temporary directory can be made");
    let library = noise(LIBRARY_BYTES);
    let package = package(&folder.path().join("tree"), &library);
    let file = folder.path().join("key");
    let public = SecretKey::make(&file, None).unwrap_or_else(|error| panic!("failed to {error}"));
    let key = SecretKey::read(&file, None).unwrap_or_else(|error| panic!("failed to {error}"));
    sign(&package, &key, 1).unwrap_or_else(|error| panic!("failed to {error}"));
    let mut keys = Keys::default();
    let trusted = Trusted {
        key: public,
        note: None,
        until: None,
    };
    keys.trust(trusted)
        .unwrap_or_else(|error| panic!("failed to {error}"));
    let contents = Contents::read(&package, keys.clone());
    let contents = contents.unwrap_or_else(|error| panic!("failed to {error}"));
    let (sums, signature) = (
        contents.sums.to_text(),
        contents.signature().unwrap_or_default(),
    );
    let today = Date::today();
    c.bench_function("signature and checksums of 20 MB", |b| {
        b.iter(|| {
            let signed = keys.judge(black_box(sums.as_bytes()), signature, &today);
            (signed.is_ok(), sha256(black_box(&library)))
        })
    });
    c.bench_function("signature alone", |b| {
        b.iter(|| keys.judge(black_box(sums.as_bytes()), signature, &today))
    });
    c.bench_function("package of 20 MB read, judged and compared", |b| {
        b.iter(|| Contents::read(black_box(&package), keys.clone()))
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = proof
}
criterion_main!(benches);
