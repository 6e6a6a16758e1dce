//! A server that gets caught where it is told to, until the test lets it go: code that an author has got wrong.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pq_sdk::{
    Ctx, Export, From, Function, Functions, GenServer, Info, InitError, Message, Module, Next, Pid,
    Reason, Remote,
};
use serde::{Deserialize, Serialize, Serializer};

/// The words whose snares have been opened.
static OPEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Lets whoever is caught under this word go, now and later.
pub(crate) fn open(word: &str) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.insert(word.to_string());
}

/// Whoever works never sleeps: when somebody else looks just now, it is looked at again later.
fn is_open(word: &str) -> bool {
    OPEN.try_lock().is_ok_and(|open| open.contains(word))
}

/// How much of a processor it has before it leaves the others some: longer than it takes to be known as one that does not
/// end.
const WORK: Duration = Duration::from_millis(1_500);

/// Works until the snare is opened.
fn work(word: &str) {
    let had = worked();
    while !is_open(word) {
        (0..100_000).for_each(|_| std::hint::spin_loop());
        if worked() - had > WORK {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// How much of a processor this thread has had; nothing where the system does not say.
fn worked() -> Duration {
    let said = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = said.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

/// Sleeps until it is.
fn sleep(word: &str) {
    while !is_open(word) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Where it gets caught, and under which word.
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
            // A callback of this process, caught in a function of another module.
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

/// Functions that get caught, too.
pub(crate) struct Pit;

impl Functions for Pit {}

impl Module for Pit {
    const NAME: &'static str = "pit";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&CATCH, &TELL];
}

/// `catch(Word)`.
static CATCH: Function<(String,), ()> = Function::new("pit", "catch", |_, (word,)| work(&word));

/// `tell(Pid, Fails)`: a message, unless the function fails after it has sent it; and more that reaches nobody.
static TELL: Function<(Pid, bool), u64> = Function::new("pit", "tell", |ctx, (pid, fails)| {
    ctx.send(pid, &"told");
    let timer = ctx.start_timer(1, &"nobody hears it");
    ctx.cancel_timer(timer);
    assert!(!fails, "as it should");
    7
});
