//! Thousands of telnet clients that play, against one node: what a client costs, and whether its lines come
//! when they are due.
//!
//! ```text
//!   cargo bench -p pq-tests --bench clients -- [clients N] [rate N] [seconds S] [gmcp N]
//!
//!   this process: N clients, one thread ──── loopback ────► pq start (measured from outside)
//! ```
//! A client joins, agrees to its stats, and reads. What each figure means, and its goal: `README.md`.

#[path = "clients/client.rs"]
mod client;
#[path = "shared/machine.rs"]
mod machine;
#[path = "shared/node.rs"]
mod node;
#[path = "shared/table.rs"]
mod table;
#[path = "shared/usage.rs"]
mod usage;

use std::sync::Arc;
use std::time::Duration;

use client::{Deviations, News};
use node::Node;
use pq_tests::running::Tree;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use table::{Goal, row};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout_at};
use usage::Usage;

/// The game's unit of time over a socket, in milliseconds; the book's.
const BOOKS_PACE_MS: u32 = 800;

/// How long the last client may take to be let in and see its hero act: 5 s for its process, 5 s for its
/// hero, and the first pause of the game.
const JOIN_PATIENCE: Duration = Duration::from_secs(15);

/// Descriptors of this process that are no clients: standard streams, files, the runtime's own.
const OTHER_DESCRIPTORS: u64 = 64;

/// What the command line asks for.
struct Plan {
    clients: u64,
    /// Joins per second.
    rate: u64,
    seconds: u64,
    /// How many clients have a program that follows its hero.
    gmcp: u64,
}

impl Plan {
    fn of_the_command_line() -> Result<Plan, String> {
        let mut plan = Plan {
            clients: 5_000,
            rate: 1_000,
            seconds: 30,
            gmcp: 0,
        };
        // Cargo says `--bench` to every bench.
        let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
        while let Some(word) = words.next() {
            let value = words
                .next()
                .and_then(|value| value.replace('_', "").parse().ok());
            let value = value.filter(|value| *value > 0);
            let value = value.ok_or_else(|| format!("{word} needs a number above 0"))?;
            match word.as_str() {
                "clients" => plan.clients = value,
                "rate" => plan.rate = value,
                "seconds" => plan.seconds = value,
                "gmcp" => plan.gmcp = value,
                _ => return Err(format!("{word} is no word of this bench")),
            }
        }
        Ok(plan)
    }

    fn window(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() -> Result<(), String> {
    let plan = Plan::of_the_command_line()?;
    raise_descriptor_limit(plan.clients + OTHER_DESCRIPTORS)?;
    let tree = Tree::new();
    println!("{}", machine::describe());
    println!("| what | measured | goal |\n|---|---|---|");
    let unseen = without_sockets(&tree, &plan);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("failed to start a runtime: {error}"))?;
    runtime.block_on(with_sockets(&tree, &plan, unseen))
}

/// Allows this process so many descriptors.
fn raise_descriptor_limit(wanted: u64) -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        return Err(format!(
            "{wanted} open files are needed, and {:?} allowed: raise `ulimit -Hn`, or ask for fewer clients",
            limit.maximum
        ));
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| format!("failed to raise the number of open files: {error}"))
}

/// What as many heroes take that nobody watches, after as long a play.
fn without_sockets(tree: &Tree, plan: &Plan) -> Usage {
    let node = Node::start(tree, plan.clients, BOOKS_PACE_MS, plan.seconds);
    node.filled();
    let before = node.usage();
    let report = node.first_report(plan.seconds);
    let after = node.usage();
    let cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / report.figure("seconds");
    row(
        "heroes alone: processor",
        cpu_us / plan.clients as f64,
        "us per second and hero",
        Goal::None,
    );
    row(
        "heroes alone: envelopes",
        report.per_second("envelopes"),
        "per second",
        Goal::None,
    );
    after
}

async fn with_sockets(tree: &Tree, plan: &Plan, unseen: Usage) -> Result<(), String> {
    let node = Node::start(tree, 0, BOOKS_PACE_MS, 1);
    let deviations = Arc::new(Deviations::default());
    let (news, mut heard) = mpsc::channel(1_024);
    let began = Instant::now();
    let joining = tokio::spawn(join_all(
        plan.clients,
        plan.rate,
        client::Hall {
            address: node.running.address(),
            deviations: deviations.clone(),
            news,
            gmcp: plan.gmcp,
        },
    ));
    all_join(plan, &mut heard).await?;
    row(
        "clients: joined",
        plan.clients as f64 / began.elapsed().as_secs_f64(),
        "per second",
        Goal::None,
    );
    joining
        .await
        .map_err(|error| format!("failed to start clients: {error}"))?;
    deviations.forget();
    let (before, from) = (node.usage(), Instant::now());
    let gone = play(from + plan.window(), &mut heard).await;
    let (after, seconds) = (node.usage(), from.elapsed().as_secs_f64());
    let per_client = |figure: f64| figure / plan.clients as f64;
    row(
        "clients: memory",
        per_client(after.rss - unseen.rss),
        "B per client",
        Goal::AtMost(10_240.0),
    );
    let cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / seconds;
    row(
        "clients: processor",
        per_client(cpu_us),
        "us per second and client",
        Goal::AtMost(20.0),
    );
    row("clients: lost", gone.len() as f64, "", Goal::AtMost(0.0));
    for why in gone.iter().take(3) {
        println!("  a client was lost: {why}");
    }
    punctuality(&deviations);
    Ok(())
}

/// Lets the clients in one by one; over when the last one is on its way.
async fn join_all(clients: u64, rate: u64, hall: client::Hall) {
    let hall = Arc::new(hall);
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX));
    for number in 0..clients {
        ticks.tick().await;
        tokio::spawn(client::play(number, hall.clone()));
    }
}

/// Waits until every hero fights.
async fn all_join(plan: &Plan, heard: &mut mpsc::Receiver<News>) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(plan.clients / plan.rate) + JOIN_PATIENCE;
    for joined in 0..plan.clients {
        match timeout_at(deadline, heard.recv()).await {
            Ok(Some(News::Joined)) => (),
            Ok(Some(News::Gone(why))) => {
                return Err(format!("a client was lost while others joined: {why}"));
            }
            Ok(None) | Err(_) => {
                return Err(format!("only {joined} of {} clients play", plan.clients));
            }
        }
    }
    Ok(())
}

/// Lets them play; why clients were lost meanwhile.
async fn play(end: Instant, heard: &mut mpsc::Receiver<News>) -> Vec<String> {
    let mut gone = Vec::new();
    while let Ok(Some(news)) = timeout_at(end, heard.recv()).await {
        if let News::Gone(why) = news {
            gone.push(why);
        }
    }
    gone
}

/// How far `Obtained` lines were from when they were due.
fn punctuality(deviations: &Deviations) {
    let all = deviations.sorted_ms();
    let at = |percent: usize| {
        all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)))
            .copied()
    };
    let at = |percent| at(percent).unwrap_or(f64::NAN);
    row("lines: measured", all.len() as f64, "", Goal::AtLeast(1.0));
    row("lines: early, 1 of 100", at(1), "ms", Goal::None);
    row("lines: late, half of them", at(50), "ms", Goal::None);
    row("lines: late, 99 of 100", at(99), "ms", Goal::AtMost(50.0));
    row("lines: late, the worst", at(100), "ms", Goal::None);
}
