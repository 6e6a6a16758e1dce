//! Receive time-outs: `{noreply, State, Timeout}` of a gen_server, `{next_state, StateName, Data, Timeout}` of a
//! gen_fsm.
//!
//! A wait ends with the first envelope that its process takes. System messages do not count, nor does a late answer to
//! a request that is closed. OTP begins the wait anew after a system message; here the wait continues. While a process
//! is suspended or held, a due time-out lies in its mailbox, behind earlier messages, which will end the wait.
//!
//! A wait has a number, so that a time-out that is in the mailbox already when its wait ends is ignored.

use pq_term::Pid;

use super::{Due, Shard};
use crate::message::Envelope;
use crate::process::{Flag, Wait};

impl Shard {
    /// Begins a wait, which replaces the one before.
    pub(super) fn time_out_after(&mut self, pid: Pid, ms: u64) {
        self.end_wait(pid);
        // Only the last few waits of a process are ever compared: the low half of a reference distinguishes them.
        let number = self.core.next_ref() as u32;
        let Some(process) = self.slab.get_mut(pid) else {
            return;
        };
        let timer = (ms > 0).then(|| {
            let due_ms = self.core.due_after(ms);
            self.core.wheel.start(due_ms, Due::Timer(pid, number))
        });
        process.flags.raise(Flag::Timed);
        process.extras().wait = Some(Box::new(Wait { number, timer }));
        if timer.is_none() {
            self.push(pid, Envelope::Timer(number));
        }
    }

    /// Ends the wait, because the process has taken an envelope.
    pub(super) fn end_wait(&mut self, pid: Pid) {
        let Some(process) = self.slab.get_mut(pid).filter(|it| it.has(Flag::Timed)) else {
            return;
        };
        process.flags.lower(Flag::Timed);
        let wait = process.with_extras(|extras| extras.wait.take());
        if let Some(timer) = wait.flatten().and_then(|wait| wait.timer) {
            self.core.wheel.cancel(timer);
        }
    }

    /// Handles a time-out; `None` when its wait is over.
    pub(super) fn take_time_out(&self, pid: Pid, number: u32) -> Option<()> {
        let extras = self.slab.get(pid)?.extras.as_ref()?;
        (extras.wait.as_ref()?.number == number).then_some(())
    }
}
