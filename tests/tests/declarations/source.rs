//! The sources of a library: which functions it defines, and where they are mentioned.
//!
//! A function that is called at its current version is a `static` ([`pq_sdk::Function`], [`pq_sdk::Remote`]); whoever
//! mentions the static outside of `FUNCTIONS` is taken to call it. What stands in a file belongs to the module of that
//! file, in a file of several modules to the one whose `impl` it stands in; `pq_player/rules.rs` belongs to `pq_player`.
//! A function of Rust is not followed: what it calls is called by the module where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Expr, Item, Lit, Type};

/// A library's sources, and those of the version that it takes modules from.
pub(crate) struct Source {
    files: Vec<Parsed>,
    before: Option<Box<Source>>,
}

/// What one file holds.
#[derive(Default)]
struct Parsed {
    /// `pq_player` of `src/pq_player.rs` and of all below `src/pq_player/`.
    stem: String,
    /// Modules by the type that is one.
    modules: BTreeMap<String, String>,
    /// Statics that are functions: `pq_events:buy/5` by their names.
    functions: BTreeMap<String, String>,
    /// Paths in `use`: the last name with all before it.
    uses: Vec<Vec<String>>,
    mentions: Vec<Mention>,
    /// Arguments of `Migration::of`, likewise.
    migrations: Vec<(Option<String>, String)>,
    /// What this test cannot read.
    faults: Vec<String>,
}

/// A path in an expression or a type.
struct Mention {
    /// The type whose `impl` it stands in.
    of_type: Option<String>,
    path: Vec<String>,
    /// Whether it is what `call` or `try_call` is asked of.
    is_called: bool,
}

impl Source {
    /// Reads the sources of a library without their tests.
    pub(crate) fn read(folder: &Path, before: Option<Source>) -> Source {
        let source = folder.join("src");
        let is_test = |path: &Path| {
            path.components().any(|part| {
                let part = part.as_os_str();
                part == "tests" || part == "tests.rs"
            })
        };
        let entries = walkdir::WalkDir::new(&source)
            .sort_by_file_name()
            .into_iter();
        let files = entries.map(|entry| entry.unwrap().into_path());
        let files =
            files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let files: Vec<(String, String)> = files
            .map(|path| {
                (
                    path.strip_prefix(folder).unwrap().to_path_buf(),
                    std::fs::read_to_string(path).unwrap(),
                )
            })
            .filter(|(path, _)| !is_test(path))
            .map(|(path, text)| (path.to_str().unwrap().to_string(), text))
            .collect();
        assert!(!files.is_empty(), "no sources in {}", source.display());
        Source::of(&files, before.map(Box::new))
            .unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()))
    }

    /// The sources of these files, given by path and text.
    pub(crate) fn of(
        files: &[(String, String)],
        before: Option<Box<Source>>,
    ) -> Result<Source, String> {
        let files: Vec<Parsed> = files
            .iter()
            .map(|(path, text)| Parsed::of(path, text))
            .collect();
        match files.iter().flat_map(|file| &file.faults).next() {
            Some(fault) => Err(fault.clone()),
            None => Ok(Source { files, before }),
        }
    }

    /// The modules that are defined here.
    pub(crate) fn modules(&self) -> Vec<String> {
        let modules = self.files.iter().flat_map(|file| file.modules.values());
        modules.cloned().collect()
    }

    /// Which functions a module calls: `Module:Function/Arity`. Whoever mentions the same module of the version before
    /// may call what that calls.
    pub(crate) fn calls(&self, module: &str) -> Result<BTreeSet<String>, String> {
        let mut calls = BTreeSet::new();
        for file in &self.files {
            for mention in &file.mentions {
                let Some(function) = self.function(file, mention)? else {
                    continue;
                };
                match self.owner(file, mention.of_type.as_deref()) {
                    Some(owner) if owner == module => drop(calls.insert(function)),
                    Some(_) => {}
                    None => return Err(format!("`{function}` is called where no module is")),
                }
            }
        }
        match &self.before {
            Some(before) if self.takes_from_before(module) => calls.extend(before.calls(module)?),
            _ => {}
        }
        Ok(calls)
    }

    /// Whether the module mentions itself in the version before: `v1_0_0::pq_player`.
    fn takes_from_before(&self, module: &str) -> bool {
        let is_own = |pair: &[String]| is_version(&pair[0]) && pair[1] == module;
        let of_module = self.files.iter().filter(|file| file.stem == module);
        of_module.into_iter().any(|file| {
            let mentions = file.mentions.iter().map(|mention| &mention.path);
            let mut paths = file.uses.iter().chain(mentions);
            paths.any(|path| path.windows(2).any(is_own))
        })
    }

    /// The versions that a module migrates, as the sources name them.
    pub(crate) fn migrations(&self, module: &str) -> Vec<String> {
        let of_file = |file| {
            let of_module = move |(owner, _): &&(Option<String>, String)| {
                self.owner(file, owner.as_deref()) == Some(module)
            };
            file.migrations
                .iter()
                .filter(of_module)
                .map(|(_, argument)| argument.clone())
        };
        self.files.iter().flat_map(of_file).collect()
    }

    /// To which module belongs what stands in a file, in the `impl` of a type.
    fn owner<'a>(&'a self, file: &'a Parsed, of_type: Option<&str>) -> Option<&'a str> {
        if let Some(module) = of_type.and_then(|name| file.modules.get(name)) {
            return Some(module);
        }
        let mut own = file.modules.values();
        match (own.next(), own.next()) {
            (Some(module), None) => Some(module),
            (None, _) => self
                .of_stem(&file.stem)
                .find_map(|file| file.modules.values().next())
                .map(String::as_str),
            // Outside of all of several.
            (Some(_), Some(_)) => None,
        }
    }

    fn of_stem<'a>(&'a self, stem: &str) -> impl Iterator<Item = &'a Parsed> {
        self.files.iter().filter(move |file| file.stem == stem)
    }

    /// The function that a mention leads to; `None` for what is no function of this kind.
    fn function(&self, file: &Parsed, mention: &Mention) -> Result<Option<String>, String> {
        let Some(name) = mention.path.last().filter(|name| is_constant(name)) else {
            return Ok(None);
        };
        let written = mention
            .path
            .iter()
            .rev()
            .nth(1)
            .filter(|parent| *parent != "self");
        let imported = || {
            let of_name = file.uses.iter().find(|path| path.last() == Some(name));
            of_name.and_then(|path| path.iter().rev().nth(1))
        };
        let function = match (written, file.functions.get(name)) {
            (None, Some(function)) => Some(function),
            (None, None) => imported().and_then(|parent| self.defined(parent, name)),
            (Some(parent), _) => self.defined(parent, name),
        };
        match function {
            None if mention.is_called => Err(format!(
                "`{}` is called, and nobody defines it",
                mention.path.join("::")
            )),
            function => Ok(function.cloned()),
        }
    }

    /// The function that a file of this version defines, or one of the versions before it.
    fn defined(&self, stem: &str, name: &str) -> Option<&String> {
        let here = self.of_stem(stem).find_map(|file| file.functions.get(name));
        here.or_else(|| self.before.as_ref()?.defined(stem, name))
    }
}

fn is_constant(name: &str) -> bool {
    name.len() > 1
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// `v1_0_0`, as crates of older versions are called.
fn is_version(name: &str) -> bool {
    name.strip_prefix('v').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || c == '_')
    })
}

impl Parsed {
    fn of(path: &str, text: &str) -> Parsed {
        let below = path.trim_start_matches("src/");
        let stem = below.split('/').next().unwrap_or_default();
        let mut reader = Reader {
            file: Parsed {
                stem: stem.trim_end_matches(".rs").to_string(),
                ..Parsed::default()
            },
            path: path.to_string(),
            of_type: None,
        };
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        reader.visit_file(&parsed);
        reader.file
    }
}

/// Walks through a file.
struct Reader {
    file: Parsed,
    path: String,
    of_type: Option<String>,
}

impl Reader {
    fn fault(&mut self, what: &str) {
        self.file.faults.push(format!("{}: {what}", self.path));
    }

    fn mention(&mut self, path: &syn::Path, is_called: bool) {
        self.file.mentions.push(Mention {
            of_type: self.of_type.clone(),
            path: words(path),
            is_called,
        });
    }

    fn function(&mut self, item: &syn::ItemStatic) {
        let name = item.ident.to_string();
        match (arity(&item.ty), new_function(&item.expr)) {
            (Some(arity), Some((function, _))) => {
                self.file
                    .functions
                    .insert(name, format!("{function}/{arity}"));
            }
            _ => self.fault(&format!(
                "`{name}` names no function: `Remote::new(\"module\", \"function\")` would be right"
            )),
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let is_test = |attributes: &[syn::Attribute]| {
            attributes.iter().any(|attribute| {
                attribute.path().is_ident("cfg")
                    && attribute
                        .parse_args::<syn::Ident>()
                        .is_ok_and(|word| word == "test")
            })
        };
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let before = std::mem::replace(&mut self.of_type, last_of(&item.self_ty));
        let is_module = item.trait_.as_ref().is_some_and(|(_, path, _)| {
            path.segments
                .last()
                .is_some_and(|last| last.ident == "Module")
        });
        if is_module && let (Some(of_type), Some(name)) = (self.of_type.clone(), name_of(item)) {
            self.file.modules.insert(of_type, name);
        }
        visit::visit_item_impl(self, item);
        self.of_type = before;
    }

    /// The list of exported functions calls none of them.
    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        if item.ident != "FUNCTIONS" {
            visit::visit_impl_item_const(self, item);
        }
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        if !is_function(&item.ty) {
            return visit::visit_item_static(self, item);
        }
        self.function(item);
        if let Some((_, Some(body))) = new_function(&item.expr) {
            self.visit_expr(body);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        leaves(&item.tree, &mut Vec::new(), &mut self.file.uses);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        match callee(call).as_deref() {
            Some("Remote::new" | "Function::new") => {
                self.fault("a function that is no static: its calls cannot be told")
            }
            Some("Migration::of") => {
                let argument = call.args.first().map_or(String::new(), shown);
                self.file.migrations.push((self.of_type.clone(), argument));
            }
            _ => {}
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let is_call = call.method == "call" || call.method == "try_call";
        match &*call.receiver {
            Expr::Path(receiver) if is_call => self.mention(&receiver.path, true),
            _ => {}
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(path, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        let text = found.tokens.to_string();
        if text.contains(". call (")
            || text.contains(". try_call (")
            || text.contains(".call(")
            || text.contains(".try_call(")
        {
            self.fault("a call inside of a macro: make it before");
        }
        visit::visit_macro(self, found);
    }
}

fn words(path: &syn::Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect()
}

fn last_of(of_type: &Type) -> Option<String> {
    match of_type {
        Type::Path(path) => words(&path.path).pop(),
        _ => None,
    }
}

fn is_function(of_type: &Type) -> bool {
    last_of(of_type).is_some_and(|name| ["Function", "Remote"].contains(&name.as_str()))
}

/// How many arguments `Function<(A, B), R>` takes.
fn arity(of_type: &Type) -> Option<usize> {
    let Type::Path(path) = of_type else {
        return None;
    };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments
    else {
        return None;
    };
    match arguments.args.first()? {
        syn::GenericArgument::Type(Type::Tuple(tuple)) => Some(tuple.elems.len()),
        _ => None,
    }
}

/// `module:function` of `Remote::new("module", "function")`, and what else is given.
fn new_function(expr: &Expr) -> Option<(String, Option<&Expr>)> {
    let Expr::Call(call) = expr else {
        return None;
    };
    matches!(callee(call)?.as_str(), "Remote::new" | "Function::new").then_some(())?;
    let mut arguments = call.args.iter();
    let (module, function) = (text(arguments.next()?)?, text(arguments.next()?)?);
    Some((format!("{module}:{function}"), arguments.next()))
}

/// The last two words of what is called.
fn callee(call: &syn::ExprCall) -> Option<String> {
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let words = words(&path.path);
    Some(words[words.len().saturating_sub(2)..].join("::"))
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// `Self::KEEPS[0]`, and of anything else that it is something else.
fn shown(expr: &Expr) -> String {
    if let Expr::Index(index) = expr
        && let (Expr::Path(list), Expr::Lit(at)) = (&*index.expr, &*index.index)
        && let Lit::Int(at) = &at.lit
    {
        return format!("{}[{at}]", words(&list.path).join("::"));
    }
    "another than a declared version".to_string()
}

/// The constant `NAME` of an impl.
fn name_of(item: &syn::ItemImpl) -> Option<String> {
    item.items.iter().find_map(|item| match item {
        syn::ImplItem::Const(constant) if constant.ident == "NAME" => text(&constant.expr),
        _ => None,
    })
}

/// All paths of a `use`; a new name counts as the old one.
fn leaves(tree: &syn::UseTree, above: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match tree {
        syn::UseTree::Path(path) => {
            above.push(path.ident.to_string());
            leaves(&path.tree, above, found);
            above.pop();
        }
        syn::UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| leaves(tree, above, found)),
        syn::UseTree::Name(syn::UseName { ident })
        | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
            let mut path = above.clone();
            path.push(ident.to_string());
            found.push(path);
        }
        syn::UseTree::Glob(_) => {}
    }
}
