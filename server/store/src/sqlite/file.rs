//! The file of a store before its rows are read: the lock beside it, the question whether it is a store at all, its
//! creation, and connections.
//!
//! A connection of SQLite locks its file with `fcntl(2)`, and the system drops such locks as soon as the process closes
//! any descriptor of the file. So nothing here opens the file except SQLite.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pq_files::durable;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema::{self, APPLICATION_ID, LIBRARY_MIN, STEPS};
use crate::store::{StoreError, Unusable};

/// The longest wait for another connection, which is a backup or a check: they hold a lock only for moments.
const BUSY: Duration = Duration::from_secs(5);

/// The size of a lock file in bytes: it has a pid.
const LOCK_BYTES_MAX: u64 = 64;

/// The right to write the store, which ends with this value or its process.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or fails with the pid of its holder. Missing directories above the store are made.
    pub(super) fn take(store: &Path) -> Result<Lock, StoreError> {
        let path = beside(store, ".lock");
        if let Some(folder) = store
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            durable::make_folder(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = pq_files::open_as(&path, options.mode(0o600))
            .map_err(durable::failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => write_holder(&mut file).map_err(durable::failed("write", &path))?,
            Err(TryLockError::WouldBlock) => return Err(in_use(store, &file)),
            Err(TryLockError::Error(error)) => {
                return Err(durable::failed("lock", &path)(error).into());
            }
        }
        Ok(Lock { _file: file })
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn in_use(store: &Path, lock: &File) -> StoreError {
    let mut holder = String::new();
    // The pid is only extra information for the error.
    let _ = lock.take(LOCK_BYTES_MAX).read_to_string(&mut holder);
    let holder = match holder.trim() {
        "" => "?".to_owned(),
        pid => pid.to_owned(),
    };
    StoreError::InUse {
        file: store.to_owned(),
        holder,
    }
}

/// Opens the connection that writes, after the file was made or migrated if necessary.
pub(super) fn connect(file: &Path, checkpoint_pages: u32) -> Result<Connection, StoreError> {
    let format = match examine(file)? {
        Some(format) => format,
        None => create(file)?,
    };
    let mut connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let is_readonly = connection.is_readonly("main");
    if is_readonly.map_err(|error| unusable(file, reason(error)))? {
        return Err(unusable(file, Unusable::ReadOnly));
    }
    let mode = schema::configure(&connection, checkpoint_pages);
    let mode = mode.map_err(|error| unusable(file, reason(error)))?;
    if mode != "wal" {
        return Err(unusable(file, Unusable::NoLog));
    }
    let ready =
        empty_log(&connection).and_then(|()| schema::migrate(&mut connection, format, STEPS));
    ready.map_err(|error| unusable(file, reason(error)))?;
    Ok(connection)
}

/// Opens a second connection, which cannot write. The file has to have the newest format.
pub(super) fn connect_readonly(file: &Path) -> Result<Connection, StoreError> {
    let known = STEPS.len();
    match examine(file)? {
        Some(found) if found == known => open_readonly(file),
        Some(found) => Err(unusable(file, Unusable::Older { found, known })),
        None => Err(unusable(
            file,
            Unusable::File(io::ErrorKind::NotFound.into()),
        )),
    }
}

/// The format of a store; `None` if nothing is there.
pub(super) fn examine(file: &Path) -> Result<Option<usize>, StoreError> {
    if rusqlite::version_number() < LIBRARY_MIN {
        return Err(unusable(file, Unusable::OldLibrary(rusqlite::version())));
    }
    match pq_files::regular(file) {
        Ok(0) => return Err(unusable(file, Unusable::Empty)),
        Ok(_) => (),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return absent(file),
        Err(error) => return Err(unusable(file, Unusable::File(error))),
    }
    let connection = open_readonly(file)?;
    let header = |name| {
        let number = connection.pragma_query_value(None, name, |row| row.get(0));
        number.map_err(|error| unusable(file, reason(error)))
    };
    let application: i32 = header("application_id")?;
    if application != APPLICATION_ID {
        return Err(unusable(file, Unusable::Foreign(application)));
    }
    let found = usize::try_from(header("user_version")?).unwrap_or(usize::MAX);
    match found > STEPS.len() {
        true => {
            let known = STEPS.len();
            Err(unusable(file, Unusable::Newer { found, known }))
        }
        false => Ok(Some(found)),
    }
}

/// Refuses a log without its store: it would be taken for that of a new one.
fn absent(file: &Path) -> Result<Option<usize>, StoreError> {
    match beside(file, "-wal").exists() {
        true => Err(unusable(file, Unusable::LogAlone)),
        false => Ok(None),
    }
}

/// The place of a store behind links: SQLite keeps the log there, so the lock has to be there, too.
pub(super) fn resolved(store: &Path) -> PathBuf {
    store.canonicalize().unwrap_or_else(|_| store.to_owned())
}

/// Makes a store beside its place and puts it there when it is complete: an interrupted start leaves no half store.
fn create(file: &Path) -> Result<usize, StoreError> {
    let new = prepare(file)?;
    let mut connection = open(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let made = schema::migrate(&mut connection, 0, STEPS);
    made.map_err(|error| unusable(&new, reason(error)))?;
    drop(connection);
    durable::put_new(&new, file)?;
    Ok(STEPS.len())
}

/// Makes an empty file beside its later place, which only its owner may read. SQLite gives the files that it makes
/// beside it the same permissions. The name is that of no other file.
pub(super) fn prepare(place: &Path) -> Result<PathBuf, StoreError> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let (pid, made) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let new = place.with_file_name(format!(".{name}.{pid}-{made}.new"));
    durable::remove(&new)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let opened = pq_files::open_as(&new, &mut options);
    opened.map_err(durable::failed("write", &new))?;
    Ok(new)
}

/// Moves the content of the write-ahead log into the file, so that the file is complete without it.
pub(super) fn fold_log(file: &Path) -> Result<(), StoreError> {
    examine(file)?;
    let connection = open(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    empty_log(&connection).map_err(|error| unusable(file, reason(error)))
}

/// Takes everything out of the write-ahead log. A crash may have left a half commit at its end, which recovery skips. The
/// next commit would be written over it, and a crash in the middle of that could complete the skipped one: a store
/// would return to a state that was already given up. A log that begins again has other salts, and no old part counts.
fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
}

pub(super) fn open_readonly(file: &Path) -> Result<Connection, StoreError> {
    open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // The path is a path and not a URI, and the connection stays with one thread at a time.
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(file, flags);
    let opened = opened.and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    });
    opened.map_err(|error| unusable(file, reason(error)))
}

/// The path of a file beside the store, named after it.
pub(super) fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// The size of the store and its write-ahead log.
pub(super) fn bytes_on_disk(store: &Path) -> u64 {
    let size = |path: &Path| path.metadata().map_or(0, |found| found.len());
    size(store) + size(&beside(store, "-wal"))
}

pub(super) fn unusable(file: &Path, reason: Unusable) -> StoreError {
    let file = file.to_owned();
    StoreError::Open { file, reason }
}

fn reason(error: rusqlite::Error) -> Unusable {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Unusable::NotSqlite,
        Some(ErrorCode::ReadOnly) => Unusable::ReadOnly,
        _ => Unusable::Sqlite(error.into()),
    }
}
