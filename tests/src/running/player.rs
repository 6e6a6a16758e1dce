//! A player on a real node: every byte it is sent is kept, and every line can be judged.
//!
//! ```text
//!   socket, or nc, or telnet ─► a thread that reads ─► heard ─► without telnet ─► sees, story
//! ```
//! A thread of its own reads for each player, so nobody misses anything while a test looks elsewhere. What may be
//! sent and answered byte by byte is tested in `tests/tests/telnet`.

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

/// What every client is asked first.
pub const PROMPT: &str = "What's your character's name?";

/// The end of the stats, which asks for agreement.
pub const AGREE: &str = "Do you agree to these? y/n";

/// A player.
pub struct Player {
    name: String,
    link: Link,
    heard: Arc<Mutex<Heard>>,
    /// Up to where of the transcript this player has looked.
    looked: usize,
    /// The lines up to `judged` of the transcript.
    story: Story,
    judged: usize,
}

/// How a player is connected.
enum Link {
    Socket(TcpStream),
    /// A program, and what it writes to standard error.
    Program(Child, NamedTempFile),
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

impl Player {
    /// A connection that has not said anything.
    pub fn connect(node: &Running) -> Player {
        Player::connect_to(node.address())
    }

    /// The same with a node that is known by its address.
    pub fn connect_to(address: SocketAddr) -> Player {
        let stream = TcpStream::connect_timeout(&address, PATIENCE);
        let stream = stream.expect("the node listens");
        let copy = stream.try_clone().expect("there are descriptors left");
        Player::over(Link::Socket(stream), copy)
    }

    /// A hero of this name plays, over a socket.
    pub fn enter(node: &Running, name: &str) -> Player {
        let mut player = Player::connect(node);
        player.join(name);
        player
    }

    /// Heroes of these names play; they come in side by side.
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

    /// A connection through a program that is called with the node's address: `nc`, `telnet`. `None` when this machine
    /// does not have it, see [`needs`].
    #[track_caller]
    pub fn through(program: &str, node: &Running) -> Option<Player> {
        let address = node.address();
        let words = [address.ip().to_string(), address.port().to_string()];
        Player::by(Command::new(program).args(words))
    }

    /// A connection through a program: what is typed it reads from its standard input, what it hears it writes to
    /// its standard output. `None` as in [`Player::through`].
    #[track_caller]
    pub fn by(command: &mut Command) -> Option<Player> {
        let (link, out) = run(command)?;
        Some(Player::over(link, out))
    }

    /// The same for a program with a screen, which writes what it hears to a file as well.
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
            // A connection that is reset has ended, too; what it should have said is missed by whoever waits.
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

    /// The same, entering a node that runs this version.
    pub fn of_version(mut self, version: Version) -> Player {
        self.story = Story::of(&[version]);
        self
    }

    /// Gives a name, agrees to the stats, and waits for the hero's first fight.
    pub fn join(&mut self, name: &str) {
        self.sees(PROMPT);
        self.gives(name);
        self.agrees();
    }

    /// Gives a name.
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

    /// The hero's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends these bytes.
    pub fn types(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let sent = match &mut self.link {
            Link::Socket(stream) => stream.write_all(text),
            Link::Program(child, _) => {
                let input = child.stdin.as_mut().expect("who has quit types no more");
                input.write_all(text)
            }
        };
        sent.unwrap_or_else(|error| panic!("{} cannot type: {error}\n{}", self.name, self.told()));
    }

    /// All that was said so far, without telnet.
    pub fn transcript(&self) -> String {
        let said = plain_text(&lock(&self.heard).bytes);
        // A program talks itself before the node does.
        let begin = said.find(PROMPT).unwrap_or(said.len());
        said[begin..].to_string()
    }

    /// Waits for this text behind everything looked at before.
    pub fn sees(&mut self, text: &str) {
        self.sees_within(PATIENCE, text);
    }

    /// Waits so long for this text behind everything looked at before.
    pub fn sees_within(&mut self, limit: Duration, text: &str) {
        let stays = || !self.is_gone();
        let found = poll_while(limit, stays, || self.transcript()[self.looked..].find(text));
        match found {
            Some(at) => self.looked += at + text.len(),
            None => panic!("{} never sees {text:?}\n{}", self.name, self.told()),
        }
    }

    /// For a reader who wants to know why: all that there is.
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

    /// Waits until one more line was told: the hero is not held up, wherever it is.
    pub fn plays_on(&mut self) {
        Player::all_play_on(std::slice::from_mut(self));
    }

    /// Waits until each of them was told one more line.
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
            "{} is not let go\n{}",
            self.name,
            self.told()
        );
    }

    /// Says `quit`, and waits for the end.
    pub fn quits(mut self) -> String {
        self.types("quit\n");
        if let Link::Program(child, _) = &mut self.link {
            // `nc` stays until its input ends, too: a person presses Ctrl-D.
            child.stdin = None;
        }
        self.ends();
        self.transcript()
    }

    /// Goes without a word.
    pub fn drops(mut self) {
        self.hang_up();
    }

    /// The story so far; a line that is still coming is not part of it.
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

    /// The hero as it was told so far.
    pub fn tale(&mut self) -> &Tale {
        self.story().tale().expect("the hero plays")
    }

    /// From now on another version may speak, too.
    pub fn may_become(&mut self, version: Version) {
        self.story();
        self.story.may_become(version);
    }

    /// What comes from now on is said by the newest version.
    pub fn has_become(&mut self) {
        self.story();
        self.story.has_become();
    }

    fn hang_up(&mut self) {
        match &mut self.link {
            // What is closed already needs no closing.
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

/// Starts a program that plays, and what it writes to standard output; `None` when this machine does not have it.
#[track_caller]
fn run(command: &mut Command) -> Option<(Link, ChildStdout)> {
    if !needs::has_program(command) {
        return None;
    }
    let errors = NamedTempFile::new().expect("there is room for a file");
    let file = errors.reopen().expect("it has just been made");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let started = command.stderr(file).spawn();
    let mut child = started.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let out = child.stdout.take().expect("it was asked for");
    Some((Link::Program(child, errors), out))
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}
