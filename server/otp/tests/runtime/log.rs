//! The log lines of one thread, as text.
//!
//! There is one subscriber for the whole program, set once: with a subscriber for one thread (`with_default`), the
//! other tests influence whether a place in the code is enabled, and lines get lost.

use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Once;

thread_local! {
    /// The lines of this thread since the start of [`written_during`]; `None` outside of it.
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The log lines that `work` writes on this thread: each with its level and `field=value` pairs.
pub(crate) fn written_during(work: impl FnOnce()) -> String {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
    HEARD.with_borrow_mut(|heard| *heard = Some(String::new()));
    work();
    HEARD.with_borrow_mut(Option::take).unwrap_or_default()
}

struct Log;

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        HEARD.with_borrow_mut(|heard| {
            if let Some(text) = heard {
                write!(text, "{} ", event.metadata().level()).unwrap();
                event.record(&mut Line(text));
                text.push('\n');
            }
        });
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

struct Line<'a>(&'a mut String);

impl tracing::field::Visit for Line<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}
