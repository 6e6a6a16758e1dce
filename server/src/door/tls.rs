//! The TLS listener: its port and its certificate.
//!
//! ```erlang
//! {tls, [{port, 8992},                       % near `telnets` (992), but without root
//!        {certfile, "tls/cert.pem"},         % with its chain; relative to the tree, or absolute
//!        {keyfile, "tls/key.pem"}]}
//! ```
//! The node reads both files again when they change, so renewing a certificate needs no command.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use pq_term::Term;
use sockserv::{Door, Keys};

use super::settings::port_of;
use crate::options;

/// The default port: `telnets` has port 992, which only root may open, and the telnet listener has 8082 in place of
/// 23.
const PORT: u16 = 8_992;

/// The directory of the self-signed certificate, so that the next start uses the same certificate.
const FOLDER: &str = "tls";
const CERTIFICATE: &str = "self-signed.pem";
const KEY: &str = "self-signed.key";

/// The configuration of a TLS listener.
#[derive(Debug, PartialEq, Eq)]
struct Entrance {
    port: u16,
    certfile: PathBuf,
    keyfile: PathBuf,
}

/// The sources of the configuration.
pub(super) struct Wanted<'a> {
    pub(super) setting: Option<Term>,
    pub(super) root: &'a Path,
    pub(super) options: &'a options::Node,
}

/// Opens the TLS listener if the environment or the command line configures one.
pub(super) async fn open(
    door: &Door,
    application: &str,
    Wanted {
        setting,
        root,
        options,
    }: Wanted<'_>,
) -> anyhow::Result<()> {
    let asked = setting.map(|term| Asked::read(application, &term));
    let asked = asked.transpose()?;
    let Some(entrance) = wanted(asked, root, options)? else {
        return Ok(());
    };
    let keys = Keys::open(&entrance.certfile, &entrance.keyfile);
    let keys = keys.map_err(|error| anyhow::anyhow!("failed to {error}"))?;
    let address = SocketAddr::new(options.bind, entrance.port);
    let listens = door.listen_tls(address, keys).await;
    listens.with_context(|| format!("failed to listen on {address} for TLS"))?;
    Ok(())
}

/// Checks the setting `tls` of a release.
pub(super) fn judge(application: &str, env: Option<Term>) -> anyhow::Result<()> {
    env.map_or(Ok(()), |term| Asked::read(application, &term).map(|_| ()))
}

/// The setting `tls` of the environment.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    port: Option<u16>,
    certfile: Option<PathBuf>,
    keyfile: Option<PathBuf>,
}

impl Asked {
    fn read(application: &str, term: &Term) -> anyhow::Result<Asked> {
        let mut asked = Asked::default();
        let pairs = term.as_list().unwrap_or_default();
        for pair in pairs {
            asked.set(application, pair).with_context(|| {
                format!(
                    "tls of {application} has {pair}, where {{port, Number}}, {{certfile, \"File\"}} or \
                     {{keyfile, \"File\"}} is needed"
                )
            })?;
        }
        if pairs.is_empty() {
            bail!(
                "tls of {application} is {term}, where [{{certfile, \"File\"}}, {{keyfile, \"File\"}}] is needed"
            );
        }
        Ok(asked)
    }

    fn set(&mut self, application: &str, pair: &Term) -> Option<()> {
        let [key, value] = pair.as_tuple()? else {
            return None;
        };
        match key.as_atom()?.as_str() {
            "port" => self.port = Some(port_of(application, value).ok()?),
            "certfile" => self.certfile = Some(value.as_str()?.into()),
            "keyfile" => self.keyfile = Some(value.as_str()?.into()),
            _ => return None,
        }
        Some(())
    }
}

/// Merges the environment and the command line, which has precedence.
fn wanted(
    asked: Option<Asked>,
    root: &Path,
    options: &options::Node,
) -> anyhow::Result<Option<Entrance>> {
    if asked.is_none() && options.tls_port.is_none() && !options.self_signed {
        return Ok(None);
    }
    let asked = asked.unwrap_or_default();
    let (certfile, keyfile) = match (options.self_signed, asked.certfile, asked.keyfile) {
        (true, ..) => self_signed(root)
            .with_context(|| format!("failed to make a certificate in {}", root.display()))?,
        (false, Some(certfile), Some(keyfile)) => (root.join(certfile), root.join(keyfile)),
        _ => bail!(
            "a port for TLS needs a certificate: {{tls, [{{certfile, \"File\"}}, {{keyfile, \"File\"}}]}} of the \
             application with the listeners in sys.config, or --self-signed to try it"
        ),
    };
    Ok(Some(Entrance {
        port: options.tls_port.or(asked.port).unwrap_or(PORT),
        certfile,
        keyfile,
    }))
}

/// A self-signed certificate for the names of this machine; created if missing.
fn self_signed(root: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let folder = root.join(FOLDER);
    let (certfile, keyfile) = (folder.join(CERTIFICATE), folder.join(KEY));
    if certfile.exists() && keyfile.exists() {
        return Ok((certfile, keyfile));
    }
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => (),
    }
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_string);
    let made = rcgen::generate_simple_self_signed(names)?;
    write_pem(&keyfile, &made.signing_key.serialize_pem(), 0o600)?;
    write_pem(&certfile, &made.cert.pem(), 0o644)?;
    Ok((certfile, keyfile))
}

fn write_pem(path: &Path, pem: &str, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(mode);
    pq_files::open_as(path, &mut options)?.write_all(pem.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::options::tests::node as options;

    fn asked(text: &str) -> anyhow::Result<Asked> {
        Asked::read("talk", &pq_term::read_term(text).unwrap())
    }

    #[test]
    fn the_command_line_stands_over_the_environment() {
        let root = Path::new("/root of it");
        let text = r#"[{certfile,"tls/a.pem"},{keyfile,"/etc/a.key"},{port,4003}]"#;
        let wanted = |args: &[&str]| {
            let entrance = wanted(Some(asked(text).unwrap()), root, &options(args)).unwrap();
            entrance.unwrap()
        };
        let expected = Entrance {
            port: 4_003,
            certfile: "/root of it/tls/a.pem".into(),
            keyfile: "/etc/a.key".into(),
        };
        assert_eq!(wanted(&[]), expected);
        assert_eq!(wanted(&["--tls-port", "0"]).port, 0);
    }

    #[test]
    fn nothing_is_opened_unless_it_is_asked_for() {
        let root = Path::new("r");
        assert_eq!(wanted(None, root, &options(&[])).unwrap(), None);
        let error = wanted(None, root, &options(&["--tls-port", "1"])).unwrap_err();
        assert!(error.to_string().contains("--self-signed"), "{error}");
    }

    #[test]
    fn a_certificate_of_its_own_is_made_once_and_its_key_is_for_nobody_else() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let entrance = || {
            let entrance = wanted(None, folder.path(), &options(&["--self-signed"])).unwrap();
            entrance.unwrap()
        };
        let first = entrance();
        let certificate = fs::read(&first.certfile).unwrap();
        assert_eq!(entrance(), first);
        assert_eq!(fs::read(&first.certfile).unwrap(), certificate);
        let mode = fs::metadata(&first.keyfile).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        Keys::open(&first.certfile, &first.keyfile).unwrap();
    }

    #[test]
    fn an_odd_setting_is_refused_with_what_would_be_right() {
        for text in ["x", "[]", "[x]", "[{port,65536}]", r#"[{file,"a"}]"#] {
            let error = asked(text).unwrap_err().to_string();
            assert!(error.contains("is needed"), "{text}: {error}");
        }
    }
}
