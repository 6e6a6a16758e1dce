//! The words of rows in a file.

use super::*;

#[test]
fn a_store_of_the_first_format_keeps_its_rows_and_takes_words() {
    let folder = folder();
    let path = place(&folder);
    let mut old = Connection::open(&path).unwrap();
    schema::migrate(&mut old, 0, &schema::STEPS[..1]).unwrap();
    drop(old);
    meddle(
        &path,
        "INSERT INTO versions VALUES (1, 'game 1');
         INSERT INTO save VALUES (7, 1, 0, 1, 5, 'key 7', 'Name 7', NULL, x'00')",
    );
    let mut store = Database::open(&path).unwrap();
    let hash = Some("a hash".to_owned());
    let word = Change::Word {
        id: 7,
        hash: hash.clone(),
    };
    store.commit(&[word]).unwrap();
    drop(store);
    let copy = folder.path().join("copy.db");
    backup(&path, &copy).unwrap();
    let mut snapshot = Snapshot::open(&copy).unwrap();
    assert_eq!(all(&mut snapshot)[0].name, "Name 7");
    assert_eq!(snapshot.word(7).unwrap(), hash);
}
