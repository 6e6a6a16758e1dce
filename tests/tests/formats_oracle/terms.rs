//! Texts of files: every literal in every notation, and most ways to get one wrong.

use pq_term::{Term, read_bytes};

use super::dice::Dice;
use super::otp::written;

const INTEGERS: &[&str] = &[
    "0",
    "7",
    "00012",
    "1_000",
    "1_0_0",
    "1__0",
    "1_",
    "_1",
    "16#ff",
    "16#FF_0f",
    "2#1010",
    "2#102",
    "36#zZ",
    "37#1",
    "1#0",
    "0#0",
    "16#",
    "1_6#a",
    "016#a",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678901234567890",
    "16#ffff_ffff_ffff_ffff_ffff",
    "8#8",
    "10#9",
    "1a",
    "16#g",
];

const FLOATS: &[&str] = &[
    "1.0",
    "0.0",
    "1_0.0_1",
    "1.5e3",
    "1.5E3",
    "1.5e+3",
    "1.5e-3",
    "1.0e1_0",
    "1.0e",
    "1.0e+",
    "1.e3",
    "1e3",
    ".5",
    "1.0e308",
    "1.0e309",
    "1.0e-320",
    "1.0e-400",
    "3.141592653589793238462643",
    "1.0_",
    "1.0e5x",
    "16#1.5",
    "179769313486231570000000000000000000000.0",
    "0.1e1",
    "2.0e0_1",
];

const CHARACTERS: &[&str] = &[
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
    "$\\x4",
    "$\\x{}",
    "$\\x{D800}",
    "$\\x{110000}",
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
    "$\\",
    "$",
    "$ab",
    "$\\d",
    "$\\e",
    "$\u{ffff}",
];

/// What stands between the quotes of strings and atoms.
const INSIDES: &[&str] = &[
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
    "\\x{110000}",
    "\\x{D800}",
    "\\x{DFFF}",
    "\\x{FFFE}",
    "\\x{FFFF}",
    "\\xF",
    "\\x{41",
    "\\x{g}",
    "\\x",
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
    "\u{fffe}",
    "don't",
];

const ATOMS: &[&str] = &[
    "a", "ab_C9@x", "été", "ß", "A", "_", "_a", "λ", "end", "fun", "maybe", "else", "cond", "let",
    "query", "when", "spec", "a.b", "a-b", "@a", "9a", "ÿ", "÷", "×a", "true", "ªa",
];

const SIZES: &[&str] = &[
    "", "", "", ":8", ":16", ":4", ":0", ":12", ":(8)", ":-1", ":a", ":32", ":64", ":3", ":1",
];

const TYPES: &[&str] = &[
    "",
    "",
    "",
    "",
    "/utf8",
    "/utf16",
    "/utf16-little",
    "/utf32",
    "/utf32-big-little",
    "/integer",
    "/little",
    "/big",
    "/native",
    "/float",
    "/float-little",
    "/binary",
    "/bytes",
    "/bits",
    "/bitstring",
    "/signed",
    "/unsigned-signed",
    "/integer-unit:8",
    "/unit:8",
    "/unit:0",
    "/binary-unit:16",
    "/latin1",
    "/integer-integer",
    "/little-signed-integer-unit:2",
    "/utf8-signed",
    "/bits-unit:8",
];

/// What follows a token or comes before it.
const BLANKS: &[&str] = &[
    "", "", "", "", " ", "\n", "\t", "\r\n", " % c\n", "%%\n", "\u{a0}", "\u{85}", "\u{0}",
];

/// What is put into a text to break it.
const SHARDS: &[&str] = &[
    "{", "}", "[", "]", "(", ")", "<<", ">>", "#", "#{", "=>", ":=", "|", ",", ".", "..", "\"",
    "'", "$", "\\", "-", "+", "?", ";", "/", "a", "X", "1", "1.0", "fun", "<0.1.2>", "~", " ",
    "\n", "%", "++", ":", "!", "é", "\u{feff}", "#r{}", "begin", "end",
];

/// Behind the last term.
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

/// One to three terms, some of them broken, in some coding.
fn text(dice: &mut Dice) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..=dice.below(3) {
        text += dice.pick(BLANKS);
        text += &term(dice, 3);
        text += dice.pick(&[".", ".", ".", " .", ". "]);
        text += dice.pick(&["\n", " ", "% c\n", "\n"]);
    }
    if dice.one_in(3) {
        text = term(dice, 2) + dice.pick(ENDS);
    }
    if dice.one_in(4) {
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

/// The bytes: UTF-8 or Latin-1, with a head that may say which, or something else.
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
        5 => dice.pick(ATOMS).to_string(),
        6 => format!("'{}'", insides(dice).replace('"', "")),
        7 => binary(dice, 0),
        8 => format!("{{{}}}", items(dice, depth - 1)),
        9 | 10 => list(dice, depth - 1),
        11 => map(dice, depth - 1),
        12 => format!("({})", term(dice, depth - 1)),
        _ => binary(dice, depth - 1),
    }
}

fn signed(dice: &mut Dice, of: &[&str]) -> String {
    let sign = dice.pick(&["", "", "", "-", "- ", "+", "-(", "- -", "+ -"]);
    let number = dice.pick(of);
    let close = if sign.ends_with('(') { ")" } else { "" };
    format!("{sign}{number}{close}")
}

/// `""` before another quote would begin a string in triple quotes, which is left out.
fn strings(dice: &mut Dice) -> String {
    let mut text = format!("\"{}\"", insides(dice).replace('\'', ""));
    while dice.one_in(5) {
        text += &format!(" {}\"{}\"", dice.pick(BLANKS), insides(dice));
    }
    text
}

fn insides(dice: &mut Dice) -> String {
    let few = dice.below(4);
    (0..few)
        .map(|_| *INSIDES.get(dice.below(INSIDES.len())).unwrap())
        .collect()
}

fn items(dice: &mut Dice, depth: usize) -> String {
    let few = dice.below(4);
    let mut items: Vec<String> = (0..few)
        .map(|_| {
            format!(
                "{}{}{}",
                dice.pick(BLANKS),
                term(dice, depth),
                dice.pick(BLANKS)
            )
        })
        .collect();
    if dice.one_in(40) {
        items.push(String::new());
    }
    items.join(",")
}

fn list(dice: &mut Dice, depth: usize) -> String {
    match dice.one_in(4) {
        true => format!(
            "[{}|{}]",
            items(dice, depth),
            dice.pick(&["[]", "[b]", "\"ab\"", "a", "([c|[]])", ""])
        ),
        false => format!("[{}]", items(dice, depth)),
    }
}

/// Keys are atoms and numbers: of a string and a list of the same numbers Erlang makes one key.
fn map(dice: &mut Dice, depth: usize) -> String {
    let few = dice.below(4);
    let pairs = (0..few).map(|_| {
        let key = dice.pick(&["a", "b", "1", "1.0", "-1", "(a)", "{a}", "<<1>>", "[]"]);
        let arrow = dice.pick(&["=>", " => ", "=>", "=>", "=>", ":="]);
        format!("{key}{arrow}{}", term(dice, depth))
    });
    format!("#{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

fn binary(dice: &mut Dice, depth: usize) -> String {
    let few = dice.below(4);
    let segments = (0..few).map(|_| {
        let value = match dice.below(8) {
            0 => signed(dice, &["1", "255", "256", "65535", "$a", "16#1F409", "2.5"]),
            1 => strings(dice),
            2 => format!("({})", term(dice, depth)),
            3 => "<<1,2,3>>".to_string(),
            4 => dice
                .pick(&["(<<1,2>>)", "a", "1.5", "-1", "(-1)", "{a}", "(1)"])
                .to_string(),
            _ => dice
                .pick(&["1", "7", "\"ab\"", "\"é\"", "\"λ\""])
                .to_string(),
        };
        format!("{value}{}{}", dice.pick(SIZES), dice.pick(TYPES))
    });
    format!("<< {}>>", segments.collect::<Vec<_>>().join(","))
}

/// What differs, each as some lines.
pub(crate) fn differences(texts: &[Vec<u8>], answers: &[String]) -> Vec<String> {
    let mut read = 0;
    let mut differences = Vec::new();
    for (text, answer) in texts.iter().zip(answers) {
        let ours = match read_bytes(text) {
            Ok(terms) => format!("ok {}", written(&Term::list(terms))),
            Err(_) => "refused".to_string(),
        };
        let is_otp_s_alone = answer.contains('!') || is_left_out(text);
        let expected = if is_otp_s_alone { "refused" } else { answer };
        read += usize::from(answer != "refused");
        if ours != expected {
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

/// Strings in triple quotes.
fn is_left_out(text: &[u8]) -> bool {
    text.windows(3).any(|three| three == b"\"\"\"")
}
