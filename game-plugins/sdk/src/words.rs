//! Calls of the node's service for words: a player's word leads back to an avatar.
//!
//! A word never reaches a library. A session writes the tag `sealed` ([`SEAL`]) with its question; the line that answers it
//! comes as a [`Line`], which is a number, and the session asks the node about that number. Answers that take time come as
//! [`Answered`] in `handle_info`. A node without the service keeps no words.

use pq_abi::Reason;
use pq_term::Pid;
use serde::{Deserialize, Serialize};

use crate::ctx::{Ctx, PortId};
use crate::export::Remote;

/// The tag that seals the next line of the client: its screen does not show the line, and the session does not get it.
pub const SEAL: &str = "\x0esealed\x0f";

/// The tag by which a session takes logins of a client's program: GMCP `Char.Login`, with a name and a word. The name comes as
/// a line, and the word answers the next sealed question.
pub const LOGIN: &str = "\x0elogin\x0f";

/// The tag with the result of such a login. It is for a program that has sent one, and others do not get it.
pub fn login_result(result: Result<(), &str>) -> String {
    match result {
        Ok(()) => "\x0egmcp Char.Login.Result {\"success\":true}\x0f".to_string(),
        Err(why) => {
            format!("\x0egmcp Char.Login.Result {{\"success\":false,\"message\":\"{why}\"}}\x0f")
        }
    }
}

static LOOK: Remote<(String,), Look> = Remote::new("words", "look");
static HAS: Remote<(Pid,), bool> = Remote::new("words", "has");
static JUDGE: Remote<(PortId, Line), Judged> = Remote::new("words", "judge");
static SAME: Remote<(PortId, Line, Line), bool> = Remote::new("words", "same");
static CHECK: Remote<(PortId, Line, String, u64), bool> = Remote::new("words", "check");
static KEEP: Remote<(PortId, Line, Pid, u64), bool> = Remote::new("words", "keep");

/// The number of a sealed line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line(pub u64);

impl Line {
    /// The number in a line of input; `None` for a line that was not sealed.
    pub fn of(data: &[u8]) -> Option<Line> {
        let digits = std::str::from_utf8(data.strip_prefix(b"\0")?).ok()?;
        digits.parse().ok().map(Line)
    }
}

/// The answer to [`look`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Look {
    /// Whether the name is taken, also by an avatar that rests.
    pub taken: bool,
    /// Whether the node keeps words.
    pub kept: bool,
}

/// The answer to [`judge`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// The word may be chosen.
    Fit,
    /// It has fewer than 6 characters.
    Short,
    /// It has more than 128 bytes.
    Long,
    /// Another line has come since, or the client has gone.
    Gone,
}

/// The message with the answer to [`check`] or [`keep`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The answer, with the number of the question.
    pub words: Answer,
}

/// An answer, with the session's number of the question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// The number that the session gave.
    pub r#ref: u64,
    /// The answer without that number.
    pub said: Said,
}

/// The answer of the node about a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The word is that of this avatar, which plays for the session from now on. Another client for which it has played is
    /// told so and closed.
    Plays(Pid),
    /// It is another word, or nobody has the name.
    Wrong,
    /// Too many words were wrong, for the name or from the address of the client.
    Later,
    /// The node has too much to do, or the avatar cannot play now.
    Busy,
    /// The avatar cannot be continued; operators keep it.
    Aside,
    /// The avatar has the word from now on. It rests when it is told to end, and its name stays taken.
    Kept,
    /// The avatar has no word.
    NotKept,
}

/// Whether a name is taken, and whether the node keeps words.
pub fn look(ctx: &mut Ctx<'_>, name: &str) -> Look {
    let looked = LOOK.try_call(ctx, &(name.to_string(),));
    looked.unwrap_or_default()
}

/// Whether an avatar has a word.
pub fn has(ctx: &mut Ctx<'_>, avatar: Pid) -> bool {
    HAS.try_call(ctx, &(avatar,)).unwrap_or(false)
}

/// Whether the word in a sealed line may be chosen.
pub fn judge(ctx: &mut Ctx<'_>, port: PortId, line: Line) -> Judged {
    let judged = JUDGE.try_call(ctx, &(port, line));
    judged.unwrap_or(Judged::Gone)
}

/// Whether two sealed lines in a row are the same word.
pub fn same(ctx: &mut Ctx<'_>, port: PortId, one: Line, other: Line) -> bool {
    SAME.try_call(ctx, &(port, one, other)).unwrap_or(false)
}

/// Asks for the avatar with this name, whose word is in a sealed line of the calling session. The answer has the number
/// `number`.
///
/// # Errors
/// When the node does not take the question.
pub fn check(
    ctx: &mut Ctx<'_>,
    port: PortId,
    line: Line,
    name: &str,
    number: u64,
) -> Result<(), Reason> {
    let args = (port, line, name.to_string(), number);
    taken(CHECK.try_call(ctx, &args)?)
}

/// Gives the word in a sealed line to an avatar. The answer has the number `number`.
///
/// # Errors
/// When the node does not take the question.
pub fn keep(
    ctx: &mut Ctx<'_>,
    port: PortId,
    line: Line,
    avatar: Pid,
    number: u64,
) -> Result<(), Reason> {
    taken(KEEP.try_call(ctx, &(port, line, avatar, number))?)
}

fn taken(is_taken: bool) -> Result<(), Reason> {
    is_taken.then_some(()).ok_or(Reason::NoProc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sealed_line_is_one() {
        assert_eq!(Line::of(b"\x0017"), Some(Line(17)));
        for other in [&b"17"[..], b"", b"\0", b"\0x", b"quit"] {
            assert_eq!(Line::of(other), None, "{other:?}");
        }
    }
}
