//! The texts of the game, word for word: a transcript is compared with one that is written from its numbers and names.

/// The first line to each client.
pub(crate) const PROMPT: &str = "What's your character's name?\r\n";

/// The last lines of the stats.
pub(crate) const AGREE: &str = "\r\nDo you agree to these? y/n\r\n\r\n";

/// The answer to input other than `y` and `n`.
pub(crate) const ANSWER: &str = "Answer with y (yes) or n (no)\r\n";

/// The answer to a name that another hero has.
pub(crate) const TAKEN: &str = "That name is taken.\r\n";

/// The enemies of 1.0.0 with their drops.
const ENEMIES: [(&str, &str); 6] = [
    ("Ant", "Ant Egg"),
    ("Wildcat", "Pelt"),
    ("Pig", "Bacon"),
    ("Wild Pig", "Tasty Ribs"),
    ("Goblin", "Goblin hair"),
    ("Robot", "Chunks of Metal"),
];

/// The answer to a line during play.
pub(crate) fn unexpected(line: &str) -> String {
    format!("Unexpected input: {line}\r\n")
}

/// The expected text of the stats at the beginning of this transcript, with its question.
///
/// Panics when a number cannot be the sum of three dice.
pub(crate) fn stats(transcript: &str) -> String {
    let names = [
        "Charisma",
        "Constitution",
        "Dexterity",
        "Intelligence",
        "Strength",
        "Wisdom",
    ];
    let mut lines = transcript.lines().skip(1);
    let mut text = "Stats for your character:\r\n".to_string();
    for name in names {
        let value: u32 = lines
            .next()
            .and_then(|line| line.rsplit(' ').next())
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| panic!("no {name} in {transcript:?}"));
        assert!((3..=18).contains(&value), "{name} is {value}");
        text += &format!("  {name}: {value}\r\n");
    }
    text + AGREE
}

/// The expected two lines of the kill at the beginning of this transcript.
fn kill(transcript: &str) -> String {
    let (enemy, drop) = ENEMIES
        .into_iter()
        .find(|(enemy, _)| transcript.starts_with(&format!("Executing a {enemy}...")))
        .unwrap_or_else(|| panic!("no enemy of 1.0.0 in {transcript:?}"));
    format!("Executing a {enemy}...\r\nObtained {drop}.\r\n")
}

/// Removes `expected` from the beginning of `transcript`.
pub(crate) fn next<'a>(transcript: &'a str, expected: &str) -> &'a str {
    transcript
        .strip_prefix(expected)
        .unwrap_or_else(|| panic!("{expected:?} is not at the beginning of {transcript:?}"))
}

/// Checks a session that agrees to the first stats and then only reads. It may end anywhere.
pub(crate) fn whole_session(transcript: &str) {
    let rest = next(transcript, PROMPT);
    let rest = next(rest, &stats(rest));
    kills(rest);
}

/// Checks a sequence of kills, of which the last may be incomplete. Returns the number of complete ones.
pub(crate) fn kills(transcript: &str) -> usize {
    let (mut rest, mut count) = (transcript, 0);
    while !rest.is_empty() {
        let kill = kill(rest);
        if kill.starts_with(rest) && kill != rest {
            break;
        }
        (rest, count) = (next(rest, &kill), count + 1);
    }
    count
}
