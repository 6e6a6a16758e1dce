//! Both releases as their authors write them, and the relup between them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pq_release::relup::Relup;
use pq_release::systools::{Lookup, Options, make_relup};

/// The applications that are part of the node; of them only the versions matter here.
const BUILT_IN: [&str; 4] = ["kernel", "stdlib", "sasl", "crypto"];

struct Files(BTreeMap<PathBuf, String>);

impl Lookup for Files {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        let text = self.0.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(text.clone().into_bytes())
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        let wanted = format!("{name}.app");
        let is_wanted = |file: &&PathBuf| file.file_name().is_some_and(|file| *file == *wanted);
        self.0.keys().filter(is_wanted).cloned().collect()
    }
}

fn built_in(name: &str) -> (String, String) {
    let text = format!(
        "{{application, {name}, [{{description, \"\"}}, {{vsn, \"1.0.0\"}}, {{modules, []}}, \
         {{registered, []}}, {{applications, []}}]}}."
    );
    (format!("lib/{name}-1.0.0/ebin/{name}.app"), text)
}

fn files() -> Files {
    let before = include_str!("../../../releases/1.0.0/processquest.rel");
    let next = before
        .replace(
            "{\"processquest\", \"1.0.0\"}",
            "{\"processquest\", \"1.1.0\"}",
        )
        .replace("{processquest, \"1.0.0\"}", "{processquest, \"1.1.0\"}")
        .replace("{sockserv, \"1.0.0\"}", "{sockserv, \"1.0.1\"}");
    macro_rules! plugin {
        ($folder:literal, $file:literal) => {
            include_str!(concat!("../../../", $folder, "/", $file))
        };
    }
    let ours = [
        ("1.0.0.rel", before),
        ("1.1.0.rel", &next),
        ("lib/regis-1.0.0/ebin/regis.app", regis_application::APP),
        (
            "lib/processquest-1.0.0/ebin/processquest.app",
            plugin!("game-plugins/processquest-1.0.0", "processquest.app"),
        ),
        (
            "lib/processquest-1.1.0/ebin/processquest.app",
            plugin!("game-plugins/processquest-1.1.0", "processquest.app"),
        ),
        (
            "lib/processquest-1.1.0/ebin/processquest.appup",
            plugin!("game-plugins/processquest-1.1.0", "processquest.appup"),
        ),
        (
            "lib/sockserv-1.0.0/ebin/sockserv.app",
            plugin!("sockserv/plugins/sockserv-1.0.0", "sockserv.app"),
        ),
        (
            "lib/sockserv-1.0.1/ebin/sockserv.app",
            plugin!("sockserv/plugins/sockserv-1.0.1", "sockserv.app"),
        ),
        (
            "lib/sockserv-1.0.1/ebin/sockserv.appup",
            plugin!("sockserv/plugins/sockserv-1.0.1", "sockserv.appup"),
        ),
    ];
    let ours = ours.map(|(file, text)| (file.to_string(), text.to_string()));
    let all = BUILT_IN.map(built_in).into_iter().chain(ours);
    Files(
        all.map(|(file, text)| (PathBuf::from(file), text))
            .collect(),
    )
}

/// The relup of release 1.1.0, from and to 1.0.0.
pub(crate) fn relup() -> Relup {
    let before = ["1.0.0.rel".into()];
    let strict = Options {
        warnings_as_errors: true,
        ..Options::default()
    };
    let made = make_relup(&"1.1.0.rel".into(), &before, &before, strict, &files());
    made.unwrap_or_else(|error| panic!("failed to {error}")).0
}
