//! The Unix socket `run/pq.sock` below the root of a release tree, on which the node accepts requests.
//!
//! The address of a Unix socket has at most 107 bytes (`unix(7)`), and the path of a root may be longer. So both
//! sides open the directory and address the socket through its descriptor: `/proc/self/fd/N/pq.sock` is always short.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};

/// The directory of the socket, below the root of the tree.
const FOLDER: &str = "run";

/// The file name of the socket.
const SOCKET: &str = "pq.sock";

/// The open directory of the socket.
pub struct SocketFolder {
    folder: OwnedFd,
}

impl SocketFolder {
    /// Opens the directory for the node. The function creates the directory if it is missing, and permits access only
    /// to its owner. A symbolic link in its place is removed: the link would give our permissions to another
    /// directory.
    pub fn create(root: &Path) -> io::Result<SocketFolder> {
        let folder = root.join(FOLDER);
        match fs::symlink_metadata(&folder) {
            Ok(found) if found.is_symlink() => fs::remove_file(&folder)?,
            _ => (),
        }
        SocketFolder::make(&folder)
    }

    /// Opens this directory in place of the one below the root, which becomes a symbolic link for operators' commands.
    pub fn create_in(folder: &Path, root: &Path) -> io::Result<SocketFolder> {
        let made = SocketFolder::make(folder)?;
        let link = root.join(FOLDER);
        match fs::symlink_metadata(&link) {
            Ok(found) if found.is_dir() => {
                SocketFolder::make(&link)?.clear()?;
                fs::remove_dir(&link)?;
            }
            Ok(_) => fs::remove_file(&link)?,
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Err(_) => (),
        }
        symlink(std::path::absolute(folder)?, link)?;
        Ok(made)
    }

    fn make(folder: &Path) -> io::Result<SocketFolder> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => (),
        }
        let folder = open(folder, OFlags::RDONLY | OFlags::NOFOLLOW)?;
        rustix::fs::fchmod(&folder, Mode::RWXU)?;
        Ok(SocketFolder { folder })
    }

    /// Opens the directory for an operator's command.
    pub fn open(root: &Path) -> io::Result<SocketFolder> {
        let folder = open(&root.join(FOLDER), OFlags::PATH)?;
        Ok(SocketFolder { folder })
    }

    /// The path to bind or connect to; valid as long as this value exists.
    pub fn address(&self) -> PathBuf {
        let folder = self.folder.as_raw_fd();
        PathBuf::from(format!("/proc/self/fd/{folder}/{SOCKET}"))
    }

    /// Removes an old socket without a listener. The caller holds the tree's lock, so the socket belongs to the
    /// caller or to a node that was killed.
    pub fn clear(&self) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, SOCKET, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Permits connections only to the owner. Before this call, the permissions of the directory exclude other users.
    pub fn restrict(&self) -> io::Result<()> {
        let owner = Mode::RUSR | Mode::WUSR;
        Ok(rustix::fs::chmodat(
            &self.folder,
            SOCKET,
            owner,
            AtFlags::empty(),
        )?)
    }
}

fn open(folder: &Path, how: OFlags) -> io::Result<OwnedFd> {
    let how = how | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder, how, Mode::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};

    #[test]
    fn a_root_with_a_long_name_has_a_socket_too() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join("勇者".repeat(40));
        std::fs::create_dir(&root).unwrap();
        let folder = SocketFolder::create(&root).unwrap();
        let _listener = UnixListener::bind(folder.address()).unwrap();
        folder.restrict().unwrap();
        UnixStream::connect(SocketFolder::open(&root).unwrap().address()).unwrap();
        let mode = |path: &str| std::fs::metadata(root.join(path)).unwrap().mode() & 0o777;
        assert_eq!((mode("run"), mode("run/pq.sock")), (0o700, 0o600));
    }

    #[test]
    fn the_socket_of_a_killed_node_is_cleared_away() {
        let root = tempfile::tempdir().unwrap();
        let folder = SocketFolder::create(root.path()).unwrap();
        folder.clear().unwrap();
        drop(UnixListener::bind(folder.address()).unwrap());
        let socket = root.path().join("run/pq.sock");
        assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
        let folder = SocketFolder::create(root.path()).unwrap();
        folder.clear().unwrap();
        assert!(!socket.exists());
    }

    #[test]
    fn a_link_in_place_of_the_folder_is_removed_and_leads_nowhere() {
        let root = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().mode() & 0o777;
        std::fs::set_permissions(other.path(), PermissionsExt::from_mode(0o755)).unwrap();
        symlink(other.path(), root.path().join("run")).unwrap();
        let folder = SocketFolder::create(root.path()).unwrap();
        let _listener = UnixListener::bind(folder.address()).unwrap();
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
        assert_eq!(mode(other.path()), 0o755);
        assert!(root.path().join("run").symlink_metadata().unwrap().is_dir());
        assert!(SocketFolder::open(tempfile::tempdir().unwrap().path()).is_err());
    }

    #[test]
    fn the_socket_may_be_elsewhere_and_is_found_below_the_root() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let found = || UnixStream::connect(SocketFolder::open(root.path()).unwrap().address());
        // In place of nothing, of a link, and of the directory of a node that was killed.
        for _ in 0..2 {
            let folder = SocketFolder::create_in(elsewhere.path(), root.path()).unwrap();
            folder.clear().unwrap();
            let _listener = UnixListener::bind(folder.address()).unwrap();
            found().unwrap();
            assert!(elsewhere.path().join("pq.sock").exists());
        }
        let folder = SocketFolder::create(root.path()).unwrap();
        drop(UnixListener::bind(folder.address()).unwrap());
        SocketFolder::create_in(elsewhere.path(), root.path()).unwrap();
        assert!(root.path().join("run").is_symlink());
    }
}
