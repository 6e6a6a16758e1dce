//! Tests with clients that request an echo.

use super::*;

/// The echo of this input, for a client that sends every key and requests an echo (as PuTTY does at once).
fn typed(host: &mut Host, input: &str) -> String {
    let answers = host.hear(input.as_bytes());
    let echo = host.nvt.typed(host.endpoint.unfinished());
    String::from_utf8([answers, echo].concat()).unwrap()
}

#[test]
fn a_client_that_asks_for_an_echo_sees_what_it_types_and_corrects() {
    let mut host = Host::met();
    assert_eq!(typed(&mut host, "A"), "");
    assert_eq!(
        host.hear(&negotiation(Verb::Do, ECHO)),
        negotiation(Verb::Will, ECHO)
    );
    assert_eq!(typed(&mut host, "m"), "Am");
    assert_eq!(typed(&mut host, "\x7f"), "\x08 \x08");
    assert_eq!(typed(&mut host, "n勇\x08n\r\0"), "nn\r\n");
    assert_eq!(typed(&mut host, "y\r\nqu"), "y\r\nqu");
    assert_eq!(host.tell("A bee.\n"), "\x08 \x08\x08 \x08A bee.\r\nqu");
    assert_eq!(
        String::from_utf8(host.nvt.announce("*** Lunch")).unwrap(),
        "\x08 \x08\x08 \x08*** Lunch\r\nqu"
    );
    assert_eq!(host.hear(&[IAC, EL]), b"");
    assert_eq!(typed(&mut host, ""), "\x08 \x08\x08 \x08");
    assert_eq!(host.lines, ["Ann", "y"]);
    assert_eq!(
        host.hear(&negotiation(Verb::Dont, ECHO)),
        negotiation(Verb::Wont, ECHO)
    );
    assert_eq!(typed(&mut host, "quit\r\n"), "");
}

#[test]
fn a_client_that_asks_for_an_echo_first_of_all_keeps_it() {
    let mut host = Host::opened();
    let answer = host.hear(&negotiation(Verb::Do, ECHO));
    assert_eq!(answer, [&negotiation(Verb::Will, ECHO)[..], REST].concat());
    assert_eq!(typed(&mut host, "Ann"), "Ann");
}

#[test]
fn a_secret_is_not_echoed_and_the_echo_goes_on_behind_it() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, ECHO));
    assert_eq!(host.tell("\x0esecret\x0fPassword: "), "Password: ");
    assert_eq!(typed(&mut host, "sword\r\nf"), "");
    assert_eq!(host.tell("\x0e/secret\x0fAgain: "), "\r\nAgain: ");
    assert_eq!(typed(&mut host, "ish"), "fish");
}

#[test]
fn a_line_that_is_too_long_is_echoed_no_further() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, ECHO));
    typed(&mut host, &"x".repeat(2048));
    assert_eq!(typed(&mut host, "yyy"), "\r\n");
    assert_eq!(typed(&mut host, "z\r\nq"), "q");
}
