//! A connection under test: its task, and an owner that records its input.

use std::sync::Arc;

use sockserv::entrance::socket::prepare;
use sockserv::session::connection;
use sockserv::{End, Opening, Owner, Port, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// An input of the owner.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Line(String),
    Closed(String),
}

/// The capacity of the record, larger than the input of any test.
const HEARD_MAX: usize = 100_000;

struct HeardSender(mpsc::Sender<Heard>);

impl Owner for HeardSender {
    fn on_line(&mut self, line: &[u8]) {
        self.0
            .try_send(Heard::Line(String::from_utf8_lossy(line).into_owned()))
            .unwrap();
    }

    fn on_closed(&mut self, reason: &str) {
        self.0.try_send(Heard::Closed(reason.to_string())).unwrap();
    }
}

pub(crate) struct Rig {
    pub(crate) port: Arc<Port>,
    heard: mpsc::Receiver<Heard>,
    task: JoinHandle<End>,
}

impl Rig {
    /// Connects a client to the listener, and serves it.
    pub(crate) async fn connect(listener: &TcpListener) -> (TcpStream, Rig) {
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let accepted = accepted.unwrap().0;
        prepare(&accepted).unwrap();
        (client.unwrap(), Rig::serve(accepted))
    }

    /// Serves a client without a probe, so that it only receives the owner's output.
    pub(crate) fn serve(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Rig {
        let settings = Settings {
            opening: Opening::Quiet,
            ..Settings::default()
        };
        Rig::serve_with(stream, settings)
    }

    pub(crate) fn serve_with(
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        settings: Settings,
    ) -> Rig {
        let (told, heard) = mpsc::channel(HEARD_MAX);
        let port = Arc::new(Port::new(settings.current()));
        let shared = port.clone();
        let task =
            tokio::spawn(
                async move { connection::run(stream, &shared, &mut HeardSender(told)).await },
            );
        Rig { port, heard, task }
    }

    pub(crate) fn say(&self, text: &str) {
        self.port.write(text.as_bytes()).unwrap();
    }

    /// The next input of the owner; the permit of a line is returned at once.
    pub(crate) async fn heard(&mut self) -> Heard {
        let heard = self.heard.recv().await.expect("the task tells how it ends");
        if let Heard::Line(_) = heard {
            self.port.line_done();
        }
        heard
    }

    pub(crate) async fn line(&mut self) -> String {
        match self.heard().await {
            Heard::Line(line) => line,
            Heard::Closed(reason) => panic!("closed: {reason}"),
        }
    }

    pub(crate) async fn closed(&mut self) -> String {
        loop {
            if let Heard::Closed(reason) = self.heard().await {
                return reason;
            }
        }
    }

    /// Takes the lines so far without returning their permits; returns their number.
    pub(crate) fn lines_kept(&mut self) -> usize {
        std::iter::from_fn(|| self.heard.try_recv().ok()).count()
    }

    /// The end of the connection, and the inputs of the owner that were not taken yet.
    pub(crate) async fn end(mut self) -> (End, Vec<Heard>) {
        let end = self.task.await.unwrap();
        (
            end,
            std::iter::from_fn(|| self.heard.try_recv().ok()).collect(),
        )
    }
}

/// Reads exactly these bytes.
pub(crate) async fn read_bytes(stream: &mut (impl AsyncRead + Unpin), expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, expected);
}

/// Reads exactly this text.
pub(crate) async fn read_text(stream: &mut (impl AsyncRead + Unpin), text: &str) {
    let mut bytes = vec![0; text.len()];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

/// Reads all bytes until the end, as text.
pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
