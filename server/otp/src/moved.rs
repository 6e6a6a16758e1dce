//! Moved processes: a supervised subtree as one value, taken out of a node and put into another node or back.
//!
//! ```text
//!   node ── copy_out: the processes run on ─────────┐                 ┌─► put_in: new pids, no `init`, all or nothing
//!   node ── take_out: the processes leave the node ─┼─► Subtree ──────┤
//!   node ── sweep: copies, slice by slice ──────────┘    ▲  │         └─► the node that it was taken from, or another
//!                                                        └──┴─ bytes
//! ```
//! A subtree is a process with its children, and theirs. It has everything that a process is: versions and states,
//! residues, names, mailboxes, timers with the time that remains, links and monitors inside the subtree, open requests,
//! and supervisors with their children as they are now. A supervisor in which something starts or ends is no value: the
//! answer is [`NotMoved::NotYet`], and the caller asks again. All processes of a subtree live on one shard, and
//! everything happens there between two callbacks.
//!
//! | in a state, a message, arguments | after the move |
//! |---|---|
//! | pid of the subtree | the new pid of the same process |
//! | any other pid | the same, if the subtree was taken out of this very node; otherwise a dead one ([`Subtree`]) |
//! | `TimerId` | that of the same timer; a dead one for a timer that has fired |
//! | `RequestId`, `MonitorId`, the tag of a `From` | the same; the process is never given these numbers again |
//! | `PortId` | the same, and no port: sockets do not move |
//! | a number that a module made of any of these itself | the same, which is no pid or timer any more |
//!
//! Pids and timers are found as extensions in MessagePack, also in binaries that are MessagePack.
//!
//! A request to a process outside of the subtree ends with its time-out, because the answer goes to the old pid. A
//! monitor of a process outside reports `noproc` in another node; a link to it is dropped there.
//!
//! Not moved: ports (a process with a port cannot be taken out), the data of `sys` (`log`, `statistics`), system
//! messages that have not been handled, and the requests of operators to supervisors.
//!
//! | file | content |
//! |---|---|
//! | `value`, `letters` | the value, as it is encoded |
//! | `bytes` | encoding and decoding, and the checks of a value from outside |
//! | `members` | the processes of a subtree, and the reasons why they are no value now |
//! | `taking` | copies, and processes that leave |
//! | `numbers` | old pids and timers, and the new ones |
//! | `putting`, `filling`, `beginning` | processes from a value: as a whole, what can fail, and the rest |
//! | `part` | a part of a subtree, for a restart |
//! | `opens`, `conversion` | the versions of the modules that open the states, and conversions for them |
//! | `sweep` | copies of all subtrees below a supervisor |
//! | `view` | a subtree as people see it |
//! | `asking` | the requests from outside |

mod asking;
mod beginning;
mod bytes;
mod conversion;
mod filling;
mod letters;
mod members;
mod numbers;
mod opens;
mod part;
mod putting;
mod sweep;
mod taking;
mod value;
mod view;

pub use asking::Moving;
pub use bytes::{BadSubtree, SUBTREE_BYTES_MAX};
pub use conversion::NO_EXTRA;
pub use opens::{Closed, Opened, Opens, Part, Residue, SameVersions};
pub use part::{Kept, SavedPart};
pub use putting::{PutIn, Under};
pub use sweep::{Batch, Sweep};
pub use value::{PROCESSES_MAX, Subtree};
pub use view::{MessageView, ProcessView, StateView, TimerView};

pub(crate) use part::Company;
pub(crate) use putting::Arrival;
pub(crate) use sweep::SweepOrder;
pub(crate) use taking::TakeOut;

use crate::node::RequestError;

/// The reason why processes were not moved. Nothing has changed then.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotMoved {
    /// Something starts or ends in the subtree, or an upgrade is at its decision: ask again.
    #[error("not yet: {0}")]
    NotYet(String),
    /// The subtree cannot be moved, or cannot be put in here.
    #[error("{0}")]
    Refused(String),
    /// The node has not answered.
    #[error(transparent)]
    Request(#[from] RequestError),
}
