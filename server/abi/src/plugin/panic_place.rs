//! The place of a panic. A payload carries only the message; only the panic hook knows the place.
//!
//! The recorder keeps it in a thread-local *without a destructor*: a destructor would register with the
//! thread and pin the library (the import lint of the code server refuses such a library).

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::mem::ManuallyDrop;
use std::panic::PanicHookInfo;
use std::sync::Once;

/// How many bytes of a file's path are kept. The end of the path is kept: it tells more than the beginning.
const PLACE_MAX: usize = 120;

/// Text stored in place, so that the thread-local needs no destructor.
struct PanicPlace {
    bytes: [u8; PLACE_MAX],
    len: usize,
}

impl Write for PanicPlace {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = &mut self.bytes[self.len..];
        let fits = text.len().min(room.len());
        room[..fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

thread_local! {
    /// How many callbacks of this library are on this thread's stack.
    static WATCHED: Cell<u32> = const { Cell::new(0) };
    static PLACE: RefCell<PanicPlace> = const { RefCell::new(PanicPlace { bytes: [0; PLACE_MAX], len: 0 }) };
}

/// Installs the recorder. A panic outside of callbacks goes to the hook that was installed before.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match WATCHED.get() {
            0 => before(info),
            _ => record(info),
        }));
    });
}

fn record(info: &PanicHookInfo<'_>) {
    let Some(location) = info.location() else {
        return;
    };
    let file = location.file();
    let tail = file
        .char_indices()
        .rev()
        .nth(PLACE_MAX - 20)
        .map_or(0, |(start, _)| start);
    PLACE.with_borrow_mut(|place| {
        place.len = 0;
        // Writing to a PanicPlace cannot fail: characters that do not fit are left out.
        let _ = write!(
            place,
            "{}:{}:{}",
            &file[tail..],
            location.line(),
            location.column()
        );
    });
}

/// Runs `body` with panics recorded instead of printed.
pub(super) fn watch<R>(body: impl FnOnce() -> R) -> R {
    WATCHED.set(WATCHED.get() + 1);
    let result = body();
    WATCHED.set(WATCHED.get() - 1);
    result
}

/// The text "message, at file:line:column" of a caught panic.
pub(super) fn describe(payload: Box<dyn Any + Send>) -> String {
    // It is never dropped: that may run the author's Drop, which may panic again.
    let payload = ManuallyDrop::new(payload);
    let message = match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => (*text).to_string(),
        (_, Some(text)) => text.clone(),
        _ => "a payload that is no text".to_string(),
    };
    let place =
        PLACE.with_borrow(|place| String::from_utf8_lossy(&place.bytes[..place.len]).into_owned());
    match place.is_empty() {
        true => message,
        false => format!("{message}, at {place}"),
    }
}
