//! Texts and the result of reading them: terms or error messages.

use super::*;
use crate::print::is_reserved;
use expect_test::{Expect, expect};

/// Reads the text and compares the printed terms or the error.
fn check(text: &str, expected: Expect) {
    let shown = match read_all(text) {
        Ok(terms) => terms.iter().map(|t| format!("{t}.\n")).collect::<String>(),
        Err(error) => format!("{error}\n"),
    };
    expected.assert_eq(&shown);
}

fn error(text: &str) -> String {
    read_one(text).expect_err(text).to_string()
}

#[test]
fn an_application_file_reads() {
    check(
        r#"%% -*- mode: erlang -*-
{application, processquest,
 [{description, "Game inspired by"
                " the Progress Quest game"}, % two literals
  {vsn, "1.0.0"},
  {mod, {processquest, []}},
  {env, [{pace, 1.0e-3}]}]}.
"#,
        expect![[r#"
            {application,processquest,[{description,"Game inspired by the Progress Quest game"},{vsn,"1.0.0"},{mod,{processquest,[]}},{env,[{pace,0.001}]}]}.
        "#]],
    );
}

#[test]
fn several_terms_each_end_with_a_dot() {
    check(
        "a.b.",
        expect![[r#"
        line 1, column 2: found `.b`, expected white space after the dot that closes a term
    "#]],
    );
    check(
        "a. b.\n'c'.%end",
        expect![[r#"
        a.
        b.
        c.
    "#]],
    );
    check(
        "a. b",
        expect![[r#"
        line 1, column 5: found the end of the text, expected `.` after the term
    "#]],
    );
    check("", expect![""]);
    check("% nothing", expect![""]);
    check(
        "{a} {b}.",
        expect![[r#"
        line 1, column 5: found `{`, expected `.` after the term
    "#]],
    );
}

#[test]
fn numbers_read_in_every_notation() {
    check(
        "[1_000, 16#ff, 16#FF_FF, 2#101, 36#zZ, -5, - 5, +5, -0].",
        expect![[r#"
            [1000,255,65535,5,1295,-5,-5,5,0].
        "#]],
    );
    check(
        "[1.0e-3, 1.5E+10, -0.0, 1_0.2_5, 1.0e-400].",
        expect![[r#"
        [0.001,15000000000.0,-0.0,10.25,0.0].
    "#]],
    );
}

#[test]
fn numbers_too_large_and_characters_read_as_erlang_has_them() {
    check(
        "1.0e400.",
        expect![[r#"
        line 1, column 1: found `1.0e400`, expected a float of at most 1.7976931348623157e308
    "#]],
    );
    check(
        "[9223372036854775807, -9223372036854775808, 9223372036854775808].",
        expect![[r#"
            [9223372036854775807,-9223372036854775808,9223372036854775808].
        "#]],
    );
    check(
        "[$a, $\\n, $ , $\\s, $\\x{1F409}, -$a, $', $\\\\].",
        expect![[r#"
            [97,10,32,32,128009,-97,39,92].
        "#]],
    );
    check(
        "1e5.",
        expect![[r#"
        line 1, column 2: found `e5`, expected `.` after the term
    "#]],
    );
    check(
        "99#1.",
        expect![[r#"
        line 1, column 1: found `99#`, expected a base from 2 to 36 before `#`
    "#]],
    );
    check(
        "16#g.",
        expect![[r#"
        line 1, column 1: found `16#`, expected digits of base 16 after `#`
    "#]],
    );
    check(
        "2#102.",
        expect![[r#"
        line 1, column 5: found `2`, expected `.` after the term
    "#]],
    );
    check(
        "1__0.",
        expect![[r#"
        line 1, column 2: found `__0`, expected `.` after the term
    "#]],
    );
    check(
        "- a.",
        expect![[r#"
        line 1, column 3: found `a`, expected a number after the sign
    "#]],
    );
    check(
        "$",
        expect![[r#"
        line 1, column 1: found `$`, expected a character after `$`
    "#]],
    );
}

#[test]
fn an_integer_beyond_the_limit_is_refused_and_one_below_is_read() {
    let limit = num_bigint::BigInt::from(1) << (crate::BigInteger::BITS_MAX - 1);
    assert!(read_one(&format!("{limit}.")).is_ok());
    assert!(error(&format!("{}.", limit * 2)).contains("at most 32768 bits"));
    assert!(error(&format!("{}.", "9".repeat(100_000))).contains("at most 32768 bits"));
}

#[test]
fn strings_and_atoms_know_every_escape() {
    check(
        r#"["\b\d\e\f\n\r\s\t\v", "\'\"\\\q", "\0\12\101\777", "\x41\x{1f409}", "\^a\^Z\^[\^1"]."#,
        expect![[r#"
            ["\b\d\e\f\n\r \t\v","'\"\\q","\x{0}\nAǿ","A🐉","\x{1}\x{1A}\e\x{11}"].
        "#]],
    );
    check(
        r#"['\n', 'don\'t', '\x{e9}', 'a"b', '']."#,
        expect![[r#"
            ['\n','don\'t',é,'a"b',''].
        "#]],
    );
    check(
        "\"over\ntwo lines\". \"joined \\\n\".",
        expect![[r#"
        "over\ntwo lines".
        "joined \n".
    "#]],
    );
    let escapes = [
        r"\x{d800}",
        r"\x{110000}",
        r"\x{ffffffffff}",
        r"\x4",
        r"\x{}",
        r"\x{41",
        r"\^",
        r"\x{ffff}",
        r"\",
    ];
    let errors = escapes.map(|escape| error(&format!("\"{escape}")) + "\n");
    expect![[r#"
        line 1, column 2: found `\x{d800}`, expected a character of Unicode, at most 10FFFF and no surrogate
        line 1, column 2: found `\x{110000}`, expected a character of Unicode, at most 10FFFF and no surrogate
        line 1, column 2: found `\x{ffffffffff}`, expected `\xHH` or `\x{H...}`, at most 10FFFF
        line 1, column 2: found `\x4`, expected `\xHH` or `\x{H...}`, at most 10FFFF
        line 1, column 2: found `\x{}`, expected `\xHH` or `\x{H...}`, at most 10FFFF
        line 1, column 2: found `\x{41`, expected `\xHH` or `\x{H...}`, at most 10FFFF
        line 1, column 2: found `\^`, expected a character after `\^`
        line 1, column 2: found `\x{ffff}`, expected a character of Unicode (FFFE and FFFF are none)
        line 1, column 2: found `\`, expected a character after the backslash
    "#]].assert_eq(&errors.concat());
}

#[test]
fn binaries_read_bytes_and_text() {
    check(
        "[<<>>, <<\"abc\">>, <<1,2,255>>, <<\"é\">>, <<\"é\"/utf8>>, <<\"a\" \"b\", 0, \"λ\"/utf8>>].",
        expect![[r#"
            [<<>>,<<"abc">>,<<1,2,255>>,<<233>>,<<"é"/utf8>>,<<97,98,0,206,187>>].
        "#]],
    );
    check(
        "<<\"λ\">>.",
        expect![[r#"
            <<187>>.
        "#]],
    );
    check(
        "<<256>>.",
        expect![[r#"
            <<0>>.
        "#]],
    );
    check(
        "<<-1>>.",
        expect![[r#"
            <<255>>.
        "#]],
    );
    check(
        "<<1:16>>.",
        expect![[r#"
            <<0,1>>.
        "#]],
    );
    check(
        "<<1,>>.",
        expect![[r#"
            line 1, column 5: found `>>`, expected a term
        "#]],
    );
    check(
        "<<\"a\"/latin1>>.",
        expect![[r#"
            line 1, column 7: found `latin1`, expected integer, float, binary, bytes, bitstring, bits, utf8, utf16, utf32, signed, unsigned, big, little, native or unit:1 to unit:256, none against another
        "#]],
    );
}

#[test]
fn maps_read_and_pids_only_where_no_file_is_read() {
    check(
        "#{b => 1, a => [#{}], b => 2, \"k\" => (c)}.",
        expect![[r##"
            #{a => [#{}],b => 2,"k" => c}.
        "##]],
    );
    check(
        "<0.12.3>.",
        expect![[r#"
        line 1, column 1: found `<`, expected a term
    "#]],
    );
    assert_eq!(read_term("<0.12.3>").unwrap().to_string(), "<0.12.3>");
    check(
        "#{a := 1}.",
        expect![[r#"
        line 1, column 5: found `:`, expected `=>` after the key
    "#]],
    );
    check(
        "#record{a = 1}.",
        expect![[r#"
        line 1, column 2: found `record`, expected `{` after `#` (records are not read)
    "#]],
    );
    check(
        "#{a => 1",
        expect![[r#"
        line 1, column 9: found the end of the text, expected `,` or `}`
    "#]],
    );
    check(
        "<0.12>.",
        expect![[r#"
        line 1, column 1: found `<`, expected a term
    "#]],
    );
    check(
        "<300.1.1>.",
        expect![[r#"
        line 1, column 1: found `<`, expected a term
    "#]],
    );
}

#[test]
fn errors_say_where_and_what_was_expected() {
    check(
        "{a,\n [b,\n  c}].",
        expect![[r#"
        line 3, column 4: found `}`, expected `,` or `]`
    "#]],
    );
    check(
        "{a,}.",
        expect![[r#"
        line 1, column 4: found `}`, expected a term
    "#]],
    );
    check(
        "[a|b].",
        expect![[r#"
            line 1, column 4: found `b`, expected a list behind the `|` (only lists with a proper end are read)
        "#]],
    );
    check(
        "[a,b",
        expect![[r#"
        line 1, column 5: found the end of the text, expected `,` or `]`
    "#]],
    );
    check(
        "{a, Name}.",
        expect![[r#"
        line 1, column 5: found `Name`, expected a term (an atom that begins so is written in single quotes)
    "#]],
    );
    check(
        "_.",
        expect![[r#"
        line 1, column 1: found `_`, expected a term (an atom that begins so is written in single quotes)
    "#]],
    );
    check(
        "{end, 1}.",
        expect![[r#"
        line 1, column 2: found `end`, expected a term (a reserved word is an atom only in single quotes)
    "#]],
    );
    check(
        "fun() -> ok end.",
        expect![[r#"
            line 1, column 1: found `fun`, expected a term (a fun is not read)
        "#]],
    );
}

#[test]
fn errors_in_texts_and_names_say_where_they_begin() {
    check(
        "{a, 'quoted",
        expect![[r#"
            line 1, column 5: found `'quoted`, expected `'` at its end
        "#]],
    );
    check(
        "{a, \"a string that never ends, and goes on and on}.\n",
        expect![[r#"
            line 1, column 5: found `"a string that never ends, and…`, expected `"` at its end
        "#]],
    );
    check(
        "\"\"\"\ntriple\n\"\"\".",
        expect![[r#"
            line 1, column 1: found `"""`, expected `"` (strings in triple quotes mean one thing to OTP 25 and another to OTP 27: they are not read)
        "#]],
    );
    check(
        "{é, λ}.",
        expect![[r#"
        line 1, column 5: found `λ`, expected a term
    "#]],
    );
    check(
        "a.b",
        expect![[r#"
        line 1, column 2: found `.b`, expected white space after the dot that closes a term
    "#]],
    );
    check(
        ")",
        expect![[r#"
        line 1, column 1: found `)`, expected a term
    "#]],
    );
    check(
        &format!("'{}'.", "x".repeat(256)),
        expect![[r#"
        line 1, column 1: found `'xxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`, expected another atom: an atom has at most 255 characters, this one has 256
    "#]],
    );
}

#[test]
fn reserved_words_of_newer_erlang_read_as_the_atoms_they_were() {
    check(
        "{maybe, else}.",
        expect![[r#"
        {'maybe','else'}.
    "#]],
    );
    assert!(is_reserved("maybe"));
}

#[test]
fn one_term_means_one() {
    assert_eq!(read_one(" a . % done").unwrap(), Term::atom("a"));
    expect!["line 1, column 4: found `b`, expected the end of the text after one term"]
        .assert_eq(&error("a. b."));
    expect!["line 1, column 1: found the end of the text, expected a term"].assert_eq(&error(""));
    assert_eq!(read_term("{a,1}").unwrap(), read_term("{a,1}.").unwrap());
    expect!["line 1, column 3: found `b`, expected the end of the text after one term"]
        .assert_eq(&read_term("a b").unwrap_err().to_string());
}

#[test]
fn each_term_knows_the_line_it_begins_on() {
    let located = read_all_located("% one\na.\n{b,\n c}. d.\n\n e.").unwrap();
    let lines: Vec<_> = located
        .iter()
        .map(|(line, term)| format!("{line} {term}"))
        .collect();
    assert_eq!(lines, ["2 a", "3 {b,c}", "4 d", "6 e"]);
}

#[test]
fn what_changes_nothing_in_erlang_changes_nothing_here() {
    check(
        "[(a), ((\"b\")), -(1), +((2.5)), [1|[2|[3]]], [1|\"ab\"], {a|b}].",
        expect![[r#"
            line 1, column 57: found `|`, expected `,` or `}`
        "#]],
    );
    check(
        "[(a), ((\"b\")), -(1), +((2.5)), [1|[2|[3]]], [1|\"ab\"], [c|[]]].",
        expect![[r#"
            [a,"b",-1,2.5,[1,2,3],[1,97,98],[c]].
        "#]],
    );
    check(
        "- -1.",
        expect![[r#"
        line 1, column 3: found `-`, expected a number after the sign
    "#]],
    );
    check(
        "-(-1).",
        expect![[r#"
        line 1, column 3: found `-`, expected a number after the sign
    "#]],
    );
    check(
        "-(1.",
        expect![[r#"
        line 1, column 4: found `.`, expected `)`
    "#]],
    );
    check(
        "(a.",
        expect![[r#"
        line 1, column 3: found `.`, expected `)`
    "#]],
    );
    check(
        "(a, b).",
        expect![[r#"
        line 1, column 3: found `,`, expected `)`
    "#]],
    );
}

#[test]
fn segments_of_binaries_have_sizes_and_types() {
    check(
        "[<<1:4,2:4>>, <<-2:16/little>>, <<1.5:32/float>>, <<\"aé\"/utf16-little>>, <<16#1F409/utf8>>, <<(<<1,2,3>>):2/binary>>, <<5:2/unit:12>>, <<\"ab\":16>>, <<\"ab\":4>>].",
        expect![[r#"
            [<<18>>,<<254,255>>,<<63,192,0,0>>,<<97,0,233,0>>,<<"🐉"/utf8>>,<<1,2>>,<<0,0,5>>,<<0,97,0,98>>,<<18>>].
        "#]],
    );
    check(
        "<<1:3>>.",
        expect![[r#"
        line 1, column 1: found `<<`, expected whole bytes (bit strings are not read)
    "#]],
    );
    check(
        "<<\"\"/binary>>.",
        expect![[r#"
        line 1, column 3: found `""`, expected a binary that holds as much as the size says
    "#]],
    );
    check(
        "<<1/unit:8>>.",
        expect![[r#"
        line 1, column 4: found `/`, expected a size before a unit
    "#]],
    );
    check(
        "<<a>>.",
        expect![[r#"
        line 1, column 3: found `a`, expected a number, a string or a binary
    "#]],
    );
    check(
        "<<1.5>>.",
        expect![[r#"
        line 1, column 3: found `1.5`, expected an integer or a string
    "#]],
    );
}

#[test]
fn sizes_of_segments_are_bounded() {
    check(
        "<<1:-1>>.",
        expect![[r#"
        line 1, column 5: found `-`, expected a size from 0
    "#]],
    );
    check(
        "<<1:8/little-big>>.",
        expect![[r#"
        line 1, column 14: found `big`, expected integer, float, binary, bytes, bitstring, bits, utf8, utf16, utf32, signed, unsigned, big, little, native or unit:1 to unit:256, none against another
    "#]],
    );
    check(
        "<<(<<1>>):2/binary>>.",
        expect![[r#"
        line 1, column 3: found `(`, expected a binary that holds as much as the size says
    "#]],
    );
    check(
        "[<<0:8388608>>, <<0:8>>].",
        expect![[r#"
        line 1, column 19: found `0`, expected sizes that are 1048576 bytes in all
    "#]],
    );
    check(
        "<<0:99999999999999999999>>.",
        expect![[r#"
        line 1, column 5: found `99999999999999999999`, expected a size from 0
    "#]],
    );
    check(
        "<<0:9223372036854775807/unit:256>>.",
        expect![[r#"
        line 1, column 3: found `0`, expected sizes that are 1048576 bytes in all
    "#]],
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_place() {
    assert_eq!(read_bytes("é.".as_bytes()).unwrap(), [Term::atom("é")]);
    expect!["line 2, column 3: found the byte 233, expected text in UTF-8, or `%% coding: latin-1` as its first line"].assert_eq(
        &read_bytes(b"a.\n\"\xc3\xa9\xe9\".")
            .unwrap_err()
            .to_string(),
    );
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth| format!("{}{}.", "[".repeat(depth), "]".repeat(depth));
    assert!(read_one(&nested(NESTING_MAX)).is_ok());
    expect!["line 1, column 257: found `[`, expected at most 256 levels of nesting"]
        .assert_eq(&error(&nested(NESTING_MAX + 1)));
    assert!(error(&"[{".repeat(100_000)).contains("levels of nesting"));
    let flat = "[a],".repeat(2 * NESTING_MAX);
    assert!(read_one(&format!("[{flat}[b]].")).is_ok());
}
