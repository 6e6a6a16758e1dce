//! Tests of the rendered text for every kind of client.

use proptest::prelude::*;

use super::*;

const PLAIN: Look = Look {
    colours: Colours::None,
    reader: Reader::Eyes,
    charset: Charset::Utf8,
};

fn with(colours: Colours) -> Look {
    Look { colours, ..PLAIN }
}

fn check(look: Look, text: &str, expected: &str) {
    let wire = render(text.as_bytes(), look);
    assert_eq!(String::from_utf8(wire).unwrap(), expected, "{text:?}");
}

#[test]
fn a_line_feed_becomes_return_and_line_feed_exactly_once() {
    check(PLAIN, "a\n\nb\n", "a\r\n\r\nb\r\n");
    check(PLAIN, "a\r\n\r\n", "a\r\n\r\n");
}

#[test]
fn a_bare_return_does_not_go_back_to_the_front_of_the_line() {
    check(
        PLAIN,
        "Your avatar won.\rYour avatar lost.\r",
        "Your avatar won.Your avatar lost.",
    );
}

#[test]
fn letters_of_any_language_pass_unchanged() {
    let text = "Zoë 勇者 नमस्ते Ώμέγα שלום 🐉 e\u{301}\ta";
    check(PLAIN, text, text);
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    let wire = render(b"a\xff\xc3b\xe5\x8b", PLAIN);
    assert_eq!(wire, "a\u{fffd}\u{fffd}b\u{fffd}".as_bytes());
}

#[test]
fn nothing_that_a_terminal_obeys_gets_through() {
    check(
        PLAIN,
        "\x1b[2J\x07\x7f\0\x0f",
        "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    );
    for obeyed in [
        '\u{9b}', '\u{85}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}', '\u{2028}',
    ] {
        check(PLAIN, &format!("a{obeyed}b"), "a\u{fffd}b");
    }
}

#[test]
fn colours_are_those_that_the_client_has() {
    let text = "\x0e#ff8800\x0fP\x0ered\x0fi\x0ebright blue\x0fg";
    check(PLAIN, text, "Pig");
    check(
        with(Colours::Sixteen),
        text,
        "\x1b[33mP\x1b[31mi\x1b[94mg\x1b[0m",
    );
    check(
        with(Colours::Palette),
        text,
        "\x1b[38;5;208mP\x1b[31mi\x1b[94mg\x1b[0m",
    );
    check(
        with(Colours::True),
        text,
        "\x1b[38;2;255;136;0mP\x1b[31mi\x1b[94mg\x1b[0m",
    );
}

#[test]
fn a_style_ends_with_its_tag_or_with_the_text() {
    let look = with(Colours::Sixteen);
    check(look, "\x0ebold\x0fa\x0e/\x0fb\n", "\x1b[1ma\x1b[0mb\r\n");
    check(look, "\x0eunderline\x0fa\n", "\x1b[4ma\r\n\x1b[0m");
    check(look, "\x0e/\x0fa", "a");
}

#[test]
fn what_is_read_aloud_has_no_styles_and_no_pictures() {
    let look = Look {
        colours: Colours::True,
        reader: Reader::Screen,
        ..PLAIN
    };
    let text = "\x0ered\x0fExperience\x0e/\x0f \x0epicture\x0f[###  ]\x0e/picture\x0f3 of 5\n";
    check(look, text, "Experience 3 of 5\r\n");
    check(PLAIN, text, "Experience [###  ]3 of 5\r\n");
}

#[test]
fn a_client_of_ascii_gets_ascii() {
    let look = Look {
        charset: Charset::Ascii,
        ..PLAIN
    };
    check(look, "Zoë 勇\u{1b}\n", "Zo? ??\r\n");
}

#[test]
fn a_text_says_how_it_leaves_the_line() {
    let end = |text: &str| {
        let mut pen = Pen::new(with(Colours::True), text.len());
        for part in parts(text.as_bytes()) {
            match part {
                Part::Text(text) => pen.text(text),
                Part::Tag(tag) => pen.tag(tag),
            }
        }
        pen.finish().1
    };
    assert_eq!(end("a\n"), Some(LineEnd::Whole));
    assert_eq!(end("\x0ered\x0fa\n\x0e/\x0f"), Some(LineEnd::Whole));
    assert_eq!(end("a\r\n"), Some(LineEnd::Whole));
    assert_eq!(end("a\n> "), Some(LineEnd::Open));
    assert_eq!(end("\x0ered\x0f"), None);
}

fn look() -> impl Strategy<Value = Look> {
    let colours = prop_oneof![
        Just(Colours::None),
        Just(Colours::Sixteen),
        Just(Colours::Palette),
        Just(Colours::True)
    ];
    let reader = prop_oneof![Just(Reader::Eyes), Just(Reader::Screen)];
    let charset = prop_oneof![Just(Charset::Utf8), Just(Charset::Ascii)];
    (colours, reader, charset).prop_map(|(colours, reader, charset)| Look {
        colours,
        reader,
        charset,
    })
}

/// Random bytes with tags in them.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![
        Just("red"),
        Just("#123456"),
        Just("bold"),
        Just("/"),
        Just("picture"),
        Just("?")
    ]
    .prop_map(|name| format!("\x0e{name}\x0f").into_bytes());
    let odd = prop_oneof![
        Just("\u{9b}"),
        Just("\u{202e}"),
        Just("\x1b]0;x\x07"),
        Just("\r"),
        Just("\n"),
        Just("勇")
    ]
    .prop_map(|text| text.as_bytes().to_vec());
    let piece = prop_oneof![tag, odd, proptest::collection::vec(any::<u8>(), 0..6)];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn only_our_own_styles_are_sequences(look in look(), text in text()) {
        let shown = String::from_utf8(render(&text, look)).unwrap();
        let mut rest = shown.as_str();
        while let Some(at) = rest.find(is_obeyed) {
            rest = &rest[at..];
            let behind = rest.strip_prefix("\r\n").or_else(|| {
                let (codes, behind) = rest.strip_prefix("\x1b[")?.split_once('m')?;
                codes.chars().all(|c| c.is_ascii_digit() || c == ';').then_some(behind)
            }).or_else(|| rest.strip_prefix('\t'));
            prop_assert!(behind.is_some(), "{shown:?}");
            rest = behind.unwrap();
        }
        prop_assert!(look.charset == Charset::Utf8 || shown.is_ascii());
    }

    #[test]
    fn text_as_the_released_libraries_write_it_passes_as_it_is(lines in proptest::collection::vec("[ -~é勇]{0,60}", 0..8), look in look()) {
        let look = Look { charset: Charset::Utf8, ..look };
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        prop_assert_eq!(render(text.as_bytes(), look), text.replace('\n', "\r\n").into_bytes());
    }
}
