//! Which Graph API versions answer, judged by the simulator's clock.
//!
//! Meta keeps the Conversions API on a version for as long as the Graph API core lives there (about two
//! years), not as short as the Marketing API (about one). Source: the changelog's table of Graph versions.

use crate::graph_error::GraphError;
use crate::switches::DeadVersions;

/// The newest version that exists.
pub(crate) const NEWEST: &str = "v26.0";
const NEWEST_MAJOR: u32 = 26;

/// First unix second on which a version no longer answers. Older versions than the table's are long gone.
const ENDS: [(u32, i64); 6] = [
    (20, 1_790_208_000), // 2026-09-24
    (21, 1_800_489_600), // 2027-01-21
    (22, 1_810_771_200), // 2027-05-20
    (23, 1_822_953_600), // 2027-10-08
    (24, 1_834_444_800), // 2028-02-18
    (25, 1_848_441_600), // 2028-07-29
];
const OLDEST_LISTED: u32 = 20;

/// True where a path's first segment was meant as a version (`v26.0`, but also `v99` or `v1.x`).
pub(crate) fn looks_like_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Lets a call of `segment` through or says why not.
pub(crate) fn gate(segment: &str, now_s: i64, dead: DeadVersions) -> Result<(), GraphError> {
    let unknown = || GraphError::unknown_path(&format!("/{segment}"));
    let (major, minor) =
        segment.strip_prefix('v').and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
    let major: u32 = digits(major).ok_or_else(unknown)?;
    let minor: u32 = digits(minor).ok_or_else(unknown)?;
    // Only the 1.x to 3.x series had minor versions besides .0.
    if major == 0 || major > NEWEST_MAJOR || (major > 3 && minor != 0) {
        return Err(unknown());
    }
    let ended = major < OLDEST_LISTED || ENDS.iter().any(|(listed, end)| *listed == major && now_s >= *end);
    if ended && dead == DeadVersions::Refuse {
        return Err(GraphError::dead_version(NEWEST));
    }
    Ok(())
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{DeadVersions, gate, looks_like_version};

    const NOV_2026: i64 = 1_795_219_200;

    fn code(segment: &str, now_s: i64, dead: DeadVersions) -> Option<i64> {
        gate(segment, now_s, dead).err().map(|error| error.code)
    }

    #[test]
    fn versions_live_as_long_as_the_graph_column_says() {
        for (segment, expected) in [
            ("v26.0", None),
            ("v25.0", None),
            ("v24.0", None),
            ("v21.0", None),
            ("v20.0", Some(2635)),
            ("v19.0", Some(2635)),
            ("v2.12", Some(2635)),
            ("v27.0", Some(2500)),
            ("v26.1", Some(2500)),
            ("v26", Some(2500)),
            ("v26.x", Some(2500)),
            ("v0.0", Some(2500)),
            ("v99999999999.0", Some(2500)),
        ] {
            assert_eq!(code(segment, NOV_2026, DeadVersions::Refuse), expected, "{segment}");
        }
    }

    #[test]
    fn a_version_dies_on_its_day() {
        assert_eq!(code("v21.0", 1_800_489_599, DeadVersions::Refuse), None);
        assert_eq!(code("v21.0", 1_800_489_600, DeadVersions::Refuse), Some(2635));
    }

    #[test]
    fn the_switch_upgrades_dead_versions_but_not_unknown_ones() {
        assert_eq!(code("v19.0", NOV_2026, DeadVersions::Upgrade), None);
        assert_eq!(code("v99.0", NOV_2026, DeadVersions::Upgrade), Some(2500));
    }

    #[test]
    fn ids_and_edges_are_not_taken_for_versions() {
        assert!(looks_like_version("v26.0") && looks_like_version("v9"));
        assert!(!looks_like_version("123") && !looks_like_version("me") && !looks_like_version("video"));
    }
}
