//! Parses terms as instructions, with the error terms of `systools` and a sentence about the correct form.
//!
//! The parsers of the parts (`module`, `purge` …) serve the high-level instructions, too.

use pq_term::{Atom, Term};

use super::{Change, Converters, Direction, Instruction, Mfa, Nodes, Purge, Suspend, Timeout};
use crate::terms;

/// A faulty part of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// OTP's word for the fault, such as `bad_module`.
    pub(crate) word: &'static str,
    /// The term in the place of the correct form.
    pub(crate) found: Term,
    /// The correct form, for the sentence.
    pub(crate) right: &'static str,
}

impl SyntaxError {
    /// The error as a term, such as `{bad_module,"m1"}`.
    pub(crate) fn to_term(&self) -> Term {
        terms::tagged(self.word, self.found.clone())
    }

    /// The error as a sentence of a message.
    pub(crate) fn sentence(&self) -> String {
        format!("`{}`; {} would be right", self.found, self.right)
    }

    pub(crate) fn bad_instruction(found: &Term) -> SyntaxError {
        bad(
            "bad_instruction",
            found,
            "one of the instructions of appup(4)",
        )
    }
}

type Checked<T> = Result<T, SyntaxError>;

fn bad(word: &'static str, found: &Term, right: &'static str) -> SyntaxError {
    SyntaxError {
        word,
        found: found.clone(),
        right,
    }
}

pub(super) fn instruction(term: &Term) -> Checked<Instruction> {
    if let Term::Atom(word) = term {
        return atomic(*word, term);
    }
    match term.as_tuple() {
        Some([Term::Atom(tag), argument]) => tagged(*tag, argument, term),
        Some([Term::Atom(tag), first, second]) => tagged_pair(*tag, first, second, term),
        _ => Err(SyntaxError::bad_instruction(term)),
    }
}

fn atomic(word: Atom, term: &Term) -> Checked<Instruction> {
    Ok(match word.as_str() {
        "point_of_no_return" => Instruction::PointOfNoReturn,
        "restart_emulator" => Instruction::RestartEmulator,
        "restart_new_emulator" => Instruction::RestartNewEmulator,
        "restart" => Instruction::Restart,
        "reboot" => Instruction::Reboot,
        _ => return Err(SyntaxError::bad_instruction(term)),
    })
}

/// Parses an instruction of the form `{Tag, Argument}`.
fn tagged(tag: Atom, argument: &Term, term: &Term) -> Checked<Instruction> {
    match (tag.as_str(), argument.as_tuple()) {
        ("load_object_code", Some([lib, vsn, mods])) => load_object_code(lib, vsn, mods),
        ("load", Some([mod_, pre, post])) => {
            let (module, pre_purge, post_purge) = purged(mod_, pre, post)?;
            Ok(Instruction::Load {
                module,
                pre_purge,
                post_purge,
            })
        }
        ("remove", Some([mod_, pre, post])) => {
            let (module, pre_purge, post_purge) = purged(mod_, pre, post)?;
            Ok(Instruction::Remove {
                module,
                pre_purge,
                post_purge,
            })
        }
        ("apply", Some([module, function, args])) => {
            Ok(Instruction::Apply(mfa(module, function, args)?))
        }
        ("purge", _) => Ok(Instruction::Purge(modules(argument)?)),
        ("suspend", _) => Ok(Instruction::Suspend(
            list(argument)?
                .iter()
                .map(suspend)
                .collect::<Checked<_>>()?,
        )),
        ("resume", _) => Ok(Instruction::Resume(modules(argument)?)),
        ("stop", _) => Ok(Instruction::Stop(modules(argument)?)),
        ("start", _) => Ok(Instruction::Start(modules(argument)?)),
        ("code_change", _) => Ok(Instruction::CodeChange {
            direction: None,
            changes: changes(&list(argument)?)?,
        }),
        _ => Err(SyntaxError::bad_instruction(term)),
    }
}

/// Parses an instruction of the form `{Tag, First, Second}`.
fn tagged_pair(tag: Atom, first: &Term, second: &Term, term: &Term) -> Checked<Instruction> {
    match (tag.as_str(), second.as_tuple()) {
        ("code_change", _) => {
            let items = list(second)?;
            let direction = Some(direction(first)?);
            Ok(Instruction::CodeChange {
                direction,
                changes: changes(&items)?,
            })
        }
        ("load_converters", Some([lib, vsn, changes])) => {
            Ok(Instruction::LoadConverters(Converters {
                direction: direction(first)?,
                lib: atom("bad_lib", lib)?,
                vsn: lib_vsn(vsn)?,
                changes: list(changes)?.iter().map(changed).collect::<Checked<_>>()?,
            }))
        }
        ("sync_nodes", Some([module, function, args])) => {
            let nodes = Nodes::From(mfa(module, function, args)?);
            Ok(Instruction::SyncNodes {
                id: first.clone(),
                nodes,
            })
        }
        ("sync_nodes", _) => {
            let nodes = list(second)?.iter().map(node).collect::<Checked<_>>()?;
            Ok(Instruction::SyncNodes {
                id: first.clone(),
                nodes: Nodes::Named(nodes),
            })
        }
        _ => Err(SyntaxError::bad_instruction(term)),
    }
}

fn load_object_code(lib: &Term, vsn: &Term, mods: &Term) -> Checked<Instruction> {
    Ok(Instruction::LoadObjectCode {
        lib: atom("bad_lib", lib)?,
        vsn: lib_vsn(vsn)?,
        modules: modules(mods)?,
    })
}

fn lib_vsn(vsn: &Term) -> Checked<String> {
    terms::text(vsn).ok_or_else(|| bad("bad_lib_vsn", vsn, "a string such as \"1.0.0\""))
}

/// Parses a module with the way in which its states get to a version in between.
fn changed(item: &Term) -> Checked<(Atom, Change)> {
    match item.as_tuple() {
        Some([mod_, how]) => Ok((module(mod_)?, change(how)?)),
        _ => Err(bad("bad_change", item, "`{Module, Change}`")),
    }
}

/// Parses the change of a module's states.
pub(crate) fn change(term: &Term) -> Checked<Change> {
    match term.as_tuple() {
        Some([tag, extra]) if tag.is_atom("advanced") => Ok(Change::Advanced(extra.clone())),
        None if term.is_atom("soft") => Ok(Change::Soft),
        _ => Err(bad("bad_change", term, "soft or `{advanced, Extra}`")),
    }
}

fn purged(mod_: &Term, pre: &Term, post: &Term) -> Checked<(Atom, Purge, Purge)> {
    Ok((module(mod_)?, purge(pre)?, purge(post)?))
}

fn suspend(term: &Term) -> Checked<Suspend> {
    match term.as_tuple() {
        Some([mod_, time]) => Ok(Suspend {
            module: module(mod_)?,
            timeout: Some(timeout(time)?),
        }),
        _ => Ok(Suspend {
            module: module(term)?,
            timeout: None,
        }),
    }
}

fn changes(items: &[Term]) -> Checked<Vec<(Atom, Term)>> {
    let change = |item: &Term| match item.as_tuple() {
        Some([mod_, extra]) => Ok((module(mod_)?, extra.clone())),
        _ => Err(bad("bad_code_change", item, "`{Module, Extra}`")),
    };
    items.iter().map(change).collect()
}

fn mfa(mod_: &Term, function: &Term, args: &Term) -> Checked<Mfa> {
    Ok(Mfa {
        module: module(mod_)?,
        function: atom("bad_func", function)?,
        args: terms::elements(args)
            .ok_or_else(|| bad("bad_args_list", args, "a list of arguments"))?,
    })
}

fn direction(term: &Term) -> Checked<Direction> {
    match term.as_atom().map(Atom::as_str) {
        Some("up") => Ok(Direction::Up),
        Some("down") => Ok(Direction::Down),
        _ => Err(bad("bad_mode", term, "up or down")),
    }
}

fn node(term: &Term) -> Checked<Atom> {
    atom("bad_node", term)
}

/// Parses an atom; `word` is OTP's word for any other term.
pub(crate) fn atom(word: &'static str, term: &Term) -> Checked<Atom> {
    term.as_atom().ok_or_else(|| bad(word, term, "an atom"))
}

/// Parses the name of a module.
pub(crate) fn module(term: &Term) -> Checked<Atom> {
    atom("bad_module", term)
}

fn list(term: &Term) -> Checked<Vec<Term>> {
    terms::elements(term).ok_or_else(|| bad("bad_list", term, "a list"))
}

/// Parses a list of modules.
pub(crate) fn modules(term: &Term) -> Checked<Vec<Atom>> {
    list(term)?.iter().map(module).collect()
}

/// Parses a kind of purge.
pub(crate) fn purge(term: &Term) -> Checked<Purge> {
    match term.as_atom().map(Atom::as_str) {
        Some("soft_purge") => Ok(Purge::Soft),
        Some("brutal_purge") => Ok(Purge::Brutal),
        _ => Err(bad("bad_purge_method", term, "soft_purge or brutal_purge")),
    }
}

/// Parses the time limit of a `suspend`.
pub(crate) fn timeout(term: &Term) -> Checked<Timeout> {
    match term {
        Term::Integer(ms) if *ms > 0 => Ok(Timeout::Ms(*ms)),
        _ if term.is_atom("default") => Ok(Timeout::Default),
        _ if term.is_atom("infinity") => Ok(Timeout::Infinity),
        _ => Err(bad(
            "bad_timeout",
            term,
            "default, infinity or milliseconds above 0",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use pq_term::read_one;

    #[test]
    fn every_instruction_is_written_as_it_was_read() {
        for text in [
            "{load_object_code,{a,\"1\",[m1,m2]}}",
            "point_of_no_return",
            "{load,{m1,brutal_purge,soft_purge}}",
            "{remove,{m1,soft_purge,brutal_purge}}",
            "{purge,[m1]}",
            "{suspend,[m1,{m2,5000},{m3,infinity},{m4,default}]}",
            "{code_change,[{m1,[]}]}",
            "{code_change,down,[{m1,{x,1}}]}",
            "{resume,[m1]}",
            "{stop,[m1]}",
            "{start,[m1]}",
            "{sync_nodes,id,[n1,n2]}",
            "{sync_nodes,{id,1},{m,f,[1]}}",
            "{apply,{m,f,[a,\"b\"]}}",
            "restart_emulator",
            "restart_new_emulator",
            "restart",
            "reboot",
        ] {
            let term = read_one(&format!("{text}.")).unwrap();
            assert_eq!(instruction(&term).unwrap().to_term(), term);
        }
    }

    fn check(text: &str, expected: Expect) {
        let error = instruction(&read_one(text).unwrap()).unwrap_err();
        expected.assert_eq(&format!("{}: {}", error.to_term(), error.sentence()));
    }

    #[test]
    fn the_first_part_that_is_wrong_is_named() {
        check(
            "{load_object_code,{\"a\",1,m}}.",
            expect![[r#"{bad_lib,"a"}: `"a"`; an atom would be right"#]],
        );
        check(
            "{load_object_code,{a,1,m}}.",
            expect![[r#"{bad_lib_vsn,1}: `1`; a string such as "1.0.0" would be right"#]],
        );
        check(
            "{load_object_code,{a,\"1\",m}}.",
            expect!["{bad_list,m}: `m`; a list would be right"],
        );
        check(
            "{load,{m,soft,brutal}}.",
            expect!["{bad_purge_method,soft}: `soft`; soft_purge or brutal_purge would be right"],
        );
        check(
            "{purge,\"ab\"}.",
            expect!["{bad_module,97}: `97`; an atom would be right"],
        );
        check(
            "{suspend,[{m,0}]}.",
            expect![
                "{bad_timeout,0}: `0`; default, infinity or milliseconds above 0 would be right"
            ],
        );
        check(
            "{code_change,[m]}.",
            expect!["{bad_code_change,m}: `m`; `{Module, Extra}` would be right"],
        );
        check(
            "{code_change,sideways,[]}.",
            expect!["{bad_mode,sideways}: `sideways`; up or down would be right"],
        );
        check(
            "{apply,{m,f}}.",
            expect![
                "{bad_instruction,{apply,{m,f}}}: `{apply,{m,f}}`; one of the instructions of appup(4) would be right"
            ],
        );
        check(
            "{apply,{m,\"f\",[]}}.",
            expect![[r#"{bad_func,"f"}: `"f"`; an atom would be right"#]],
        );
        check(
            "{apply,{m,f,a}}.",
            expect!["{bad_args_list,a}: `a`; a list of arguments would be right"],
        );
        check(
            "{sync_nodes,id,[\"n\"]}.",
            expect![[r#"{bad_node,"n"}: `"n"`; an atom would be right"#]],
        );
        check(
            "{}.",
            expect![
                "{bad_instruction,{}}: `{}`; one of the instructions of appup(4) would be right"
            ],
        );
    }
}
