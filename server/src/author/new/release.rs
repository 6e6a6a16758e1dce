//! The directory of the next release: the files of the older one, with other versions in the `.rel` file.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pq_release::rel::Rel;

use super::written::Files;
use crate::libraries::{Source, text_if_there};

/// Adds the files of `releases/VSN`.
///
/// # Errors
/// Fails if a file of the older release cannot be read or used.
pub(super) fn write(
    files: &mut Files,
    older: &Rel,
    vsn: &str,
    applications: &[Source],
) -> anyhow::Result<()> {
    let folder = files.root().join("releases").join(vsn);
    let from = older.file.parent().unwrap_or(Path::new(""));
    let text = text_if_there(&older.file)?.unwrap_or_default();
    let file = folder.join(older.file.file_name().unwrap_or_default());
    let head = format!(
        "%% Release {vsn} of {}, made from {}.\n",
        older.name, older.vsn
    );
    files.add(
        file,
        head + &rel_text(older, &text, vsn, applications)?,
        None,
    );
    for name in settings(from)? {
        let text = text_if_there(&from.join(&name))?.unwrap_or_default();
        let text = format!(
            "%% Settings of release {vsn}, made from those of {}.\n{}",
            older.vsn,
            without_head(&text)
        );
        files.add(folder.join(name), text, None);
    }
    Ok(())
}

/// The names of the settings files in the directory of a release.
fn settings(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?;
    let names = entries
        .flatten()
        .map(|entry| PathBuf::from(entry.file_name()));
    let is_settings = |name: &PathBuf| {
        let text = name.to_string_lossy();
        text.ends_with(".config") || text.ends_with(".config.src")
    };
    let mut names: Vec<PathBuf> = names.filter(is_settings).collect();
    names.sort();
    Ok(names)
}

/// The `.rel` file with the version of the new release, and of the applications that get it.
fn rel_text(older: &Rel, text: &str, vsn: &str, applications: &[Source]) -> anyhow::Result<String> {
    let mut wanted = older.clone();
    wanted.vsn = vsn.to_string();
    let mut new = replaced(
        without_head(text),
        &format!("\"{}\"", older.name),
        &older.vsn,
        vsn,
    );
    for source in applications {
        let name = source.app.name.as_str();
        new = new.and_then(|text| replaced(&text, name, &source.app.vsn, vsn));
        let entries = wanted.applications.iter_mut();
        for entry in entries.filter(|entry| entry.name == name) {
            entry.vsn = vsn.to_string();
        }
    }
    let versions = |rel: &Rel| {
        let apps = rel.applications.iter();
        let apps = apps.map(|app| (app.name.to_string(), app.vsn.clone()));
        (rel.vsn.clone(), apps.collect::<Vec<_>>())
    };
    match new.and_then(|text| Some((Rel::parse(&older.file, &text).ok()?, text))) {
        Some((rel, text)) if versions(&rel) == versions(&wanted) => Ok(text),
        _ => bail!(
            "failed to make the .rel file of release {vsn}: the text of {} is not understood; `{{\"{}\", \"{}\"}}` and \
             `{{Application, \"Vsn\"}}` would be right",
            older.file.display(),
            older.name,
            older.vsn
        ),
    }
}

/// The text with another version in the first tuple `{NAME, "OLD"`.
fn replaced(text: &str, name: &str, old: &str, new: &str) -> Option<String> {
    let opens = text.match_indices('{').map(|(at, _)| at + 1);
    let quoted = format!("\"{old}\"");
    let mut places = opens.filter_map(|at| {
        let rest = text[at..].trim_start().strip_prefix(name)?;
        let rest = rest.trim_start().strip_prefix(',')?.trim_start();
        rest.starts_with(&quoted).then(|| text.len() - rest.len())
    });
    let at = places.next()?;
    Some(format!(
        "{}\"{new}\"{}",
        &text[..at],
        &text[at + quoted.len()..]
    ))
}

/// The text without the comments before the first term: they are about the older release.
fn without_head(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) = rest.trim_start().strip_prefix('%') {
        rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_of_that_name_changes() {
        let rel = "{release, {\"lamp\", \"1.0.0\"}, {erts, \"1.0.0\"}, [{kernel, \"1.0.0\"},\n { lamp , \"1.0.0\"}]}.";
        assert_eq!(
            replaced(rel, "\"lamp\"", "1.0.0", "1.1.0").unwrap(),
            rel.replacen("{\"lamp\", \"1.0.0\"}", "{\"lamp\", \"1.1.0\"}", 1)
        );
        assert_eq!(
            replaced(rel, "lamp", "1.0.0", "1.1.0").unwrap(),
            rel.replacen("{ lamp , \"1.0.0\"}", "{ lamp , \"1.1.0\"}", 1)
        );
        assert_eq!(replaced(rel, "lam", "1.0.0", "1.1.0"), None);
        assert_eq!(
            without_head("%% old\n% of it\n[].\n% kept\n"),
            "[].\n% kept\n"
        );
    }
}
