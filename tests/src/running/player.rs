//! A player on a real node, with a record of every received byte and a check of every line.
//!
//! ```text
//!   socket, or nc, or telnet ─► a thread that reads ─► heard ─► without telnet ─► sees, story
//! ```
//! Each player has a reading thread, so no output is lost while a test looks elsewhere. Single bytes sent and received
//! are tested in `tests/tests/telnet`.

mod log;
mod wire;

pub use wire::plain_text;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::{PATIENCE, Running, poll, poll_while, uninterrupted};
use crate::needs;
use crate::story::{Story, Tale, Version};
use log::Log;

/// The first question to each client.
pub const PROMPT: &str = "What's your character's name?";

/// The last line of the stats, which asks for agreement.
pub const AGREE: &str = "Do you agree to these? y/n";

/// A player on a real node.
pub struct Player {
    name: String,
    link: Link,
    heard: Arc<Mutex<Heard>>,
    /// The place in the transcript up to which the test has looked.
    looked: usize,
    /// The lines before `judged` in the transcript.
    story: Story,
    judged: usize,
}

enum Link {
    Socket(TcpStream),
    /// A program, and the file with its standard error.
    Program(Child, NamedTempFile),
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

impl Player {
    /// Connects a player, which has sent nothing yet.
    pub fn connect(node: &Running) -> Player {
        Player::connect_to(node.address())
    }

    /// Does the same as [`Player::connect`] for the address of a node.
    pub fn connect_to(address: SocketAddr) -> Player {
        let stream = TcpStream::connect_timeout(&address, PATIENCE);
        let stream = stream.expect("the node listens");
        let copy = stream.try_clone().expect("there are descriptors left");
        Player::over(Link::Socket(stream), copy)
    }

    /// Connects a player over a socket; its hero with this name plays.
    pub fn enter(node: &Running, name: &str) -> Player {
        let mut player = Player::connect(node);
        player.join(name);
        player
    }

    /// Connects players at the same time; their heroes with these names play.
    pub fn enter_all<S: AsRef<str>>(node: &Running, names: &[S]) -> Vec<Player> {
        let mut players: Vec<Player> = names.iter().map(|_| Player::connect(node)).collect();
        for (player, name) in players.iter_mut().zip(names) {
            player.sees(PROMPT);
            player.gives(name.as_ref());
            player.types("y\n");
        }
        players
            .iter_mut()
            .for_each(|player| player.sees("Executing a "));
        players
    }

    /// Connects through a program that gets the node's address as arguments: `nc` or `telnet`. `None` when the program
    /// is missing, see [`needs`].
    #[track_caller]
    pub fn through(program: &str, node: &Running) -> Option<Player> {
        let address = node.address();
        let words = [address.ip().to_string(), address.port().to_string()];
        Player::by(Command::new(program).args(words))
    }

    /// Connects through a program: input goes to its standard input, output comes from its standard output. `None` as
    /// in [`Player::through`].
    #[track_caller]
    pub fn by(command: &mut Command) -> Option<Player> {
        let (link, out) = run(command)?;
        Some(Player::over(link, out))
    }

    /// Does the same for a program with a screen, which also writes its output to a file.
    #[track_caller]
    pub fn by_log(command: &mut Command, log: &Path) -> Option<Player> {
        let (link, screen) = run(command)?;
        let log = Log::follow(log, screen);
        Some(Player::over(link, log))
    }

    fn over(link: Link, mut from: impl Read + Send + 'static) -> Player {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let ear = heard.clone();
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            // A reset also ends the connection; a test that waits for more output notices that.
            while let Ok(length @ 1..) = uninterrupted(|| from.read(&mut chunk)) {
                lock(&ear).bytes.extend_from_slice(&chunk[..length]);
            }
            lock(&ear).ended = true;
        });
        Player {
            name: String::new(),
            link,
            heard,
            looked: 0,
            story: Story::of(&[Version::Old]),
            judged: 0,
        }
    }

    /// Expects the output of this version, because the node runs that version.
    pub fn of_version(mut self, version: Version) -> Player {
        self.story = Story::of(&[version]);
        self
    }

    /// Enters a name, agrees to the stats, and waits for the hero's first fight.
    pub fn join(&mut self, name: &str) {
        self.sees(PROMPT);
        self.gives(name);
        self.agrees();
    }

    /// Enters a name and waits for the stats.
    pub fn gives(&mut self, name: &str) {
        self.name = name.to_string();
        self.types(format!("{name}\n"));
        self.sees(AGREE);
    }

    /// Agrees to the stats, and waits for the hero's first fight.
    pub fn agrees(&mut self) {
        self.types("y\n");
        self.sees("Executing a ");
    }

    /// The name of the hero.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends these bytes to the node.
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let sent = match &mut self.link {
            Link::Socket(stream) => stream.write_all(text),
            Link::Program(child, _) => {
                let input = child
                    .stdin
                    .as_mut()
                    .expect("a player that has quit sends nothing");
                input.write_all(text)
            }
        };
        sent.unwrap_or_else(|error| panic!("{} cannot type: {error}\n{}", self.name, self.told()));
    }

    /// The whole output so far, without telnet commands.
    pub fn transcript(&self) -> String {
        let said = plain_text(&lock(&self.heard).bytes);
        // A client program prints lines of its own before those of the node.
        let begin = match self.link {
            Link::Socket(_) => 0,
            Link::Program(..) => said.find(PROMPT).unwrap_or(said.len()),
        };
        said[begin..].to_string()
    }

    /// Waits for this text after the part of the transcript that the test has looked at.
    pub fn sees(&mut self, text: &str) {
        self.sees_within(PATIENCE, text);
    }

    /// Does the same as [`Player::sees`] with a deadline.
    pub fn sees_within(&mut self, limit: Duration, text: &str) {
        let stays = || !self.is_gone();
        let found = poll_while(limit, stays, || self.transcript()[self.looked..].find(text));
        match found {
            Some(at) => self.looked += at + text.len(),
            None => panic!("{} never sees {text:?}\n{}", self.name, self.told()),
        }
    }

    /// The whole transcript, for the message of a failed test.
    fn told(&self) -> String {
        let errors = match &self.link {
            Link::Socket(_) => String::new(),
            Link::Program(_, errors) => fs::read_to_string(errors).unwrap_or_default(),
        };
        let end = if self.is_gone() { "the end" } else { "..." };
        format!(
            "--- heard ---\n{}\n--- {end} ---\n{errors}",
            plain_text(&lock(&self.heard).bytes)
        )
    }

    /// Waits for one more line of output, which shows that the hero continues.
    pub fn plays_on(&mut self) {
        Player::all_play_on(std::slice::from_mut(self));
    }

    /// Waits for one more line of output of each player.
    pub fn all_play_on(players: &mut [Player]) {
        for player in &mut *players {
            player.looked = player.transcript().len();
        }
        players.iter_mut().for_each(|player| player.sees("\n"));
    }

    /// Whether the node has closed the connection.
    pub fn is_gone(&self) -> bool {
        lock(&self.heard).ended
    }

    /// Waits until the node has closed the connection.
    pub fn ends(&self) {
        let ended = poll(PATIENCE, || self.is_gone().then_some(()));
        assert!(
            ended.is_some(),
            "{} is still connected\n{}",
            self.name,
            self.told()
        );
    }

    /// Sends `quit`, and waits for the end of the connection.
    pub fn quits(mut self) -> String {
        self.types("quit\n");
        if let Link::Program(child, _) = &mut self.link {
            // `nc` also waits for the end of its input; a person presses Ctrl-D.
            child.stdin = None;
        }
        self.ends();
        self.transcript()
    }

    /// Closes the connection without `quit`.
    pub fn drops(mut self) {
        self.hang_up();
    }

    /// The story so far, without an incomplete last line.
    pub fn story(&mut self) -> &Story {
        let told = self.transcript();
        let whole = told.rfind('\n').map_or(0, |end| end + 1);
        for line in told[self.judged..whole].lines() {
            let fits = self.story.read(line);
            fits.unwrap_or_else(|fault| {
                panic!("{}: {fault}\n--- all of it ---\n{told}", self.name)
            });
        }
        self.judged = whole;
        &self.story
    }

    /// The state of the hero according to its output so far.
    pub fn tale(&mut self) -> &Tale {
        self.story().tale().expect("the hero plays")
    }

    /// From now on the output of this version is allowed, too.
    pub fn may_become(&mut self, version: Version) {
        self.story();
        self.story.may_become(version);
    }

    /// From now on only the output of the newest version is allowed.
    pub fn has_become(&mut self) {
        self.story();
        self.story.has_become();
    }

    fn hang_up(&mut self) {
        match &mut self.link {
            // An error means that the socket is already closed.
            Link::Socket(stream) => drop(stream.shutdown(Shutdown::Both)),
            Link::Program(child, _) => {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// Starts a client program and returns its standard output; `None` when this machine does not have it.
#[track_caller]
fn run(command: &mut Command) -> Option<(Link, ChildStdout)> {
    if !needs::has_program(command) {
        return None;
    }
    let errors = NamedTempFile::new().expect("there is room for a file");
    let file = errors.reopen().expect("the file has just been made");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = command.stderr(file).spawn();
    let mut child = started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let out = child.stdout.take().expect("standard output is a pipe");
    Some((Link::Program(child, errors), out))
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
