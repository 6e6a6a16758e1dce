//! Files on the disk have to be those that were unpacked: changed, exchanged and removed files, and special files in every
//! place from which a file is read.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use pq_release::boot::ReleaseTree;
use pq_release::checksums::{Checksums, sha256};
use pq_release::package::make_tar;
use pq_release::registry::ReleaseRegistry;
use pq_release::releases::Releases;
use pq_release::tree::write_release;

use crate::archive::{file, good, gzip, sealed, tar};
use crate::fixture::{Fixture, RELEASES, elf, make_pipe, runtime};

/// The files of release 1.1.0.
const FILES: [&str; 7] = [
    "releases/1.1.0/pq.rel",
    "releases/1.1.0/relup",
    "lib/talk-1.1.0/ebin/talk.app",
    "lib/talk-1.1.0/ebin/talk.appup",
    "lib/talk-1.1.0/priv/talk.so",
    "lib/quest-1.0.0/ebin/quest.app",
    "lib/quest-1.0.0/priv/quest.so",
];

/// The refusal of an install of 1.1.0 by the registry, before the install starts.
fn refusal(registry: &ReleaseRegistry) -> Option<pq_release::registry::RegistryError> {
    let way = registry.way_to("1.1.0").err();
    way.or_else(|| registry.tree().boot_vsn("1.1.0").err().map(Into::into))
}

#[test]
fn a_file_that_was_changed_after_it_was_unpacked_is_named() {
    for file in FILES {
        let fixture = Fixture::new();
        let mut registry = fixture.with(&["1.1.0"]);
        assert!(refusal(&registry).is_none());
        let place = fixture.path(file);
        let whole = fs::read(&place).unwrap();
        let another = b"{\"1.1.0\",[{\"1.0.0\",[],[]}],[]}.".to_vec();
        for bytes in [Vec::new(), another, [&whole[..], b" "].concat()] {
            fs::write(&place, bytes).unwrap();
            let error = refusal(&registry).expect(file);
            assert!(
                error.is_checksum() && error.to_string().contains(file),
                "{error}"
            );
        }
        fs::remove_file(&place).unwrap();
        let error = refusal(&registry).expect(file).to_string();
        assert!(
            error.contains(file) && error.contains("SHA256SUMS lists it"),
            "{error}"
        );
        fs::write(&place, whole).unwrap();
        assert!(refusal(&registry).is_none());
        registry.installed("1.1.0").unwrap();
        fs::write(&place, "").unwrap();
        assert!(
            registry.make_permanent("1.1.0").unwrap_err().is_checksum(),
            "{file}"
        );
    }
}

#[test]
fn settings_may_be_edited_and_may_not_be_missing() {
    let fixture = Fixture::new();
    let registry = fixture.with(&["1.1.0"]);
    let (file, tree) = (fixture.path("releases/1.1.0/sys.config"), fixture.tree());
    assert!(tree.boot_vsn("1.1.0").unwrap().remarks.is_empty());
    fs::write(&file, "[{talk, [{port, 1}]}].").unwrap();
    let edited =
        "releases/1.1.0/sys.config was edited: it is not the one that the release came with";
    assert_eq!(tree.boot_vsn("1.1.0").unwrap().remarks, [edited]);
    assert_eq!(
        tree.settings_remark("1.1.0").unwrap().as_deref(),
        Some(edited)
    );
    fs::remove_file(&file).unwrap();
    let error = refusal(&registry).unwrap().to_string();
    assert!(error.contains("sys.config: no such file, and"), "{error}");
}

#[test]
fn a_relup_that_came_from_elsewhere_is_refused_and_one_that_was_installed_is_not() {
    let fixture = Fixture::new();
    let author = fixture.beside("author");
    let pieces = crate::fixture::Pieces {
        other: None,
        ..RELEASES[1]
    };
    pieces.lay_out(&author);
    let package = make_tar(
        &ReleaseTree::open(&author, runtime()),
        "1.1.0",
        &fixture.beside("packages"),
    );
    let mut registry = fixture.open("1.0.0");
    registry.unpack(package.unwrap().to_str().unwrap()).unwrap();
    let relup = fixture.beside("relup");
    fs::write(&relup, "{\"1.1.0\",[{\"1.0.0\",[],[]}],[]}.").unwrap();
    fs::copy(&relup, fixture.path("releases/1.1.0/relup")).unwrap();
    let error = registry.way_to("1.1.0").unwrap_err();
    assert!(error.is_checksum(), "{error}");
    registry.install_file("1.1.0", &relup).unwrap();
    assert!(refusal(&registry).is_none());
    fs::write(fixture.path("releases/1.1.0/relup"), "").unwrap();
    assert!(refusal(&registry).unwrap().is_checksum());
}

/// Replaces a file by something that is not a plain file of the tree.
fn puts(place: &Path, what: &str, outside: &Path) {
    match what {
        "a pipe" => make_pipe(place),
        "a folder" => fs::create_dir(place).unwrap(),
        "a socket" => drop(UnixListener::bind(place).unwrap()),
        "a device" => symlink("/dev/zero", place).unwrap(),
        _ => symlink(outside, place).unwrap(),
    }
}

/// The path of the tree has to be short: the path of a socket has at most 107 bytes.
#[test]
fn what_is_no_file_is_refused_wherever_a_file_is_read() {
    let fixture = Fixture::new();
    let registry = fixture.with(&["1.1.0"]);
    let own = [
        "releases/1.1.0/sys.config",
        "releases/1.1.0/SHA256SUMS",
        "lib/talk-1.1.0/SHA256SUMS",
    ];
    let registers = ["releases/RELEASES", "releases/start_erl.data"];
    for file in FILES.into_iter().chain(own).chain(registers) {
        let (place, outside) = (fixture.path(file), fixture.beside("outside"));
        fs::rename(&place, &outside).unwrap();
        for what in ["a pipe", "a folder", "a socket", "a device", "a link"] {
            puts(&place, what, &outside);
            let said = match registers.contains(&file) {
                true => ReleaseRegistry::open(fixture.tree(), "1.0.0")
                    .unwrap_err()
                    .to_string(),
                false => refusal(&registry).expect(file).to_string(),
            };
            let odd = match what {
                // A link leads to the device.
                "a link" | "a device" => "which is elsewhere",
                what => what,
            };
            assert!(
                said.contains(file) && said.contains(odd),
                "{file}, {what}: {said}"
            );
            match what {
                "a folder" => fs::remove_dir(&place).unwrap(),
                _ => fs::remove_file(&place).unwrap(),
            }
        }
        fs::rename(&outside, &place).unwrap();
    }
    assert!(refusal(&registry).is_none());
    let mut registry = fixture.open("1.0.0");
    for what in ["a pipe", "a folder", "a socket"] {
        let package = fixture.beside("p.tar.gz");
        puts(&package, what, Path::new(""));
        let said = registry
            .unpack(package.to_str().unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            said.ends_with(&format!("it is {what}; a regular file would be right")),
            "{said}"
        );
        fs::remove_file(&package)
            .or_else(|_| fs::remove_dir(&package))
            .unwrap();
    }
}

#[test]
fn a_hard_link_is_the_file_itself() {
    let fixture = Fixture::new();
    let registry = fixture.with(&["1.1.0"]);
    let (place, other) = (fixture.path(FILES[4]), fixture.beside("other"));
    fs::rename(&place, &other).unwrap();
    fs::hard_link(&other, &place).unwrap();
    assert!(refusal(&registry).is_none());
    fs::write(&other, "changed through its other name").unwrap();
    assert!(refusal(&registry).unwrap().is_checksum());
}

#[test]
fn the_folder_of_an_application_bears_its_name() {
    let fixture = Fixture::new();
    let registry = fixture.with(&["1.1.0"]);
    let list = fixture.path("releases/RELEASES");
    let mut releases = Releases::read(&list).unwrap();
    let libs = &mut releases.0[0].libs;
    libs.iter_mut()
        .for_each(|lib| lib.folder = lib.folder.replace("talk-1.1.0", "talk-1.0.0"));
    releases.write(&list).unwrap();
    let error = refusal(&registry).unwrap().to_string();
    assert!(
        error.contains("it describes `talk-1.0.0`, but its directory is for `talk-1.1.0`"),
        "{error}"
    );
    fs::rename(
        fixture.path("lib/talk-1.1.0"),
        fixture.path("lib/talk-other"),
    )
    .unwrap();
    releases.0[0]
        .libs
        .iter_mut()
        .for_each(|lib| lib.folder = lib.folder.replace("talk-1.0.0", "talk-other"));
    releases.write(&list).unwrap();
    let error = refusal(&registry).unwrap().to_string();
    assert!(error.contains("it describes `talk-other`"), "{error}");
}

/// Replaces a library in an author's tree, with its checksum.
fn exchange(folder: &Path, library: &[u8]) {
    fs::write(folder.join("priv/talk.so"), library).unwrap();
    let file = folder.join("SHA256SUMS");
    let mut sums = Checksums::read(&file).unwrap();
    sums.0.insert("priv/talk.so".into(), sha256(library));
    fs::write(file, sums.to_text()).unwrap();
}

/// The correct package with this library and matching checksums.
fn lie(fixture: &Fixture, author: &Path, library: &[u8]) -> Vec<u8> {
    let sums = fs::read(author.join("lib/talk-1.1.0/SHA256SUMS")).unwrap();
    let mut entries = good(fixture);
    entries.retain(|entry| {
        !matches!(
            &*entry.name,
            "lib/talk-1.1.0/priv/talk.so" | "lib/talk-1.1.0/SHA256SUMS"
        )
    });
    entries.push(file("lib/talk-1.1.0/priv/talk.so", library));
    entries.push(file("lib/talk-1.1.0/SHA256SUMS", sums));
    gzip(&tar(&sealed(entries)))
}

#[test]
fn a_library_under_another_name_is_neither_built_packed_unpacked_nor_booted() {
    for (application, vsn) in [("talk", "1.0.0"), ("quest", "1.1.0")] {
        let fixture = Fixture::new();
        let author = fixture.beside("author");
        RELEASES[1].lay_out(&author);
        let right = elf("talk", "1.1.0");
        exchange(&author.join("lib/talk-1.1.0"), &right);
        let tree = ReleaseTree::open(&author, runtime());
        let package = make_tar(&tree, "1.1.0", &fixture.beside("packages")).unwrap();
        let wrong = elf(application, vsn);
        exchange(&author.join("lib/talk-1.1.0"), &wrong);
        let both = format!(
            "it is the library of {application} {vsn}, and that of talk 1.1.0 belongs there"
        );
        let says = |error: String| assert!(error.contains(&both), "{error}");
        says(
            make_tar(&tree, "1.1.0", &fixture.beside("more"))
                .unwrap_err()
                .to_string(),
        );
        let lying = fixture.beside("lying.tar.gz");
        fs::write(&lying, lie(&fixture, &author, &wrong)).unwrap();
        let mut registry = fixture.open("1.0.0");
        says(
            registry
                .unpack(lying.to_str().unwrap())
                .unwrap_err()
                .to_string(),
        );
        registry.unpack(package.to_str().unwrap()).unwrap();
        assert!(refusal(&registry).is_none());
        exchange(&fixture.path("lib/talk-1.1.0"), &wrong);
        says(refusal(&registry).unwrap().to_string());
        let app = crate::fixture::app("talk", "1.1.0", "quest");
        let talk = pq_release::tree::AppPieces {
            app: &app,
            appup: None,
            library: Some(&wrong),
        };
        let spec = pq_release::tree::ReleaseSpec {
            rel: &RELEASES[1].rel(),
            sys_config: None,
            configs: Vec::new(),
            relup: None,
            applications: vec![talk],
        };
        says(
            write_release(&fixture.beside("new"), &spec)
                .unwrap_err()
                .to_string(),
        );
    }
}

#[test]
fn a_release_that_somebody_put_in_place_is_known_from_then_on() {
    let fixture = Fixture::new();
    RELEASES[1].lay_out(&fixture.root());
    fs::remove_file(fixture.path("releases/1.1.0/SHA256SUMS")).unwrap();
    let mut registry = fixture.open("1.0.0");
    registry
        .set_unpacked(&fixture.path("releases/1.1.0/pq.rel"), &[])
        .unwrap();
    assert!(refusal(&registry).is_none());
    fs::write(fixture.path("releases/1.1.0/relup"), "").unwrap();
    assert!(refusal(&registry).unwrap().is_checksum());
}
