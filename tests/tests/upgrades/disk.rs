//! Changes to the registers of releases while the disk is full, or an obstacle is in the way: they are made completely
//! or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pq_release::handler::ReleaseHandler;
use pq_release::releases::{Lib, Releases, Status};
use pq_term::Atom;
use pq_tests::house::House;
use pq_tests::running::Disk;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

/// The place of a tree, and its disk if it can be filled.
type Location<'a> = (&'a Path, Option<&'a Disk>);

/// The largest room in blocks; a release needs about 500.
const BLOCKS_MAX: u64 = 700;

/// Makes the list of releases several blocks long, so that the room can be enough for a part of the work only.
pub(crate) fn lengthen_list(root: &Path) {
    let file = root.join("releases/RELEASES");
    let mut releases = Releases::read(&file).unwrap();
    let lib = |number: u32| Lib {
        name: Atom::from_static("padding"),
        vsn: number.to_string(),
        folder: format!("lib/padding-{number}"),
    };
    let mut padding = releases.0[0].clone();
    padding.vsn = "0.0.1".to_string();
    padding.libs = (0..300).map(lib).collect();
    padding.status = Status::Old;
    releases.0.push(padding);
    releases.write(&file).unwrap();
}

/// The release that the next start boots.
pub(crate) fn permanent(handler: &ReleaseHandler) -> String {
    let mut releases = handler.registry().which_releases().iter();
    let permanent = releases.find(|release| release.status == Status::Permanent);
    permanent.unwrap().vsn.clone()
}

/// Tries to make the running release permanent.
pub(crate) fn make_permanent(
    house: &mut House,
    handler: &mut ReleaseHandler,
    (root, disk): Location<'_>,
    dice: &mut Xoshiro256PlusPlus,
) {
    let (running, before) = (handler.registry().running().vsn.clone(), permanent(handler));
    let tree = content(root);
    // The two files are short, so one or two blocks make the difference.
    fill(disk, dice, 6);
    let made = handler.make_permanent(&mut house.sim, &running);
    clear(disk);
    let boots = fs::read_to_string(root.join("releases/start_erl.data")).unwrap();
    let expected = if made.is_ok() { &running } else { &before };
    assert!(
        boots.ends_with(&format!("{expected}\n")) || boots.ends_with(expected),
        "{boots:?}"
    );
    assert_eq!(permanent(handler), *expected, "{made:?}");
    if let Err(error) = made {
        assert!(content(root) == tree, "failed to {error}, and left a trace");
        handler.make_permanent(&mut house.sim, &running).unwrap();
        assert_eq!(permanent(handler), running);
    }
}

/// Tries to remove a release that does not run, and to unpack it again. Returns its version, if there is one.
pub(crate) fn unpack_again(
    handler: &mut ReleaseHandler,
    (root, disk): Location<'_>,
    dice: &mut Xoshiro256PlusPlus,
) -> Option<String> {
    let releases = handler.registry().which_releases().iter();
    let idle = |status| matches!(status, Status::Unpacked | Status::Old);
    let packed = |vsn: &str| {
        root.join(format!("releases/processquest-{vsn}.tar.gz"))
            .exists()
    };
    let mut idle = releases.filter(|release| idle(release.status) && packed(&release.vsn));
    let vsn = idle.next()?.vsn.clone();
    let package = format!("processquest-{vsn}");
    handler.registry_mut().remove(&vsn).unwrap();
    let tree = content(root);
    let obstacle = dice
        .next_u64()
        .is_multiple_of(2)
        .then(|| Obstacle::on_the_way_of(root, &vsn));
    fill(disk, dice, BLOCKS_MAX);
    let unpacked = handler.registry_mut().unpack(&package);
    clear(disk);
    let is_blocked = obstacle.is_some();
    drop(obstacle);
    if let Err(error) = unpacked {
        assert!(content(root) == tree, "failed to {error}, and left a trace");
        handler.registry_mut().unpack(&package).unwrap();
    } else {
        assert!(!is_blocked, "{vsn} went through an obstacle");
    }
    Some(vsn)
}

fn fill(disk: Option<&Disk>, dice: &mut Xoshiro256PlusPlus, blocks_max: u64) {
    let blocks = dice.next_u64() % blocks_max;
    if let Some(disk) = disk {
        disk.leave(blocks as usize);
    }
}

fn clear(disk: Option<&Disk>) {
    if let Some(disk) = disk {
        disk.clear();
    }
}

/// A dangling link at the place of the release's directory, which is the last one to be put in place.
struct Obstacle(std::path::PathBuf);

impl Obstacle {
    fn on_the_way_of(root: &Path, vsn: &str) -> Obstacle {
        let place = root.join("releases").join(vsn);
        std::os::unix::fs::symlink("nowhere", &place).unwrap();
        Obstacle(place)
    }
}

impl Drop for Obstacle {
    fn drop(&mut self) {
        // The work may have removed the link itself.
        let _ = fs::remove_file(&self.0);
    }
}

/// The content of all files of a tree.
fn content(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = walkdir::WalkDir::new(root).into_iter();
    let read = |entry: walkdir::DirEntry| {
        let is_file = entry.file_type().is_file();
        let bytes = is_file.then(|| fs::read(entry.path()).unwrap());
        let path = entry.path().display().to_string();
        (path, bytes.unwrap_or_default())
    };
    all.map(|entry| read(entry.unwrap())).collect()
}
