//! The environment variables by which users disable colours and moving lines.

use std::env;

/// Whether colours are permitted (<https://no-color.org>).
pub(crate) fn colours_are_wanted() -> bool {
    allows(|name| env::var(name).ok())
}

/// Whether a line may overwrite another line.
pub(crate) fn lines_may_move() -> bool {
    allows(|name| env::var(name).ok())
}

/// `NO_COLOR` disables all output except plain lines; a dumb terminal supports nothing else.
fn allows(variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_refused = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = variable("TERM").is_some_and(|name| name == "dumb");
    !is_refused && !is_dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_heard_and_an_empty_one_is_none() {
        let with = |name: &'static str, value: &'static str| {
            allows(move |asked| (asked == name).then(|| value.to_string()))
        };
        assert!(!with("NO_COLOR", "1"));
        assert!(!with("TERM", "dumb"));
        assert!(with("NO_COLOR", "") && with("TERM", "xterm"));
        assert!(allows(|_| None));
    }
}
