//! Handlers for the signals that end a process, and for `exit(3)`. Each writes its sentence and then ends the process
//! as it would have ended without a handler: by the same signal, and at the same instruction for a core dump.
//!
//! The first thread that reaches a handler writes. Another thread waits for it, and then ends the process with its own
//! signal if the first has not. All other signals are blocked in a handler: a fault in it ends the process at once.

use std::cell::UnsafeCell;
use std::fmt::Write;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use super::line::{InJson, Line, Moment};
use super::running::innermost;
use super::sentence::{Fault, Reason, Why};
use super::stack;

/// Signals of faults, and of `abort(3)`.
const FAULTS: [libc::c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGABRT,
];

/// Signals that end a process unless they are ignored, and that this program handles nowhere else.
const ENDS: [libc::c_int; 9] = [
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGXCPU,
    libc::SIGXFSZ,
];

/// The longest sentence, in bytes: a path, several names, and the words between them.
const SENTENCE_MAX: usize = 1 << 10;

/// The longest line, in bytes: a sentence as escaped JSON, and the fields around it.
const LINE_MAX: usize = 2 * SENTENCE_MAX + 256;

/// How long earlier lines may take to go out, in waits of [`LOOK_MS`]: one second.
const LOOKS: u32 = 200;

const LOOK_MS: libc::c_int = 5;

/// The destinations and the form of the last words.
pub struct LastWords {
    /// The file that the next node reads, opened to append; `None` when the node has no directory for it.
    pub file: Option<OwnedFd>,
    /// A descriptor of standard error.
    pub stderr: OwnedFd,
    /// The lines of the log are JSON.
    pub is_json: bool,
    /// Tells whether all earlier lines have reached standard error. It runs in a handler: it must neither lock nor
    /// allocate.
    pub has_settled: fn() -> bool,
}

/// The handler's data, written once before the handlers are installed.
struct Prepared {
    words: LastWords,
    /// The addresses of this program's code.
    program: Range<usize>,
}

/// A buffer of the one thread that writes the last words.
struct Spoken<T>(UnsafeCell<T>);

// SAFETY: only the thread that has set `CLAIMED` touches what is inside.
unsafe impl<T> Sync for Spoken<T> {}

static PREPARED: OnceLock<Prepared> = OnceLock::new();
/// An `exit(3)` is unexpected while this is set.
static ARMED: AtomicBool = AtomicBool::new(false);
static CLAIMED: AtomicBool = AtomicBool::new(false);
static SPOKEN: AtomicBool = AtomicBool::new(false);
static DONE: AtomicBool = AtomicBool::new(false);
static SENTENCE: Spoken<Line<SENTENCE_MAX>> = Spoken(UnsafeCell::new(Line::new()));
static LINE: Spoken<Line<LINE_MAX>> = Spoken(UnsafeCell::new(Line::new()));

/// Installs the handlers: from now on a fault writes its last words to `words`. To be called once in a process.
///
/// # Errors
/// When the system refuses a handler, or when the handlers are installed already.
pub fn arm(words: LastWords) -> io::Result<()> {
    let prepared = Prepared {
        words,
        program: program(),
    };
    PREPARED
        .set(prepared)
        .map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
    stack::watch_thread();
    FAULTS.into_iter().chain(ENDS).try_for_each(install)?;
    ARMED.store(true, Ordering::Release);
    // SAFETY: the function stays, and it may be called at any exit.
    match unsafe { libc::atexit(at_exit) } {
        0 => Ok(()),
        _ => Err(io::Error::other("no room for a function at the exit")),
    }
}

/// Announces an orderly end of the process: the next `exit(3)` is expected.
pub fn disarm() {
    ARMED.store(false, Ordering::Release);
}

/// Whether the last words are being written: no other line may follow them.
pub fn has_spoken() -> bool {
    SPOKEN.load(Ordering::Acquire)
}

/// The address range of this program's code in `/proc/self/maps`; empty when it cannot be read.
fn program() -> Range<usize> {
    let own = on_signal as *const () as usize;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        Some(number(start)?..number(end)?)
    };
    let mut ranges = maps.lines().filter_map(range);
    ranges.find(|range| range.contains(&own)).unwrap_or(0..0)
}

/// Installs the handler for the signal, unless the signal is ignored.
fn install(signal: libc::c_int) -> io::Result<()> {
    let mut before = default_action();
    // SAFETY: the action that is written is of this function.
    if unsafe { libc::sigaction(signal, ptr::null(), &mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if before.sa_sigaction == libc::SIG_IGN {
        return Ok(());
    }
    let mut action = default_action();
    action.sa_sigaction = on_signal as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the set is of this function; the handler has the type that SA_SIGINFO asks for, stays for ever, and does
    // nothing that a handler may not do (`signal-safety(7)`): see each step of `on_signal`.
    let set = unsafe {
        libc::sigfillset(&mut action.sa_mask);
        libc::sigaction(signal, &action, ptr::null_mut())
    };
    match set {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The action `SIG_DFL`, with no flags.
fn default_action() -> libc::sigaction {
    // SAFETY: it is made of numbers and of an address that may be missing: zero is a valid value of all.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

extern "C" fn on_signal(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the system hands both over, valid for as long as the handler runs.
    let (why, is_repeated) = unsafe { why(signal, &*info, context) };
    speak(why);
    let is_overflow = matches!(
        why,
        Why::Signal {
            reason: Reason::Overflow,
            ..
        }
    );
    match is_overflow {
        // Std ends the process so, after saying less.
        true => end_with(libc::SIGABRT, true),
        false => end_with(signal, !is_repeated),
    }
}

/// Writes the last words for an exit that was not announced with [`disarm`].
extern "C" fn at_exit() {
    if ARMED.load(Ordering::Acquire) {
        speak(Why::Exit);
    }
}

/// The cause that the system names for a signal, and whether the instruction that caused the signal is executed again
/// when the handler returns.
///
/// # Safety
/// `context` must be that of the handler which runs.
unsafe fn why(
    number: libc::c_int,
    info: &libc::siginfo_t,
    context: *mut libc::c_void,
) -> (Why, bool) {
    let reason = reason(number, info);
    // SAFETY: the caller promises it: with SA_SIGINFO it is a `ucontext_t`.
    let instruction = unsafe { instruction(&*context.cast::<libc::ucontext_t>()) };
    let is_caused = info.si_code > 0 && FAULTS.contains(&number);
    let is_repeated = is_caused && ![libc::SIGTRAP, libc::SIGSYS].contains(&number);
    let why = Why::Signal {
        number,
        reason,
        instruction: is_caused.then_some(instruction),
    };
    (why, is_repeated)
}

fn reason(number: libc::c_int, info: &libc::siginfo_t) -> Reason {
    /// `SEGV_ACCERR` of `sigaction(2)`, which the crate for the C library lacks; so for `FPE_INTDIV`.
    const NO_ACCESS: libc::c_int = 2;
    const DIVISION: libc::c_int = 1;
    if info.si_code <= 0 {
        // SAFETY: signals that are sent have both fields.
        let (pid, uid) = unsafe { (info.si_pid(), info.si_uid()) };
        return match pid == std::process::id() as i32 {
            true => Reason::Raised,
            false => Reason::Sent { pid, uid },
        };
    }
    // SAFETY: a union in which the address stands for signals of faults; for others it is a number that is not used.
    let address = unsafe { info.si_addr() } as usize;
    match (number, info.si_code) {
        (libc::SIGSEGV | libc::SIGBUS, _) if stack::overflows_at(address) => Reason::Overflow,
        (libc::SIGSEGV, libc::SI_KERNEL) => Reason::NoAddress,
        (libc::SIGSEGV, NO_ACCESS) => Reason::NotPermitted(address),
        (libc::SIGSEGV, _) => Reason::NoMemory(address),
        (libc::SIGBUS, _) => Reason::Bus(address),
        (libc::SIGFPE, DIVISION) => Reason::Division,
        _ if FAULTS.contains(&number) => Reason::Itself,
        _ => Reason::System,
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
}

#[cfg(target_arch = "aarch64")]
fn instruction(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.pc as usize
}

/// Writes the last words, or waits until another thread has written them.
fn speak(why: Why) {
    if CLAIMED.swap(true, Ordering::AcqRel) {
        let said = || DONE.load(Ordering::Acquire);
        return wait_for(said, 2 * LOOKS);
    }
    if let Some(prepared) = PREPARED.get() {
        say(why, prepared);
    }
    DONE.store(true, Ordering::Release);
}

fn say(why: Why, prepared: &Prepared) {
    let words = &prepared.words;
    // SAFETY: this thread has set `CLAIMED`; so with `LINE` below.
    let sentence = unsafe { &mut *SENTENCE.0.get() };
    let mut name = [0_u8; 16];
    let thread = thread(&mut name);
    innermost(|frame| {
        let fault = Fault {
            why,
            frame,
            thread,
            program: &prepared.program,
        };
        // A line takes what fits, and never fails.
        let _ = write!(sentence, "{fault}");
    });
    // SAFETY: as above.
    let line = unsafe { &mut *LINE.0.get() };
    let (now, sentence) = (Moment(SystemTime::now()), sentence.as_str());
    let _ = match words.is_json {
        true => writeln!(
            line,
            r#"{{"timestamp":"{now}","level":"ERROR","fields":{{"message":"the node ends: {}"}},"target":"pq::crash"}}"#,
            InJson(sentence)
        ),
        false => writeln!(line, "{now} ERROR pq::crash: the node ends: {sentence}"),
    };
    if let Some(file) = words
        .file
        .as_ref()
        .filter(|_| ARMED.load(Ordering::Acquire))
    {
        write_to(file, sentence);
    }
    wait_for(words.has_settled, LOOKS);
    SPOKEN.store(true, Ordering::Release);
    if takes_more(&words.stderr) {
        write_to(&words.stderr, line.as_str());
    }
}

/// Tests the condition every [`LOOK_MS`], at most `looks` times.
fn wait_for(condition: impl Fn() -> bool, looks: u32) {
    // The condition must hold twice in a row: a line that moves between two places is for a moment in neither of them.
    let mut held = 0;
    for _ in 0..looks {
        held = if condition() { held + 1 } else { 0 };
        if held == 2 {
            return;
        }
        // SAFETY: no descriptors, so nothing is read or written.
        unsafe { libc::poll(ptr::null_mut(), 0, LOOK_MS) };
    }
}

/// Whether a write would not block: a full pipe without a reader takes nothing.
fn takes_more(stream: &OwnedFd) -> bool {
    let mut asked = libc::pollfd {
        fd: stream.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one descriptor, of this function.
    unsafe { libc::poll(&mut asked, 1, 0) > 0 }
}

fn write_to(stream: &OwnedFd, text: &str) {
    // SAFETY: the bytes of a text. Bytes that the system does not take now are lost: no thread is left to try again.
    unsafe { libc::write(stream.as_raw_fd(), text.as_ptr().cast(), text.len()) };
}

/// Reads the name of this thread.
fn thread(name: &mut [u8; 16]) -> &str {
    // SAFETY: the call writes at most sixteen bytes (`PR_GET_NAME`, `prctl(2)`), the last of them zero.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    std::str::from_utf8(&name[..end]).unwrap_or_default()
}

/// Ends the process with the signal: it is raised, or its instruction is executed again. This handler has replaced
/// std's handler for stack overflows, and does its work here.
fn end_with(signal: libc::c_int, is_to_be_raised: bool) {
    // SAFETY: the default action has no handler. A signal that is raised here is blocked until the handler returns, and
    // ends the process then.
    unsafe {
        libc::sigaction(signal, &default_action(), ptr::null_mut());
        if is_to_be_raised {
            libc::raise(signal);
        }
    }
}
