//! The operator: the user and the process at the other end of the socket, as the kernel reports them.

use std::fmt;
use std::fs::File;
use std::io::Read;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The file with the names of users (`passwd(5)`).
const PASSWD: &str = "/etc/passwd";

/// The number of bytes read from that file: about 10,000 users.
const PASSWD_MAX: u64 = 1 << 20;

/// The process at the other end of a connection, and its user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Who {
    /// The user ID (`SO_PEERCRED`).
    pub uid: u32,
    /// The user's name, if the file `/etc/passwd` has it.
    pub user: Option<String>,
    /// The process ID; the process may have ended since.
    pub pid: Option<i32>,
}

impl Who {
    /// Creates the value for a user and a process of that user.
    pub fn of(uid: u32, pid: Option<i32>) -> Who {
        Who {
            uid,
            user: name_of(uid),
            pid,
        }
    }

    /// The node itself, for operations without an operator.
    pub fn own() -> Who {
        let pid = i32::try_from(std::process::id()).ok();
        Who::of(rustix::process::geteuid().as_raw(), pid)
    }

    /// Whether this user may operate a node that runs as `owner`: only the same user and root may.
    pub fn may_operate(&self, owner: u32) -> bool {
        self.uid == owner || self.uid == 0
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => f.write_str(user)?,
            None => write!(f, "user {}", self.uid)?,
        }
        match self.pid {
            Some(pid) => write!(f, " (process {pid})"),
            None => Ok(()),
        }
    }
}

/// The user's name is only for display: without a readable file, the user ID is shown.
fn name_of(uid: u32) -> Option<String> {
    let mut text = String::new();
    let file = File::open(PASSWD).ok()?;
    file.take(PASSWD_MAX).read_to_string(&mut text).ok()?;
    name_in(&text, uid)
}

fn name_in(passwd: &str, uid: u32) -> Option<String> {
    let name = |line: &str| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_string())
    };
    passwd.lines().find_map(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_by_name_where_it_is_known() {
        let passwd = "root:x:0:0:root:/r:/bin/sh\nbroken\nann:x:1000:100:Ann,,:/home/ann:\n";
        let who = |uid| Who {
            uid,
            user: name_in(passwd, uid),
            pid: Some(7),
        };
        assert_eq!(who(1_000).to_string(), "ann (process 7)");
        assert_eq!(who(100).to_string(), "user 100 (process 7)");
        assert_eq!(
            Who {
                pid: None,
                ..who(0)
            }
            .to_string(),
            "root"
        );
    }

    #[test]
    fn the_owner_and_root_may_operate_and_nobody_else() {
        let who = |uid| Who {
            uid,
            user: None,
            pid: None,
        };
        assert!(who(1_000).may_operate(1_000));
        assert!(who(0).may_operate(1_000));
        assert!(!who(1_001).may_operate(1_000));
        assert!(!who(1_000).may_operate(0));
    }
}
