//! A connection under test: its task, and an owner that tells what it hears.

use std::sync::Arc;

use sockserv::entrance::socket::prepare;
use sockserv::session::connection;
use sockserv::{End, Opening, Owner, Port, Settings};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// What an owner hears.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Line(String),
    Closed(String),
}

/// More than any test sends.
const HEARD_MAX: usize = 100_000;

struct Told(mpsc::Sender<Heard>);

impl Owner for Told {
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
    /// A client's socket, and its connection.
    pub(crate) async fn connect(listener: &TcpListener) -> (TcpStream, Rig) {
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let accepted = accepted.unwrap().0;
        prepare(&accepted).unwrap();
        (client.unwrap(), Rig::serve(accepted))
    }

    /// Without a probe: what is read is what the owner said.
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
            tokio::spawn(async move { connection::run(stream, &shared, &mut Told(told)).await });
        Rig { port, heard, task }
    }

    pub(crate) fn say(&self, text: &str) {
        self.port.write(text.as_bytes()).unwrap();
    }

    /// The next thing the owner hears; a line is given back at once.
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

    /// Takes the lines that were handed over so far, without giving them back.
    pub(crate) fn lines_kept(&mut self) -> usize {
        std::iter::from_fn(|| self.heard.try_recv().ok()).count()
    }

    /// How it ended, and what the owner heard and nobody asked for.
    pub(crate) async fn end(mut self) -> (End, Vec<Heard>) {
        let end = self.task.await.unwrap();
        (
            end,
            std::iter::from_fn(|| self.heard.try_recv().ok()).collect(),
        )
    }
}

/// Just these bytes.
pub(crate) async fn read_bytes(stream: &mut (impl AsyncRead + Unpin), expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(bytes, expected);
}

/// Just so many bytes, as text.
pub(crate) async fn read_text(stream: &mut (impl AsyncRead + Unpin), text: &str) {
    let mut bytes = vec![0; text.len()];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&bytes), text);
}

/// All bytes up to the end, as text.
pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
