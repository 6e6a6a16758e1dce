//! Sealed lines, and logins of a client's program.

use super::*;
use crate::wire::gmcp::Wish;

#[test]
fn a_sealed_line_ends_its_own_secret() {
    let mut host = Host::met();
    let sealed = "Word: \x0esealed\x0f".as_bytes();
    assert_eq!(host.nvt.tell(sealed), b"Word: \xff\xfb\x01");
    assert_eq!(host.hear(b"\xff\xfd\x01ses"), b"");
    assert!(host.nvt.is_sealed());
    assert_eq!(host.hear(b"ame\r\n"), b"\xff\xfc\x01\r\n");
    assert!(!host.nvt.is_sealed());
}

#[test]
fn a_program_logs_in_when_the_session_takes_it() {
    let mut host = Host::met();
    host.hear(&negotiation(Verb::Do, GMCP));
    let gmcp = |text: &str| subnegotiation(GMCP, text.as_bytes());
    let default = gmcp(r#"Char.Login.Default {"type":["password-credentials"]}"#);
    host.nvt.set_dialogue(true);
    assert_eq!(
        host.hear(&gmcp(r#"Core.Supports.Set ["Char.Login 1"]"#)),
        b""
    );
    assert_eq!(
        host.nvt.tell(b"\x0elogin\x0fName?\n"),
        [&default[..], b"Name?\r\n"].concat()
    );
    let result = r#"gmcp Char.Login.Result {"success":true}"#;
    let tag = format!("\x0e{result}\x0f");
    assert_eq!(host.tell(&tag), "", "nobody has asked");
    let login = gmcp(r#"Char.Login.Credentials {"account":"Ann","password":"open sesame"}"#);
    assert_eq!(host.hear(&login), b"");
    let Some(Wish::LogIn(wish)) = host.nvt.take_wish() else {
        panic!("no login");
    };
    assert_eq!(wish.name, "Ann");
    assert_eq!(host.nvt.tell(tag.as_bytes()), gmcp(&result[5..]));
    assert_eq!(host.tell(&tag), "", "once");
    host.nvt.set_dialogue(false);
    host.hear(&login);
    assert_eq!(host.nvt.take_wish(), None, "the avatar plays");
}
