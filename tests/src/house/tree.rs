//! A simulated node that is booted from a release tree as `pq start` boots it: real files, real libraries, virtual
//! time.

use std::path::Path;
use std::sync::Arc;

use pq_code::CodeServer;
use pq_release::app::App;
use pq_release::boot::{BootApp, BuiltIn, Code, ReleaseTree, Runtime};
use pq_release::handler::ReleaseHandler;
use pq_release::registry::ReleaseRegistry;

use super::{House, built_in};

/// The version of the node and of its built-in applications.
const NODE_VSN: &str = "1.0.0";

/// The applications that are part of the node. Only their names and versions matter here.
const BUILT_IN: [&str; 4] = ["kernel", "stdlib", "sasl", "crypto"];

/// The runtime of a node in these tests: its built-in applications.
pub fn runtime() -> Runtime {
    let texts = BUILT_IN.map(built_in).into_iter();
    let texts = texts.chain([regis_application::APP.to_string()]);
    let built_in = texts.map(|app_text| {
        let app = App::parse(Path::new("built-in"), &app_text).expect("the file is right");
        BuiltIn {
            name: app.name.as_str().to_string(),
            vsn: app.vsn,
            app_text,
        }
    });
    Runtime {
        erts_vsn: NODE_VSN.to_string(),
        built_in: built_in.collect(),
    }
}

impl House {
    /// Boots the permanent release of a tree with this seed.
    pub fn boot_tree(root: &Path, seed: u64) -> (House, ReleaseHandler) {
        let tree = ReleaseTree::open(root, runtime());
        let boot = tree
            .boot()
            .unwrap_or_else(|error| panic!("failed to {error}"));
        let code = Arc::new(CodeServer::new());
        let own = code
            .link_library(&regis_application::LIBRARY)
            .expect("it is compiled with this very crate");
        code.make_all_current(own)
            .expect("it was linked in the line above");
        boot.applications.iter().for_each(|app| load(&code, app));
        let mut house = House::empty(code.clone(), seed, boot.settings);
        for app in &boot.applications {
            house.begin_application(app.app.spec());
        }
        let registry = ReleaseRegistry::open(tree, &boot.rel.vsn);
        let registry = registry.unwrap_or_else(|error| panic!("failed to {error}"));
        (house, ReleaseHandler::new(registry, code))
    }
}

fn load(code: &CodeServer, app: &BootApp) {
    if let Code::Library { path, sha256 } = &app.code {
        let checksum = sha256
            .to_string()
            .parse()
            .expect("both write it the same way");
        let library = code.load_library(path, Some(checksum));
        let library = library.unwrap_or_else(|error| panic!("failed to {error}"));
        code.make_all_current(library)
            .expect("it was loaded in the line above");
    }
}
