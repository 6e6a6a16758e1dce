//! Random texts of files: every literal in every notation, and most ways to write one wrongly.

use pq_term::{Term, read_bytes};

use super::dice::Dice;
use super::otp::written;

/// Correct literals, and literals that are wrong or mean something unexpected.
type Literals = (&'static [&'static str], &'static [&'static str]);

const INTEGERS: Literals = (
    &[
        "0",
        "7",
        "00012",
        "1_000",
        "1_0_0",
        "16#ff",
        "16#FF_0f",
        "2#1010",
        "36#zZ",
        "1_6#a",
        "016#a",
        "9223372036854775807",
        "9223372036854775808",
        "123456789012345678901234567890",
        "16#ffff_ffff_ffff_ffff_ffff",
        "10#9",
        "$a",
        "$ ",
    ],
    &[
        "1__0", "1_", "_1", "2#102", "37#1", "1#0", "0#0", "16#", "8#8", "1a", "16#g", "16#1_",
        "1 2",
    ],
);

const FLOATS: Literals = (
    &[
        "1.0",
        "0.0",
        "1_0.0_1",
        "1.5e3",
        "1.5E3",
        "1.5e+3",
        "1.5e-3",
        "1.0e1_0",
        "1.0e308",
        "1.0e-320",
        "1.0e-400",
        "3.141592653589793238462643",
        "179769313486231570000000000000000000000.0",
        "0.1e1",
        "2.0e0_1",
        "5.0e-324",
    ],
    &[
        "1.0e", "1.0e+", "1.e3", "1e3", ".5", "1.0e309", "1.0_", "1.0e5x", "16#1.5", "1.0e_1",
        "1._0",
    ],
);

const CHARACTERS: Literals = (
    &[
        "$a",
        "$ ",
        "$\n",
        "$\\n",
        "$\\s",
        "$\\\\",
        "$\\^A",
        "$\\^z",
        "$\\^?",
        "$\\^1",
        "$\\^[",
        "$\\x41",
        "$\\x{1F600}",
        "$\\101",
        "$\\0",
        "$\\8",
        "$\\777",
        "$é",
        "$🐉",
        "$'",
        "$\"",
        "$%",
        "$,",
        "$}",
        "$.",
        "$\\d",
        "$\\e",
        "$\\^\n",
        "$\\^é",
        "$\u{85}",
    ],
    &[
        "$\\x4",
        "$\\x{}",
        "$\\x{D800}",
        "$\\x{110000}",
        "$\\",
        "$",
        "$ab",
        "$\u{ffff}",
        "$\\x{FFFE}",
    ],
);

/// Texts between the quotes of strings and atoms.
const INSIDES: Literals = (
    &[
        "",
        "a",
        "Ab_9@",
        " ",
        "\n",
        "\r\n",
        "\\n",
        "\\t\\r\\v\\b\\f\\e\\d\\s",
        "\\\\",
        "\\\"",
        "\\'",
        "\\q",
        "\\x41",
        "\\x{3bb}",
        "\\x{1F600}",
        "\\x{10FFFF}",
        "\\7",
        "\\77",
        "\\377",
        "\\400",
        "\\777",
        "\\1234",
        "\\8",
        "\\^A",
        "\\^z",
        "\\^@",
        "\\^_",
        "\\^?",
        "\\^1",
        "\\^é",
        "\\\n",
        "é",
        "λ",
        "🐉",
        "%",
        "{",
        "]",
        "$",
        "\u{85}",
        "\u{0}",
        "\u{7f}",
        "\u{feff}",
        "\u{2028}",
    ],
    &[
        "\\x{110000}",
        "\\x{D800}",
        "\\x{DFFF}",
        "\\x{FFFE}",
        "\\x{FFFF}",
        "\\xF",
        "\\x{41",
        "\\x{g}",
        "\\x",
        "\u{fffe}",
        "don't",
        "a\"b",
        "\\",
    ],
);

const ATOMS: Literals = (
    &[
        "a", "ab_C9@x", "été", "ß", "maybe", "else", "query", "spec", "ÿ", "true", "a", "b",
    ],
    &[
        "A",
        "_",
        "_a",
        "λ",
        "end",
        "fun",
        "cond",
        "let",
        "when",
        "a.b",
        "a-b",
        "@a",
        "9a",
        "÷",
        "a×",
        "ªa",
        "?A",
        "fun a:b/1",
    ],
);

const SIZES: Literals = (
    &[
        "", "", "", "", ":8", ":16", ":0", ":(8)", ":32", ":64", ":24", ":$ ",
    ],
    &[
        ":4", ":12", ":3", ":1", ":-1", ":a", ":8:8", ":1.0", ":(-8)", ": 8",
    ],
);

const TYPES: Literals = (
    &[
        "",
        "",
        "",
        "",
        "",
        "/integer",
        "/little",
        "/big",
        "/native",
        "/signed",
        "/integer-integer",
        "/unsigned-big",
        "/utf8",
        "/utf16-little",
        "/utf32",
    ],
    &[
        "/utf8",
        "/utf16",
        "/utf16-little",
        "/utf32-big-little",
        "/float",
        "/float-little",
        "/binary",
        "/bytes",
        "/bits",
        "/bitstring",
        "/unsigned-signed",
        "/integer-unit:8",
        "/unit:8",
        "/unit:0",
        "/binary-unit:16",
        "/latin1",
        "/little-signed-integer-unit:2",
        "/utf8-signed",
        "/bits-unit:8",
        "/float-unit:2",
        "/utf8-unit:1",
    ],
);

/// Texts before and after a token.
const BLANKS: Literals = (
    &[
        "", "", "", "", "", " ", "\n", "\t", "\r\n", " % c\n", "%%\n", "\u{a0}", "\u{85}", "\u{0}",
    ],
    &["\u{feff}", "\u{7f}", "\u{2003}"],
);

/// One in this many literals is wrong.
const WRONG_ONE_IN: usize = 60;

fn literal(dice: &mut Dice, (right, wrong): Literals) -> &'static str {
    let of = if dice.one_in(WRONG_ONE_IN) {
        wrong
    } else {
        right
    };
    of[dice.below(of.len())]
}

/// Pieces that are inserted into a text to break it.
const SHARDS: &[&str] = &[
    "{", "}", "[", "]", "(", ")", "<<", ">>", "#", "#{", "=>", ":=", "|", ",", ".", "..", "\"",
    "'", "$", "\\", "-", "+", "?", ";", "/", "a", "X", "1", "1.0", "fun", "<0.1.2>", "~", " ",
    "\n", "%", "++", ":", "!", "é", "\u{feff}", "#r{}", "begin", "end",
];

/// Texts after the last term.
const ENDS: &[&str] = &[
    ".",
    ".\n",
    ". ",
    " .\n",
    ".%end",
    ".% end\n",
    ". \n% end",
    "",
    ".\r\n",
    ".\u{0}",
    ",",
    "..",
    ". .",
];

pub(crate) fn texts(dice: &mut Dice, count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| text(dice)).collect()
}

/// One to three terms, some of them broken, in a random encoding.
fn text(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..=dice.below(3) {
        text += literal(dice, BLANKS);
        text += &term(dice, 3);
        text += dice.pick(&[".", ".", " ."]);
        text += dice.pick(&["\n", " ", "% c\n", "\n"]);
    }
    if dice.one_in(3) {
        text = term(dice, 2) + dice.pick(ENDS);
    }
    if dice.one_in(5) {
        break_it(dice, &mut text);
    }
    coded(dice, &text)
}

fn break_it(dice: &mut Dice, text: &mut String) {
    let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let at = borders
        .get(dice.below(borders.len().max(1)))
        .copied()
        .unwrap_or(0);
    match (dice.below(3), text[at..].chars().next()) {
        (0, Some(c)) => text.replace_range(at..at + c.len_utf8(), ""),
        (1, Some(c)) => text.replace_range(at..at + c.len_utf8(), dice.pick(SHARDS)),
        _ => text.insert_str(at, dice.pick(SHARDS)),
    }
}

/// The bytes of a text in UTF-8 or Latin-1, with a correct, wrong or missing encoding comment.
fn coded(dice: &mut Dice, text: &str) -> Vec<u8> {
    let head = dice.pick(&[
        "",
        "",
        "",
        "",
        "%% coding: latin-1\n",
        "%% coding: utf-8\n",
        "\n%% -*- coding: Latin-1 -*-\n",
        "\n\n%% coding: latin-1\n",
        "%% coding=latin-1-x\n",
        "%% coding : latin1\n",
        "a. %encoding: latin-1\n",
        "%% ccoding:latin-1\n",
        "%% coding latin-1 coding: latin-1\n",
        "\u{feff}",
        "% é\n",
    ]);
    let text = format!("{head}{text}");
    match dice.one_in(6) && text.chars().all(|c| u32::from(c) < 256) {
        true => text.chars().map(|c| u32::from(c) as u8).collect(),
        false => text.into_bytes(),
    }
}

fn term(dice: &mut Dice, depth: usize) -> String {
    let simple = depth == 0 || dice.one_in(3);
    match dice.below(if simple { 8 } else { 14 }) {
        0 => signed(dice, INTEGERS),
        1 => signed(dice, FLOATS),
        2 => signed(dice, CHARACTERS),
        3 | 4 => strings(dice),
        5 => literal(dice, ATOMS).to_string(),
        6 => format!("'{}'", insides(dice).replace('"', "")),
        7 => binary(dice, 0),
        8 => format!("{{{}}}", items(dice, depth - 1)),
        9 | 10 => list(dice, depth - 1),
        11 => map(dice, depth - 1),
        12 => format!("({})", term(dice, depth - 1)),
        _ => binary(dice, depth - 1),
    }
}

fn signed(dice: &mut Dice, of: Literals) -> String {
    let wrong = ["- -", "+ -", "--", "-("];
    let sign = match dice.one_in(WRONG_ONE_IN) {
        true => dice.pick(&wrong),
        false => dice.pick(&["", "", "", "", "-", "- ", "+", "-(("]),
    };
    let close = if sign.ends_with("((") { "))" } else { "" };
    format!("{sign}{}{close}", literal(dice, of))
}

/// `""` before another quote would begin a string in triple quotes; such strings are left out.
fn strings(dice: &mut Dice) -> String {
    let mut text = format!("\"{}\"", insides(dice).replace('\'', ""));
    while dice.one_in(5) {
        text += &format!(" {}\"{}\"", literal(dice, BLANKS), insides(dice));
    }
    text
}

fn insides(dice: &mut Dice) -> String {
    let few = dice.below(4);
    (0..few).map(|_| literal(dice, INSIDES)).collect()
}

fn items(dice: &mut Dice, depth: usize) -> String {
    let few = dice.below(4);
    let mut items: Vec<String> = (0..few)
        .map(|_| {
            format!(
                "{}{}{}",
                literal(dice, BLANKS),
                term(dice, depth),
                literal(dice, BLANKS)
            )
        })
        .collect();
    if dice.one_in(40) {
        items.push(String::new());
    }
    items.join(",")
}

fn list(dice: &mut Dice, depth: usize) -> String {
    let items = items(dice, depth);
    let tail = match (dice.one_in(4), dice.one_in(20)) {
        (true, true) => dice.pick(&["|a", "|", "|{}", "|[]|[]"]),
        (true, false) if !items.is_empty() => dice.pick(&["|[]", "|[b]", "|\"ab\"", "|([c|[]])"]),
        _ => "",
    };
    format!("[{items}{tail}]")
}

/// Keys are atoms and numbers, because in Erlang a string and a list of the same numbers are the same key.
fn map(dice: &mut Dice, depth: usize) -> String {
    let few = dice.below(4);
    let pairs = (0..few).map(|_| {
        let key = dice.pick(&["a", "b", "1", "1.0", "-1", "(a)", "{a}", "<<1>>", "[]"]);
        let arrow = if dice.one_in(WRONG_ONE_IN) {
            ":="
        } else {
            dice.pick(&["=>", " => "])
        };
        format!("{key}{arrow}{}", term(dice, depth))
    });
    format!("#{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

fn binary(dice: &mut Dice, depth: usize) -> String {
    let few = dice.below(4);
    let segments = (0..few).map(|_| match dice.below(12) {
        0 => segment(
            dice,
            &["(<<1,2>>)", "<<1,2,3>>", "<<>>"],
            &[
                "/binary",
                "/bytes",
                "/bits",
                ":1/binary",
                "/binary-unit:1",
                ":8/bits",
            ],
        ),
        1 => segment(
            dice,
            &["1", "2.5", "-1.0e300", "(0.1)"],
            &[
                "/float",
                ":32/float",
                ":16/float-little",
                ":2/float-unit:16",
            ],
        ),
        2 => segment(
            dice,
            &["16#1F409", "$a", "\"é🐉\"", "\"a\" \"b\""],
            &["/utf8", "/utf16", "/utf16-little", "/utf32", "/utf8-signed"],
        ),
        3 => segment(
            dice,
            &["1:4,2", "5:1,-1:3,2", "7:12/little,9", "7:12,9"],
            &[":4", ":12/unit:1", ":4/little"],
        ),
        4 => format!(
            "{}{}{}",
            term(dice, depth.min(1)),
            literal(dice, SIZES),
            literal(dice, TYPES)
        ),
        5 => format!(
            "{}{}",
            strings(dice),
            dice.pick(&["", "/utf8", ":16", ":16/little", "/integer"])
        ),
        _ => {
            let value = dice.pick(&[
                "1", "255", "256", "65535", "$a", "-1", "(-1)", "16#1F409", "\"ab\"", "\"é\"",
                "\"λ\"",
            ]);
            format!("{value}{}{}", literal(dice, SIZES), literal(dice, TYPES))
        }
    });
    format!("<< {}>>", segments.collect::<Vec<_>>().join(","))
}

fn segment(dice: &mut Dice, values: &[&str], types: &[&str]) -> String {
    format!("{}{}", dice.pick(values), dice.pick(types))
}

/// The differences between our answers and OTP's, as a few lines each.
pub(crate) fn differences(texts: &[Vec<u8>], answers: &[String]) -> Vec<String> {
    let mut read = 0;
    let mut differences = Vec::new();
    for (text, answer) in texts.iter().zip(answers) {
        let ours = match read_bytes(text) {
            Ok(terms) => format!("ok {}", written(&Term::list(terms))),
            Err(_) => "refused".to_string(),
        };
        let expected = if answer.contains('!') {
            "refused"
        } else {
            answer
        };
        let is_same =
            ours == expected || (ours == "refused" && (is_left_out(text) || is_replaced(text)));
        read += usize::from(answer != "refused");
        if !is_same {
            let text = String::from_utf8_lossy(text);
            let why = read_bytes(text.as_bytes()).err();
            differences.push(format!(
                "--- {text:?}\n  ours: {ours} {why:?}\n OTP's: {answer}\n"
            ));
        }
    }
    println!("{read} of {} texts are terms", texts.len());
    assert!(read * 4 >= texts.len(), "too few texts are terms");
    differences
}

/// True for a map with a duplicate key whose first value has an improper list: OTP's answer no longer contains that list.
fn is_replaced(text: &[u8]) -> bool {
    let refused = read_bytes(text).err();
    let is_improper = refused.is_some_and(|error| error.to_string().contains("a proper end"));
    is_improper && text.windows(2).any(|two| two == b"=>")
}

/// True for texts with strings in triple quotes.
fn is_left_out(text: &[u8]) -> bool {
    text.windows(3).any(|three| three == b"\"\"\"")
}
