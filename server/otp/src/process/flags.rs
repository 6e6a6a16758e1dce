//! Notes of a bit each about a process: its flags, and for whom it has been exported as it is now.

/// Something that holds of a process, or does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Flag {
    /// Exit signals become messages.
    TrapsExit = 1,
    /// `sys:suspend`: only system messages are received.
    Suspended = 1 << 1,
    /// It stands in the run queue.
    Queued = 1 << 2,
    /// The registry holds a name of it.
    HoldsName = 1 << 3,
    /// `sys` counts, logs or traces it.
    Debugged = 1 << 4,
    /// A transaction changes its module, or one of its handlers: it stops at the gate (`shard::gate`).
    Concerned = 1 << 5,
    /// It waits for whatever comes first, with a time-out.
    Timed = 1 << 6,
}

/// The flags of a process.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags(u8);

impl Flags {
    pub(crate) fn has(self, flag: Flag) -> bool {
        self.0 & flag as u8 != 0
    }

    pub(crate) fn raise(&mut self, flag: Flag) {
        self.0 |= flag as u8;
    }

    pub(crate) fn lower(&mut self, flag: Flag) {
        self.0 &= !(flag as u8);
    }

    pub(crate) fn set(&mut self, flag: Flag, up: bool) {
        match up {
            true => self.raise(flag),
            false => self.lower(flag),
        }
    }
}

/// The subscribers of exported states (`shard::exporter`); each has a mark of its own.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Mark {
    /// A transaction.
    Upgrade = 1,
}

/// For whom a process has been exported and has not run since.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks(u8);

impl Marks {
    pub(crate) fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    pub(crate) fn set(&mut self, mark: Mark) {
        self.0 |= mark as u8;
    }

    /// Whether somebody has it as it is now.
    pub(crate) fn are_set(self) -> bool {
        self.0 != 0
    }

    /// The process runs: what was exported of it is not its state any more.
    pub(crate) fn clear(&mut self) {
        self.0 = 0;
    }
}
