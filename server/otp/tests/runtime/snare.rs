//! A server that blocks at a chosen place until the test opens its snare: a model of a faulty callback.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pq_sdk::{
    Ctx, Export, From, Function, Functions, GenServer, Info, InitError, Message, Module, Next, Pid,
    Reason, Remote,
};
use serde::{Deserialize, Serialize, Serializer};

/// The words whose snares are open.
static OPEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Opens the snares of this word, now and in future.
pub(crate) fn open(word: &str) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.insert(word.to_string());
}

/// A working callback must not sleep: when the lock is taken, the next call tries again.
fn is_open(word: &str) -> bool {
    OPEN.try_lock().is_ok_and(|open| open.contains(word))
}

/// The processor time after which a snare yields to other threads: longer than it takes to count as a callback that
/// does not end.
const WORK: Duration = Duration::from_millis(1_500);

/// Works until the snare is open.
fn work(word: &str) {
    let had = worked();
    while !is_open(word) {
        (0..100_000).for_each(|_| std::hint::spin_loop());
        if worked() - had > WORK {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The processor time of this thread; 0 where the system does not say.
fn worked() -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = said.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Sleeps until the snare is open.
fn sleep(word: &str) {
    while !is_open(word) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The place where the server blocks, and the word of the snare.
#[derive(Serialize, Deserialize)]
pub(crate) struct Snare {
    #[serde(serialize_with = "export")]
    at: (String, String),
}

fn export<S: Serializer>(at: &(String, String), serializer: S) -> Result<S::Ok, S::Error> {
    if at.0 == "export" {
        work(&at.1);
    }
    at.serialize(serializer)
}

impl Snare {
    fn caught(&self, here: &str) {
        let (at, word) = &self.at;
        match at.as_str() {
            at if at == here => work(word),
            "asleep" if here == "handle_cast" => sleep(word),
            _ => (),
        }
    }
}

impl Drop for Snare {
    fn drop(&mut self) {
        self.caught("drop");
    }
}

impl Module for Snare {
    const NAME: &'static str = "snare";
    const VSN: &'static str = "1.0.0";
}

impl GenServer for Snare {
    type Args = (String, String);
    type Call = ();
    type Cast = ();

    fn init(at: Self::Args, ctx: &mut Ctx<'_>) -> Result<Snare, InitError> {
        let snare = Snare { at };
        snare.caught("init");
        ctx.trap_exit(true);
        if snare.at.0 == "handle_timeout" {
            let own = ctx.self_pid();
            ctx.send(own, &"wait");
        }
        if snare.at.0 == "handle_continue" {
            ctx.continue_with(&"go on");
        }
        Ok(snare)
    }

    fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
        self.caught("handle_call");
        ctx.reply(from, &"here");
        Next::Wait
    }

    fn handle_cast(&mut self, (): (), ctx: &mut Ctx<'_>) -> Next {
        self.caught("handle_cast");
        if self.at.0 == "catch" {
            // Models a callback of this process that blocks in a function of another module.
            Remote::<(String,), ()>::new("pit", "catch").call(ctx, (self.at.1.clone(),));
        }
        Next::Wait
    }

    fn handle_info(&mut self, info: Info<'_>, _: &mut Ctx<'_>) -> Next {
        self.caught("handle_info");
        match info {
            Info::Message(_) => Next::WaitAtMost(0),
            _ => Next::Wait,
        }
    }

    fn handle_continue(&mut self, _: Message<'_>, _: &mut Ctx<'_>) -> Next {
        self.caught("handle_continue");
        Next::Wait
    }

    fn handle_timeout(&mut self, _: &mut Ctx<'_>) -> Next {
        self.caught("handle_timeout");
        Next::Wait
    }

    fn terminate(&mut self, _: Reason, _: &mut Ctx<'_>) {
        self.caught("terminate");
    }
}

/// Functions that block until the snare is open.
pub(crate) struct Pit;

impl Functions for Pit {}

impl Module for Pit {
    const NAME: &'static str = "pit";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&CATCH, &TELL];
}

/// `catch(Word)`: works until the snare of this word is open.
static CATCH: Function<(String,), ()> = Function::new("pit", "catch", |_, (word,)| work(&word));

/// `tell(Pid, Fails)`: sends a message, unless the function fails after that; its other effects have no receiver.
static TELL: Function<(Pid, bool), u64> = Function::new("pit", "tell", |ctx, (pid, fails)| {
    ctx.send(pid, &"told");
    let timer = ctx.start_timer(1, &"nobody hears it");
    ctx.cancel_timer(timer);
    assert!(!fails, "as it should");
    7
});
