//! The length of functions.
//!
//! The length of a function is the number of lines from its `fn` to its closing brace, wherever the function is: in
//! modules, impls, traits, other functions and the bodies of macros. Documentation and attributes above it do not
//! count: they may be as long as they need to be.

use super::tree::{Fault, File};
use pq_lint::mask::{block_len, line_of, mask, words};

/// The largest length of a function: longer ones do not fit on a screen and have two tasks.
const LINES_MAX: usize = 70;
/// The largest median of the lengths; measured in well-kept Rust projects: 4 to 9.
const MEDIAN_MAX: usize = 8;
/// The largest length of nine functions in ten; measured in well-kept Rust projects: 20 to 35.
const P90_MAX: usize = 30;

#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    /// The name of the function; `$name` in a macro.
    pub(crate) name: String,
    line: usize,
    lines: usize,
}

/// The functions of a file, in the order of their `fn`.
pub(crate) fn functions(source: &str) -> Vec<Function> {
    let code = mask(source);
    words(&code, "fn")
        .filter_map(|at| function(&code, at))
        .collect()
}

/// The function whose `fn` is at `at`; `None` for a type (`fn(u8)`) or a declaration without a body.
fn function(code: &str, at: usize) -> Option<Function> {
    let name = name_at(&code[at + 2..])?;
    let open = at + body_offset(&code[at..])?;
    let close = open + block_len(&code[open..]);
    let line = line_of(code, at);
    Some(Function {
        name,
        line,
        lines: line_of(code, close) - line + 1,
    })
}

fn name_at(after_fn: &str) -> Option<String> {
    let rest = after_fn.trim_start();
    let rest = rest.strip_prefix("r#").unwrap_or(rest);
    let name: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || "_$".contains(*c))
        .collect();
    (!name.is_empty()).then_some(name)
}

/// The place of the opening brace: the first `{` outside of brackets, unless a `;` or the end of the surrounding code
/// (a macro's pattern) comes first.
fn body_offset(code: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' if depth == 0 => return None,
            ')' | ']' => depth -= 1,
            ';' if depth == 0 => return None,
            '{' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// The functions of a file that are too long.
pub(crate) fn too_long(file: &File) -> Vec<Fault> {
    functions(&file.text)
        .into_iter()
        .filter(|f| f.lines > LINES_MAX)
        .map(|f| {
            file.fault(
                f.line,
                format!(
                    "`{}` has {} lines, at most {LINES_MAX}: move its parts to functions with names",
                    f.name, f.lines
                ),
            )
        })
        .collect()
}

/// The largest number of parameters that clippy allows (`too-many-arguments-threshold`).
const PARAMETERS_MAX: usize = 5;

/// Functions that had more parameters before this rule, by file and name. The list must not grow.
const CROWDED: [(&str, &str); 5] = [
    ("server/abi/src/host.rs", "handle"),
    ("server/abi/src/plugin.rs", "raw"),
    ("server/otp/src/stall/watch.rs", "looks"),
    ("tests/benches/flood.rs", "floods"),
    ("tests/src/house/upgrade.rs", "install_under"),
];

/// Functions that put several parameters into one tuple, so that clippy counts too few. Methods of a trait are excluded,
/// because the trait defines their parameters.
pub(crate) fn crowded(file: &File) -> Vec<Fault> {
    let Ok(parsed) = syn::parse_file(&file.text) else {
        return Vec::new();
    };
    let mut crowd = Crowd::default();
    syn::visit::visit_file(&mut crowd, &parsed);
    let is_known = |name: &str| CROWDED.contains(&(&*file.path, name));
    let new = crowd.0.iter().filter(|name| !is_known(name));
    new.map(|name| {
        let line = file.line_where(|line| line.contains(&format!("fn {name}")));
        let wanted = "a tuple has no names: make a struct of the parameters that belong together";
        file.fault(line, format!("`{name}`: {wanted}"))
    })
    .collect()
}

/// The names of functions with too many parameters.
#[derive(Default)]
struct Crowd(Vec<String>);

impl Crowd {
    fn count(&mut self, signature: &syn::Signature) {
        let parameters = signature.inputs.iter().map(|input| match input {
            syn::FnArg::Typed(typed) => match &*typed.pat {
                syn::Pat::Tuple(tuple) => tuple.elems.len(),
                _ => 1,
            },
            syn::FnArg::Receiver(_) => 1,
        });
        // A function of the C table has the parameters of the table.
        if signature.abi.is_none() && parameters.sum::<usize>() > PARAMETERS_MAX {
            self.0.push(signature.ident.to_string());
        }
    }
}

impl<'ast> syn::visit::Visit<'ast> for Crowd {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.count(&item.sig);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if item.trait_.is_none() {
            for method in &item.items {
                if let syn::ImplItem::Fn(method) = method {
                    self.count(&method.sig);
                }
            }
        }
        syn::visit::visit_item_impl(self, item);
    }
}

/// The distribution of the lengths of all functions.
pub(crate) struct Spread {
    median: usize,
    p90: usize,
    max: usize,
    count: usize,
}

impl Spread {
    /// Computes the distribution for these files.
    pub(crate) fn of(files: &[File]) -> Spread {
        let mut lines: Vec<usize> = files
            .iter()
            .flat_map(|f| functions(&f.text))
            .map(|f| f.lines)
            .collect();
        lines.sort_unstable();
        let at = |tenths: usize| lines.get(lines.len() * tenths / 10).copied().unwrap_or(0);
        Spread {
            median: at(5),
            p90: at(9),
            max: lines.last().copied().unwrap_or(0),
            count: lines.len(),
        }
    }

    /// Whether the functions are short enough as a whole.
    pub(crate) fn is_short(&self) -> bool {
        self.median <= MEDIAN_MAX && self.p90 <= P90_MAX
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Spread {
            median,
            p90,
            max,
            count,
        } = self;
        write!(
            f,
            "{count} functions: median {median} lines (at most {MEDIAN_MAX}), p90 {p90} (at most {P90_MAX}), longest {max} (at most {LINES_MAX})"
        )
    }
}

/// The names of a file's functions according to `syn`, which does not see functions inside macros.
pub(crate) fn names_by_syn(source: &str) -> syn::Result<Vec<String>> {
    let mut names = Names::default();
    syn::visit::visit_file(&mut names, &syn::parse_file(source)?);
    Ok(names.0)
}

#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn keep(&mut self, signature: &syn::Signature) {
        self.0.push(
            signature
                .ident
                .to_string()
                .trim_start_matches("r#")
                .to_owned(),
        );
    }
}

impl<'ast> syn::visit::Visit<'ast> for Names {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.keep(&item.sig);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.keep(&item.sig);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if item.default.is_some() {
            self.keep(&item.sig);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

#[test]
fn functions_are_found_wherever_they_stand() {
    let source = "
        fn plain() {}
        trait T { fn declared(&self); fn given(&self) -> [u8; 2] { [0; 2] } }
        impl T for fn(u8) -> u8 { fn declared(&self) { fn inner() {} } }
        macro_rules! m { ($(fn $pattern:ident();)*) => { $(fn $name() {})* }; }";
    let names: Vec<String> = functions(source).into_iter().map(|f| f.name).collect();
    assert_eq!(names, ["plain", "given", "declared", "inner", "$name"]);
}

#[test]
fn a_function_is_counted_from_its_fn_to_its_brace() {
    let source = "/// Doc.\n#[inline]\nfn f(\n    a: u8,\n) -> u8 {\n    a\n}\n";
    assert_eq!(
        functions(source),
        [Function {
            name: "f".to_owned(),
            line: 3,
            lines: 5
        }]
    );
}
