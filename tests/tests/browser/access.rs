//! Both pages for people who use a keyboard or a screen reader, who need contrast, fixed colours or no motion, and for a room that
//! sees a projected picture.
//!
//! `access.js` has the rules that a script can check: names of controls, structure, contrast, sizes.

use pq_tests::running::{Running, Tree};
use pq_tests::scrape::address;
use serde_json::{Value, json};

use crate::browser::chromium::{Browser, block_on};
use crate::browser::{node, page_of};

const RULES: &str = include_str!("access.js");

/// The sizes of a projector, a laptop and a phone.
const SIZES: [[u32; 2]; 3] = [[1920, 1080], [1280, 800], [390, 844]];

/// The smallest text that the back of a room reads, in pixels at 1080 lines: a 54th of the height of the picture, as slides have it.
const PROJECTED_PX: u32 = 20;

impl Browser {
    /// Checks the rules, for texts of at least this size.
    async fn is_open_to_all(&self, what: &str, least_px: u32) {
        let faults = self.run_with(RULES, json!(least_px)).await;
        assert_eq!(faults, json!([]), "{what}");
    }

    /// Presses Tab until the focus is at the beginning again, and returns what had it. Each has to show that it has.
    async fn tabs_through(&self) -> Vec<String> {
        const FOCUS: &str = "
            const it = document.activeElement;
            if (!it || it === document.body) return null;
            const { outlineStyle, boxShadow } = getComputedStyle(it);
            const shows = outlineStyle !== 'none' || boxShadow !== 'none' || it.tagName === 'IFRAME';
            return `${it.id || it.textContent.trim()}${shows ? '' : ' shows no focus'}`;";
        self.run("document.activeElement?.blur()").await;
        let mut order = Vec::new();
        for _ in 0..200 {
            self.types("\u{e004}").await;
            match self.run(FOCUS).await {
                Value::String(name) if order.first() == Some(&name) => return order,
                Value::String(name) => order.push(name),
                _ if order.is_empty() => continue,
                _ => return order,
            }
        }
        panic!("the focus never comes back: {order:?}");
    }
}

/// A node with heroes and a live page, and the address of that page.
fn with_live_page(tree: &Tree) -> (Running, String) {
    let args = ["--web-port", "0", "--metrics-port", "0", "--heroes", "300"];
    let node = Running::node_with(tree, &args);
    node.wrote("300 heroes started");
    let token = tree.answer(&["token"])["token"]
        .as_str()
        .unwrap()
        .to_string();
    let url = format!("http://{}/live?theme=THEME#token={token}", address(&node));
    (node, url)
}

const IS_LIVE: &str = "document.body.dataset.line === 'open' && document.getElementById('living').textContent === '300'
    && document.querySelector('#lines button')";

/// Opens the card of a hero.
async fn opens_card(browser: &Browser) {
    browser
        .run("const find = document.getElementById('find'); find.value = 'bot-7'; find.dispatchEvent(new Event('input'))")
        .await;
    browser
        .until("document.querySelector('#found button')")
        .await;
    browser.run("document.querySelector('#found button').click(); document.getElementById('find').value = ''").await;
    browser
        .until("document.getElementById('name').textContent === 'bot-7'")
        .await;
}

#[test]
fn the_live_page_is_open_to_all_in_each_state_size_and_theme() {
    let tree = Tree::new();
    let (_node, url) = with_live_page(&tree);
    tree.does(&["unpack", "processquest-1.1.0"]);
    block_on(async {
        for (at, size) in SIZES.into_iter().enumerate() {
            let least = if size[1] == 1080 { PROJECTED_PX } else { 0 };
            let Some(browser) = Browser::open("about:blank", size).await else {
                return;
            };
            for theme in ["dark", "light"] {
                let what = |state: &str| format!("{state}, {theme}, {size:?}");
                browser.goes_to(&url.replace("THEME", theme)).await;
                browser.until(IS_LIVE).await;
                browser.is_open_to_all(&what("calm"), least).await;
                opens_card(&browser).await;
                browser.is_open_to_all(&what("card"), least).await;
                browser.clicks("#tab-tree").await;
                browser.until("document.querySelector('#rows li')").await;
                browser.is_open_to_all(&what("tree"), least).await;
                for (button, dialog) in [("#join", "#wall"), ("#help", "#keys")] {
                    browser.clicks(button).await;
                    browser
                        .until(&format!("document.querySelector('{dialog}').open"))
                        .await;
                    browser.is_open_to_all(&what(dialog), least).await;
                    browser
                        .run(&format!("document.querySelector('{dialog}').close()"))
                        .await;
                }
            }
            // At the projector and the phone the page has been through an install before, at the laptop it has not.
            if at == 0 {
                tree.does(&["install", "1.1.0"]);
                tree.does(&["install", "1.0.0"]);
            }
            browser.close().await;
        }
    });
}

#[test]
fn a_projected_live_page_shows_all_without_scrolling() {
    let tree = Tree::new();
    let (_node, url) = with_live_page(&tree);
    block_on(async {
        let Some(browser) = Browser::open(&url.replace("THEME", "dark"), [1920, 1080]).await else {
            return;
        };
        browser.until(IS_LIVE).await;
        let figures = browser
            .run(
                "const px = (id) => parseFloat(getComputedStyle(document.getElementById(id)).fontSize);
                 return [document.documentElement.scrollHeight - innerHeight, px('living'), px('dropped'), px('versions')];",
            )
            .await;
        let figure = |at: usize| figures[at].as_f64().unwrap();
        assert!(figure(0) <= 0.0, "the page scrolls: {figures}");
        // The three truths are read from the last row: a 20th of the height.
        assert!((1..4).all(|at| figure(at) >= 1080.0 / 20.0), "{figures}");
        browser.keeps_picture("live-projected.png").await;
        browser.close().await;
    });
}

#[test]
fn the_keyboard_reaches_everything_on_the_live_page_and_sees_where_it_is() {
    let tree = Tree::new();
    let (_node, url) = with_live_page(&tree);
    block_on(async {
        let Some(browser) = Browser::open(&url.replace("THEME", "dark"), [1280, 800]).await else {
            return;
        };
        browser.until(IS_LIVE).await;
        let order = browser.tabs_through().await;
        assert!(
            order.iter().all(|name| !name.contains("shows no focus")),
            "{order:?}"
        );
        let at = |name: &str| order.iter().position(|it| it == name);
        let expected = [
            "Skip to the install",
            "join",
            "theme",
            "help",
            "dots",
            "tab-one",
            "find",
        ];
        let places: Vec<usize> = expected.iter().filter_map(|name| at(name)).collect();
        assert!(
            places.len() == expected.len() && places.is_sorted(),
            "{order:?}"
        );
        let orders = "return [...document.querySelectorAll('#lines button:enabled')].map((it) => it.textContent.trim())";
        let orders = browser.run(orders).await;
        for name in orders.as_array().unwrap() {
            assert!(order.iter().any(|it| it == name), "{name} in {order:?}");
        }
        // The arrow keys choose a dot and a tab, Enter opens the card, and a dialog gives the focus back.
        browser.run("document.getElementById('dots').focus()").await;
        browser.types("\u{e015}").await;
        browser
            .until("document.getElementById('name').textContent.startsWith('bot-')")
            .await;
        browser.types("\u{e007}").await;
        assert_eq!(
            browser.run("return document.activeElement.id").await,
            "tab-one"
        );
        browser.types("\u{e014}").await;
        assert_eq!(
            browser.run("return document.activeElement.id").await,
            "tab-tree"
        );
        browser
            .until("!document.getElementById('tree').hidden")
            .await;
        browser.run("document.getElementById('help').focus()").await;
        browser.types("\u{e007}").await;
        browser.until("document.getElementById('keys').open").await;
        browser.types("\u{e00c}").await;
        browser
            .until("!document.getElementById('keys').open && document.activeElement.id === 'help'")
            .await;
        browser.close().await;
    });
}

#[test]
fn fixed_colours_and_no_motion_are_respected() {
    let tree = Tree::new();
    let (_node, url) = with_live_page(&tree);
    tree.does(&["unpack", "processquest-1.1.0"]);
    block_on(async {
        let Some(browser) = Browser::open("about:blank", [1280, 800]).await else {
            return;
        };
        let wishes = [
            ("forced-colors", "active"),
            ("prefers-reduced-motion", "reduce"),
        ];
        browser.wishes(&wishes).await;
        browser.goes_to(&url.replace("THEME", "dark")).await;
        browser.until(IS_LIVE).await;
        assert_eq!(
            browser
                .run("return matchMedia('(forced-colors: active)').matches")
                .await,
            true
        );
        tree.does(&["install", "1.1.0"]);
        browser
            .until("document.querySelector('#say h2').textContent.startsWith('1.1.0 runs:')")
            .await;
        // No slow motion begins by itself, and nothing moves.
        assert_eq!(
            browser
                .run("return document.getElementById('replay').hidden")
                .await,
            true
        );
        assert_eq!(
            browser.run("return document.getAnimations().length").await,
            0
        );
        // The steps and the share of versions keep their colours, which are fills and no texts; controls have borders.
        let visible = browser
            .run(
                "const fill = (css, pseudo) => getComputedStyle(document.querySelector(css), pseudo).backgroundColor;
                 const borders = [...document.querySelectorAll('button, input, .card')].filter((it) => it.checkVisibility());
                 return [fill('#share span') !== fill('#share'), fill('.track .done', '::before') !== fill('#rail'),
                   borders.every((it) => getComputedStyle(it).borderStyle !== 'none' || it.role === 'tab' || it.className === 'fold' || it.type === 'checkbox')];",
            )
            .await;
        assert_eq!(visible, json!([true, true, true]));
        browser.keeps_picture("live-forced.png").await;
        browser.close().await;
    });
}

#[test]
fn the_page_of_the_game_is_open_to_all_in_each_state() {
    let tree = Tree::new();
    let (node, page) = node(&tree);
    block_on(async {
        for size in [SIZES[0], SIZES[2]] {
            let url = format!("http://{page}/");
            let Some(browser) = Browser::open(&url, size).await else {
                return;
            };
            browser
                .until("typed.checkVisibility() && session.isOpen")
                .await;
            browser
                .is_open_to_all(&format!("greeted {size:?}"), 0)
                .await;
            browser.joins(&format!("Ann{}", size[0])).await;
            browser
                .is_open_to_all(&format!("playing {size:?}"), 0)
                .await;
            browser.run("show(false)").await;
            browser.is_open_to_all(&format!("a word {size:?}"), 0).await;
            browser
                .run("show(true); login.keep({ name: 'Ann', token: 'x', until: 1900000000 })")
                .await;
            browser.clicks("#plain").await;
            browser.is_open_to_all(&format!("plain {size:?}"), 0).await;
            browser.clicks("#typed").await;
            browser.types("quit\u{e007}").await;
            browser.until("!ended.hidden").await;
            browser.is_open_to_all(&format!("ended {size:?}"), 0).await;
            browser.close().await;
        }
    });
    assert_eq!(page_of(&node), page);
}
