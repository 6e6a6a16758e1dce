//! The versions in between: each has to be there, with the modules whose states go through it.

use pq_term::{Atom, Term};

use super::finding::Finding;
use super::side::{Passage, SideApp};
use crate::instruction::Converters;
use crate::terms::tagged;

/// The faults of the versions in between.
pub(super) fn between(passage: &Passage<'_>) -> Vec<Finding> {
    let converters = passage.script.converters.iter();
    let findings = converters.flat_map(|of| match find(passage.between, of) {
        None => vec![missing(of)],
        Some(app) => {
            let modules = of.changes.iter();
            let wrong = modules.filter_map(|(module, _)| wrong(passage, app, *module));
            wrong.collect()
        }
    });
    findings.collect()
}

fn find<'a>(between: &'a [SideApp], of: &Converters) -> Option<&'a SideApp> {
    let mut apps = between.iter();
    apps.find(|it| it.app.name == of.lib && it.app.vsn == of.vsn)
}

fn missing(of: &Converters) -> Finding {
    let name = format!("{}-{}", of.lib, of.vsn);
    let modules = of.changes.iter().map(|(module, _)| format!("`{module}`"));
    let modules: Vec<String> = modules.collect();
    Finding::new(
        format!(
            "{name} is missing, and the states of {} go through it; `pq build` builds it for a release whose relup names it",
            modules.join(", ")
        ),
        tagged("no_such_application", Term::string(name)),
    )
}

/// A module that the version in between does not have, or that is of another kind there.
fn wrong(passage: &Passage<'_>, app: &SideApp, module: Atom) -> Option<Finding> {
    app.known()?;
    let (name, lib, vsn) = (module.as_str(), app.app.name, &app.app.vsn);
    let Some(entry) = app.entry(name) else {
        return Some(Finding::new(
            format!(
                "the states of `{name}` go through {lib}-{vsn}, whose library has no such module"
            ),
            tagged("no_such_module", Term::Atom(module)),
        ));
    };
    let reached = passage.to.application(lib.as_str())?.entry(name)?;
    (reached.kind != entry.kind).then(|| {
        let sentence = format!(
            "the states of `{name}` go through {lib}-{vsn}, where it is a {}, and it comes as a {}",
            entry.kind.word(),
            reached.kind.word()
        );
        Finding::new(sentence, tagged("bad_kind", Term::string(name)))
    })
}
