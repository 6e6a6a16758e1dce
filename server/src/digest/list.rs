//! The list of modules in `pq_sdk::library!`.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};

use super::{is_sign, word};

/// The modules that a crate lists for its library.
#[derive(Default)]
pub(super) struct List {
    /// `use Crate as Name;` declarations, by name.
    pub(super) names: BTreeMap<String, String>,
    /// The kinds of the modules, such as `functions`, and their paths, for example `["v1_0_0", "shop_goods", "ShopGoods"]`.
    entries: Vec<(String, Vec<String>)>,
}

/// A module in the list of a library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    /// The kind, such as `gen_server`.
    pub(crate) kind: String,
    /// The crate that has the module; `None` for the crate with the list.
    pub(crate) krate: Option<String>,
    /// The name of the module.
    pub(crate) module: String,
    /// The name of its type.
    pub(crate) type_name: String,
}

impl List {
    /// The modules of other crates, with their crates.
    pub(super) fn taken(self) -> BTreeMap<String, String> {
        let all = self.listed().into_iter();
        all.filter_map(|listed| Some((listed.module, listed.krate?)))
            .collect()
    }

    pub(super) fn listed(self) -> Vec<Listed> {
        let List { names, entries } = self;
        let listed = |(kind, path): (String, Vec<String>)| {
            let (krate, module, type_name) = match &path[..] {
                [module, type_name] => (None, module, type_name),
                [krate, module, type_name, ..] => (Some(krate), module, type_name),
                _ => return None,
            };
            Some(Listed {
                kind,
                krate: krate.map(|krate| names.get(krate).unwrap_or(krate).clone()),
                module: module.clone(),
                type_name: type_name.clone(),
            })
        };
        entries.into_iter().filter_map(listed).collect()
    }

    /// Reads the entries in `application: "a", vsn: "1", functions v1_0_0::shop_goods::ShopGoods, …`.
    pub(super) fn read(&mut self, list: TokenStream) {
        let tokens: Vec<TokenTree> = list.into_iter().collect();
        for entry in tokens.split(|token| is_sign(token, ',')) {
            let words = entry.iter().filter_map(|token| word(Some(token)));
            let words: Vec<String> = words
                .filter(|word| word != "crate" && word != "self")
                .collect();
            if let Some((kind, path)) = words.split_first().filter(|(_, path)| !path.is_empty()) {
                self.entries.push((kind.clone(), path.to_vec()));
            }
        }
    }
}
