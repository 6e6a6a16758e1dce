//! The time for which processes are held while their module changes, compared with the real OTP in the same run.
//!
//! ```text
//!   cargo bench -p pq-tests --bench pause -- [servers N,N..] [rounds R]
//! ```
//! Servers with a small state under one `simple_one_for_one` supervisor change to another version and back. Our node
//! does it as a transaction; OTP, if `erl` is installed, as `suspend`, `load`, `code_change`, `resume`
//! (`otp/pause.escript`). `README.md` has the meaning and goal of each figure.

#[path = "shared/machine.rs"]
mod machine;
#[path = "pause/newer.rs"]
mod newer;
#[path = "pause/older.rs"]
mod older;
#[path = "pause/otp.rs"]
mod otp;
#[path = "shared/table.rs"]
mod table;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pq_code::{Change, CodeServer, LibraryId};
use pq_otp::application::{AppReply, AppRequest, Controller, Settings, StartType};
use pq_otp::spec::{self, SupRequest};
use pq_otp::upgrade::{
    Committed, Conversion, Live, OnOverrun, Plan as Change_, Target, Transaction,
};
use pq_otp::{Ask, Config, Direction, Threads};
use table::{Goal, row};

/// The deadline for each operation in milliseconds.
const PATIENCE_MS: u64 = 120_000;

/// The pace of busy servers in milliseconds, as in the book.
const PACE_MS: u64 = 800;

/// The arguments of the command line.
struct Plan {
    servers: Vec<u64>,
    rounds: u32,
}

impl Plan {
    fn of_the_command_line() -> Result<Plan, String> {
        let mut plan = Plan {
            servers: vec![1_000, 10_000, 100_000],
            rounds: 4,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or(format!("`{word}` wants a number"));
            match word.as_str() {
                // Cargo passes this word to every bench.
                "--bench" => (),
                "servers" => {
                    let numbers = next()?;
                    let numbers = numbers.split(',').map(str::parse);
                    plan.servers = numbers
                        .collect::<Result<_, _>>()
                        .map_err(|_| "servers N,N..")?;
                }
                "rounds" => plan.rounds = next()?.parse().map_err(|_| "rounds R")?,
                other => {
                    return Err(format!(
                        "`{other}`: servers N,N.. or rounds R would be right"
                    ));
                }
            }
        }
        Ok(plan)
    }
}

/// A node with servers under one supervisor.
struct Town {
    threads: Threads,
    code: Arc<CodeServer>,
    libraries: [LibraryId; 2],
}

impl Town {
    fn new(servers: u64, pace_ms: u64) -> Town {
        let code = Arc::new(CodeServer::new());
        let libraries = [&older::LIBRARY, &newer::LIBRARY].map(|table| {
            code.link_library(table)
                .expect("the library is compiled with this crate")
        });
        code.make_all_current(libraries[0])
            .expect("the library was linked above");
        let mut config = Config::new(code.clone());
        config.shards = std::thread::available_parallelism().map_or(2, usize::from);
        let threads = Threads::start(config).expect("the system has threads");
        let town = Town {
            threads,
            code,
            libraries,
        };
        town.start_application();
        town.fill(servers, pace_ms);
        town
    }

    fn start_application(&self) {
        let node = self.threads.node();
        let controller = Controller::new(Settings::new(), Settings::new(), Box::new(|_, _| ()));
        node.asking()
            .start_native(Box::new(controller), PATIENCE_MS)
            .expect("the controller starts");
        let text = "{application,bench,[{description,\"\"},{vsn,\"1.0.0\"},{modules,[]},{registered,[]},\
                    {applications,[]},{mod,{bench,[]}}]}.";
        let app =
            pq_release::app::App::parse(Path::new("bench.app"), text).expect("the text is valid");
        for request in [
            AppRequest::Load(app.spec()),
            AppRequest::Start("bench".to_string(), StartType::Temporary),
        ] {
            assert_eq!(
                node.asking().applications(&request, PATIENCE_MS),
                Ok(AppReply::Ok)
            );
        }
    }

    fn fill(&self, servers: u64, pace_ms: u64) {
        let node = self.threads.node();
        let crowd = node.whereis("crowd").expect("the application runs");
        let started = Arc::new(AtomicU64::new(0));
        for number in 0..servers {
            let args = rmp_serde::to_vec(&(number, pace_ms)).expect("numbers can be written");
            let count = started.clone();
            node.request(
                crowd,
                &spec::encode(&SupRequest::StartChild(args)),
                move |reply| {
                    reply.expect("a server starts");
                    count.fetch_add(1, Ordering::Relaxed);
                },
            );
        }
        let deadline = Instant::now() + Duration::from_millis(PATIENCE_MS);
        while started.load(Ordering::Relaxed) < servers {
            assert!(Instant::now() < deadline, "the servers do not start");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Changes all servers to the other version; returns the result and the duration.
    fn change(&self, direction: Direction) -> (Committed, Duration) {
        let library = match direction {
            Direction::Up => self.libraries[1],
            Direction::Down => self.libraries[0],
        };
        let changes = [Change::MakeCurrent(library, "server")];
        let module = self
            .code
            .module(library, "server")
            .expect("both libraries have the module");
        let conversion = Conversion::CodeChange {
            direction,
            extra: Vec::new(),
        };
        let target = Target {
            module,
            conversion,
            through: Vec::new(),
        };
        let plan = Change_ {
            modules: Arc::new(self.code.preview(&changes).expect("the change is possible")),
            targets: vec![target],
            removed: Vec::new(),
            suspend_timeout_ms: PATIENCE_MS,
            code_change_timeout_ms: PATIENCE_MS,
            on_overrun: OnOverrun::Abort,
            slice: Change_::SLICE,
            trial: false,
        };
        let began = Instant::now();
        let mut live = Live::new(self.threads.node().clone());
        let mut transaction = Transaction::begin(&mut live, plan);
        transaction.copy().expect("every state converts");
        let held = transaction.hold().expect("every state converts");
        let committed = held.commit(|| {
            self.code.change(&changes).expect("the change is possible");
        });
        self.code.purge("server");
        (committed, began.elapsed())
    }
}

fn main() {
    let plan = match Plan::of_the_command_line() {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    };
    println!("{}", machine::describe());
    for servers in &plan.servers {
        let theirs = otp::pause_us(*servers, plan.rounds);
        for pace_ms in [0, PACE_MS] {
            measure(*servers, pace_ms, plan.rounds, theirs);
        }
    }
}

fn measure(servers: u64, pace_ms: u64, rounds: u32, theirs: Option<f64>) {
    let town = Town::new(servers, pace_ms);
    let (mut windows, mut medians, mut stalls, mut whole) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        for direction in [Direction::Up, Direction::Down] {
            let (committed, took) = town.change(direction);
            assert_eq!(
                committed.processes["server"], servers,
                "every server has changed"
            );
            windows.push(at(&committed.pauses_us, 1.0).max(f64::from(committed.shut_us)));
            medians.push(median(&committed));
            stalls.extend(committed.stalls_us);
            whole.push(took.as_secs_f64() * 1e3);
        }
    }
    town.threads.stop();
    stalls.sort_unstable();
    let what = match pace_ms {
        0 => format!("{servers} idle servers"),
        _ => format!("{servers} servers that act every {PACE_MS} ms"),
    };
    let worst = max(&windows);
    row(
        format!("{what}: pause, median process"),
        max(&medians) / 1e3,
        "ms",
        Goal::None,
    );
    let goal = theirs
        .filter(|_| pace_ms == 0)
        .map_or(Goal::None, |theirs| Goal::AtMost(theirs / 10.0 / 1e3));
    row(format!("{what}: pause, longest"), worst / 1e3, "ms", goal);
    row(
        format!("{what}: turn of a shard meanwhile, p99"),
        at(&stalls, 0.99) / 1e3,
        "ms",
        Goal::AtMost(5.0),
    );
    row(
        format!("{what}: turn of a shard meanwhile, longest"),
        at(&stalls, 1.0) / 1e3,
        "ms",
        Goal::None,
    );
    row(
        format!("{what}: whole change, longest"),
        whole.into_iter().fold(0.0, f64::max),
        "ms",
        Goal::None,
    );
    if let Some(theirs) = theirs.filter(|_| pace_ms == 0) {
        row(
            format!("{what}: pause in OTP, shortest"),
            theirs / 1e3,
            "ms",
            Goal::None,
        );
        row(
            format!("{what}: OTP's shortest divided by our longest"),
            theirs / worst.max(1.0),
            "times",
            Goal::AtLeast(10.0),
        );
    }
}

/// The value at this share of the sorted values.
fn at(sorted: &[u32], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    f64::from(sorted.get(index).or(sorted.last()).copied().unwrap_or(0))
}

/// The pause of half of the servers, most of which had nothing to do.
fn median(committed: &Committed) -> f64 {
    match committed.unpaused > committed.pauses_us.len() as u64 {
        true => 0.0,
        false => at(&committed.pauses_us, 0.5),
    }
}

fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}
