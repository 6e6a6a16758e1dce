//! Tests of certificates that change while the door is open.

use std::fs;

use super::*;

/// A certificate for this name, and its key, both as PEM.
fn pair(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([name.to_string()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Files {
        Files {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, certificate: &str, key: &str) {
        fs::write(self.path("cert.pem"), certificate).unwrap();
        fs::write(self.path("key.pem"), key).unwrap();
    }

    fn open(&self) -> Result<Keys, KeyError> {
        Keys::open(&self.path("cert.pem"), &self.path("key.pem"))
    }
}

fn certificate(keys: &Keys) -> Vec<u8> {
    keys.now.load().cert[0].to_vec()
}

#[tokio::test(start_paused = true)]
async fn a_new_certificate_is_in_force_for_the_next_client() {
    let (files, (first, first_key), (second, second_key)) =
        (Files::new(), pair("a.example"), pair("a.longer.example"));
    files.put(&first, &first_key);
    let keys = files.open().unwrap();
    let before = certificate(&keys);
    keys.refresh();
    assert_eq!(certificate(&keys), before);
    files.put(&second, &second_key);
    tokio::time::advance(LOOK_AGAIN).await;
    keys.refresh();
    assert_ne!(certificate(&keys), before);
}

#[tokio::test(start_paused = true)]
async fn half_a_change_leaves_the_certificate_before_in_force() {
    let (files, (first, first_key), (second, second_key)) =
        (Files::new(), pair("a.example"), pair("a.longer.example"));
    files.put(&first, &first_key);
    let keys = files.open().unwrap();
    let before = certificate(&keys);
    files.put(&second, &first_key);
    tokio::time::advance(LOOK_AGAIN).await;
    keys.refresh();
    assert_eq!(certificate(&keys), before);
    fs::write(files.path("key.pem"), &second_key).unwrap();
    // Keys of one kind have the same length, and file times are coarse. So the time is set explicitly.
    let later = SystemTime::now() + Duration::from_secs(2);
    let key = fs::File::options().write(true).open(files.path("key.pem"));
    key.unwrap().set_modified(later).unwrap();
    tokio::time::advance(LOOK_AGAIN).await;
    keys.refresh();
    assert_ne!(certificate(&keys), before);
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_with_its_file() {
    let (files, (certificate, key)) = (Files::new(), pair("a.example"));
    let sentence = || files.open().unwrap_err().to_string();
    assert!(sentence().contains("cert.pem"), "{}", sentence());
    files.put("nothing", &key);
    assert!(
        sentence().starts_with("find a certificate in"),
        "{}",
        sentence()
    );
    files.put(&certificate, &certificate);
    assert!(
        sentence().starts_with("find a private key in"),
        "{}",
        sentence()
    );
    files.put(&certificate, &pair("b.example").1);
    assert!(
        sentence().starts_with("use the certificate"),
        "{}",
        sentence()
    );
}
