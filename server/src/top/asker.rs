//! The thread that asks the node for lists of processes and carries out orders, one after another.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::process::{Node, Query};
use super::run::Message;
use super::view::Wish;

/// The shortest time between two lists: a person cannot follow faster changes.
const LIST_EVERY: Duration = Duration::from_secs(1);

/// The part of the time in which the node may be busy with lists: a node with a million processes is asked seldom.
const LIST_SHARE: u32 = 10;

/// Serves wishes until the view ends.
pub(super) fn serve(node: &impl Node, wishes: &Receiver<Wish>, tell: &SyncSender<Message>) {
    let mut query = Query::default();
    loop {
        let began = Instant::now();
        let answer = node.list(&query);
        let rest = LIST_EVERY.max(began.elapsed() * LIST_SHARE);
        if tell.send(Message::Listed(query.clone(), answer)).is_err() {
            return;
        }
        match wishes.recv_timeout(rest) {
            Ok(Wish::List(next)) => query = next,
            Ok(Wish::Do(order)) => {
                let outcome = node.carry_out(&order);
                if tell.send(Message::Done(order, outcome)).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => (),
            Ok(Wish::Quit) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
