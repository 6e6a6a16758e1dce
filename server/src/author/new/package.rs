//! The package of an application's next version: the modules that change, and the rest from the older version.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use pq_release::app::App;
use pq_term::Atom;

use super::older::{self, Module, krates};
use super::template::{Template, type_name};
use super::written::Files;
use super::{is_name, manifest, relative::relative};
use crate::author::shown;
use crate::libraries::{Source, Workspace};

const LIB: &str = include_str!("templates/lib.rs.txt");
const MIGRATE: &str = include_str!("templates/migrate.rs.txt");
const MIGRATION: &str = include_str!("templates/migration.rs.txt");
const TESTS: &str = include_str!("templates/tests.rs.txt");
const TEST: &str = include_str!("templates/test.rs.txt");

/// A changed module of a kind. Its callbacks are those of the older version.
const CHANGED: [(&str, &str); 7] = [
    (
        "application",
        include_str!("templates/changed/application.rs.txt"),
    ),
    (
        "supervisor",
        include_str!("templates/changed/supervisor.rs.txt"),
    ),
    (
        "event_manager",
        include_str!("templates/changed/event_manager.rs.txt"),
    ),
    (
        "gen_server",
        include_str!("templates/changed/gen_server.rs.txt"),
    ),
    ("gen_fsm", include_str!("templates/changed/gen_fsm.rs.txt")),
    (
        "gen_event",
        include_str!("templates/changed/gen_event.rs.txt"),
    ),
    (
        "functions",
        include_str!("templates/changed/functions.rs.txt"),
    ),
];

/// A new module of a kind.
const NEW: [(&str, &str); 2] = [
    (
        "gen_server",
        include_str!("templates/new/gen_server.rs.txt"),
    ),
    ("functions", include_str!("templates/new/functions.rs.txt")),
];

/// Kinds whose processes have a state of the module, and the type of its exported form.
const STATES: [(&str, &str); 3] = [
    ("gen_server", "{{old}}"),
    ("gen_event", "{{old}}"),
    ("gen_fsm", "Machine<<{{old}} as GenFsm>::State, {{old}}>"),
];

/// A module that the older version does not have.
#[derive(Clone, Debug)]
pub(super) struct NewModule {
    pub(super) name: String,
    kind: &'static str,
}

/// Reads `MODULE` or `MODULE:KIND`.
pub(super) fn new_module(text: &str) -> Result<NewModule, String> {
    let (name, kind) = text.split_once(':').unwrap_or((text, "gen_server"));
    let kinds = NEW.map(|(kind, _)| kind);
    let found = kinds.into_iter().find(|known| *known == kind);
    match found {
        _ if !is_name(name) => Err(format!(
            "`{name}` is no name of a module: lower-case letters, digits and `_`, such as `shop_cart`"
        )),
        Some(kind) => Ok(NewModule {
            name: name.to_string(),
            kind,
        }),
        None => Err(format!("`{kind}` is none of {}", kinds.join(", "))),
    }
}

/// The next version of an application.
pub(super) struct Next<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) source: &'a Source,
    pub(super) vsn: &'a str,
    /// The modules that change.
    pub(super) modules: Vec<String>,
    pub(super) new: Vec<NewModule>,
}

/// A package of the next version.
pub(super) struct Package {
    /// The name of the package, such as `shop-1_1_0`.
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) vsn: String,
    /// The directory of the older version's package.
    pub(super) older: PathBuf,
    /// Whether the package has a test of its conversions.
    pub(super) has_tests: bool,
}

impl Next<'_> {
    /// Adds the files of the package.
    ///
    /// # Errors
    /// Fails if a file of the older version cannot be used.
    pub(super) fn write(&self, files: &mut Files) -> anyhow::Result<Package> {
        let all = older::modules(self.workspace, self.source)?;
        let changed = self.changed(&all)?;
        for new in &self.new {
            ensure!(
                all.iter().all(|module| module.name != new.name),
                "failed to make module {}: {} has it already; `--module {}` changes it",
                new.name,
                self.source.app.name,
                new.name
            );
        }
        let application = self.source.app.name.as_str();
        let folder = self
            .source
            .folder()
            .with_file_name(format!("{application}-{}", self.vsn));
        let has_state = |module: &&Module| state(module).is_some();
        let stateful: Vec<&Module> = changed.iter().copied().filter(has_state).collect();
        let package = Package {
            name: format!("{application}-{}", self.vsn.replace('.', "_")),
            vsn: self.vsn.to_string(),
            older: self.source.folder().to_path_buf(),
            has_tests: !stateful.is_empty(),
            folder,
        };
        self.write_sources(files, &package, &all, &changed);
        self.write_migrations(files, &package, &stateful);
        let app = format!("{application}.app");
        files.add(package.folder.join(app), self.app_text()?, None);
        let manifest = manifest::next(self.source, &package, &krates(&all))?;
        files.add(package.folder.join("Cargo.toml"), manifest, None);
        Ok(package)
    }

    fn changed<'m>(&self, all: &'m [Module]) -> anyhow::Result<Vec<&'m Module>> {
        let find = |name: &String| {
            let found = all.iter().find(|module| module.name == *name);
            found.with_context(|| {
                format!(
                    "failed to find module {name} in {}",
                    self.source.folder().join("src/lib.rs").display()
                )
            })
        };
        self.modules.iter().map(find).collect()
    }

    fn write_sources(
        &self,
        files: &mut Files,
        package: &Package,
        all: &[Module],
        changed: &[&Module],
    ) {
        let src = package.folder.join("src");
        files.add(src.join("lib.rs"), self.lib(all, changed), None);
        for module in changed {
            let of_kind = CHANGED.iter().find(|(kind, _)| *kind == module.kind);
            if let Some((_, text)) = of_kind {
                let text = self.fill(Template::of(text), module);
                files.add(
                    src.join(format!("{}.rs", module.name)),
                    text,
                    Some(to_do(&module.kind)),
                );
            }
        }
        for new in &self.new {
            let of_kind = NEW.iter().find(|(kind, _)| *kind == new.kind);
            if let Some((_, text)) = of_kind {
                let text = Template::of(text)
                    .with("module", &new.name)
                    .with("Type", &type_name(&new.name))
                    .with("application", self.source.app.name.as_str())
                    .with("vsn", self.vsn);
                files.add(
                    src.join(format!("{}.rs", new.name)),
                    text.text(),
                    Some("the new module"),
                );
            }
        }
    }

    /// Adds the conversions and their test, if a state is converted.
    fn write_migrations(&self, files: &mut Files, package: &Package, stateful: &[&Module]) {
        if stateful.is_empty() {
            return;
        }
        let each = |text: &str| -> String {
            let filled = stateful
                .iter()
                .map(|module| self.fill(Template::of(text), module));
            filled.collect::<Vec<_>>().join("\n")
        };
        let migrate = Template::of(MIGRATE)
            .with("imports", &imports(stateful))
            .with("migrations", &each(MIGRATION))
            .with("vsn", self.vsn);
        files.add(
            package.folder.join("src/migrate.rs"),
            migrate.text(),
            Some("the conversions of states, up and down"),
        );
        let tests = stateful.iter().map(|module| {
            let old = format!(
                "{}::{}::{}",
                module.krate.alias, module.name, module.type_name
            );
            let state = state(module).unwrap_or_default().replace("{{old}}", &old);
            self.fill(Template::of(TEST).with("State", &state), module)
        });
        let has_machines = stateful.iter().any(|module| module.kind == "gen_fsm");
        let machines = match has_machines {
            true => "use pq_sdk::GenFsm;\nuse pq_sdk::gen_fsm::Machine;\n",
            false => "",
        };
        let text = Template::of(TESTS)
            .with("machines", machines)
            .with("aliases", &aliases(stateful.iter().copied()))
            .with("tests", &tests.collect::<Vec<_>>().join("\n"))
            .with("krate", &package.name.replace('-', "_"))
            .with("vsn", self.vsn);
        files.add(
            package.folder.join("tests/versions.rs"),
            text.text(),
            Some("states that are special"),
        );
    }

    fn fill(&self, template: Template, module: &Module) -> String {
        template
            .with("module", &module.name)
            .with("Type", &module.type_name)
            .with("old", &module.krate.alias)
            .with("older", &self.source.app.vsn)
            .with("application", self.source.app.name.as_str())
            .with("vsn", self.vsn)
            .text()
    }

    /// The text of `lib.rs`.
    fn lib(&self, all: &[Module], changed: &[&Module]) -> String {
        let is_changed = |module: &Module| changed.iter().any(|other| other.name == module.name);
        let mut names: Vec<&str> = changed.iter().map(|module| &*module.name).collect();
        names.extend(self.new.iter().map(|new| &*new.name));
        names.extend(
            changed
                .iter()
                .any(|module| state(module).is_some())
                .then_some("migrate"),
        );
        names.sort_unstable();
        let modules: String = names
            .iter()
            .map(|name| format!("pub mod {name};\n"))
            .collect();
        let entry = |module: &Module| {
            let krate = match is_changed(module) {
                true => String::new(),
                false => format!("{}::", module.krate.alias),
            };
            format!(
                "    {} {krate}{}::{},\n",
                module.kind, module.name, module.type_name
            )
        };
        let new = self.new.iter();
        let new =
            new.map(|new| format!("    {} {}::{},\n", new.kind, new.name, type_name(&new.name)));
        let entries: String = all.iter().map(entry).chain(new).collect();
        Template::of(LIB)
            .with("modules", &modules)
            .with("aliases", &aliases(all))
            .with("entries", &entries)
            .with("application", self.source.app.name.as_str())
            .with("older", &self.source.app.vsn)
            .with("vsn", self.vsn)
            .text()
    }

    /// The `.app` file of the older version with another version and the new modules.
    fn app_text(&self) -> anyhow::Result<String> {
        let (old, text) = (&self.source.app, &self.source.app_text);
        let mut wanted = old.modules.clone();
        for new in &self.new {
            let name = Atom::new(&new.name)
                .map_err(|error| anyhow::anyhow!("failed to name {}: {error}", new.name))?;
            wanted.push(name);
        }
        let changed = self.edited(text).unwrap_or_default();
        match App::parse(&old.file, &changed) {
            Ok(app) if app.vsn == self.vsn && app.modules == wanted => Ok(changed),
            _ => bail!(
                "failed to make {}.app of {}: the text of {} is not understood; `{{vsn, \"{}\"}}` and `{{modules, [...]}}` would be \
                 right",
                old.name,
                self.vsn,
                shown(self.workspace.root(), &old.file),
                old.vsn
            ),
        }
    }

    fn edited(&self, text: &str) -> Option<String> {
        let at = text.find("{vsn")?;
        let (before, rest) = text.split_at(at);
        let quoted = format!("\"{}\"", self.source.app.vsn);
        let mut text =
            before.to_string() + &rest.replacen(&quoted, &format!("\"{}\"", self.vsn), 1);
        let list = text.find("{modules")?;
        let end = list + text[list..].find(']')?;
        let names: String = self
            .new
            .iter()
            .map(|new| format!(", {}", new.name))
            .collect();
        text.insert_str(end, &names);
        Some(text)
    }
}

/// The type of a module's exported state; `None` for a module without a state.
fn state(module: &Module) -> Option<&'static str> {
    let of_kind = STATES.iter().find(|(kind, _)| *kind == module.kind);
    of_kind.map(|(_, state)| *state)
}

/// The names that a file gives the crates of these modules.
fn aliases<'a>(modules: impl IntoIterator<Item = &'a Module>) -> String {
    let krates = krates(modules).into_iter();
    krates
        .map(|krate| format!("use {} as {};\n", krate.name, krate.alias))
        .collect()
}

fn imports(stateful: &[&Module]) -> String {
    let import = |module: &&Module| {
        let Module {
            name,
            type_name,
            krate,
            ..
        } = module;
        let (own, old) = (
            format!("{name}::{type_name}"),
            format!("{}::{name}::{type_name}", krate.alias),
        );
        format!("use crate::{own};\nuse crate::{old} as Old{type_name};\n")
    };
    stateful.iter().map(import).collect()
}

/// The part of a changed module that the author writes.
fn to_do(kind: &str) -> &'static str {
    match kind {
        "gen_fsm" => "new fields, and the arrows that change",
        "gen_server" | "gen_event" => "new fields, and the callbacks that change",
        "supervisor" => "the children",
        "functions" => "the functions that change",
        _ => "the callbacks that change",
    }
}

/// The path from the package to another one, for `Cargo.toml`.
pub(super) fn path_to(package: &Package, folder: &Path) -> String {
    relative(&package.folder, folder).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_module_has_a_name_and_a_kind() {
        let pet = new_module("shop_cart").unwrap();
        assert_eq!((&*pet.name, pet.kind), ("shop_cart", "gen_server"));
        assert_eq!(new_module("pq_food:functions").unwrap().kind, "functions");
        for odd in ["Pet", "pq-pet", "", "shop_cart:lamp", "1pet"] {
            assert!(new_module(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn every_kind_of_the_sdk_can_change() {
        let sdk = include_str!("../../../../game-plugins/sdk/src/library.rs");
        let arms = sdk.split("macro_rules! adapter").nth(1).unwrap();
        let kinds = arms.lines().filter_map(|line| {
            let kind = line.trim().strip_prefix('(')?.split(' ').next()?;
            Some(kind.to_string())
        });
        let mut kinds: Vec<String> = kinds.collect();
        kinds.sort();
        let mut known = CHANGED.map(|(kind, _)| kind);
        known.sort_unstable();
        assert_eq!(kinds, known);
    }
}
