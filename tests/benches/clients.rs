//! Thousands of playing telnet clients against one node: the cost of a client, and the lateness of its lines.
//!
//! ```text
//!   cargo bench -p pq-tests --bench clients -- [clients N] [rate N] [seconds S] [gmcp N]
//!
//!   this process: N clients, one thread ──── loopback ────► pq start (measured from outside)
//! ```
//! A client joins, agrees to its stats, and reads. `README.md` has the meaning and goal of each figure.

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

/// The pace of a hero over a socket in milliseconds, as in the book.
const BOOKS_PACE_MS: u32 = 800;

/// The deadline for the last client to be connected and to see an action of its hero: 5 s for its process, 5 s for its
/// hero, and the first pause of the game.
const JOIN_PATIENCE: Duration = Duration::from_secs(15);

/// Descriptors of this process that are not clients: standard streams, files, the runtime's own.
const OTHER_DESCRIPTORS: u64 = 64;

/// The arguments of the command line.
struct Plan {
    clients: u64,
    /// The number of joins per second.
    rate: u64,
    seconds: u64,
    /// The number of clients with a program that follows their hero.
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
        // Cargo passes `--bench` to every bench.
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
                _ => return Err(format!("{word} is not an argument of this bench")),
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

/// Raises the limit of this process to this number of descriptors.
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

/// The usage of a node with as many heroes without clients, after an equally long play.
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

/// Connects the clients one by one; returns when the last one has been started.
async fn join_all(clients: u64, rate: u64, hall: client::Hall) {
    let hall = Arc::new(hall);
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX));
    for number in 0..clients {
        ticks.tick().await;
        tokio::spawn(client::play(number, hall.clone()));
    }
}

/// Waits until the hero of every client fights.
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

/// Lets the clients play until `end`; returns the reasons for lost clients.
async fn play(end: Instant, heard: &mut mpsc::Receiver<News>) -> Vec<String> {
    let mut gone = Vec::new();
    while let Ok(Some(news)) = timeout_at(end, heard.recv()).await {
        if let News::Gone(why) = news {
            gone.push(why);
        }
    }
    gone
}

/// Prints the lateness of `Obtained` lines.
fn punctuality(deviations: &Deviations) {
    let all = deviations.sorted_ms();
    let at = |percent: usize| {
        all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)))
            .copied()
    };
    let at = |percent| at(percent).unwrap_or(f64::NAN);
    row("lines: measured", all.len() as f64, "", Goal::AtLeast(1.0));
    row("lines: early, 1 of 100", at(1), "ms", Goal::None);
    row("lines: late, 50 of 100", at(50), "ms", Goal::None);
    row("lines: late, 99 of 100", at(99), "ms", Goal::AtMost(50.0));
    row("lines: late, the worst", at(100), "ms", Goal::None);
}
