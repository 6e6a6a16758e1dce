//! The package for Debian: it is built, installed, upgraded, removed and purged, on a copy of this machine's system.

use std::path::Path;
use std::process::Command;

use pq_tests::debian::on_a_copy;
use pq_tests::needs::{Need, has};
use pq_tests::running::{BUILD_PATIENCE, Running, program};

/// The life of the package on a machine. `dpkg` names a failed step itself.
const LIFE: &str = r"
dpkg --install /given/1.deb
pq --version
getent passwd pq | grep /var/lib/pq
test $(stat -c %U:%a /var/lib/pq) = pq:750
test -f /usr/lib/systemd/system/pq.service
test -f /usr/share/man/man1/pq-install.1.gz
bash -n /usr/share/bash-completion/completions/pq
runuser -u pq -- pq --version
echo PQ_OPTIONS=--no-saves > /etc/default/pq
echo saves > /var/lib/pq/saves
dpkg --force-confold --install /given/2.deb
test $(dpkg-query -W -f '${Version}' pq) = 1.0.0-2
grep -q no-saves /etc/default/pq
dpkg --remove pq
test ! -e /usr/bin/pq
test -e /etc/default/pq
dpkg --purge pq
test ! -e /etc/default/pq
test -s /var/lib/pq/saves
getent passwd pq
";

/// Builds the package with the program of this run.
fn build(folder: &Path, revision: u32) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/packaging/build-deb");
    let mut command = Command::new("bash");
    command.args([
        script,
        "--no-strip",
        "--fast",
        "--deb-version",
        &format!("1.0.0-{revision}"),
    ]);
    command
        .arg("--output")
        .arg(folder.join(format!("{revision}.deb")));
    command.env("PQ_PROGRAM", program());
    let mut made = Running::start(&mut command);
    assert!(
        made.ends_within(BUILD_PATIENCE).success(),
        "{}{}",
        made.out(),
        made.log()
    );
}

#[test]
fn the_package_is_installed_upgraded_and_removed_and_the_saves_stay() {
    if !has(&[Need::Bash, Need::CargoDeb, Need::Root]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), 1);
    build(folder.path(), 2);
    on_a_copy(folder.path(), LIFE);
}
