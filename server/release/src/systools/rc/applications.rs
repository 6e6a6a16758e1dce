//! Translates instructions about whole applications to instructions about modules and calls of `application(3)`.

use pq_term::{Atom, Term};

use super::{ApplicationOp, ModuleChange, ModuleOp, Op, Plain, Problem, Step, name_problem};
use crate::appup::Origin;
use crate::fit::Member;
use crate::instruction::{Instruction, Mfa, Purge};
use crate::rel::RelStart;

/// The applications of both releases, and the current step.
struct At<'a> {
    target: &'a [Member],
    source: &'a [Member],
    origin: Option<&'a Origin>,
}

pub(super) fn translate(
    steps: Vec<Step<Op>>,
    target: &[Member],
    source: &[Member],
) -> Result<Vec<Step<Plain>>, Problem> {
    let mut plain = Vec::new();
    for Step { what, origin } in steps {
        let made = match what {
            Op::Plain(what) => vec![what],
            Op::Application(op) => At {
                target,
                source,
                origin: origin.as_ref(),
            }
            .translate(op)?,
        };
        plain.extend(made.into_iter().map(|what| Step {
            what,
            origin: origin.clone(),
        }));
    }
    Ok(plain)
}

impl At<'_> {
    fn translate(&self, op: ApplicationOp) -> Result<Vec<Plain>, Problem> {
        match op {
            ApplicationOp::Add(name, start) => self.add(name, start),
            ApplicationOp::Remove(name) => self.remove(name),
            ApplicationOp::Restart(name) => self.restart(name),
        }
    }

    fn add(&self, name: Atom, start: RelStart) -> Result<Vec<Plain>, Problem> {
        let added = self.member(
            self.target,
            name,
            "is added, and the release that is reached does not have it",
        )?;
        let mut steps = load_all(added);
        steps.extend(started(name, start));
        Ok(steps)
    }

    fn remove(&self, name: Atom) -> Result<Vec<Plain>, Problem> {
        if find(self.target, name).is_some() {
            let sentence = format!(
                "`{name}` is removed, and the release that is reached has it; one of the two has to go"
            );
            return Err(name_problem(
                self.origin,
                "removed_application_present",
                name,
                sentence,
            ));
        }
        let removed = self.member(
            self.source,
            name,
            "is removed, and the release that is left does not have it",
        )?;
        let mut steps = unload_all(removed);
        steps.push(apply("unload", vec![Term::Atom(name)]));
        Ok(steps)
    }

    fn restart(&self, name: Atom) -> Result<Vec<Plain>, Problem> {
        let source = self.member(
            self.source,
            name,
            "is restarted, and the release that is left does not have it",
        )?;
        let target = self.member(
            self.target,
            name,
            "is restarted, and the release that is reached does not have it",
        )?;
        let mut steps = unload_all(source);
        steps.extend(load_all(target));
        steps.extend(started(name, target.start));
        Ok(steps)
    }

    fn member<'m>(
        &self,
        members: &'m [Member],
        name: Atom,
        what: &str,
    ) -> Result<&'m Member, Problem> {
        find(members, name).ok_or_else(|| {
            let sentence = format!("`{name}` {what}");
            name_problem(self.origin, "no_such_application", name, sentence)
        })
    }
}

fn find(members: &[Member], name: Atom) -> Option<&Member> {
    members.iter().find(|member| member.app.name == name)
}

fn load_all(member: &Member) -> Vec<Plain> {
    let change = ModuleChange::Load {
        pre: Purge::Brutal,
        post: Purge::Brutal,
    };
    let load = |module: &Atom| {
        Plain::Module(ModuleOp {
            module: *module,
            change: change.clone(),
            deps: Vec::new(),
        })
    };
    member.app.modules.iter().map(load).collect()
}

fn unload_all(member: &Member) -> Vec<Plain> {
    let modules = &member.app.modules;
    let remove = |module: &Atom| {
        let (pre_purge, post_purge) = (Purge::Brutal, Purge::Brutal);
        Plain::Low(Instruction::Remove {
            module: *module,
            pre_purge,
            post_purge,
        })
    };
    let mut steps = vec![apply("stop", vec![Term::Atom(member.app.name)])];
    steps.extend(modules.iter().map(remove));
    steps.push(Plain::Low(Instruction::Purge(modules.clone())));
    steps
}

fn started(name: Atom, start: RelStart) -> Option<Plain> {
    match start {
        RelStart::None => None,
        RelStart::Load => Some(apply("load", vec![Term::Atom(name)])),
        RelStart::Start(_) => Some(apply(
            "start",
            vec![Term::Atom(name), Term::atom(start.word())],
        )),
    }
}

fn apply(function: &'static str, args: Vec<Term>) -> Plain {
    let (module, function) = (
        Atom::from_static("application"),
        Atom::from_static(function),
    );
    Plain::Low(Instruction::Apply(Mfa {
        module,
        function,
        args,
    }))
}
