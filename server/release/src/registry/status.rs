//! The changes of statuses, as pure functions over the list of releases.

use crate::releases::{Releases, Status};

/// Sets the status of a release. FIDELITY: as in `release_handler:set_status/3`, the permanent release stays permanent in any
/// case, and the release that had the status before becomes old.
pub(super) fn set(releases: &mut Releases, vsn: &str, status: Status) {
    for release in &mut releases.0 {
        match release.vsn == vsn {
            true if release.status == Status::Permanent => (),
            true => release.status = status,
            false if release.status == status => release.status = Status::Old,
            false => (),
        }
    }
}

/// The statuses at the start of a node, given the release that boots: a release that was current for one run is unpacked again.
pub(super) fn settle(releases: &mut Releases, permanent: &str) {
    for release in &mut releases.0 {
        release.status = match release.status {
            _ if release.vsn == permanent => Status::Permanent,
            Status::Permanent => Status::Old,
            Status::Current | Status::TmpCurrent => Status::Unpacked,
            other => other,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::releases::Release;

    const NAMES: [&str; 5] = ["unpacked", "current", "tmp_current", "permanent", "old"];
    const STATUSES: [Status; 5] = [
        Status::Unpacked,
        Status::Current,
        Status::TmpCurrent,
        Status::Permanent,
        Status::Old,
    ];

    /// One release for each status, named after it.
    fn one_of_each() -> Releases {
        let release = |(vsn, status): (&str, Status)| Release {
            name: "pq".to_string(),
            vsn: vsn.to_string(),
            erts_vsn: "1".to_string(),
            libs: Vec::new(),
            status,
        };
        Releases(NAMES.into_iter().zip(STATUSES).map(release).collect())
    }

    fn words(releases: &Releases) -> Vec<&'static str> {
        releases.0.iter().map(|it| it.status.word()).collect()
    }

    #[test]
    fn each_status_is_taken_as_the_table_says() {
        let after = |vsn, status| {
            let mut releases = one_of_each();
            set(&mut releases, vsn, status);
            words(&releases)
        };
        let (current, permanent) = (Status::Current, Status::Permanent);
        let rows = [
            (
                "unpacked",
                current,
                ["current", "old", "tmp_current", "permanent", "old"],
            ),
            (
                "current",
                current,
                ["unpacked", "current", "tmp_current", "permanent", "old"],
            ),
            (
                "permanent",
                current,
                ["unpacked", "old", "tmp_current", "permanent", "old"],
            ),
            (
                "old",
                current,
                ["unpacked", "old", "tmp_current", "permanent", "current"],
            ),
            (
                "current",
                permanent,
                ["unpacked", "permanent", "tmp_current", "old", "old"],
            ),
            ("permanent", permanent, NAMES),
            (
                "old",
                permanent,
                ["unpacked", "current", "tmp_current", "old", "permanent"],
            ),
            (
                "current",
                Status::TmpCurrent,
                ["unpacked", "tmp_current", "old", "permanent", "old"],
            ),
        ];
        for (vsn, status, expected) in rows {
            assert_eq!(after(vsn, status), expected, "{vsn} takes {status:?}");
        }
    }

    #[test]
    fn a_node_begins_with_one_permanent_release_and_no_current_one() {
        let after = |permanent| {
            let mut releases = one_of_each();
            settle(&mut releases, permanent);
            words(&releases)
        };
        let rows = [
            (
                "permanent",
                ["unpacked", "unpacked", "unpacked", "permanent", "old"],
            ),
            (
                "old",
                ["unpacked", "unpacked", "unpacked", "old", "permanent"],
            ),
            (
                "tmp_current",
                ["unpacked", "unpacked", "permanent", "old", "old"],
            ),
        ];
        for (permanent, expected) in rows {
            assert_eq!(after(permanent), expected, "{permanent} boots");
        }
    }
}
