//! Tests of the time at which the game is asked, on a virtual clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use pq_otp::Pid;
use serde_json::json;

use super::*;
use crate::admission::arrival::{Arrival, Transport};
use crate::admission::budget::Budget;
use crate::session::port::{Output, Port};
use crate::settings::game::{Answer, Avatar, Game, Login};
use crate::settings::{Opening, Settings};
use crate::wire::endpoint::Event;
use crate::wire::option::GMCP;
use crate::wire::telnet::Verb;

/// A game whose avatar has one more experience point at each question; it answers after so many milliseconds.
#[derive(Default)]
struct Counting {
    asked: AtomicUsize,
    delay_ms: AtomicU64,
    /// Callbacks that were never called.
    kept: Mutex<Vec<Answer<Option<Sheet>>>>,
}

impl Game for Counting {
    fn login(&self, _session: Pid, answer: Answer<Login>) {
        let name = "Ann".to_string();
        answer(Login::Playing(Avatar {
            name,
            process: None,
        }));
    }

    fn sheet(&self, _session: Pid, answer: Answer<Option<Sheet>>) {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        match self.delay_ms.load(Ordering::Relaxed) {
            u64::MAX => self.kept.lock().push(answer),
            delay_ms => drop(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                answer(Some(vec![(
                    "Char.Vitals".to_string(),
                    json!({"xp": asked}),
                )]));
            })),
        }
    }
}

struct Rig {
    game: Arc<Counting>,
    client: Arc<Client>,
}

impl Rig {
    fn new() -> Rig {
        let game = Arc::new(Counting::default());
        let settings = Settings {
            opening: Opening::Quiet,
            game: game.clone(),
            ..Settings::default()
        };
        let settings = settings.current();
        let arrival = Arrival {
            address: SocketAddr::from(([127, 0, 0, 1], 7)),
            transport: Transport::Plain,
            budget: Arc::new(Budget::new(Settings::default().current())),
        };
        let port = Arc::new(Port::new(settings.clone()));
        let client = Arc::new(Client::new(port, arrival, Pid::from_raw(1), Arc::default()));
        let described = client.clone();
        tokio::spawn(async move { describe(&described, &settings).await });
        Rig { game, client }
    }

    fn subscribes(&self, package: &str) {
        let (verb, option) = (Verb::Do, GMCP);
        self.client
            .port
            .hear(&Event::Negotiation { verb, option }, 3);
        let bytes = format!("Core.Supports.Set [\"{package} 1\"]").into_bytes();
        let event = Event::Subnegotiation { option, bytes };
        self.client.port.hear(&event, 40);
    }

    async fn passes(&self, ms: u64) -> usize {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        self.game.asked.load(Ordering::Relaxed)
    }

    async fn is_told(&self) -> String {
        let Output::Bytes(bytes) = self.client.port.output().await else {
            panic!("it is open");
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_wants_nothing_of_the_avatar_never_has_it_asked() {
    let rig = Rig::new();
    rig.subscribes("PQ");
    for _ in 0..10 {
        rig.client.port.write(b"news\n").unwrap();
        rig.client.port.look_again();
        assert_eq!(rig.passes(1_000).await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_subscribes_is_told_at_once_and_then_after_texts_and_releases_only() {
    let rig = Rig::new();
    rig.subscribes("Char");
    assert_eq!(rig.passes(1).await, 1);
    assert!(rig.is_told().await.contains(r#"Char.Vitals {"xp":1}"#));
    assert_eq!(rig.passes(3_600_000).await, 1);
    rig.client.port.write(b"Executing a Pig...\n").unwrap();
    assert_eq!(rig.passes(1).await, 2);
    rig.passes(1_000).await;
    rig.client.port.look_again();
    assert_eq!(rig.passes(1).await, 3);
    assert!(rig.is_told().await.contains(r#"Char.Vitals {"xp":3}"#));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_texts_or_of_wishes_asks_four_times_a_second() {
    let rig = Rig::new();
    for second in 1..=3 {
        for _ in 0..100 {
            rig.client.port.write(b"x\n").unwrap();
            rig.subscribes("Char");
            rig.passes(10).await;
            rig.client.port.output().await;
        }
        let asked = rig.passes(0).await;
        assert!((4 * second..=4 * second + 1).contains(&asked), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_late_is_sent_and_one_that_never_comes_is_given_up() {
    let rig = Rig::new();
    rig.game.delay_ms.store(4_000, Ordering::Relaxed);
    rig.subscribes("Char");
    rig.passes(3_000).await;
    rig.client.port.write(b"a text does not wait\n").unwrap();
    let told = rig.is_told().await;
    assert!(
        told.contains("a text does not wait") && !told.contains("Char.Vitals"),
        "{told}"
    );
    assert!(rig.is_told().await.contains(r#"Char.Vitals {"xp":1}"#));
    rig.game.delay_ms.store(u64::MAX, Ordering::Relaxed);
    rig.client.port.write(b"x\n").unwrap();
    assert_eq!(rig.passes(4_000).await, 2);
    rig.game.delay_ms.store(0, Ordering::Relaxed);
    rig.client.port.write(b"x\n").unwrap();
    assert_eq!(rig.passes(6_000).await, 3);
}
