//! The queue and its loop: messages of the threads change the view, and the view is drawn when the queue is empty.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, SystemTime};

use pq_protocol::{Exit, Failure, Request};

use super::asker;
use super::keyboard::{self, Input};
use super::process::{Listing, Node, Order, Query};
use super::screen::Screen;
use super::view::{Key, Paint, View, Wish};
use crate::client::{Heard, follow};
use crate::clock::unix_ms;
use crate::console;
use crate::signals::Held;

/// The messages that wait. A thread that finds the queue full waits, and the node then leaves frames out.
const QUEUE_MAX: usize = 64;

/// The wishes that wait while the node answers an earlier one.
const WISHES_MAX: usize = 8;

/// The interval of the clock in the first line.
const TICK: Duration = Duration::from_millis(500);

/// A message of a thread.
pub(super) enum Message {
    /// A line of the feed.
    Line(String),
    Gone,
    /// The feed has ended: by a signal, or with this failure.
    Ended(Result<(), Failure>),
    Key(Key),
    Resized,
    Listed(Query, Result<Listing, Failure>),
    Done(Order, Result<(), Failure>),
}

/// Shows a node until the operator or a signal ends the view.
///
/// # Errors
/// The errors of [`follow`], and of a terminal that refuses.
pub(crate) fn top(
    root: &Path,
    avatars: &str,
    node: impl Node + Send + 'static,
) -> Result<(), Failure> {
    // All threads inherit the blocked signals; `follow` learns of them and ends.
    let _signals = Held::hold().map_err(|error| failed(&error))?;
    let (tell, queue) = sync_channel(QUEUE_MAX);
    let root = root.to_path_buf();
    start("pq-top-feed", &tell, move |tell| read_feed(root, &tell))?;
    let Ok(first) = queue.recv() else {
        return Ok(());
    };
    if let Message::Ended(end) = first {
        return end;
    }
    let mut screen = Screen::take().map_err(|error| failed(&error))?;
    let (wish, wishes) = sync_channel(WISHES_MAX);
    start("pq-top-asker", &tell, move |tell| {
        asker::serve(&node, &wishes, &tell);
    })?;
    start("pq-top-keys", &tell, |tell| read_keys(&tell))?;
    drop(tell);
    let paint = match console::colours_are_wanted() {
        true => Paint::Colours,
        false => Paint::Letters,
    };
    let view = View::new(avatars, paint, unix_ms(SystemTime::now()));
    let mut desk = Loop { view, wish, queue };
    desk.run(first, &mut screen)
}

/// Starts a thread. If it panics, the view ends.
fn start(
    name: &str,
    tell: &SyncSender<Message>,
    work: impl FnOnce(SyncSender<Message>) + Send + 'static,
) -> Result<(), Failure> {
    let end = EndIfPanicking(tell.clone());
    let builder = std::thread::Builder::new().name(name.to_string());
    let started = builder.spawn(move || work(end.0.clone()));
    started.map(drop).map_err(|error| failed(&error))
}

struct EndIfPanicking(SyncSender<Message>);

impl Drop for EndIfPanicking {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let failure = failed(&"a thread has panicked");
            // The view may have ended already.
            let _ = self.0.send(Message::Ended(Err(failure)));
        }
    }
}

fn failed(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Internal, format!("failed to show the node: {why}"))
}

fn read_feed(root: PathBuf, tell: &SyncSender<Message>) {
    // A view that has ended receives nothing, and the process ends with it.
    let pass_on = |heard: Heard<'_>| {
        let _ = tell.send(match heard {
            Heard::Line(line) => Message::Line(line.to_string()),
            Heard::Gone => Message::Gone,
        });
        ControlFlow::Continue(())
    };
    let end = follow(&root, &Request::Events {}, None, pass_on);
    let _ = tell.send(Message::Ended(end));
}

fn read_keys(tell: &SyncSender<Message>) {
    loop {
        let message = match keyboard::next() {
            Input::Key(key) => Message::Key(key),
            Input::Resized => Message::Resized,
            Input::Gone => Message::Ended(Ok(())),
        };
        if tell.send(message).is_err() {
            return;
        }
    }
}

/// The view with its queue, and the way to the asker.
struct Loop {
    view: View,
    wish: SyncSender<Wish>,
    queue: Receiver<Message>,
}

impl Loop {
    fn run(&mut self, first: Message, screen: &mut Screen) -> Result<(), Failure> {
        let mut next = Some(first);
        loop {
            self.view.tick(unix_ms(SystemTime::now()));
            while let Some(message) = next {
                if let Some(end) = self.take(message) {
                    return end;
                }
                next = self.queue.try_recv().ok();
            }
            screen.show(&self.view).map_err(|error| failed(&error))?;
            next = match self.queue.recv_timeout(TICK) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
        }
    }

    /// Takes a message; returns the end of the view, if it is one.
    fn take(&mut self, message: Message) -> Option<Result<(), Failure>> {
        match message {
            Message::Line(line) => self.view.hear(&line),
            Message::Gone => self.view.lose(),
            Message::Ended(end) => return Some(end),
            Message::Key(key) => match self.view.press(key) {
                Some(Wish::Quit) => return Some(Ok(())),
                Some(wish) => self.pass_on(wish),
                None => (),
            },
            Message::Resized => (),
            Message::Listed(query, answer) => self.view.listed(&query, answer),
            Message::Done(order, outcome) => self.view.done(&order, outcome),
        }
        None
    }

    fn pass_on(&mut self, wish: Wish) {
        if let Err(TrySendError::Full(_)) = self.wish.try_send(wish) {
            self.view.is_busy();
        }
    }
}
