//! Tests of the main loop: the test is the server at the other end of a pipe.

use std::time::Duration;

use sockserv::Profile;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// The limit of each wait: the expected events are immediate.
const PATIENCE: Duration = Duration::from_secs(10);

/// The other ends of all streams of a conversation.
struct Rig {
    server: DuplexStream,
    keyboard: Option<mpsc::Sender<Vec<u8>>>,
    screen: mpsc::Receiver<Vec<u8>>,
    window: watch::Sender<Option<Size>>,
    conversation: JoinHandle<io::Result<End>>,
}

impl Rig {
    fn new(pipe: usize) -> Rig {
        Rig::with_patience(pipe, PATIENCE)
    }

    fn with_patience(pipe: usize, patience: Duration) -> Rig {
        let (server, stream) = duplex(pipe);
        let (keyboard, lines) = mpsc::channel(16);
        let (sender, screen) = mpsc::channel(1);
        let (window, sizes) = watch::channel(None);
        let console = Console {
            lines,
            screen: sender,
            sizes,
            echo: Echo::none(),
        };
        let peer = Peer::new(Profile::default());
        Rig {
            server,
            keyboard: Some(keyboard),
            screen,
            window,
            conversation: tokio::spawn(converse(stream, peer, console, patience)),
        }
    }

    fn types(&mut self, line: &str) {
        let keyboard = self.keyboard.as_ref().unwrap();
        keyboard.try_send(line.into()).unwrap();
    }

    async fn server_says(&mut self, bytes: &[u8]) {
        let said = timeout(PATIENCE, self.server.write_all(bytes)).await;
        said.expect("it is read").unwrap();
    }

    async fn server_hears(&mut self, expected: &[u8]) {
        let mut bytes = vec![0; expected.len()];
        let heard = timeout(PATIENCE, self.server.read_exact(&mut bytes)).await;
        heard.expect("it is sent").unwrap();
        assert_eq!(bytes, expected);
    }

    /// All bytes that the server receives until the sending half is closed.
    async fn server_hears_all(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let heard = timeout(PATIENCE, self.server.read_to_end(&mut bytes)).await;
        heard.expect("it ends").unwrap();
        bytes
    }

    async fn screen_shows(&mut self, expected: &str) {
        let mut shown = Vec::new();
        while shown.len() < expected.len() {
            let text = timeout(PATIENCE, self.screen.recv()).await;
            shown.extend(text.expect("it is shown").expect("it goes on"));
        }
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }

    async fn ends(self) -> io::Result<End> {
        let end = timeout(PATIENCE, self.conversation).await;
        end.expect("it ends").unwrap()
    }
}

#[tokio::test]
async fn lines_go_to_the_server_and_text_comes_to_the_screen() {
    let mut rig = Rig::new(1024);
    rig.server_says(b"\xff\xfd\x18Name: \xff\xf9").await;
    rig.server_hears(b"\xff\xfb\x18").await;
    rig.screen_shows("Name: ").await;
    rig.types("Ann");
    rig.server_hears(b"Ann\r\n").await;
    drop(rig.server.shutdown().await);
    assert_eq!(rig.ends().await.unwrap(), End::ByServer);
}

#[tokio::test]
async fn what_the_server_says_behind_the_end_of_the_input_is_shown() {
    let mut rig = Rig::new(1024);
    rig.types("Ann");
    rig.types("y");
    rig.keyboard = None;
    assert_eq!(rig.server_hears_all().await, b"Ann\r\ny\r\n");
    // The server repeats its question, which is not answered any more.
    rig.server_says(b"\xff\xfd\x18Executing a Pig...\r\n").await;
    rig.screen_shows("Executing a Pig...\r\n").await;
    rig.server_says(b"Bye.\r\n").await;
    drop(rig.server.shutdown().await);
    rig.screen_shows("Bye.\r\n").await;
    assert_eq!(rig.ends().await.unwrap(), End::ByServer);
}

#[tokio::test]
async fn a_window_that_changes_is_told() {
    let mut rig = Rig::new(1024);
    rig.server_says(b"\xff\xfd\x1f").await;
    rig.server_hears(b"\xff\xfb\x1f\xff\xfa\x1f\0\0\0\0\xff\xf0")
        .await;
    let size = Size {
        width: 120,
        height: 40,
    };
    rig.window.send(Some(size)).unwrap();
    rig.server_hears(b"\xff\xfa\x1f\0\x78\0\x28\xff\xf0").await;
}

#[tokio::test]
async fn a_reader_who_has_gone_ends_it() {
    let mut rig = Rig::new(1024);
    rig.server_says(b"Name: ").await;
    rig.screen_shows("Name: ").await;
    rig.screen.close();
    assert_eq!(rig.ends().await.unwrap(), End::ByReader);
}

#[tokio::test]
async fn a_reader_who_takes_nothing_is_not_waited_for_for_ever() {
    let mut rig = Rig::with_patience(1024, Duration::from_millis(20));
    rig.server_says(b"Name: ").await;
    let is_full = || rig.screen.len() == 1;
    let filled = timeout(PATIENCE, async {
        while !is_full() {
            tokio::task::yield_now().await;
        }
    });
    filled.await.expect("the screen has text");
    rig.server_says(b"Bye.\r\n").await;
    drop(rig.server.shutdown().await);
    let (end, _unread) = (timeout(PATIENCE, rig.conversation), rig.screen);
    let end = end.await.expect("it ends").unwrap();
    assert_eq!(end.unwrap(), End::ByReader);
}

#[tokio::test]
async fn a_server_that_only_talks_is_read_no_faster_than_the_screen() {
    let mut rig = Rig::new(1024);
    let flood = vec![b'x'; 4 * TEXT_MAX];
    let said = timeout(Duration::from_millis(200), rig.server.write_all(&flood));
    assert!(said.await.is_err(), "somebody keeps all of it");
    // Lines are sent nevertheless.
    rig.types("quit");
    rig.server_hears(b"quit\r\n").await;
}

#[tokio::test]
async fn a_server_that_never_reads_is_still_heard() {
    let mut rig = Rig::new(64);
    rig.types(&"x".repeat(4_000));
    rig.server_says(b"Bye.\r\n").await;
    rig.screen_shows("Bye.\r\n").await;
}
