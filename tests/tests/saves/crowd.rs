//! Clients that note what they read of their heroes, and the comparison with the rows of a store.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use pq_store::{Database, Read, State};
use pq_tests::running::plain_text;
use pq_tests::story::{Story, Tale, Version};
use processquest_1_0_0::pq_player::Whole;
use serde::Deserialize;
use serde_bytes::ByteBuf;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;
use tokio::time::sleep;

/// The time in which all clients of a round connect.
const JOINING: Duration = Duration::from_millis(1_500);

/// The number of source addresses; an address has about 28 000 ports.
const SOURCES: u64 = 8;

/// The facts that clients know and their heroes lack.
pub(crate) fn faults(
    tales: &BTreeMap<String, Tale>,
    saved: &BTreeMap<String, Whole>,
) -> Vec<String> {
    let lacking = |(name, tale): (&String, &Tale)| match saved.get(name) {
        None => Some(format!("{name} is not saved: {tale:?}")),
        Some(hero) => tale.lacks(&hero.data).map(|what| format!("{name}: {what}")),
    };
    tales.iter().filter_map(lacking).collect()
}

/// The playing heroes of a store, by name.
pub(crate) fn heroes(file: &Path) -> BTreeMap<String, Whole> {
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
pub(crate) fn crowd(round: u32, clients: u64, address: SocketAddr) -> BTreeMap<String, Tale> {
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
