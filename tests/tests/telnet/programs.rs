//! The clients `nc` and `telnet`, as programs.
//!
//! On a machine without them these tests are skipped, and say so: see `pq_tests::needs`.

use std::process::Command;

use pq_tests::needs::{Need, has};
use pq_tests::running::Running;

use crate::clients::program::Program;
use crate::telnet::script::{PROMPT, next, whole_session};

/// Plays as a person does: reads, then types.
fn play(program: &mut Program) {
    program.shows(PROMPT, 1);
    program.type_in("Ann\n");
    program.shows("y/n", 1);
    program.type_in("n\n");
    program.shows("y/n", 2);
    program.type_in("y\n");
    program.shows("Obtained ", 1);
    program.type_in("quit\n");
}

#[test]
fn nc_plays_a_session() {
    let node = Running::node();
    let Some(mut nc) = Program::client("nc", &[], &node) else {
        return;
    };
    play(&mut nc);
    // This nc also waits for the end of its input; a person presses Ctrl-D.
    nc.end_input();
    let told = nc.end();
    let rest = next(&told, PROMPT);
    let rest = next(rest, &crate::telnet::script::stats(rest));
    whole_session(&format!("{PROMPT}{rest}"));
}

#[test]
fn a_script_piped_through_nc_plays_a_session() {
    let node = Running::node();
    // It stays for this number of seconds after the end of its input, even if the node has closed the connection.
    let Some(mut nc) = Program::client("nc", &["-q", "6"], &node) else {
        return;
    };
    nc.type_in("Ann\ny\nquit\n");
    // As when `printf` ends, and with it the pipe.
    nc.end_input();
    whole_session(&nc.end());
}

#[test]
fn telnet_plays_a_session_from_a_pipe() {
    let node = Running::node();
    let Some(mut telnet) = Program::client("telnet", &[], &node) else {
        return;
    };
    telnet_plays(&mut telnet);
    let told = telnet.end();
    assert!(told.contains("Executing a "), "{told:?}");
}

#[test]
fn telnet_plays_a_session_from_a_terminal() {
    let node = Running::node();
    let address = node.address();
    let telnet = format!("telnet {} {}", address.ip(), address.port());
    if !has(&[Need::Telnet]) {
        return;
    }
    let Some(mut script) =
        Program::start(Command::new("script").args(["-qec", &telnet, "/dev/null"]))
    else {
        return;
    };
    telnet_plays(&mut script);
    script.shows("closed", 1);
    assert!(!script.out().contains('\u{fffd}'), "{:?}", script.out());
}

/// Does the same as [`play`]; telnet prints line ends for its terminal.
fn telnet_plays(telnet: &mut Program) {
    telnet.shows(PROMPT.trim_end(), 1);
    telnet.type_in("Ann\n");
    telnet.shows("y/n", 1);
    telnet.type_in("y\n");
    telnet.shows("Obtained ", 1);
    telnet.type_in("hello\n");
    telnet.shows("Unexpected input: hello", 1);
    telnet.type_in("quit\n");
}
