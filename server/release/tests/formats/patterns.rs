//! Random regular expressions for versions, from every construct of `re(3)`.

use pq_release::appup::pattern::matches_all;
use pq_term::Term;

use super::dice::Dice;

/// A pattern, and the version to match.
pub(crate) struct Question {
    pattern: String,
    vsn: String,
}

impl Question {
    /// The question as a line `{Pattern, Vsn}.`
    pub(crate) fn line(&self) -> String {
        let pattern = Term::binary(self.pattern.as_bytes());
        format!(
            "{}.\n",
            Term::tuple([pattern, Term::string(self.vsn.as_str())])
        )
    }
}

/// Pieces of patterns. Constructs that PCRE and PCRE2 (used by OTP from 28 on) read differently are left out: `\K` in a
/// look-around, `{,n}` and blanks in `{n, m}`, a class at the end of a range, letters that are no escapes, a recursion that may
/// never end, and backtracking into a called group.
const PIECES: &[&str] = &[
    "1",
    "\\.",
    "0",
    "2",
    ".",
    "\\d",
    "\\d+",
    "\\d*",
    "\\D",
    "\\w+",
    "\\W",
    "\\s",
    "\\S+",
    "[0-9]",
    "[0-9]+",
    "[^.]",
    "[^.]+",
    "[a-z-]",
    "[]x]",
    "[\\d.]+",
    "[[:digit:]]",
    "[[:alpha:]]+",
    "[[:^digit:]]",
    "[[:punct:]]",
    "(?i)RC",
    "(?i:rc)",
    "(?-i)rc",
    "(?=0)",
    "(?!0)",
    "(?=.*rc)",
    "(?<=\\.)",
    "(?<!1)",
    "(?<=1|2)",
    "(\\d)",
    "(?<n>\\d)",
    "\\1",
    "\\k<n>",
    "\\k{n}",
    "\\g{1}",
    "\\g{-1}",
    "(?P<p>\\d)",
    "(?P=p)",
    "(?:1|2)",
    "(1|1\\.0)",
    "(?>\\d+)",
    "\\d++",
    "\\d*+",
    "\\d?+",
    "\\d??",
    "\\d{2}",
    "\\d{1,3}",
    "\\d{1,}",
    "\\d{1,2}?",
    "\\Q.\\E",
    "\\Q1.0\\E",
    "\\Q+",
    "\\p{Nd}",
    "\\p{L}",
    "\\P{Lu}",
    "\\pN",
    "\\x31",
    "\\x{30}",
    "\\061",
    "\\b",
    "\\B",
    "\\A",
    "\\z",
    "\\Z",
    "^",
    "$",
    "|",
    "\\G",
    "(?x) 1 ",
    "(?#c)",
    "(?s).",
    "(?m)^",
    "(?|(1)|(2))",
    "(?(1)0|x)",
    "(?(?=1)1|2)",
    "\\K",
    "\\h",
    "\\H",
    "\\v",
    "\\R",
    "\\N",
    "\\X",
    "(?:(*ACCEPT))",
    "(?:(*FAIL))",
    "(?:(*COMMIT))",
    "-rc",
    "-",
    "é",
    "(?i)É",
    "[é-ü]",
    "rc",
    "rc\\d+",
    "(",
    ")",
    "*",
    "+",
    "?",
    "{",
    "(?",
    "[z-a]",
    "\\",
    "(a+)+",
    "(a*)*",
    "a*",
    ".*",
    ".+",
    ".*?",
    ".*+",
];

/// ASCII only: OTP itself does not agree on the letters beyond ASCII for `\\w`, `\\b` and `[[:alpha:]]`.
const VSNS: &[&str] = &[
    "1.0",
    "1.0.0",
    "1.1",
    "2.0",
    "12.0",
    "1.0-rc",
    "1.0-RC1",
    "1.0-rc.1",
    "1",
    "",
    "1.0\n",
    "rc1",
    "aaaaaaaaaaaaaaa",
    "1.0 ",
    "11.00",
];

pub(crate) fn questions(dice: &mut Dice, count: usize) -> Vec<Question> {
    (0..count).map(|_| question(dice)).collect()
}

fn question(dice: &mut Dice) -> Question {
    let vsn = dice.pick(VSNS).to_string();
    let few = dice.below(4);
    let pieces =
        |dice: &mut Dice, few: usize| (0..few).map(|_| dice.pick(PIECES)).collect::<String>();
    let pattern = match dice.below(3) {
        // Patterns made from the version itself match most often.
        0 => {
            let quoted = vsn.replace('.', "\\.");
            let borders: Vec<usize> = quoted
                .char_indices()
                .map(|(at, _)| at)
                .chain([quoted.len()])
                .collect();
            let at = borders[dice.below(borders.len())];
            format!("{}{}{}", &quoted[..at], pieces(dice, few), &quoted[at..])
        }
        1 => format!("(?:{})+", pieces(dice, few + 1)),
        _ => pieces(dice, few + 2),
    };
    Question { pattern, vsn }
}

/// The differences between our answers and OTP's, one line each. For OTP, a pattern that was given up does not match.
pub(crate) fn differences(questions: &[Question], answers: &[String]) -> Vec<String> {
    let mut full = 0;
    let mut differences = Vec::new();
    for (Question { pattern, vsn }, answer) in questions.iter().zip(answers) {
        let ours = matches_all(pattern, vsn);
        let is_same = match (&ours, answer.as_str()) {
            (Ok(true), "full") | (Ok(false), "part" | "none") | (Err(_), "bad") => true,
            (Err(error), "none") => error.contains("given up"),
            _ => false,
        };
        full += usize::from(answer == "full");
        if !is_same {
            differences.push(format!(
                "--- {pattern} with {vsn:?}: ours {ours:?}, OTP's {answer}\n"
            ));
        }
    }
    println!(
        "{full} of {} patterns match the whole version",
        questions.len()
    );
    assert!(full * 10 >= questions.len(), "too few patterns match");
    differences
}
