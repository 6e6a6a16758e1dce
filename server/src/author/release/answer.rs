//! The answer of `pq release`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::client::Show;

/// A release with its package.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct Released {
    /// The name of the release.
    pub(crate) name: String,
    /// The version of the release.
    pub(crate) vsn: String,
    /// The path of the package.
    pub(crate) package: String,
    /// The appups that were made and written beside the sources.
    pub(crate) appups: Vec<String>,
    /// The releases from which this one can be installed, and to which it can go back; the newest first.
    pub(crate) from: Vec<String>,
    /// Older releases of the workspace without a way to this one.
    pub(crate) left_out: Vec<LeftOut>,
    /// Points that the libraries do not decide, for the author to look at.
    pub(crate) notes: Vec<String>,
    /// The tree of the node that has the package.
    pub(crate) root: Option<String>,
}

/// A release without a way to the new one.
#[derive(Serialize, Clone, Debug, JsonSchema)]
pub(crate) struct LeftOut {
    /// The version of the older release.
    pub(crate) vsn: String,
    /// The reason, as a sentence.
    pub(crate) why: String,
}

/// The answer ends with the next command.
impl Show for Released {
    fn show(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        lines.extend(self.notes.iter().map(|note| format!("look at     {note}")));
        lines.extend(self.appups.iter().map(|file| format!("written     {file}")));
        lines.push(match self.from.is_empty() {
            true => "installs    at a boot only: the workspace has no older release".to_string(),
            false => format!("installs    from {}, and goes back", self.from.join(", ")),
        });
        let left_out = self.left_out.iter();
        lines.extend(left_out.map(|left| format!("left out    {}: {}", left.vsn, left.why)));
        lines.push(format!("package     {}", self.package));
        let vsn = &self.vsn;
        lines.push(match &self.root {
            Some(root) => format!(
                "next        pq unpack {}-{vsn} --root {root} && pq install {vsn} --root {root}",
                self.name
            ),
            None => format!("next        pq unpack {} --root DIR", self.package),
        });
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_answer_ends_with_the_next_command() {
        let released = Released {
            name: "lamp".to_string(),
            vsn: "1.2.0".to_string(),
            package: "rel/releases/lamp-1.2.0.tar.gz".to_string(),
            appups: vec!["lamp-1.2.0/lamp.appup".to_string()],
            from: vec!["1.1.0".to_string()],
            left_out: vec![LeftOut {
                vsn: "1.0.0".to_string(),
                why: "lamp.appup has no way from lamp 1.0.0".to_string(),
            }],
            notes: vec!["`lamp_bulb` is only in 1.2.0".to_string()],
            root: Some("rel".to_string()),
        };
        expect![[r#"
            look at     `lamp_bulb` is only in 1.2.0
            written     lamp-1.2.0/lamp.appup
            installs    from 1.1.0, and goes back
            left out    1.0.0: lamp.appup has no way from lamp 1.0.0
            package     rel/releases/lamp-1.2.0.tar.gz
            next        pq unpack lamp-1.2.0 --root rel && pq install 1.2.0 --root rel"#]]
        .assert_eq(&released.show());
    }
}
