//! Releases made for one test: the applications of the book in another combination, with a handwritten script.

use std::path::Path;

use pq_release::handler::ReleaseHandler;

/// A release to be made, with an upgrade from and a downgrade to 1.0.0.
pub(crate) struct Variant<'a> {
    pub(crate) vsn: &'a str,
    /// The applications besides those of the node, as entries of a `.rel` file.
    pub(crate) applications: &'a str,
    pub(crate) sys_config: &'a str,
    /// The instructions of the upgrade as terms; the next field has those of the downgrade.
    pub(crate) up: &'a str,
    pub(crate) down: &'a str,
}

pub(crate) const BOTH: &str = "{processquest,\"1.0.0\"},{sockserv,\"1.0.0\"}";

pub(crate) const SETTINGS: &str = "[{sockserv,[{port,8082}]}].";

impl Default for Variant<'_> {
    /// The content of 1.0.0 under another version, with empty scripts.
    fn default() -> Self {
        Variant {
            vsn: "1.0.9",
            applications: BOTH,
            sys_config: SETTINGS,
            up: "[point_of_no_return]",
            down: "[point_of_no_return]",
        }
    }
}

impl Variant<'_> {
    /// Writes the files of the release and registers it.
    pub(crate) fn register(&self, root: &Path, handler: &mut ReleaseHandler) {
        let Variant {
            vsn,
            applications,
            sys_config,
            up,
            down,
        } = self;
        let folder = root.join("releases").join(vsn);
        let node = ["kernel", "stdlib", "sasl", "crypto", "regis"];
        let node = node.map(|name| format!("{{{name},\"1.0.0\"}},")).concat();
        let files = [
            (
                "processquest.rel",
                format!(
                    "{{release,{{\"processquest\",\"{vsn}\"}},{{erts,\"1.0.0\"}},[{node}{applications}]}}."
                ),
            ),
            ("sys.config", sys_config.to_string()),
            (
                "relup",
                format!("{{\"{vsn}\",[{{\"1.0.0\",[],{up}}}],[{{\"1.0.0\",[],{down}}}]}}."),
            ),
        ];
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let registered = handler
            .registry_mut()
            .set_unpacked(&folder.join(files[0].0), &[]);
        registered.unwrap_or_else(|error| panic!("failed to {error}"));
    }
}
