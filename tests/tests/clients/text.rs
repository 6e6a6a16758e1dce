//! Programs that do not know telnet: they receive three bytes and then the game.

use pq_tests::running::Running;

use crate::clients::program::Program;

#[test]
fn socat_plays_a_session_and_is_sent_nothing_but_text() {
    let node = Running::node();
    let address = format!("TCP:{}", node.address());
    let mut command = std::process::Command::new("socat");
    let Some(mut socat) = Program::start(command.args(["-t30", "-", &address])) else {
        return;
    };
    socat.shows("What's your character's name?\r\n", 1);
    socat.type_in("Ann\r\n");
    socat.shows("Do you agree to these? y/n\r\n", 1);
    socat.type_in("y\r\n");
    socat.shows("Obtained ", 1);
    socat.type_in("quit\r\n");
    socat.end_input();
    let told = socat.end();
    assert!(told.is_ascii(), "{told:?}");
}

#[test]
fn a_shell_plays_a_session_without_any_program() {
    let node = Running::node();
    let play = r#"exec 3<>/dev/tcp/$0/$1; printf 'Ann\ny\nquit\n' >&3
        while IFS= read -r line; do printf '%s\n' "$line"; done <&3"#;
    let Some(shell) = Program::client("bash", &["-c", play], &node) else {
        return;
    };
    let told = shell.end();
    assert!(
        told.starts_with("What's your character's name?\r\n"),
        "{told:?}"
    );
    assert!(told.is_ascii() && told.contains("y/n"), "{told:?}");
}
