//! Versions of applications between two releases: a relup sends states through them, and the tree has their libraries in `lib`.

use pq_term::Atom;

use super::{BootApp, BootError, ReleaseTree, plain};
use crate::fit::Member;
use crate::layout;
use crate::rel::{RelApp, RelStart};
use crate::releases::Lib;
use crate::relup::Relup;

impl ReleaseTree {
    /// The versions in between through which the ways of a release go; none for a release without a readable relup. Names that
    /// are no part of a path, and applications of the node, are left out: reading one is an error.
    pub(crate) fn converters(&self, vsn: &str) -> Vec<Lib> {
        let relup = plain(vsn)
            .ok()
            .and_then(|()| self.relup(vsn).ok())
            .flatten();
        let converters = relup.iter().flat_map(Relup::converters);
        let is_of_tree = |(name, vsn): &(Atom, String)| {
            let parts = [name.as_str(), vsn];
            let is_plain = |part: &str| layout::is_plain(part) && !part.starts_with('.');
            parts.into_iter().all(is_plain) && self.built_in(name.as_str()).is_none()
        };
        let lib = |(name, vsn): (Atom, String)| Lib {
            name,
            folder: layout::lib_name(name.as_str(), &vsn),
            vsn,
        };
        converters.filter(is_of_tree).map(lib).collect()
    }

    /// Reads a version in between. All its files have to exist and to match their checksums, and its library has to belong to it.
    pub(crate) fn converter(&self, name: Atom, vsn: &str) -> Result<BootApp, BootError> {
        let start = RelStart::None;
        let entry = RelApp {
            name,
            vsn: vsn.to_string(),
            start,
            included: None,
            line: 1,
        };
        self.lib(&entry, &[])?.is_whole()?;
        let app = self.app(&entry, &[])?;
        let app = self.boot_app(Member { app, start })?;
        self.is_the_library_of(&app)?;
        Ok(app)
    }
}
