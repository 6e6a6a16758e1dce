//! An unchangeable copy of a library in memory.
//!
//! The dynamic linker maps this copy instead of the file, because the file may be overwritten, truncated or replaced
//! while its code runs. So the mapped bytes are the verified ones. The seals are those of `memfd_create(2)`.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

/// The longest name in bytes that `memfd_create(2)` accepts, without the prefix that the kernel adds.
const NAME_BYTES_MAX: usize = 249;

/// The number of attempts to seal a copy. The kernel refuses while anything holds one of its pages, as the kernel
/// itself does for a moment when it moves memory. Each attempt first waits for about 150 ms, so 32 attempts take five
/// seconds.
const SEALS_MAX: u32 = 32;

/// Makes a sealed copy of `bytes`; `/proc/self/maps` shows `name`.
///
/// # Errors
/// Returns errors of the system, such as no memory, no descriptor, or a policy against code in memory.
pub(crate) fn copy(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(create(fitting(name))?);
    file.write_all(bytes)?;
    until_free(|| seal(&file))?;
    Ok(file.into())
}

fn seal(file: &File) -> Result<(), Errno> {
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(file, seals)
}

/// Tries again while one of the pages is held.
fn until_free(mut seal: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
    for _ in 1..SEALS_MAX {
        match seal() {
            Err(Errno::BUSY) => {}
            sealed => return sealed,
        }
    }
    seal()
}

/// Since Linux 6.3 executable memory needs a flag, which older kernels refuse as unknown.
fn create(name: &str) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    match memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => Ok(memfd_create(name, flags)?),
        made => Ok(made?),
    }
}

fn fitting(name: &str) -> &str {
    let name = name.split('\0').next().unwrap_or_default();
    let mut ends = (0..=NAME_BYTES_MAX.min(name.len())).rev();
    &name[..ends.find(|end| name.is_char_boundary(*end)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;

    use rustix::pipe::{SpliceFlags, splice};

    use super::*;

    #[test]
    fn a_sealed_copy_cannot_be_written_grown_or_cut() {
        let copy = copy("pq-test", b"code").unwrap();
        let path = format!("/proc/self/fd/{}", copy.as_raw_fd());
        let second_way_in = File::options().read(true).write(true).open(&path).unwrap();
        for mut file in [File::from(copy.try_clone().unwrap()), second_way_in] {
            assert!(file.write_all(b"other").is_err());
            assert!(file.set_len(0).is_err());
            assert!(file.set_len(9).is_err());
        }
        let mut text = String::new();
        File::open(&path)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "code");
    }

    #[test]
    fn a_copy_of_which_somebody_holds_a_page_is_sealed_when_it_is_let_go() {
        let mut file = File::from(create("pq-test").unwrap());
        file.write_all(b"code").unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (mut from, none) = (0, SpliceFlags::empty());
        let held = splice(&file, Some(&mut from), &writer, None, 4, none);
        assert_eq!((held, seal(&file)), (Ok(4), Err(Errno::BUSY)));
        let mut refusals = 0;
        let sealed = until_free(|| {
            let sealed = seal(&file);
            if sealed.is_err() {
                refusals += 1;
                reader.read_exact(&mut [0; 4]).unwrap();
            }
            sealed
        });
        assert_eq!((sealed, refusals), (Ok(()), 1));
        assert!(file.write_all(b"other").is_err());
    }

    #[test]
    fn what_stays_busy_and_what_is_refused_for_good_is_given_up() {
        for (why, wanted) in [(Errno::BUSY, SEALS_MAX), (Errno::PERM, 1)] {
            let mut times = 0;
            let sealed = until_free(|| {
                times += 1;
                Err(why)
            });
            assert_eq!((sealed, times), (Err(why), wanted));
        }
    }

    #[test]
    fn a_name_that_is_too_long_or_holds_a_zero_is_cut() {
        assert_eq!(fitting("a\0b"), "a");
        assert_eq!(fitting(&"ä".repeat(200)).len(), 248);
        assert!(copy(&"x".repeat(1000), b"").is_ok());
    }
}
