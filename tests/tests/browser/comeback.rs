//! The page of release 1.2.0 comes back: after a broken connection, after it was loaded anew, and after a restart of the node by
//! a remembered login.
//!
//! The lines of the page are compared with those of `pq watch`, which sees the hero without its client.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use pq_tests::running::{PATIENCE, PROMPT, RawClient, Running, Signal, THIRD, Tree, poll, pq};

use crate::browser::chromium::{Browser, block_on};
use crate::browser::page_of;

const ENTER: &str = "\u{e007}";

/// A wire between a browser and a node, which a test can cut.
struct Wire {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    /// The address of the node; `None` while nobody gets through.
    to: Option<SocketAddr>,
    open: Vec<TcpStream>,
}

impl Wire {
    fn to(node: SocketAddr) -> Wire {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            to: Some(node),
            open: Vec::new(),
        }));
        let of_thread = state.clone();
        thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                let mut state = of_thread.lock().unwrap();
                let node = state.to.and_then(|to| TcpStream::connect(to).ok());
                let Some(node) = node else { continue };
                for (from, to) in [(&browser, &node), (&node, &browser)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || {
                        // An error is the end, too.
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                state.open.extend([browser, node]);
            }
        });
        Wire { address, state }
    }

    /// Ends each open stream without a close frame, as a lost network does.
    fn cut(&self) {
        for stream in self.state.lock().unwrap().open.drain(..) {
            // An error means that it is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets nobody through, or leads to this node.
    fn leads_to(&self, node: Option<SocketAddr>) {
        self.state.lock().unwrap().to = node;
    }
}

impl Browser {
    /// A new hero. `remember` checks the box beside the word.
    async fn begins(&self, name: &str, word: &str, remember: bool) {
        self.shows(PROMPT, 1).await;
        self.types(&format!("{name}{ENTER}")).await;
        self.shows("y/n", 1).await;
        self.types(&format!("y{ENTER}")).await;
        self.shows("An empty line: none.", 1).await;
        self.until("typed.type === 'password'").await;
        if !word.is_empty() {
            if remember {
                self.clicks("#login").await;
                self.clicks("#typed").await;
            }
            self.types(&format!("{word}{ENTER}")).await;
            self.shows("Type the word once more.", 1).await;
            self.until("typed.type === 'password'").await;
        }
        self.types(&format!("{word}{ENTER}")).await;
        self.shows("Executing a ", 1).await;
    }

    /// The story, without typed lines.
    async fn lines(&self) -> String {
        let lines = "return [...log.children].filter((row) => !row.classList.contains('own'))
            .map((row) => row.textContent + '\\n').join('')";
        self.run(lines).await.as_str().unwrap().to_string()
    }

    /// Waits until the page has all that the other viewer has seen: the same lines in the same order, each once.
    async fn has_seen_all_of(&self, seen: &Running) {
        let limit = std::time::Instant::now() + PATIENCE;
        loop {
            let (page, seen) = (self.lines().await, seen.out());
            if seen.ends_with('\n') && page.contains(seen.trim_end()) {
                return assert!(seen.lines().count() > 5, "{seen}");
            }
            let is_late = std::time::Instant::now() > limit;
            assert!(!is_late, "--- page ---\n{page}\n--- pq watch ---\n{seen}");
        }
    }
}

/// Another viewer of this hero.
fn watching(tree: &Tree, name: &str) -> Running {
    let seen = Running::start(pq(["watch", name, "--root"]).arg(tree.root()));
    seen.wrote("Obtained ");
    seen
}

#[test]
fn a_page_whose_connection_breaks_misses_no_line_and_reads_none_twice() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&["--web-port", "0"]);
    let page = page_of(&node);
    let wire = Wire::to(page);
    block_on(async {
        let url = format!("http://{}/", wire.address);
        let Some(browser) = Browser::open(&url, [1280, 800]).await else {
            return;
        };
        browser.begins("Ann", "", false).await;
        let seen = watching(&tree, "Ann");
        for _ in 0..3 {
            browser.plays_on().await;
            wire.cut();
        }
        browser.plays_on().await;
        // Away during an install, and back with what was told meanwhile.
        wire.leads_to(None);
        wire.cut();
        browser.until("line.textContent === 'coming back'").await;
        tree.does(&["install", "1.1.0"]);
        wire.leads_to(Some(page));
        browser.plays_on().await;
        tree.does(&["install", THIRD]);
        browser.plays_on().await;
        browser.has_seen_all_of(&seen).await;

        // The page is loaded anew: it has what the node has kept, and the story goes on.
        browser.reloads().await;
        browser
            .until("!hero.hidden && at('name').textContent === 'Ann'")
            .await;
        browser.plays_on().await;
        browser.has_seen_all_of(&seen).await;
        assert_eq!(tree.answer(&["status"])["door"]["clients"], 1);
        browser.types(&format!("score{ENTER}")).await;
        browser.shows("Quest: ", 1).await;
        browser.types(&format!("quit{ENTER}")).await;
        browser.until("!ended.hidden").await;
        assert_eq!(
            browser.run("return sessionStorage.getItem('ticket')").await,
            serde_json::Value::Null
        );
        browser.close().await;
    });
    assert_eq!(node.errors(), [""; 0]);
}

/// Starts the node again, with its page at the same port.
fn restarts(tree: &Tree, mut node: Running, page: SocketAddr) -> Running {
    node.signal(Signal::KILL);
    node.end();
    let port = page.port().to_string();
    Running::listening(pq(tree.start()).args(["--web-port", &port]))
}

#[test]
fn a_browser_that_may_remember_leads_back_after_a_kill_and_forgets_when_it_is_told_to() {
    const KEPT: &str = "return JSON.stringify(localStorage) + JSON.stringify(sessionStorage)";
    let tree = Tree::with_third();
    let node = tree.starts_third(&["--web-port", "0"]);
    let page = page_of(&node);
    block_on(async {
        let Some(browser) = Browser::open(&format!("http://{page}/"), [1280, 800]).await else {
            return;
        };
        browser.begins("Ann", "open sesame", true).await;
        browser.shows("Your word is kept.", 1).await;
        browser.until("login.known").await;
        let kept = browser.run(KEPT).await.to_string();
        assert!(kept.contains("pqt_") && !kept.contains("sesame"), "{kept}");
        browser.keeps_picture("page-remembered.png").await;
        let node = restarts(&tree, node, page);
        browser.shows("Welcome back, Ann.", 1).await;
        browser.plays_on().await;
        assert_eq!(tree.answer(&["status"])["words"]["tokens"], 0);

        // A new word ends the token.
        let answer = tree.answer(&["heroes", "reset-word", "Ann"]);
        let word = answer["word"].as_str().unwrap();
        browser.types(&format!("quit{ENTER}")).await;
        browser
            .until("!ended.hidden && !at('another').hidden")
            .await;
        browser.clicks("#again").await;
        browser.shows("That is not its word.", 1).await;
        browser
            .until("!login.known && typed.type === 'password'")
            .await;
        browser.clicks("#login").await;
        browser.clicks("#typed").await;
        browser.types(&format!("{word}{ENTER}")).await;
        browser.shows("Welcome back, Ann.", 1).await;
        browser.until("login.known").await;
        let token = browser.run("return login.known.token").await;
        let token = token.as_str().unwrap().to_string();
        browser.clicks("#forget").await;
        browser.until("!login.known").await;
        assert!(!browser.run(KEPT).await.to_string().contains("pqt_"));
        let is_over = poll(PATIENCE, || {
            let mut thief = RawClient::connect(&node);
            thief.send(b"Ann\n");
            thief.until(b"another name.)\r\n");
            thief.send(format!("{token}\n"));
            let answer = thief.until(b"\r\n");
            answer.starts_with(b"That is not its word.").then_some(())
        });
        assert!(is_over.is_some(), "the token is still valid");
        assert!(!node.log().contains("pqt_") && !node.log().contains("sesame"));
        browser.close().await;
    });
}

#[test]
fn without_consent_nothing_is_kept() {
    let tree = Tree::with_third();
    let node = tree.starts_third(&["--web-port", "0"]);
    let page = page_of(&node);
    block_on(async {
        let Some(browser) = Browser::open(&format!("http://{page}/"), [1280, 800]).await else {
            return;
        };
        browser.begins("Ann", "open sesame", false).await;
        browser.shows("Your word is kept.", 1).await;
        browser.plays_on().await;
        let kept = browser.run("return Object.keys(localStorage)").await;
        assert_eq!(kept, serde_json::json!(["plain"]));
        assert_eq!(tree.answer(&["status"])["words"]["tokens"], 0);
        let _node = restarts(&tree, node, page);
        browser.until("!ended.hidden").await;
        assert!(browser.text("#why").await.contains("this session is over"));
        browser.close().await;
    });
}
