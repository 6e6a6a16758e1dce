//! Templates: texts in which names in double braces are filled in, such as `{{Type}}`.

/// A text in the making.
pub(super) struct Template(String);

impl Template {
    pub(super) fn of(text: &str) -> Template {
        Template(text.to_string())
    }

    /// Fills a name in everywhere.
    pub(super) fn with(self, name: &str, value: &str) -> Template {
        Template(self.0.replace(&format!("{{{{{name}}}}}"), value))
    }

    /// The finished text.
    ///
    /// # Panics
    /// If a name is not filled in: templates are part of this program, and a test fills in each of them.
    pub(super) fn text(self) -> String {
        assert!(
            !self.0.contains("{{"),
            "a name is not filled in: {}",
            self.0
        );
        self.0
    }
}

/// The type of a module: `shop_cart` is `ShopCart`.
pub(super) fn type_name(module: &str) -> String {
    let words = module.split('_').filter(|word| !word.is_empty());
    let upper = |word: &str| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    };
    words.map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_everywhere() {
        let text = Template::of("{{a}} and {{a}}{{b}} { }")
            .with("a", "1")
            .with("b", "2");
        assert_eq!(text.text(), "1 and 12 { }");
        assert_eq!(type_name("shop_cart"), "ShopCart");
        assert_eq!(type_name("lamp"), "Lamp");
    }
}
