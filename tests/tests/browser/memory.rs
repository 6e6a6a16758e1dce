//! Both pages in a browser whose user allows no page to keep data.

use pq_tests::running::Tree;
use serde_json::json;

use crate::browser::chromium::{Browser, block_on};
use crate::browser::live;

#[test]
fn both_pages_work_in_a_browser_that_keeps_nothing() {
    let tree = Tree::new();
    let (node, live) = live::node(&tree, "100");
    let page = super::page_of(&node);
    block_on(async {
        let keeps_nothing = json!({ "profile.default_content_setting_values.cookies": 2 });
        let url = format!("http://{page}/");
        let Some(browser) = Browser::open_with(&url, [1_000, 700], &keeps_nothing).await else {
            return;
        };
        let refuses = "try { localStorage.length; return false } catch { return true }";
        assert_eq!(browser.run(refuses).await, true);
        browser.joins("Ann").await;
        browser.plays_on().await;

        let token = live::token(&tree);
        browser
            .goes_to(&format!("http://{live}/live?theme=dark#token={token}"))
            .await;
        browser
            .until("document.querySelector('#lines button:enabled')")
            .await;
    });
}
