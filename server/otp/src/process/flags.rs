//! Properties of a process in one bit each: its flags, and the subscribers that have its current state.

/// A property of a process that is true or false.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Flag {
    /// The process traps exits: exit signals become messages (`process_flag(trap_exit, true)`).
    TrapsExit = 1,
    /// `sys:suspend` has suspended the process: it receives only system messages.
    Suspended = 1 << 1,
    /// The process is in the run queue, or parked at the gate.
    Queued = 1 << 2,
    /// The registry has a name of the process.
    HoldsName = 1 << 3,
    /// `sys` counts, logs or traces the process.
    Debugged = 1 << 4,
    /// A transaction changes the process's module or one of its handlers: the process stops at the gate
    /// (`shard::gate`).
    Concerned = 1 << 5,
    /// The process waits for the next message, with a time-out.
    Timed = 1 << 6,
}

/// The set of [`Flag`]s of a process.
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
    /// The transaction of an upgrade.
    Upgrade = 1,
    /// The sweep that copies subtrees (`moved::sweep`).
    Save = 1 << 1,
}

/// The subscribers to which a process was exported and has not run since.
#[derive(Clone, Copy, Default)]
pub(crate) struct Marks(u8);

impl Marks {
    pub(crate) fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    pub(crate) fn set(&mut self, mark: Mark) {
        self.0 |= mark as u8;
    }

    /// Whether a subscriber has the current state.
    pub(crate) fn are_set(self) -> bool {
        self.0 != 0
    }

    /// Clears all marks when the process runs: earlier exports no longer show its state. Returns the marks before.
    pub(crate) fn clear(&mut self) -> Marks {
        std::mem::take(self)
    }
}
