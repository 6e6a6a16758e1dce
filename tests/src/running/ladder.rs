//! Trees with all releases of the project, the newest of which no other tree has.
//! ```text
//!   Tree::with_third ─► packages of the later releases, each with ways from and to all before it ─► releases/ of a tree
//! ```

use std::fs;
use std::sync::OnceLock;

use super::third::pack;
use super::{Tree, once};

/// The releases of the project, the oldest first.
pub const LADDER: [&str; 6] = ["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "2.0.0"];

/// The number of releases that [`Tree::with_third`] has.
const KNOWN: usize = 3;

impl Tree {
    /// A tree with releases 1.0.0 and 1.1.0, and the packages of all others.
    pub fn with_ladder() -> Tree {
        let tree = Tree::with_third();
        for (name, package) in packages() {
            let place = tree.root().join("releases").join(name);
            fs::write(place, package).expect("there is room for a megabyte");
        }
        tree
    }
}

/// The packages behind the third release with the names of their files, built at the first call in a run.
fn packages() -> &'static Vec<(String, Vec<u8>)> {
    static PACKED: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    PACKED.get_or_init(|| {
        let packed = (KNOWN..LADDER.len()).map(|at| {
            let vsn = LADDER[at];
            let olders: Vec<&str> = LADDER[..at].iter().rev().copied().collect();
            let folder = once(&format!("ladder-{vsn}"), |folder| {
                pack(folder, vsn, &olders)
            });
            let name = format!("processquest-{vsn}.tar.gz");
            let package = fs::read(folder.join(&name)).expect("it has been packed");
            (name, package)
        });
        packed.collect()
    })
}
