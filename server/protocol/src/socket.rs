//! The Unix socket `run/pq.sock` below the root of a release tree, on which the node accepts requests.
//!
//! The address of a Unix socket has at most 107 bytes (`unix(7)`), and the path of a root may be longer. So both
//! sides open the directory and address the socket through its descriptor: `/proc/self/fd/N/pq.sock` is always short.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
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
    /// to its owner. A symbolic link in its place is refused: the link would give our permissions to another
    /// directory.
    pub fn create(root: &Path) -> io::Result<SocketFolder> {
        let folder = root.join(FOLDER);
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => (),
        }
        let folder = open(&folder, OFlags::RDONLY | OFlags::NOFOLLOW)?;
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
    use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
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
    fn a_link_in_place_of_the_folder_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        symlink(other.path(), root.path().join("run")).unwrap();
        assert!(SocketFolder::create(root.path()).is_err());
        assert!(SocketFolder::open(tempfile::tempdir().unwrap().path()).is_err());
    }
}
