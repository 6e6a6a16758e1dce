//! `pq watch` at the node: the story of an avatar, told from the news that the avatar itself sends to its event manager.
//!
//! ```text
//!   avatar ─ notify ─► event manager ─ tracer ─► events ─► game's function ─► pieces ─► Teller ─► lines
//!                          └ has ended: the next one under the same name, or the end of the avatar
//! ```
//! The viewer is an operator's command, or the card of an avatar on the live page ([`Listener`]).
//!
//! The tracer sees the notifications and changes neither the avatar nor its handlers, so an avatar without a client can be watched,
//! and a saved avatar knows nothing of its viewers. An upgrade keeps the tracer; the function is always that of the current version.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pq_otp::sys::SysMessage;
use pq_otp::trace::{Content, Message, Step, Tracer};
use pq_otp::{Node, Pid, Term};
use pq_protocol::{Event, Exit, Failure, StoryForm};
use pq_term::msgpack::{from_msgpack, to_plain_msgpack};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, Interval, interval_at, sleep, sleep_until, timeout};

use super::following::Attached;
use super::session::{SIGN_OF_LIFE, Session};
use crate::door::Story;
use crate::running::RunningNode;
use crate::story::{News, Piece, StoryLine, Teller};

/// The events that wait for their text.
const QUEUE: usize = 256;

/// The limit for the return of an avatar whose processes have ended, while its supervisor lives.
const RETURN_MAX: Duration = Duration::from_secs(10);

/// The limit for the answer of a process about its parent.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);

/// The interval between looks for an avatar that has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The wish of a viewer: an avatar, and the form of its story.
pub(crate) struct Watch {
    pub(crate) name: String,
    pub(crate) form: StoryForm,
}

/// A viewer of a story.
pub(crate) trait Listener: Send {
    /// Takes a line of the story.
    fn line(&mut self, line: &StoryLine) -> impl Future<Output = ()> + Send;

    /// Takes a sign that the node lives, while nothing happens.
    fn sign(&mut self) -> impl Future<Output = ()> + Send;

    /// Waits until the viewer leaves.
    fn left(&mut self) -> impl Future<Output = ()> + Send;

    /// Whether the viewer takes nothing any more.
    fn is_lost(&self) -> bool;
}

impl Listener for Session {
    async fn line(&mut self, line: &StoryLine) {
        self.tell_parts(&line.json()).await;
    }

    async fn sign(&mut self) {
        self.tell(&Event::Waiting).await;
    }

    async fn left(&mut self) {
        Session::left(self).await;
    }

    fn is_lost(&self) -> bool {
        self.is_lost
    }
}

/// Tells the story of an avatar until it ends or the viewer leaves.
pub(crate) async fn watch(
    listener: &mut impl Listener,
    node: &Arc<RunningNode>,
    wish: Watch,
) -> Result<(), Failure> {
    let noun = node.noun().one;
    let why = |why: &str| {
        let sentence = format!("failed to watch {noun} {}: {why}", wish.name);
        Failure::new(Exit::Refused, sentence)
    };
    let story = node.game().story.ok_or_else(|| {
        why("the release does not say how its story is told: its setting game has no {story, …} (docs/operating.md)")
    })?;
    let mut viewer = Viewer {
        node: node.node().clone(),
        events: story.events_of(&wish.name),
        story,
        form: wish.form,
        teller: Teller::default(),
        calls: Arc::new(Semaphore::new(1)),
        signs: interval_at(Instant::now() + SIGN_OF_LIFE, SIGN_OF_LIFE),
    };
    wait_for_boot(node).await;
    let here = viewer.find(node).await;
    let mut subscription = here.map_err(|reason| why(&reason))?;
    let name = wish.name.clone();
    viewer.send(listener, News::Watching { name }, 0).await;
    loop {
        match viewer.tell_one(listener, &mut subscription).await {
            Ended::Viewer => return Ok(()),
            Ended::Untold(reason) => return Err(why(&reason)),
            Ended::Events => (),
        }
        viewer.teller.clear();
        match viewer.find_again(node, &subscription).await {
            Some(next) => subscription = next,
            None => {
                viewer.send(listener, News::Ended {}, 0).await;
                return Ok(());
            }
        }
        viewer.send(listener, News::Restarted {}, 0).await;
    }
}

/// Waits until the saved avatars are back, as far as they come back in time.
async fn wait_for_boot(node: &Arc<RunningNode>) {
    let node = node.clone();
    let deadline = std::time::Instant::now() + RETURN_MAX;
    let wait = move || node.saves().map(|saves| saves.wait_for_boot(deadline));
    // Without all of them, the avatar that is watched may be there nevertheless.
    let _ = tokio::task::spawn_blocking(wait).await;
}

/// The reason why the events of one event manager end.
enum Ended {
    /// The operator has left.
    Viewer,
    /// The event manager has ended.
    Events,
    /// The game has not told an event, for this reason.
    Untold(String),
}

/// The events of one event manager.
struct Subscription {
    events: mpsc::Receiver<Vec<u8>>,
    dropped: Arc<AtomicU64>,
    manager: Pid,
    supervisor: Option<Pid>,
    /// Dropped with the subscription, which removes the tracer from the event manager.
    _attached: Attached,
}

struct Viewer {
    node: Node,
    story: Story,
    /// The name of the event manager.
    events: Term,
    form: StoryForm,
    teller: Teller,
    /// One function at a time: the story has an order.
    calls: Arc<Semaphore>,
    signs: Interval,
}

impl Viewer {
    /// Begins to follow the avatar.
    async fn find(&self, node: &RunningNode) -> Result<Subscription, String> {
        let nobody = || {
            format!(
                "none plays under this name (`{}` is not registered)",
                self.events
            )
        };
        let manager = node.names().whereis(&self.events).ok_or_else(nobody)?;
        let dropped = Arc::new(AtomicU64::new(0));
        let (tell, events) = mpsc::channel(QUEUE);
        let tracer = Arc::new(Notifications {
            events: parking_lot::Mutex::new(Some(tell)),
            dropped: dropped.clone(),
        });
        let _attached = Attached::to(&self.node, manager, tracer).await?;
        Ok(Subscription {
            events,
            dropped,
            manager,
            supervisor: parent_of(&self.node, manager).await,
            _attached,
        })
    }

    /// Waits for the event manager that follows the one that has ended; `None` when the avatar has ended.
    async fn find_again(&self, node: &RunningNode, before: &Subscription) -> Option<Subscription> {
        let deadline = Instant::now() + RETURN_MAX;
        loop {
            let is_over = before
                .supervisor
                .is_none_or(|supervisor| !self.node.is_alive(supervisor));
            let next = node.names().whereis(&self.events);
            if is_over || Instant::now() > deadline {
                return None;
            }
            if next.is_some_and(|next| next != before.manager)
                && let Ok(subscription) = self.find(node).await
            {
                return Some(subscription);
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Tells the events of one event manager.
    async fn tell_one(
        &mut self,
        listener: &mut impl Listener,
        subscription: &mut Subscription,
    ) -> Ended {
        while !listener.is_lost() {
            if let Some(line) = self.teller.next(Instant::now()) {
                listener.line(&line).await;
                continue;
            }
            let next_at = self.teller.next_at();
            tokio::select! {
                event = subscription.events.recv() => {
                    let Some(event) = event else { return Ended::Events };
                    let dropped = subscription.dropped.swap(0, Ordering::Relaxed);
                    if let Err(why) = self.take(listener, &event, dropped).await {
                        return Ended::Untold(why);
                    }
                }
                () = sleep_until(next_at.unwrap_or_else(Instant::now)), if next_at.is_some() => (),
                _ = self.signs.tick() => listener.sign().await,
                () = listener.left() => return Ended::Viewer,
            }
        }
        Ended::Viewer
    }

    /// Takes a notification, which may be no event of an avatar.
    async fn take(
        &mut self,
        listener: &mut impl Listener,
        notification: &[u8],
        dropped: u64,
    ) -> Result<(), String> {
        let Ok(notification) = from_msgpack(notification) else {
            return Ok(());
        };
        let Some(event) = self.story.event(&notification) else {
            return Ok(());
        };
        match self.form {
            StoryForm::Events => {
                let event = json_of(event);
                self.send(listener, News::Event { event }, dropped).await;
            }
            StoryForm::Text => {
                let pieces = self.pieces(event.clone()).await?;
                self.teller.add(pieces, Instant::now());
            }
        }
        Ok(())
    }

    async fn pieces(&self, event: Term) -> Result<Vec<Piece>, String> {
        let why = |error: &dyn std::fmt::Display| format!("{}: {error}", self.story.function());
        let told = self.story.tell(&self.node, event, &self.calls).await;
        let told = told.map_err(|error| why(&error))?;
        rmp_serde::from_slice(&told).map_err(|error| why(&error))
    }

    async fn send(&self, listener: &mut impl Listener, news: News, dropped: u64) {
        listener.line(&StoryLine::now(news, dropped)).await;
    }
}

/// An event as JSON; an event with a part that JSON does not have, such as a pid, as the text of its term.
fn json_of(event: &Term) -> serde_json::Value {
    let json = rmp_serde::from_slice(&to_plain_msgpack(event));
    json.unwrap_or_else(|_| event.to_string().into())
}

/// The parent of a process; `None` when it has none, or has ended.
async fn parent_of(node: &Node, process: Pid) -> Option<Pid> {
    let (tell, told) = oneshot::channel();
    // The receiver may have stopped waiting.
    let on_reply = move |status| drop(tell.send(status));
    node.sys_request(process, SysMessage::GetStatus, on_reply);
    let status = timeout(STATUS_TIMEOUT, told).await.ok()?.ok()?.ok()?;
    parent_in(&status)
}

/// The parent in the status of a process: `{status, Pid, {module, M}, [Dictionary, Mode, Parent, Debug, Misc]}`.
pub(crate) fn parent_in(status: &Term) -> Option<Pid> {
    let items = status.as_tuple()?.get(3)?.as_list()?;
    items.get(2)?.as_pid()
}

/// A tracer that passes the notifications of an event manager on, and ends the queue with it.
struct Notifications {
    events: parking_lot::Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    dropped: Arc<AtomicU64>,
}

impl Tracer for Notifications {
    fn take(&self, step: &Step<'_>) -> bool {
        let mut events = self.events.lock();
        let notification = match step {
            Step::Received {
                message:
                    Message {
                        kind: "event",
                        content: Content::Message(notification),
                        ..
                    },
                ..
            } => notification,
            Step::Exit(_) => {
                *events = None;
                return false;
            }
            _ => return true,
        };
        let Some(queue) = &*events else {
            return false;
        };
        match queue.try_send(notification.to_vec()) {
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                true
            }
            sent => sent.is_ok(),
        }
    }
}
