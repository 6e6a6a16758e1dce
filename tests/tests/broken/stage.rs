//! A node with players, and attempts to break it.

use std::path::PathBuf;

use pq_tests::running::{BROKEN, BROKEN_VSN, Player, Running, Tree};
use pq_tests::story::Version;

/// A node, its tree, and its players.
pub(crate) struct Stage {
    pub(crate) node: Running,
    pub(crate) tree: Tree,
    pub(crate) players: Vec<Player>,
}

impl Stage {
    /// Starts release 1.0.0 with heroes of these names.
    pub(crate) fn with(names: &[&str]) -> Stage {
        let tree = Tree::new();
        let node = Running::node_with(&tree, &[]);
        Stage::on(tree, node, names)
    }

    /// Connects players with heroes of these names to a running node.
    pub(crate) fn on(tree: Tree, node: Running, names: &[&str]) -> Stage {
        Stage {
            players: Player::enter_all(&node, names),
            node,
            tree,
        }
    }

    /// Unpacks a package of release 1.1.1.
    pub(crate) fn unpacks(&self, package: &[u8]) {
        self.tree.offers(package);
        self.tree.does(&["unpack", BROKEN]);
    }

    /// The path of a file in the unpacked release, from its path in the tree.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.tree.root().join(path)
    }

    /// Runs a command that must fail with this code and a message with these texts. No release changes its status, and
    /// all players continue.
    pub(crate) fn refuses(&mut self, args: &[&str], code: i32, words: &[&str]) {
        let before = self.tree.releases();
        let sentence = self.tree.refuses(args, code);
        for word in words {
            assert!(sentence.contains(word), "no {word:?} in {sentence:?}");
        }
        assert!(sentence.starts_with("failed to "), "{sentence:?}");
        assert_eq!(self.tree.releases(), before, "after {sentence:?}");
        let running = self.tree.answer(&["status"])["release"]["vsn"].clone();
        assert_eq!(running, "1.0.0", "after {sentence:?}");
        self.play_on();
    }

    /// Checks that both the check and the install fail in this way. The relup of the broken release does not update a
    /// supervisor, which an option has to allow.
    pub(crate) fn does_not_install(&mut self, code: i32, words: &[&str]) {
        self.refuses(&["check-install", BROKEN_VSN, "--partial"], code, words);
        self.refuses(&["install", BROKEN_VSN, "--partial"], code, words);
    }

    /// Unpacks the package, damages the unpacked files, tries to install the release, and removes it.
    pub(crate) fn breaks(
        &mut self,
        package: &[u8],
        damage: impl FnOnce(&Stage),
        (code, words): (i32, &[&str]),
    ) {
        self.unpacks(package);
        damage(self);
        self.refuses(&["install", BROKEN_VSN, "--partial"], code, words);
        self.tree.does(&["remove", BROKEN_VSN]);
    }

    /// Waits for more output of every player; every line is checked.
    pub(crate) fn play_on(&mut self) {
        Player::all_play_on(&mut self.players);
        for player in &mut self.players {
            player.tale();
        }
    }

    /// Installs the good release for the players that were connected all the time.
    pub(crate) fn installs_the_good_one(&mut self) {
        for player in &mut self.players {
            player.may_become(Version::New);
        }
        self.tree.does(&["unpack", "processquest-1.1.0"]);
        self.tree.does(&["check-install", "1.1.0"]);
        self.tree.does(&["install", "1.1.0"]);
        let running = self.tree.answer(&["status"])["release"]["vsn"].clone();
        assert_eq!(running, "1.1.0");
        self.play_on();
        for player in &self.players {
            let state = self.tree.state_of(player.name());
            assert!(state.contains("quest =>"), "{state}");
        }
    }
}
