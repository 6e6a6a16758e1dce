//! The shards where processes are born, and the moving of births that wait at a slow shard.
//!
//! Processes that may live on any shard are born on the shards in turn. A shard whose callback takes long is left out,
//! and births that wait there are moved. So no new process has to wait for a callback that does not end.

use std::sync::atomic::Ordering;

use crate::message::{Ack, Signal};
use crate::node::Node;

impl Node {
    /// The shard of supervisors and of the runtime's own processes.
    pub(crate) fn home(&self) -> u8 {
        match self.config().supervisors_apart {
            true => self.shards() as u8 - 1,
            false => 0,
        }
    }

    /// Whether only supervisors and the runtime's own processes live on this shard.
    pub(crate) fn is_for_supervisors(&self, shard: u8) -> bool {
        self.config().supervisors_apart && self.shards() > 1 && shard == self.home()
    }

    /// The number of shards for all other processes.
    fn shards_for_births(&self) -> usize {
        let apart = self.config().supervisors_apart && self.shards() > 1;
        self.shards() - usize::from(apart)
    }

    /// The shard for the next process that may live on any shard: the shards take turns.
    pub(crate) fn next_shard(&self) -> u8 {
        let shards = self.shards_for_births();
        let turn = self.shared.next_shard.fetch_add(1, Ordering::Relaxed);
        let mut order = (0..shards).map(|further| (turn + further) % shards);
        let answers = order.find(|shard| !self.watched().is_slow(*shard));
        answers.unwrap_or(turn % shards) as u8
    }

    /// Moves the births that wait at this shard to other shards, if there are others. Any shard would do for them,
    /// and their pids are not given yet.
    pub(crate) fn move_births(&self, from: usize) {
        let shards = self.shards_for_births();
        if from >= shards || (0..shards).all(|shard| self.watched().is_slow(shard)) {
            return;
        }
        let may_move = |signal: &Signal| match signal {
            Signal::Spawn(spawn) => matches!(spawn.ack, Ack::Ticket(..)),
            Signal::Arrive(_) => true,
            _ => false,
        };
        let Some(inbox) = self.inbox(from as u8) else {
            return;
        };
        for birth in inbox.withdraw(may_move) {
            if let Some(inbox) = self.inbox(self.next_shard()) {
                inbox.push(birth);
            }
        }
    }
}
