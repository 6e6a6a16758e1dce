//! Parses lines of the game: the kind of a line, and the words and numbers in it.

/// A parsed line of the game.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Saying<'a> {
    Prompt,
    /// The refusal of a name or of an answer.
    Refusal,
    /// The answer to unexpected input.
    Unexpected,
    /// A line of the node: the disk lets the story wait, or does so no longer.
    World,
    StatsFollow,
    Stat(&'a str, u16),
    Empty,
    Agree,
    Executing(&'a str),
    Obtained(&'a str),
    Completed(&'a str),
    NewQuest(&'a str),
    Levelled(u32),
    ToMarket,
    ToKilling,
    Selling(&'a str),
    Got(u64),
    Negotiating,
    Bought(&'a str),
    /// A line that the game does not have, or that reports an internal error.
    Strange,
}

/// Lines with a fixed text.
const FIXED: [(&str, Saying<'static>); 10] = [
    ("What's your character's name?", Saying::Prompt),
    ("Stats for your character:", Saying::StatsFollow),
    ("Do you agree to these? y/n", Saying::Agree),
    ("", Saying::Empty),
    ("Answer with y (yes) or n (no)", Saying::Refusal),
    ("That name is taken.", Saying::Refusal),
    ("That name is not written in UTF-8.", Saying::Refusal),
    ("Heading to the killing fields...", Saying::ToKilling),
    (
        "Heading to the marketplace to sell loot...",
        Saying::ToMarket,
    ),
    (
        "Negotiating purchase of better equipment...",
        Saying::Negotiating,
    ),
];

impl<'a> Saying<'a> {
    pub(super) fn of(line: &'a str) -> Saying<'a> {
        let fixed = FIXED.into_iter().find(|(text, _)| *text == line);
        let open = || open(line).or_else(|| stat(line)).unwrap_or(Saying::Strange);
        fixed.map_or_else(open, |(_, saying)| saying)
    }

    /// Whether the line may occur between any two lines of a hero: answers to input, and lines of the node, come at once.
    pub(super) fn is_aside(self) -> bool {
        matches!(self, Saying::Unexpected | Saying::World)
    }

    /// Whether the line belongs to the dialogue before a hero plays.
    pub(super) fn is_of_dialogue(self) -> bool {
        matches!(self, Saying::Prompt | Saying::Refusal)
    }
}

/// Parses lines with a variable part.
fn open(line: &str) -> Option<Saying<'_>> {
    let between = |begin: &str, end: &str| line.strip_prefix(begin)?.strip_suffix(end);
    if line.starts_with("Unexpected input: ") {
        return Some(Saying::Unexpected);
    }
    if line.starts_with("[The world ") {
        return Some(Saying::World);
    }
    let worded = [
        between("Executing a ", "...").map(Saying::Executing),
        between("Completed quest: ", "...").map(Saying::Completed),
        between("Obtained new quest: ", ".").map(Saying::NewQuest),
        between("Obtained ", ".").map(Saying::Obtained),
        between("Selling ", "").map(Saying::Selling),
        between("Bought a ", "").map(Saying::Bought),
    ];
    let numbered = [
        between("Got ", " bucks.").and_then(|number| number.parse().ok().map(Saying::Got)),
        between("Leveled up to level ", " Here are your new stats:")
            .and_then(|number| number.parse().ok().map(Saying::Levelled)),
    ];
    worded.into_iter().chain(numbered).flatten().next()
}

/// Parses a line such as `  Charisma: 7`.
fn stat(line: &str) -> Option<Saying<'_>> {
    let (name, value) = line.strip_prefix("  ")?.split_once(": ")?;
    Some(Saying::Stat(name, value.parse().ok()?))
}
