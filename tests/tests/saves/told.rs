//! Told is durable: whenever the node is killed, no client has read a fact that its hero lacks afterwards.
//!
//! ```text
//!   clients ◄── lines ── node ◄── kill -9, also while an install runs
//!      └─ the last known state of each hero ──► compared ◄── the rows of the store
//! ```
//! `.ci/full saves` kills the node 200 times under 2 000 clients; the sample is shorter.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pq_store::{Database, Read, State};
use pq_tests::campaign::length;
use pq_tests::running::{Running, Tree, plain_text, pq};
use pq_tests::story::{Story, Tale, Version};
use processquest_1_0_0::pq_player::Whole;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::Deserialize;
use serde_bytes::ByteBuf;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::saved::{came_back, kill};

/// The longest time from the first connection to the kill.
const LIFE: Duration = Duration::from_millis(4_000);

/// The time in which all clients of a round connect.
const JOINING: Duration = Duration::from_millis(1_500);

/// The number of rounds until the saves begin anew: the heroes of all rounds since come back each time.
const ROUNDS_PER_TREE: u32 = 10;

/// The number of source addresses; an address has about 28 000 ports.
const SOURCES: u64 = 8;

/// Releases that a round may install before the kill, each while the one before it runs.
const INSTALLS: [&[&str]; 5] = [
    &[],
    &[],
    &["install 1.1.0"],
    &["install 1.1.0", "make-permanent 1.1.0"],
    &["install 1.1.0", "install 1.0.0"],
];

#[test]
fn no_client_has_read_a_fact_that_its_hero_lacks_after_a_kill() {
    let (kills, clients) = length((4, 60), (200, 2_000));
    let mut dice = SplitMix64::seed_from_u64(7);
    let mut facts = 0;
    let mut place = Place::new();
    for round in 0..kills {
        if round % ROUNDS_PER_TREE == 0 && round > 0 {
            place = Place::new();
        }
        facts += place.round(round, clients, &mut dice);
        println!("kill {}: {facts} heroes with facts compared", round + 1);
    }
    assert!(
        facts >= u64::from(kills) * clients / 4,
        "too few heroes: {facts}"
    );
}

/// A tree, and the heroes that it has saved.
struct Place {
    tree: Tree,
    saved: usize,
}

impl Place {
    fn new() -> Place {
        let tree = Tree::new();
        let node = Running::node_with(&tree, &[]);
        tree.does(&["unpack", "processquest-1.1.0"]);
        kill(node);
        Place { tree, saved: 0 }
    }

    /// Kills a node under its clients, and compares. Returns the number of compared heroes.
    fn round(&mut self, round: u32, clients: u64, dice: &mut SplitMix64) -> u64 {
        let node = Running::node_with(&self.tree, &[]);
        if self.saved > 0 {
            let noun = if self.saved == 1 { "hero" } else { "heroes" };
            came_back(&node, &format!("{} {noun}", self.saved));
        }
        let address = node.address();
        let crowd = thread::spawn(move || crowd(round, clients, address));
        let life = LIFE.mul_f64(dice.next_u64() as f64 / u64::MAX as f64);
        let ends = Instant::now() + life;
        let installs = INSTALLS[dice.next_u64() as usize % INSTALLS.len()];
        let commands = commands(&self.tree, installs, ends);
        thread::sleep(ends.saturating_duration_since(Instant::now()));
        kill(node);
        for mut command in commands {
            let _ = command.wait();
        }
        let tales = crowd.join().unwrap();
        let saved = heroes(&self.tree.root().join("data/saves.db"));
        let faults: Vec<String> = tales
            .iter()
            .filter_map(|(name, tale)| match saved.get(name) {
                None => Some(format!("{name} is not saved: {tale:?}")),
                Some(hero) => tale.lacks(&hero.data).map(|what| format!("{name}: {what}")),
            })
            .collect();
        assert!(
            faults.is_empty(),
            "after {life:?} with {installs:?}: {faults:#?}"
        );
        self.saved = saved.len();
        tales.len() as u64
    }
}

/// Begins these commands, one after the other, while there is time.
fn commands(tree: &Tree, installs: &[&str], ends: Instant) -> Vec<Child> {
    let mut begun: Vec<Child> = Vec::new();
    for install in installs {
        let words = install.split(' ').map(std::ffi::OsStr::new);
        let root = [std::ffi::OsStr::new("--root"), tree.root().as_os_str()];
        let mut command = pq(words.chain(root));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        begun.extend(command.spawn());
        while let Some(last) = begun.last_mut()
            && last.try_wait().is_ok_and(|end| end.is_none())
            && Instant::now() < ends
        {
            thread::sleep(Duration::from_millis(5));
        }
        if Instant::now() >= ends {
            break;
        }
    }
    begun
}

/// The playing heroes of a store, by name.
fn heroes(file: &Path) -> BTreeMap<String, Whole> {
    let mut store = Database::open(file).unwrap();
    let mut heroes = BTreeMap::new();
    let mut each = |row: pq_store::Row| {
        let hero = hero(&row.body).unwrap_or_else(|| panic!("{} has no hero", row.name));
        let twice = heroes.insert(row.name.clone(), hero);
        assert!(twice.is_none(), "{} is saved twice", row.name);
        ControlFlow::Continue(())
    };
    store.load(&[State::Playing], &mut each).unwrap();
    heroes
}

/// The state machine in the body of a row.
fn hero(body: &[u8]) -> Option<Whole> {
    #[derive(Deserialize)]
    struct Subtree {
        processes: Vec<Process>,
    }
    #[derive(Deserialize)]
    struct Process {
        module: String,
        body: Body,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Body {
        State(ByteBuf),
        Handlers(serde::de::IgnoredAny),
        Supervisor(serde::de::IgnoredAny, serde::de::IgnoredAny),
    }
    // The first two bytes are the format.
    let subtree: Subtree = rmp_serde::from_slice(body.get(2..)?).ok()?;
    let mut all = subtree.processes.into_iter();
    let player = all.find(|process| process.module == "pq_player")?;
    match player.body {
        Body::State(state) => rmp_serde::from_slice(&state).ok(),
        Body::Handlers(_) | Body::Supervisor(..) => None,
    }
}

/// Plays until the node is gone. Returns what the clients know of their heroes by then.
fn crowd(round: u32, clients: u64, address: SocketAddr) -> BTreeMap<String, Tale> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let visits: Vec<_> = (0..clients)
            .map(|number| {
                let name = format!("r{round}-{number}");
                let due = JOINING * number as u32 / clients as u32;
                tokio::spawn(async move {
                    sleep(due).await;
                    let tale = visit(&name, number, address).await;
                    (name, tale)
                })
            })
            .collect();
        let mut tales = BTreeMap::new();
        for visit in visits {
            let (name, tale) = visit.await.unwrap();
            tales.extend(tale.map(|tale| (name, tale)));
        }
        tales
    })
}

/// Plays until the connection is gone. Each line that cannot stand at its place is a fault.
async fn visit(name: &str, number: u64, address: SocketAddr) -> Option<Tale> {
    let (old, new) = (Version::Old, Version::New);
    let mut story = Story::of(&[old, new, old, new]);
    let _ = read(name, number, address, &mut story).await;
    story.tale().cloned()
}

async fn read(name: &str, number: u64, address: SocketAddr, story: &mut Story) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    let source = Ipv4Addr::new(127, 0, 0, 2 + (number % SOURCES) as u8);
    socket.bind(SocketAddr::from((source, 0)))?;
    let mut stream = BufReader::with_capacity(512, socket.connect(address).await?);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await? > 0 && line.ends_with(b"\n") {
        let text = plain_text(&line);
        let text = text.strip_suffix("\r\n").unwrap_or(&text);
        story
            .read(text)
            .unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let answer = match text {
            "What's your character's name?" => format!("{name}\n"),
            "Do you agree to these? y/n" => "y\n".to_string(),
            _ => String::new(),
        };
        stream.write_all(answer.as_bytes()).await?;
        line.clear();
    }
    Ok(())
}
