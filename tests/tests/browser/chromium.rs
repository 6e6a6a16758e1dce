//! The page in Chromium in the view of a player: a name, a hero, a visible upgrade, and the downgrade.
//!
//! Screenshots are kept below `artefacts` in cargo's target directory, for people to look at.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use pq_tests::needs::{Need, has};
use pq_tests::running::{PATIENCE, Running, Tree};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::node;

/// Options with which Chromium runs in a container and asks no questions.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// The pause between two looks at the page.
const GLANCE: Duration = Duration::from_millis(50);

/// A browser with one page, and the program that controls it.
pub(crate) struct Browser {
    client: Client,
    _profile: TempDir,
    /// The port of the driver.
    port: u16,
    _driver: Running,
}

impl Browser {
    /// Opens a page in a window of this size; `None` when this machine has no Chromium.
    pub(crate) async fn open(url: &str, size: [u32; 2]) -> Option<Browser> {
        Browser::open_with(url, size, &json!({})).await
    }

    /// The same with preferences of its user.
    pub(crate) async fn open_with(
        url: &str,
        [width, height]: [u32; 2],
        preferences: &Value,
    ) -> Option<Browser> {
        if !has(&[Need::Chromium, Need::Chromedriver, Need::Localhost]) {
            return None;
        }
        let driver = Running::start(Command::new("chromedriver").arg("--port=0"));
        let profile = tempfile::tempdir().unwrap();
        let window = format!("--window-size={width},{height}");
        let folder = format!("--user-data-dir={}", profile.path().display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([&*window, &*folder]).collect();
        let capabilities = json!({ "goog:chromeOptions": { "args": flags, "prefs": preferences } });
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{}", port_of(&driver)))
            .await
            .unwrap();
        let browser = Browser {
            client,
            _profile: profile,
            port: port_of(&driver),
            _driver: driver,
        };
        browser.goes_to(url).await;
        Some(browser)
    }

    pub(crate) async fn goes_to(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Sets what a person has wished of the system, as media features: `prefers-reduced-motion`, `forced-colors`.
    pub(crate) async fn wishes(&self, features: &[(&str, &str)]) {
        let features = features
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }));
        let body = json!({
            "cmd": "Emulation.setEmulatedMedia",
            "params": { "features": features.collect::<Vec<_>>() },
        });
        let session = self.client.session_id().await.unwrap().unwrap();
        let body = body.to_string();
        let request = format!(
            "POST /session/{session}/goog/cdp/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut driver = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        driver.write_all(request.as_bytes()).unwrap();
        // The driver keeps the connection, so only the status is read.
        let mut status = [0; 12];
        driver.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }

    /// Runs a script with an argument.
    pub(crate) async fn run_with(&self, script: &str, argument: Value) -> Value {
        self.client.execute(script, vec![argument]).await.unwrap()
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, condition: &str) {
        let script = format!("return Boolean({condition})");
        let limit = std::time::Instant::now() + PATIENCE;
        while self.run(&script).await != true {
            if std::time::Instant::now() > limit {
                let screen = self.run("return document.body.innerText").await;
                panic!("never {condition}\n--- the page ---\n{screen}");
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The text of the terminal, including the scrolled lines.
    async fn screen(&self) -> String {
        let lines = "const { active } = terminal.buffer;
            return [...Array(active.length).keys()]
                .map((row) => active.getLine(row).translateToString(true)).join('\\n')";
        self.run(lines).await.as_str().unwrap().to_string()
    }

    /// Waits until the terminal has this text `times` times.
    pub(crate) async fn shows(&self, text: &str, times: usize) {
        let limit = std::time::Instant::now() + PATIENCE;
        loop {
            let screen = self.screen().await;
            if screen.matches(text).count() >= times {
                return;
            }
            assert!(
                std::time::Instant::now() < limit,
                "no {text:?} on\n{screen}"
            );
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits for one more item of loot.
    pub(crate) async fn plays_on(&self) {
        let found = self.screen().await.matches("Obtained ").count();
        self.shows("Obtained ", found + 1).await;
    }

    /// Types into the element with the focus.
    pub(crate) async fn types(&self, keys: &str) {
        let focused = self.client.active_element().await.unwrap();
        focused.send_keys(keys).await.unwrap();
    }

    pub(crate) async fn clicks(&self, css: &str) {
        let element = self.client.find(Locator::Css(css)).await.unwrap();
        element.click().await.unwrap();
    }

    /// The visible text of an element; empty when the element is hidden.
    pub(crate) async fn text(&self, css: &str) -> String {
        let element = self.client.find(Locator::Css(css)).await.unwrap();
        element.text().await.unwrap()
    }

    /// Waits until a banner is completely visible and has this text.
    async fn sees_news(&self, news: &str) {
        let is_there = "!banner.hidden && getComputedStyle(banner).opacity === '1'";
        self.until(is_there).await;
        assert_eq!(self.text("#news").await, news);
    }

    /// From now on the browser looks at the page in this frame.
    pub(crate) async fn enters_frame(&self, css: &str) {
        let frame = self.client.find(Locator::Css(css)).await.unwrap();
        frame.enter_frame().await.unwrap();
    }

    /// From now on the browser looks at the page around the frame.
    pub(crate) async fn leaves_frame(&self) {
        self.client.clone().enter_parent_frame().await.unwrap();
    }

    pub(crate) async fn keeps_picture(&self, name: &str) {
        let test = std::env::current_exe().unwrap();
        let folder: PathBuf = test.ancestors().nth(3).unwrap().join("artefacts");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, self.client.screenshot().await.unwrap()).unwrap();
        println!("picture: {}", file.display());
    }

    pub(crate) async fn joins(&self, name: &str) {
        self.shows("What's your character's name?", 1).await;
        self.types(&format!("{name}\u{e007}")).await;
        self.shows("y/n", 1).await;
        self.until("!choices.hidden").await;
        self.clicks("#choices button[value=y]").await;
        self.shows("Executing a ", 1).await;
    }

    /// Loads the page anew.
    pub(crate) async fn reloads(&self) {
        self.client.refresh().await.unwrap();
    }

    pub(crate) async fn close(self) {
        self.client.close().await.unwrap();
    }
}

/// The port that the driver has selected: `ChromeDriver was started successfully on port 40001.`
fn port_of(driver: &Running) -> u16 {
    let port = || {
        let out = driver.out();
        let (_, rest) = out.split_once("successfully on port ")?;
        rest.split_once('.')?.0.parse().ok()
    };
    let port = driver.poll(PATIENCE, port);
    port.expect("chromedriver says where it listens")
}

pub(crate) fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(test);
}

#[test]
fn a_player_sees_the_upgrade_and_the_way_back_and_never_leaves_the_page() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    tree.does(&["unpack", "processquest-1.1.0"]);
    block_on(async {
        let Some(browser) = Browser::open(&format!("http://{page}/"), [1280, 800]).await else {
            return;
        };
        browser.joins("Ann").await;
        browser
            .until("!hero.hidden && at('name').textContent === 'Ann'")
            .await;
        browser.until("at('level').textContent === '1'").await;
        browser.plays_on().await;
        assert_eq!(browser.text("#banner").await, "");
        browser.keeps_picture("page-play.png").await;

        tree.does(&["install", "1.1.0"]);
        browser.sees_news("Process Quest is now 1.1.0").await;
        assert_eq!(browser.text("#release").await, "1.1.0");
        browser.plays_on().await;
        browser.until("at('quest').textContent").await;
        browser.keeps_picture("page-upgrade.png").await;
        browser.clicks("#banner").await;
        browser.until("banner.hidden").await;

        tree.does(&["install", "1.0.0"]);
        browser.sees_news("Process Quest is now 1.0.0").await;
        browser.until("at('quest').parentElement.hidden").await;
        browser.plays_on().await;
        // A screen reader reads the same text.
        let told = browser.run("return log.textContent").await;
        assert!(told.as_str().unwrap().contains("Obtained "), "{told}");
        assert!(!told.as_str().unwrap().contains('\u{1b}'), "{told}");
        browser.close().await;
    });
}

#[test]
fn the_line_is_edited_recalled_and_hidden_and_a_session_can_begin_again() {
    let tree = Tree::new();
    let (_node, page) = node(&tree);
    block_on(async {
        let Some(browser) = Browser::open(&format!("http://{page}/"), [400, 800]).await else {
            return;
        };
        browser.joins("Bob").await;
        browser.types("helo\u{e003}lo\u{e007}").await;
        browser.shows("Unexpected input: hello", 1).await;
        browser.types("\u{e013}").await;
        assert_eq!(browser.run("return typed.value").await, "hello");
        browser.types("\u{e015}").await;
        assert_eq!(browser.run("return typed.value").await, "");

        browser.run("heard('PQ.Typing {\"shown\":false}')").await;
        browser.types("xyzzy").await;
        assert_eq!(browser.run("return typed.type").await, "password");
        browser.types("\u{e007}").await;
        browser.shows("Unexpected input: xyzzy", 1).await;
        browser.types("\u{e013}").await;
        assert_eq!(browser.run("return typed.value").await, "");
        let echoed = browser
            .run("return log.querySelectorAll('.own').length")
            .await;
        browser.run("heard('PQ.Typing {\"shown\":true}')").await;
        browser.types("again\u{e007}").await;
        browser.shows("Unexpected input: again", 1).await;
        let now = browser
            .run("return log.querySelectorAll('.own').length")
            .await;
        assert_eq!(now.as_u64(), echoed.as_u64().map(|echoed| echoed + 1));

        browser.types("\u{e013}\u{e013}").await;
        assert_eq!(browser.run("return typed.value").await, "hello");
        browser.run("typed.value = ''").await;
        browser.keeps_picture("page-phone.png").await;
        browser.types("quit\u{e007}").await;
        browser.until("!ended.hidden").await;
        assert!(browser.text("#why").await.contains("the server has closed"));
        browser.types("\u{e007}").await;
        browser.joins("Bob").await;
        browser.clicks("#plain").await;
        browser.until("log.clientHeight > 100").await;
        browser.keeps_picture("page-plain.png").await;
        browser.close().await;
    });
}
