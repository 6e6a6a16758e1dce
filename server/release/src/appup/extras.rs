//! The arguments `Extra` of the conversions in an appup: for states that are converted outside of an install.

use pq_otp::Direction;
use pq_term::{Atom, Term};

use super::Appup;
use crate::{systools, terms};

impl Appup {
    /// The modules that the way for this version converts, each with the argument `Extra` of its `code_change`. Instructions that
    /// cannot be read have none.
    pub fn extras(&self, direction: Direction, vsn: &str) -> Vec<(Atom, Term)> {
        let way = self.way(direction, vsn);
        way.ok().flatten().map_or(Vec::new(), systools::extras)
    }

    /// The versions whose ways have no pattern, in their order.
    pub fn plain_versions(&self, direction: Direction) -> Vec<String> {
        let entries = self.entries(direction).iter();
        let versions = entries.filter_map(|entry| terms::text(entry.as_tuple()?.first()?));
        versions.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn each_form_of_an_advanced_update_has_its_extra() {
        let text = r#"{"2", [{"1", [{update, a, {advanced, [up, 1]}}, {update, b, soft},
            {update, c, {advanced, x}, [a]}, {update, d, static, 500, {advanced, #{}}, soft_purge, soft_purge, []},
            {load_module, e}, {code_change, [{f, "low"}]}, nonsense]},
            {<<"0\\..*">>, [{update, a, {advanced, old}}]}],
            [{"1", [{update, a, {advanced, down}}]}]}."#;
        let appup = Appup::parse(Path::new("a.appup"), text).unwrap();
        let extras = |direction, vsn| {
            let extras = appup.extras(direction, vsn).into_iter();
            let texts = extras.map(|(module, extra)| format!("{} {extra}", module.as_str()));
            texts.collect::<Vec<_>>().join("; ")
        };
        assert_eq!(
            extras(Direction::Up, "1"),
            "a [up,1]; c x; d #{}; f \"low\""
        );
        assert_eq!(extras(Direction::Up, "0.9"), "a old");
        assert_eq!(extras(Direction::Down, "1"), "a down");
        assert_eq!(extras(Direction::Down, "0.9"), "");
        assert_eq!(appup.plain_versions(Direction::Up), ["1"]);
    }
}
