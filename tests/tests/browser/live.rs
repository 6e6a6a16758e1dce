//! The live page: a room sees each avatar change its code and back, from the page itself; and requests that are refused.
//!
//! Colours are counted from the pixels of the canvas.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use pq_tests::running::{Draft, PATIENCE, Running, Signal, Tree, poll, pq};
use pq_tests::scrape::{Answer, address, ask, metrics, sum};
use pq_tests::story::Version;

use crate::browser::chromium::{Browser, block_on};

/// The heroes in the crowd.
const HEROES: &str = "10000";

/// The colours of the first two versions in the dark theme, and of a process that has failed.
const COLOURS: &str = "{blue: [91, 156, 255], gold: [255, 194, 51], red: [255, 90, 77]}";

/// A node with heroes, both web ports, and a page for the game.
pub(crate) fn node(tree: &Tree, heroes: &str) -> (Running, SocketAddr) {
    let args = ["--web-port", "0", "--metrics-port", "0", "--heroes", heroes];
    let node = Running::node_with(tree, &args);
    node.wrote(&format!("{heroes} heroes started"));
    let address = address(&node);
    (node, address)
}

/// A token for orders.
pub(crate) fn token(tree: &Tree) -> String {
    let answer = tree.answer(&["token"]);
    answer["token"].as_str().unwrap().to_string()
}

impl Browser {
    /// The pixels of the crowd in these colours: blue, gold and red.
    async fn colours(&self) -> [u64; 3] {
        let script = format!(
            "const canvas = document.getElementById('dots');
             const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
             const colours = Object.values({COLOURS});
             const counts = colours.map(() => 0);
             for (let at = 0; at < data.length; at += 4) {{
               colours.forEach((colour, index) => {{
                 if (colour.every((part, of) => Math.abs(part - data[at + of]) < 8)) counts[index]++;
               }});
             }}
             return counts;"
        );
        let counts = self.run(&script).await;
        let count = |at: usize| counts[at].as_u64().unwrap();
        [count(0), count(1), count(2)]
    }

    /// Clicks the button of an order, and agrees.
    async fn orders(&self, label: &str) {
        let button = format!(
            "[...document.querySelectorAll('#lines button:enabled')].find((it) => it.textContent.startsWith('{label}'))"
        );
        self.until(&button).await;
        self.run(&format!("{button}.click()")).await;
        self.until("document.getElementById('sure').open").await;
        assert_eq!(
            self.run("return document.activeElement.value").await,
            "no",
            "the harmless button has the focus"
        );
        self.run("document.querySelector('#sure .do').click()")
            .await;
    }

    /// Stops the replay that follows an install, and goes to the moment at which both versions are there.
    async fn sees_both_colours(&self) {
        self.until("!document.getElementById('replay').hidden")
            .await;
        let (mut before, mut after) = (0.0, 1.0);
        let (mut blue, mut gold) = (0, 0);
        for _ in 0..11 {
            let at = f64::midpoint(before, after);
            self.run(&format!(
                "const range = document.querySelector('#replay input[type=range]');
                 range.value = range.max * {at};
                 range.dispatchEvent(new Event('input'));"
            ))
            .await;
            self.draws().await;
            [blue, gold, _] = self.colours().await;
            if blue > 1_000 && gold > 1_000 {
                break;
            }
            match is_old_at_the_start(self).await == (blue > gold) {
                true => before = at,
                false => after = at,
            }
        }
        assert!(
            blue > 1_000 && gold > 1_000,
            "the wave is never half-way: {blue} {gold}"
        );
        self.run("document.querySelector('#replay .close').click()")
            .await;
        self.draws().await;
    }

    /// Waits until the page has drawn what it knows.
    async fn draws(&self) {
        self.run(
            "const frame = (then) => requestAnimationFrame(() => requestAnimationFrame(then));
             return new Promise((done) => frame(() => done(true)));",
        )
        .await;
    }
}

/// Whether the replay is that of the way up.
async fn is_old_at_the_start(browser: &Browser) -> bool {
    let label = browser.text("#replay output").await;
    label.starts_with("1.0.0")
}

/// Only dots of the old version, or only of the new one.
async fn all_run(browser: &Browser, version: Version) {
    let [blue, gold, red] = browser.colours().await;
    let is_right = match version {
        Version::Old => blue > 10_000 && gold == 0,
        Version::New => blue == 0 && gold > 10_000,
    };
    assert!(is_right && red == 0, "{blue} {gold} {red}");
}

/// A hero in the frame of the page.
async fn joins_in_the_page(browser: &Browser) {
    browser.clicks("#tab-play").await;
    browser
        .until("!document.getElementById('terminal').hidden")
        .await;
    browser.enters_frame("#terminal").await;
    browser.joins("Ann").await;
    browser.leaves_frame().await;
}

async fn plays_on_in_the_page(browser: &Browser) {
    browser.enters_frame("#terminal").await;
    browser.plays_on().await;
    browser.leaves_frame().await;
}

/// The figures of the page are those of `/metrics` and `pq status`.
async fn figures_agree(browser: &Browser, node: &Running, tree: &Tree) {
    let metrics = metrics(node);
    let heroes = sum(&metrics, "pq_processes", "module=\"pq_player\"");
    let living =
        format!("document.getElementById('living').textContent.replace(/\\D/g, '') === '{heroes}'");
    browser.until(&living).await;
    assert_eq!(heroes, 10_001.0);
    assert_eq!(tree.answer(&["status"])["door"]["players"], 1);
    assert_eq!(browser.text("#open").await, "1");
    let dropped = sum(&metrics, "pq_connections_dropped_total", "");
    assert_eq!(browser.text("#dropped").await, dropped.to_string());
    let shown = browser.text("#versions").await;
    assert_eq!(shown, tree.answer(&["status"])["release"]["vsn"]);
}

#[test]
fn a_room_sees_the_upgrade_and_the_way_back_while_a_hero_is_played_in_the_page() {
    let tree = Tree::new();
    let (node, live) = node(&tree, HEROES);
    let url = format!("http://{live}/live?theme=dark#token={}", token(&tree));
    block_on(async {
        let Some(browser) = Browser::open(&url, [1920, 1080]).await else {
            return;
        };
        browser
            .until("document.getElementById('living').textContent.replace(/\\D/g, '') === '10000'")
            .await;
        let hash = browser.run("return location.hash").await;
        assert_eq!(hash, "", "the token does not stay in the address");
        all_run(&browser, Version::Old).await;
        browser.keeps_picture("live-calm.png").await;
        joins_in_the_page(&browser).await;
        figures_agree(&browser, &node, &tree).await;

        browser.orders("Unpack").await;
        browser.orders("Install 1.1.0").await;
        browser.sees_both_colours().await;
        all_run(&browser, Version::New).await;
        browser
            .until("document.querySelector('#say h2').textContent.startsWith('1.1.0 runs:')")
            .await;
        figures_agree(&browser, &node, &tree).await;
        browser.keeps_picture("live-report.png").await;
        plays_on_in_the_page(&browser).await;

        browser.orders("Go back").await;
        browser.sees_both_colours().await;
        all_run(&browser, Version::Old).await;
        figures_agree(&browser, &node, &tree).await;
        plays_on_in_the_page(&browser).await;
        let replays = "return document.querySelectorAll('#strip button:enabled').length";
        assert_eq!(browser.run(replays).await, 2);
        browser.close().await;
    });
}

#[test]
fn a_release_that_fails_for_one_hero_changes_no_colour_and_the_page_says_so() {
    let tree = Tree::new();
    let file = tree.root().join("releases/1.0.0/sys.config");
    let fate = r#"[{processquest, [{fate, {"bot-577", "Errs"}}]}, {sockserv,"#;
    let settings = fs::read_to_string(&file).unwrap();
    fs::write(file, settings.replace("[{sockserv,", fate)).unwrap();
    let package = tree.root().join("releases/processquest-1.1.1.tar.gz");
    // The page installs whole releases only.
    let mut draft = Draft::broken();
    let (part, whole) = (
        "{load_module, processquest}",
        "{load_module, processquest}, {load_module, pq_sup}",
    );
    draft.appup = draft.appup.replace(part, whole);
    fs::write(package, draft.package()).unwrap();
    let (_node, live) = node(&tree, "1000");
    tree.does(&["unpack", "processquest-1.1.1"]);
    let url = format!("http://{live}/live?theme=dark#token={}", token(&tree));
    block_on(async {
        let Some(browser) = Browser::open(&url, [1280, 900]).await else {
            return;
        };
        browser.orders("Install 1.1.1").await;
        browser
            .until("!document.getElementById('replay').hidden")
            .await;
        browser.until("document.getElementById('replay').hidden && document.querySelector('#say h2').textContent.startsWith('1.1.1 was not installed')").await;
        let why = browser.text("#rail .note").await;
        assert!(why.contains("bot-577"), "{why}");
        let [blue, gold, red] = browser.colours().await;
        assert!(blue > 1_000 && gold == 0 && red == 0, "{blue} {gold} {red}");
        browser.keeps_picture("live-failed.png").await;
        browser.close().await;
    });
}

#[test]
fn a_crashed_hero_has_its_place_again_and_the_page_survives_a_restart_of_the_node() {
    let tree = Tree::new();
    let (mut first, live) = node(&tree, "100");
    let url = format!("http://{live}/live?theme=dark#token={}", token(&tree));
    block_on(async {
        let Some(browser) = Browser::open(&url, [390, 844]).await else {
            return;
        };
        browser
            .until("document.getElementById('living').textContent === '100'")
            .await;
        browser.run("document.getElementById('find').value = 'bot-7'; document.getElementById('find').dispatchEvent(new Event('input'))").await;
        browser
            .until("document.querySelector('#found button')")
            .await;
        browser
            .run("document.querySelector('#found button').click()")
            .await;
        browser
            .until("document.getElementById('name').textContent === 'bot-7'")
            .await;
        let pid = browser.text("#pid").await;
        assert_eq!(pid, tree.answer(&["sys", "get-state", "bot-7"])["pid"]);
        // The card has the age of the avatar on this node, and tells its story.
        browser
            .until(
                "/^\\d+:\\d\\d:\\d\\d$/.test(document.getElementById('clock-process').textContent)",
            )
            .await;
        browser
            .until("document.getElementById('story').textContent.includes('Executing a ')")
            .await;
        browser.keeps_picture("live-phone.png").await;
        tree.does(&["kill", "bot-7"]);
        let other = format!(
            "document.getElementById('name').textContent === 'bot-7' && document.getElementById('pid').textContent !== '{pid}'"
        );
        browser.until(&other).await;
        browser
            .until("document.getElementById('clock-process').textContent.startsWith('new ')")
            .await;
        browser.clicks("#tab-tree").await;
        browser
            .until("document.getElementById('rows').textContent.includes('restarts seen')")
            .await;
        browser.clicks("#tab-one").await;
        browser
            .until("document.getElementById('living').textContent === '100'")
            .await;

        first.signal(Signal::TERM);
        assert!(first.end().success());
        browser.until("document.body.dataset.line === 'lost'").await;
        browser.keeps_picture("live-lost.png").await;
        let port = live.port().to_string();
        let second = Running::listening(pq(tree.start()).args(["--metrics-port", &port]));
        browser.until("document.body.dataset.line === 'open' && document.getElementById('living').textContent === '100'").await;
        // The token was that of the node before.
        assert_eq!(order(&second, "127.0.0.1", "", "0123").status, 401);
        browser.close().await;
    });
}

/// Sends an order, with this `Host`, further headers and a token.
fn order(node: &Running, host: &str, headers: &str, token: &str) -> Answer {
    let body = r#"{"order":"make_permanent","vsn":"1.0.0"}"#;
    let request = format!(
        "POST /live/orders HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    ask(node, &request)
}

#[test]
fn orders_need_a_token_of_this_node_from_this_machine_and_from_its_own_page() {
    let tree = Tree::new();
    let (node, live) = node(&tree, "1");
    let (token, host) = (token(&tree), live.to_string());
    let own = format!("Origin: http://{live}\r\n");
    for (host, headers, token, status) in [
        (&*host, "", "", 401),
        (&*host, "", "0123456789abcdef0123456789abcdef", 401),
        (&*host, "Origin: http://evil.example\r\n", &*token, 403),
        ("evil.example", "", &*token, 403),
        (&*host, "X-Forwarded-For: 192.0.2.7\r\n", &*token, 403),
        (
            &*host,
            "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n",
            &*token,
            200,
        ),
        (&*host, &*own, &*token, 200),
    ] {
        let answer = order(&node, host, headers, token);
        assert_eq!(answer.status, status, "{host} {headers} {answer:?}");
    }
    for (path, host, status) in [
        ("/live", &*host, 200),
        ("/live", "evil.example", 403),
        ("/live/ws", &*host, 400),
        ("/live/orders", &*host, 405),
        ("/live/releases", &*host, 200),
        ("/live/recordings/1", &*host, 404),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = ask(&node, &request);
        assert_eq!(answer.status, status, "{path} {host} {answer:?}");
    }
    let history = tree.does(&["history"]);
    assert!(history.contains("from the live page"), "{history}");
    assert!(!history.contains(&token), "{history}");
}

#[test]
fn a_token_is_short_lived_and_needs_the_web_port() {
    let tree = Tree::new();
    let (first, live) = node(&tree, "1");
    let short = tree.answer(&["token", "--for", "1ms"]);
    let short = short["token"].as_str().unwrap();
    assert_eq!(order(&first, &live.to_string(), "", short).status, 401);
    drop(first);
    let _closed = Running::node_with(&tree, &[]);
    let refused = pq(["token", "--root"]).arg(tree.root()).output().unwrap();
    let sentence = String::from_utf8_lossy(&refused.stderr).to_string();
    assert!(sentence.contains("--metrics-port"), "{sentence}");
}

/// Opens the WebSocket of the page, and reads until this text has come.
fn look(live: SocketAddr, until: &str) -> TcpStream {
    let mut stream = TcpStream::connect(live).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET /live/ws HTTP/1.1\r\nHost: {live}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains(until) {
        let mut bytes = [0; 4_096];
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&read));
        read.extend(&bytes[..count]);
    }
    stream
}

#[test]
fn forty_pages_look_at_once_and_a_page_that_reads_nothing_disturbs_nobody() {
    let tree = Tree::new();
    let (node, live) = node(&tree, "1000");
    // None of these reads further.
    let mut pages: Vec<TcpStream> = (0..40).map(|_| look(live, "\"snapshot\"")).collect();
    look(live, "there are too many viewers already");
    tree.does(&["unpack", "processquest-1.1.0"]);
    tree.does(&["install", "1.1.0"]);
    assert_eq!(sum(&metrics(&node), "pq_feed_viewers", ""), 40.0);
    pages.clear();
    let none = poll(PATIENCE, || {
        let viewers = sum(&metrics(&node), "pq_feed_viewers", "");
        (viewers == 0.0).then_some(())
    });
    assert!(none.is_some(), "views do not end");
    look(live, "\"snapshot\"");
}
