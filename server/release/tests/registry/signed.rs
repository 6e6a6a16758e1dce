//! Signed packages: a tree that trusts a key unpacks and installs only what that key has signed. Ten attacks are refused, each with
//! exit code 10, a sentence, and a tree that keeps its bytes.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use pq_protocol::Exit;
use pq_release::boot::{Standing, is_as_signed};
use pq_release::checksums::sha256;
use pq_release::package::{Author, sign};
use pq_release::registry::{RegistryError, ReleaseRegistry};
use pq_signing::{Date, Keys, SecretKey, Trusted};

use crate::archive::{Entry, entries, file, gzip, tar};
use crate::fixture::{Fixture, Snapshot};

/// The tree of an operator, and the key of an author, which the tree trusts.
struct Signed {
    fixture: Fixture,
    key: SecretKey,
}

impl Signed {
    fn new() -> Signed {
        let fixture = Fixture::new();
        let key = new_key(&fixture, "author");
        let signed = Signed { fixture, key };
        signed.trust(&signed.key, None);
        signed
    }

    fn trust(&self, key: &SecretKey, until: Option<&str>) {
        let until: Option<Date> = until.map(|day| day.parse().unwrap());
        let note = Some("build machine".to_string());
        let key = key.public().clone();
        self.change(|keys| keys.trust(Trusted { key, note, until }).unwrap());
    }

    fn revoke(&self, key: &SecretKey) {
        let day: Date = "2026-11-30".parse().unwrap();
        self.change(|keys| keys.revoke(key.public().id(), day).unwrap());
    }

    fn change(&self, change: impl FnOnce(&mut Keys)) {
        let root = self.fixture.root();
        let mut keys = Keys::read(&root).unwrap();
        change(&mut keys);
        keys.write(&root).unwrap();
    }

    /// A package of this release with the author's signature.
    fn package(&self, vsn: &str, seq: u64) -> PathBuf {
        let package = self.fixture.package(vsn);
        sign(&package, &self.key, seq).unwrap();
        package
    }

    /// A package with changed entries, of which the signature knows nothing.
    fn forged(&self, change: impl FnOnce(&mut Vec<Entry>)) -> PathBuf {
        let mut found = entries(&fs::read(self.package("1.1.0", 7)).unwrap());
        change(&mut found);
        let package = self.fixture.beside("forged.tar.gz");
        fs::write(&package, gzip(&tar(&found))).unwrap();
        package
    }

    /// Checks that the package is refused with this sentence, and that the tree keeps its bytes.
    #[track_caller]
    fn refuses(&self, package: &Path, expected: Expect) {
        let mut registry = self.fixture.open("1.0.0");
        let before = self.fixture.snapshot();
        let error = registry.unpack(package.to_str().unwrap()).unwrap_err();
        self.is_refusal(&error, &before, expected);
    }

    #[track_caller]
    fn is_refusal(&self, error: &RegistryError, before: &Snapshot, expected: Expect) {
        self.fixture.is_as(before, &error.to_string());
        assert_eq!(error.exit(), Exit::Checksum, "{error}");
        expected.assert_eq(&self.shown(&error.to_string()));
    }

    /// A sentence without the paths and keys of this run.
    fn shown(&self, sentence: &str) -> String {
        let root = self.fixture.root().display().to_string();
        let beside = self.fixture.beside("").display().to_string();
        let key = self.key.public().id().to_string();
        let sentence = sentence.replace(&root, "ROOT").replace(&beside, "");
        let sentence = sentence.replace(&key, "KEY");
        // The place of the cut decides which reader notices it.
        let ends = [
            "incomplete deflate stream",
            "unexpected end of file",
            "it ends within a file",
        ];
        ends.iter()
            .fold(sentence, |sentence, end| sentence.replace(end, "CUT"))
    }
}

fn new_key(fixture: &Fixture, name: &str) -> SecretKey {
    let file = fixture.beside(name);
    SecretKey::make(&file, None).unwrap();
    SecretKey::read(&file, None).unwrap()
}

fn text(entry: &mut Entry, change: impl FnOnce(String) -> String) {
    entry.bytes = change(String::from_utf8(entry.bytes.clone()).unwrap()).into_bytes();
}

fn signature(entries: &mut [Entry]) -> &mut Entry {
    let mut found = entries.iter_mut();
    found
        .find(|entry| entry.name == "SHA256SUMS.minisig")
        .unwrap()
}

fn unpack(registry: &mut ReleaseRegistry, package: &Path) -> Author {
    registry.unpack(package.to_str().unwrap()).unwrap().author
}

#[test]
fn a_signed_package_is_unpacked_and_its_release_boots() {
    let signed = Signed::new();
    let mut registry = signed.fixture.open("1.0.0");
    let author = unpack(&mut registry, &signed.package("1.1.0", 7));
    expect!["signed with key KEY, number 7 (build machine)"]
        .assert_eq(&signed.shown(&author.to_string()));
    let boot = signed.fixture.tree().boot_vsn("1.1.0").unwrap();
    let Standing::Proven(standing) = boot.standing else {
        panic!("{:?}", boot.standing)
    };
    assert_eq!(standing.comment.to_string(), "pq 1.1.0 seq=7 from=1.0.0");
    // The running release was built in the tree before the key was trusted.
    let running = signed.fixture.tree().boot_vsn("1.0.0").unwrap();
    assert_eq!(
        running.remarks,
        ["release 1.0.0 is unsigned, and this tree trusts keys"]
    );
}

#[test]
fn without_a_key_every_author_is_right() {
    let fixture = Fixture::new();
    let mut registry = fixture.open("1.0.0");
    let author = unpack(&mut registry, &fixture.package("1.1.0"));
    assert_eq!(author.to_string(), "unsigned");
    let key = new_key(&fixture, "author");
    let package = fixture.package("1.2.0");
    sign(&package, &key, 1).unwrap();
    assert_eq!(
        unpack(&mut registry, &package),
        Author::Claimed(key.public().id())
    );
    assert!(fixture.tree().boot_vsn("1.2.0").unwrap().remarks.is_empty());
}

#[test]
fn an_unsigned_package_is_refused_and_a_signature_can_be_added() {
    let signed = Signed::new();
    let package = signed.fixture.package("1.1.0");
    signed.refuses(
        &package,
        expect!["accept package packages/pq-1.1.0.tar.gz: it is unsigned, and this tree trusts one key: `pq sign` signs a package, and `pq tar` does when its author has a key"],
    );
    // A signature that comes behind a file could only be judged when that file is on the disk.
    let late = signed.forged(|entries| entries.rotate_left(2));
    signed.refuses(
        &late,
        expect!["accept package forged.tar.gz: it is unsigned, and this tree trusts one key: `pq sign` signs a package, and `pq tar` does when its author has a key"],
    );
    sign(&package, &signed.key, 1).unwrap();
    unpack(&mut signed.fixture.open("1.0.0"), &package);
}

#[test]
fn attack_1_another_key() {
    let signed = Signed::new();
    let package = signed.fixture.package("1.1.0");
    let other = new_key(&signed.fixture, "other");
    sign(&package, &other, 7).unwrap();
    let other = other.public().id().to_string();
    let mut registry = signed.fixture.open("1.0.0");
    let before = signed.fixture.snapshot();
    let error = registry.unpack(package.to_str().unwrap()).unwrap_err();
    assert!(error.to_string().contains(&other), "{error}");
    signed.fixture.is_as(&before, "another key");
    assert_eq!(error.exit(), Exit::Checksum);
    expect!["accept package packages/pq-1.1.0.tar.gz: it is signed with key OTHER, which this tree does not trust; if you do, `pq key trust FILE` adds the key"]
        .assert_eq(&signed.shown(&error.to_string()).replace(&other, "OTHER"));
}

#[test]
fn attack_2_a_revoked_key() {
    let signed = Signed::new();
    let second = new_key(&signed.fixture, "second");
    signed.trust(&second, None);
    let package = signed.package("1.1.0", 7);
    signed.revoke(&signed.key);
    signed.refuses(
        &package,
        expect!["accept package packages/pq-1.1.0.tar.gz: it is signed with key KEY, which was revoked on 2026-11-30; sign it with another key"],
    );
    // The revocation of the last key does not open the tree to everybody.
    signed.revoke(&second);
    signed.refuses(
        &signed.fixture.package("1.1.0"),
        expect!["accept package packages/pq-1.1.0.tar.gz: it is unsigned, and this tree trusts no key any more: `pq sign` signs a package, and `pq tar` does when its author has a key"],
    );
}

#[test]
fn attack_3_a_key_after_its_end() {
    let signed = Signed::new();
    let package = signed.package("1.1.0", 7);
    let mut registry = signed.fixture.open("1.0.0");
    unpack(&mut registry, &package);
    signed.trust(&signed.key, Some("2026-01-31"));
    // The end stops no node: the release in the tree boots, with a remark.
    let boot = signed.fixture.tree().boot_vsn("1.1.0").unwrap();
    assert_eq!(
        signed.shown(&boot.remarks.join("")),
        "release 1.1.0 is signed with key KEY, which was trusted until 2026-01-31"
    );
    registry.remove("1.1.0").unwrap();
    signed.refuses(
        &package,
        expect!["accept package packages/pq-1.1.0.tar.gz: it is signed with key KEY, which was trusted until 2026-01-31; sign it with another key, or trust this one for longer"],
    );
}

#[test]
fn attack_4_a_cut_package_and_a_cut_signature() {
    let signed = Signed::new();
    let package = signed.package("1.1.0", 7);
    let bytes = fs::read(&package).unwrap();
    fs::write(&package, &bytes[..bytes.len() / 2]).unwrap();
    signed.refuses(
        &package,
        expect!["accept package packages/pq-1.1.0.tar.gz: it cannot be read to its end (CUT); a tar archive packed with gzip would be right"],
    );
    let cut = signed.forged(|entries| {
        text(signature(entries), |text| {
            text.lines()
                .take(3)
                .map(|line| format!("{line}\n"))
                .collect()
        });
    });
    signed.refuses(
        &cut,
        expect!["accept package forged.tar.gz: its signature is cut or malformed; the four lines that minisign or `pq sign` writes would be right"],
    );
}

#[test]
fn attack_5_the_legacy_algorithm() {
    let signed = Signed::new();
    // `ED` and `Ed` in base64: the name of the algorithm, which the signature does not cover.
    let legacy =
        signed.forged(|entries| text(signature(entries), |text| text.replace("\nRU", "\nRW")));
    signed.refuses(
        &legacy,
        expect!["accept package forged.tar.gz: its signature has the legacy algorithm of minisign; `pq sign` or minisign from 0.10 on signs as it has to be"],
    );
}

#[test]
fn attack_6_a_changed_comment() {
    let signed = Signed::new();
    let changed =
        signed.forged(|entries| text(signature(entries), |text| text.replace("seq=7", "seq=8")));
    signed.refuses(
        &changed,
        expect!["accept package forged.tar.gz: its signature is not that of key KEY: the checksums or the comment of the signature were changed"],
    );
}

#[test]
fn attack_7_an_old_package() {
    let signed = Signed::new();
    let mut registry = signed.fixture.open("1.0.0");
    unpack(&mut registry, &signed.package("1.2.0", 7));
    let old = signed.package("1.1.0", 6);
    let before = signed.fixture.snapshot();
    let error = registry.unpack(old.to_str().unwrap()).unwrap_err();
    signed.is_refusal(
        &error,
        &before,
        expect!["accept package packages/pq-1.1.0.tar.gz: its number is 6, and a package with the number 7 was unpacked before: it may be an old package with a known fault; `--older` unpacks it"],
    );
    registry.unpack_older(old.to_str().unwrap()).unwrap();
    // Its number is not the highest one now, and the newest package may come again.
    registry.remove("1.2.0").unwrap();
    unpack(&mut registry, &signed.package("1.2.0", 7));
    // The number stays when the release has gone.
    registry.remove("1.1.0").unwrap();
    assert!(registry.unpack(old.to_str().unwrap()).is_err());
}

#[test]
fn attack_8_a_file_beside_the_checksums() {
    let signed = Signed::new();
    let more = signed.forged(|entries| entries.push(file("lib/talk-1.1.0/priv/more.so", "code")));
    signed.refuses(
        &more,
        expect!["accept package forged.tar.gz: `lib/talk-1.1.0/priv/more.so` has no line in `SHA256SUMS`; every file needs one"],
    );
    let other = signed.forged(|entries| {
        let library = entries
            .iter_mut()
            .find(|entry| entry.name.ends_with("talk.so"));
        library.unwrap().bytes.push(0);
    });
    signed.refuses(
        &other,
        expect!["accept package forged.tar.gz: `lib/talk-1.1.0/priv/talk.so` is damaged: its checksum is not the one in `SHA256SUMS`"],
    );
    // New checksums are not the signed ones.
    let renewed = signed.forged(|entries| {
        let sums = entries.iter_mut().find(|entry| entry.name == "SHA256SUMS");
        text(sums.unwrap(), |text| text.replacen('0', "1", 1));
    });
    signed.refuses(
        &renewed,
        expect!["accept package forged.tar.gz: its signature is not that of key KEY: the checksums or the comment of the signature were changed"],
    );
}

#[test]
fn attack_9_a_file_exchanged_between_check_and_load() {
    let signed = Signed::new();
    let mut registry = signed.fixture.open("1.0.0");
    unpack(&mut registry, &signed.package("1.1.0", 7));
    for path in ["priv/talk.so", "ebin/talk.app"] {
        let folder = signed.fixture.path("lib/talk-1.1.0");
        let file = folder.join(path);
        let (bytes, sums) = (fs::read(&file).unwrap(), folder.join("SHA256SUMS"));
        let listed = fs::read_to_string(&sums).unwrap();
        // With its checksum, so that only the signature tells.
        let other = [&bytes[..], b" "].concat();
        fs::write(&file, &other).unwrap();
        fs::write(&sums, listed.replace(&sha256(&bytes), &sha256(&other))).unwrap();
        let before = signed.fixture.snapshot();
        let error = RegistryError::from(signed.fixture.tree().boot_vsn("1.1.0").unwrap_err());
        signed.fixture.is_as(&before, path);
        assert_eq!(error.exit(), Exit::Checksum);
        let shown = signed.shown(&error.to_string()).replace(path, "FILE");
        expect!["read ROOT/lib/talk-1.1.0/FILE: its SHA-256 is not the signed one in ROOT/releases/1.1.0/signed/SHA256SUMS; unpack the release again, or `pq install-file` puts another file of a release in place"]
            .assert_eq(&shown);
        fs::write(&file, bytes).unwrap();
        fs::write(&sums, listed).unwrap();
    }
    signed.fixture.tree().boot_vsn("1.1.0").unwrap();
    // A library that is loaded apart from its release is compared, too.
    let is_as_signed = |name: &str, sum: &str| {
        is_as_signed(&signed.fixture.root(), name, "1.1.0", &sum.to_string())
    };
    let library = fs::read(signed.fixture.path("lib/talk-1.1.0/priv/talk.so")).unwrap();
    assert!(is_as_signed("talk", &sha256(&library)).is_ok());
    assert!(
        is_as_signed("talk", &sha256(b"code"))
            .unwrap_err()
            .is_checksum()
    );
    assert!(is_as_signed("built-here", &sha256(b"code")).is_ok());
    // The signature of another release proves nothing about this one.
    unpack(&mut registry, &signed.package("1.2.0", 8));
    for name in ["SHA256SUMS", "SHA256SUMS.minisig"] {
        let of = |vsn: &str| {
            signed
                .fixture
                .path(&format!("releases/{vsn}/signed/{name}"))
        };
        fs::copy(of("1.2.0"), of("1.1.0")).unwrap();
    }
    let error = signed.fixture.tree().boot_vsn("1.1.0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "trust release 1.1.0: it is release pq 1.1.0, and its signature is for pq 1.2.0"
    );
}

#[test]
fn attack_10_keys_of_another_owner() {
    let signed = Signed::new();
    let package = signed.package("1.1.0", 7);
    let keys = signed.fixture.path("keys");
    if chown(&keys, Some(4_711), None).is_err() {
        untested::note("keys of another owner: only root can give a file away").unwrap();
        return;
    }
    signed.refuses(
        &package,
        expect!["trust ROOT/keys: it belongs to user 4711, who is neither the user of the node nor root; look at its keys, then `chown` it"],
    );
    assert_eq!(keys.metadata().unwrap().uid(), 4_711);
    // A boot goes on, and an install of such a release is refused.
    chown(&keys, Some(0), None).unwrap();
    unpack(&mut signed.fixture.open("1.0.0"), &package);
    chown(&keys, Some(4_711), None).unwrap();
    let boot = signed.fixture.tree().boot_vsn("1.1.0").unwrap();
    assert!(
        matches!(boot.standing, Standing::Doubted(_)),
        "{:?}",
        boot.standing
    );
}

#[test]
fn files_that_were_copied_into_the_tree_are_listed_only_with_a_signature() {
    let signed = Signed::new();
    let mut registry = signed.fixture.open("1.0.0");
    unpack(&mut registry, &signed.package("1.1.0", 7));
    registry.set_removed("1.1.0").unwrap();
    let rel = signed.fixture.path("releases/1.1.0/pq.rel");
    registry.set_unpacked(&rel, &[]).unwrap();
    registry.set_removed("1.1.0").unwrap();
    fs::remove_dir_all(signed.fixture.path("releases/1.1.0/signed")).unwrap();
    let before = signed.fixture.snapshot();
    let error = registry.set_unpacked(&rel, &[]).unwrap_err();
    signed.is_refusal(
        &error,
        &before,
        expect!["add release 1.1.0: it is unsigned, and this tree trusts keys; `pq tar` and `pq sign` make a signed package of it, and `pq unpack` takes that"],
    );
}
