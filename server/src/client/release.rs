//! The commands about releases that are one request each.

use std::path::{Path, PathBuf};

use pq_protocol::{Exit, Failure};
use pq_release::handler::{CheckReport, Installed};

use super::command::{Noted, Release};
use super::show::raw;
use super::{read, say};
use crate::operator::answer::Done;
use crate::operator::request::{ReleaseRequest, Request};

/// Runs one.
pub(crate) fn run(release: Release) -> Result<(), Failure> {
    let is_verbose = matches!(release, Release::CheckInstall { verbose: true, .. });
    let (request, Noted { message, at }) = requested(release)?;
    let word = request.word();
    let text = at.ask(Request::Release { request, message })?;
    match word {
        "check-install" => {
            at.tell::<CheckReport>(&text)?;
            if is_verbose && !at.json {
                say(raw(&read::<CheckReport>(&text)?).trim_end());
            }
            Ok(())
        }
        "upgrade-app" | "downgrade-app" => at.tell::<Installed>(&text),
        _ => at.tell::<Done>(&text),
    }
}

/// What a command asks for.
fn requested(release: Release) -> Result<(ReleaseRequest, Noted), Failure> {
    Ok(match release {
        Release::Unpack { package, noted } => {
            let package = package_name(package)?;
            (ReleaseRequest::Unpack { package }, noted)
        }
        Release::CheckInstall {
            vsn,
            how,
            parts,
            at,
            ..
        } => {
            let (options, message) = (how.options_of(parts), None);
            let request = ReleaseRequest::CheckInstall {
                vsn,
                options,
                of_install: false,
            };
            (request, Noted { message, at })
        }
        Release::MakePermanent { vsn, noted } => (ReleaseRequest::MakePermanent { vsn }, noted),
        Release::Remove { vsn, noted } => (ReleaseRequest::Remove { vsn }, noted),
        Release::RebootOld { vsn, noted } => (ReleaseRequest::RebootOld { vsn }, noted),
        Release::SetRemoved { vsn, noted } => (ReleaseRequest::SetRemoved { vsn }, noted),
        Release::SetUnpacked {
            rel_file,
            app_dirs,
            noted,
        } => {
            let rel_file = absolute(&rel_file)?;
            let app_dirs = triples(&app_dirs)?;
            (ReleaseRequest::SetUnpacked { rel_file, app_dirs }, noted)
        }
        Release::InstallFile { vsn, file, noted } => {
            let file = absolute(&file)?;
            (ReleaseRequest::InstallFile { vsn, file }, noted)
        }
        Release::UpgradeApp {
            app,
            dir,
            how,
            noted,
        } => {
            let (dir, options) = (absolute(&dir)?, how.options());
            (ReleaseRequest::UpgradeApp { app, dir, options }, noted)
        }
        Release::DowngradeApp {
            app,
            vsn,
            dir,
            how,
            noted,
        } => {
            let (dir, options) = (absolute(&dir)?, how.options());
            let request = ReleaseRequest::DowngradeApp {
                app,
                vsn,
                dir,
                options,
            };
            (request, noted)
        }
    })
}

/// A package of the tree keeps its name; the path of one is for the node, which starts from another folder.
fn package_name(package: String) -> Result<String, Failure> {
    if !package.contains('/') && !package.ends_with(".tar.gz") {
        return Ok(package);
    }
    let path = absolute(Path::new(&package))?;
    path.into_os_string()
        .into_string()
        .map_err(|path| usage(format!("send the path {}: it is not UTF-8", path.display())))
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| usage(format!("find {}: {error}", path.display())))
}

/// `APP VSN DIR`, and again.
fn triples(words: &[String]) -> Result<Vec<(String, String, PathBuf)>, Failure> {
    let triple = |words: &[String]| match words {
        [app, vsn, dir] => Ok((app.clone(), vsn.clone(), absolute(Path::new(dir))?)),
        rest => Err(usage(format!(
            "read `{}`: APP, VSN and DIR are wanted, and again for the next application",
            rest.join(" ")
        ))),
    };
    words.chunks(3).map(triple).collect()
}

fn usage(why: String) -> Failure {
    Failure::new(Exit::Usage, format!("failed to {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_stay_and_paths_become_absolute() {
        let name = |text: &str| package_name(text.to_string()).unwrap();
        assert_eq!(name("processquest-1.1.0"), "processquest-1.1.0");
        assert_eq!(name("/tmp/p-1.tar.gz"), "/tmp/p-1.tar.gz");
        let here = std::env::current_dir().unwrap();
        assert_eq!(Path::new(&name("p-1.tar.gz")), here.join("p-1.tar.gz"));
        assert_eq!(Path::new(&name("sub/p-1")), here.join("sub/p-1"));
    }

    #[test]
    fn applications_elsewhere_are_named_by_three_words_each() {
        let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
        let two = triples(&words("a 1 /x b 2 /y")).unwrap();
        assert_eq!(two[1], ("b".to_string(), "2".to_string(), "/y".into()));
        assert_eq!(triples(&words("a 1 /x b 2")).unwrap_err().exit, Exit::Usage);
        assert_eq!(triples(&[]), Ok(vec![]));
    }
}
